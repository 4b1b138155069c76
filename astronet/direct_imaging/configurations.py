"""Configurations of the models that tell companions from speckles in patches of residuals (see mlar.py)."""

import dataclasses
import math
from typing import Annotated, Any

from astronet.config.schema import Bounds, Config, Feature, Hparams, Inputs, Share

FEATURE = "residuals"  # of a record: a patch, [num_levels, size, size], flat
NUM_LEVELS, SIZE = 20, 9  # of the configurations by name; 9 pixels are 2 FWHM of NACO in L'
LABEL_MAP = {"companion": 1, "speckle": 0}


@dataclasses.dataclass(frozen=True)
class PatchHparams(Hparams):
    num_levels: int = NUM_LEVELS  # of low-rank approximation, which a patch has images of
    companion_share: float = 0.2  # of the samples that it learns from, and so the prior of its probabilities


@dataclasses.dataclass(frozen=True)
class SodinnHparams(PatchHparams):
    num_filters: int = 40  # of the first convolutional layer; the second has twice as many
    column_dropout_rate: Share = 0.0  # after each pooling
    turn_patches: bool = False  # a sample, each time it is learned from, lies in one of the eight ways of a square


@dataclasses.dataclass(frozen=True)
class SodirfHparams(PatchHparams):
    """Hyperparameters of the trees. A random forest uses none of the shared hyperparameters of gradient descent."""

    num_trees: Annotated[int, Bounds(most=10_000)] = 100
    max_depth: Annotated[int, Bounds(most=24)] = 12  # of a tree, which has room for 2 ** max_depth leaves
    min_samples_leaf: int = 1


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
_AT_ONCE: dict[str, Any] = {
    "train_epochs": 1,
    "batch_size": 1 << 30,
    "reversal_probability": 0.0,
}  # one step on all there is
_HPARAMS = {
    "sodinn": SodinnHparams(**_SODINN),
    # Its epochs cost a tenth. Without the warm-up most of the dense layer's units die in the first steps, and of some
    # seeds all that speak for a companion, so that none is ever probable.
    "sodinn_conv3d": SodinnHparams(**{**_SODINN, "train_epochs": 12, "warmup_steps": 500}),
    "sodirf": SodirfHparams(**_AT_ONCE),
}


def for_patches(model, num_levels, size, **hparams):
    """Returns the Config of a model, "sodinn", "sodinn_conv3d" or "sodirf", for patches [num_levels, size, size]."""
    inputs = Inputs({FEATURE: Feature(num_levels * size**2)}, label_map=LABEL_MAP)
    return Config(inputs, dataclasses.replace(_HPARAMS[model], num_levels=num_levels, **hparams))


def patch_shape(config):
    """Returns (num_levels, size, size) of the patches that a Config is for.

    Raises:
      ValueError: it is not for patches of odd size alone.
    """
    if list(config.inputs.features) != [FEATURE] or config.inputs.scalars or config.hparams.output_dim != 1:
        raise ValueError(f"it reads {FEATURE}, no other feature and no scalars, and has one output")
    length, num_levels = config.inputs.features[FEATURE].length, config.hparams.num_levels
    size = math.isqrt(max(0, length // max(1, num_levels)))
    if size % 2 == 0 or num_levels * size**2 != length:
        raise ValueError(f"{FEATURE} of length {length} are not {num_levels} levels (num_levels) of odd size x size")
    return num_levels, size, size


CONFIGURATIONS = {model: {model: for_patches(model, NUM_LEVELS, SIZE)} for model in _HPARAMS}
