"""The configurations of the models that tell companions from speckles in patches of residuals (mlar.py)."""

import dataclasses
import math
from typing import Annotated, Any, TypeVar

from astronet.config.schema import Bounds, Config, Feature, Hparams, Inputs, Share

FEATURE = "residuals"  # name of the input: a patch [num_levels, size, size], flattened
NUM_LEVELS, SIZE = 20, 9  # of the named configurations; 9 pixels are 2 FWHM of NACO in L'
LABEL_MAP = {"companion": 1, "speckle": 0}


@dataclasses.dataclass(frozen=True)
class PatchHparams(Hparams):
    """Hyperparameters of all models for patches."""

    num_levels: int = NUM_LEVELS  # low-rank approximations in a patch
    companion_share: float = 0.2  # of the training samples, and so the prior of the probabilities


@dataclasses.dataclass(frozen=True)
class SodinnHparams(PatchHparams):
    """Hyperparameters of SODINN."""

    num_filters: int = 40  # filters of the first convolutional layer; the second has twice as many
    column_dropout_rate: Share = 0.0  # after each pooling
    turn_patches: bool = False  # augmentation: rotates and mirrors patches in the eight ways of a square


@dataclasses.dataclass(frozen=True)
class SodirfHparams(PatchHparams):
    """Hyperparameters of the trees. A random forest uses none of the shared hyperparameters of gradient descent."""

    num_trees: Annotated[int, Bounds(most=10_000)] = 100
    max_depth: Annotated[int, Bounds(most=24)] = 12  # of a tree; it has 2 ** max_depth leaves at most
    min_samples_leaf: int = 1


HparamsOfModel = TypeVar("HparamsOfModel", bound=PatchHparams)

_SODINN: dict[str, Any] = {
    "num_pre_logits_hidden_layers": 1,
    "pre_logits_hidden_layer_size": 128,
    "learning_rate": 2e-3,
    "learning_rate_schedule": "cosine",
    "batch_size": 32,
    "train_epochs": 6,
    "dropout_rate": 0.25,
    "column_dropout_rate": 0.25,
    "reversal_probability": 0.0,
    "turn_patches": True,
}
_AT_ONCE: dict[str, Any] = {  # one step on all samples
    "train_epochs": 1,
    "batch_size": 1 << 30,
    "reversal_probability": 0.0,
}
_HPARAMS = {
    "sodinn": SodinnHparams(**_SODINN),
    # An epoch costs a tenth of SODINN's. Without the warm-up, most units of the dense layer die in the first steps. For
    # some seeds all units that speak for a companion die, and no companion is ever probable.
    "sodinn_conv3d": SodinnHparams(**{**_SODINN, "train_epochs": 12, "warmup_steps": 500}),
    "sodirf": SodirfHparams(**_AT_ONCE),
}


def for_patches(model: str, num_levels: int, size: int, **hparams: Any) -> Config:
    """Returns the configuration of a model for patches [num_levels, size, size].

    Args:
      model: "sodinn", "sodinn_conv3d" or "sodirf".
      num_levels: number of low-rank approximations.
      size: width and height of a patch, odd [px].
      **hparams: hyperparameters that differ from the default.
    """
    inputs = Inputs({FEATURE: Feature(num_levels * size**2)}, label_map=LABEL_MAP)
    return Config(inputs, dataclasses.replace(_HPARAMS[model], num_levels=num_levels, **hparams))


def hparams_of(config: Config, kind: type[HparamsOfModel]) -> HparamsOfModel:
    """Returns the hyperparameters of a configuration; raises ValueError if they are not of this class."""
    if not isinstance(config.hparams, kind):
        raise ValueError(f"its hyperparameters are {type(config.hparams).__name__}, not {kind.__name__}")
    return config.hparams


def patch_shape(config: Config) -> tuple[int, int, int]:
    """Returns the shape (num_levels, size, size) of the patches of a configuration.

    Raises:
      ValueError: the configuration has other inputs, or patches of an even size.
    """
    if list(config.inputs.features) != [FEATURE] or config.inputs.scalars or config.hparams.output_dim != 1:
        raise ValueError(f"it reads {FEATURE}, no other feature and no scalars, and has one output")
    length, num_levels = config.inputs.features[FEATURE].length, hparams_of(config, PatchHparams).num_levels
    size = math.isqrt(max(0, length // max(1, num_levels)))
    if size % 2 == 0 or num_levels * size**2 != length:
        raise ValueError(f"{FEATURE} of length {length} are not {num_levels} levels (num_levels) of odd size x size")
    return num_levels, size, size


CONFIGURATIONS = {model: {model: for_patches(model, NUM_LEVELS, SIZE)} for model in _HPARAMS}
