"""What a configuration is: typed fields, read from dictionaries; an unknown key is an error that names the nearest."""

import dataclasses
import difflib
import sys
import typing
from typing import Optional

from astronet.base.script import ScriptError


@dataclasses.dataclass(frozen=True)
class Feature:
    """One input of a model: a time series of `length` bins, or (is_time_series false) `length` other numbers.

    What is no time series is not reversed, nor augmented but by hyperparameters of its model's own (turn_patches), and
    has no limits of novelty.
    """

    length: int = 1
    is_time_series: bool = False


@dataclasses.dataclass(frozen=True)
class Scalar:
    """The logarithm of a product of powers of record columns, such as Duration / Period; normalized by the model.

    mean and scale (a standard deviation) are measured on the training records where they are None, and then saved here
    and in the checkpoint. A TCE that lacks one of the columns, or has it at 0 or below, gets the mean.
    """

    powers: dict[str, float]
    mean: Optional[float] = None
    scale: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class SectorEvents:
    """When the TCEs of a sector have their events, as data/event_density.py writes and reads it.

    start: of the first 0.1 d (BTJD, days).
    densities: the sector ("all") and its cameras ("1" to "4"), each a text of a character for each 0.1 d.
    """

    start: float
    densities: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a model reads from a record: features and scalars by name, and the class of each value of the label.

    sector_events is measured on the training records where it is empty and a scalar needs it. It serves records of the
    same sectors that do not say themselves how crowded the times of their events are.
    """

    features: dict[str, Feature]
    scalars: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    label_feature: str = "Disposition"
    label_map: dict[str, int] = dataclasses.field(
        default_factory=lambda: {"PC": 1, "EB": 1, "J": 0, "V": 0, "IS": 0, "O": 0}
    )
    sector_events: dict[str, SectorEvents] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Hparams:
    """What all models share; the defaults are the published recipe (Yu et al. 2019, AJ 158, 25, section 4)."""

    output_dim: int = 1  # 1: sigmoid; more: softmax over as many classes, class 0 being the negatives
    num_pre_logits_hidden_layers: int = 0
    pre_logits_hidden_layer_size: int = 512
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-5
    learning_rate_schedule: str = "constant"  # or cosine: to zero at the last training step
    warmup_steps: int = 0  # over which the learning rate rises in proportion to the step; a sixth of all at most
    momentum: float = 0.9  # of the optimizers that have one: momentum, rmsprop
    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_epsilon: float = 1e-8
    clip_gradient_norm: Optional[float] = None
    weight_decay: float = 0.0  # share of each kernel, times the learning rate, that a step takes away
    average_decay: float = 0.0  # of the moving average of the weights that is evaluated and restored; 0: no average
    train_epochs: Optional[int] = None  # length of a training without --train_steps; None: 14,000 steps
    dropout_rate: float = 0.0  # after each dense layer
    label_smoothing: float = 0.0  # share of each label that is spread evenly over all classes
    score_both_directions: bool = False  # a TCE's logits are the mean over its time series forward and reversed
    early_stop_patience: Optional[int] = None  # evaluations without a lower validation loss before training stops
    # Augmentation: what happens to a training example, anew each time it is seen.
    reversal_probability: float = 0.5  # of all its time series being reversed together
    max_shift_bins: int = 0  # by which each of its time series is rolled, either way
    max_padded_bins: int = 0  # of one end of it, which repeat their neighbor as at a gap, in every other example
    max_noise: float = 0.0  # added to each of its time series, in units of that series' own scatter
    scalar_drop_probability: float = 0.0  # of each column that scalars are made of being missing


# Beyond, building the model would not end. models.build() limits the number of its weights.
_MOST = {
    "length": 100_000,
    "num_pre_logits_hidden_layers": 1000,
    "num_layers": 1000,
    "num_blocks": 100,
    "num_trees": 10_000,
    "max_depth": 24,
    "convs_per_block": 10,
}
_SHARES = (
    "average_decay",
    "column_dropout_rate",
    "dropout_rate",
    "label_smoothing",
    "reversal_probability",
    "scalar_drop_probability",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """A model's inputs and hyperparameters (`hparams` is of the model's own class where the model has columns)."""

    inputs: Inputs
    hparams: Hparams

    def __post_init__(self):
        classes = range(max(2, self.hparams.output_dim))
        for disposition, label in self.inputs.label_map.items():
            if label not in classes:
                raise ScriptError(f"inputs.label_map.{disposition} is {label}: 0 to {classes[-1]} needed (output_dim)")
        series = {name for name, feature in self.inputs.features.items() if feature.is_time_series}
        odd = series ^ set(getattr(self.hparams, "columns", series))
        if odd:
            raise ScriptError(
                f"inputs.features and hparams.columns disagree about {', '.join(sorted(odd))}: name it in both"
            )
        for name in ("output_dim", "batch_size"):
            if getattr(self.hparams, name) < 1:
                raise ScriptError(f"hparams.{name} is {getattr(self.hparams, name)}: 1 or more needed")
        for name in _SHARES:
            value = getattr(self.hparams, name, 0)
            if not 0 <= value <= 1:
                raise ScriptError(f"hparams.{name} is {value}: 0 to 1 needed")
        if not self.hparams.weight_decay >= 0:
            raise ScriptError(f"hparams.weight_decay is {self.hparams.weight_decay}: 0 or more needed")
        if self.hparams.train_epochs is not None and self.hparams.train_epochs < 1:
            raise ScriptError(f"hparams.train_epochs is {self.hparams.train_epochs}: 1 or more needed")


def choose(options, name, what):
    """Returns options[name], or raises a ScriptError that names the nearest of the known names."""
    if name in options:
        return options[name]
    near = difflib.get_close_matches(str(name), options, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(options))}"
    raise ScriptError(f"unknown {what} {name}; {hint}")


def merge(base, patch):
    """Returns `base` with `patch` laid over it, dictionary by dictionary; a None removes its key (RFC 7396)."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    changed = {key: merge(base.get(key), value) for key, value in patch.items() if value is not None}
    return {**{key: value for key, value in base.items() if key not in patch}, **changed}


def from_dict(cls, values, where):
    """Builds a dataclass from nested dictionaries.

    Args:
      cls: dataclass of scalars, dictionaries and dataclasses.
      values: dictionary, such as dataclasses.asdict or JSON gives.
      where: dotted path of `values` in the configuration, for messages.

    Returns:
      An instance of cls.

    Raises:
      ScriptError: for an unknown key (naming the nearest known one), a missing one, a value of another type, or one
        that is not finite or beyond reason.
    """
    if not isinstance(values, dict):
        raise ScriptError(f"{where} is {values!r}: a dictionary needed")
    hints = typing.get_type_hints(cls)
    for key in values:
        choose(hints, key, f"{where} key")
    for field in dataclasses.fields(cls):
        if field.default is field.default_factory is dataclasses.MISSING and field.name not in values:
            raise ScriptError(f"{where} lacks {field.name}")
    for key, most in _MOST.items():
        if type(values.get(key)) is int and values[key] > most:
            raise ScriptError(f"{where}.{key} is {values[key]}: {most} at most")
    return cls(**{key: _convert(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def _convert(hint, value, where):
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where)
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        return {key: _convert(typing.get_args(hint)[1], item, f"{where}.{key}") for key, item in value.items()}
    if typing.get_origin(hint) is typing.Union:
        return None if value is None else _convert(typing.get_args(hint)[0], value, where)
    if hint is float:
        if type(value) in (int, float) and abs(value) <= sys.float_info.max:  # neither NaN nor infinite
            return float(value)
    elif type(value) is hint:
        return value
    raise ScriptError(f"{where} is {value!r}: {getattr(hint, '__name__', hint)} needed")
