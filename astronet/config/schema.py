"""What a configuration is: typed fields, read from dictionaries; an unknown key is an error that names the nearest."""

import dataclasses
import difflib
import functools
import sys
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Optional, TypeVar

from astronet.base.script import ScriptError

Option = TypeVar("Option")


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The least and the most that a number of a configuration may be, both allowed; None is no limit.

    They stand beside the field, `num_layers: Annotated[int, Bounds(most=1000)]`.
    """

    least: Optional[float] = None
    most: Optional[float] = None

    def allow(self, value: float) -> bool:
        """Returns whether a value is within the bounds; NaN is not."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        """What is needed, in words."""
        if self.least is None:
            return f"{self.most:g} at most" if self.most is not None else "any number"
        return f"{self.least:g} or more needed" if self.most is None else f"{self.least:g} to {self.most:g} needed"


Share = Annotated[float, Bounds(0, 1)]
Count = Annotated[int, Bounds(least=1)]
# Beyond this many, building the model would not end. models.build() limits the number of its weights.
LayerCount = Annotated[int, Bounds(most=1000)]


def check_bounds(section: Any, where: str) -> None:
    """Checks the numbers of a dataclass against the bounds beside its fields.

    Args:
      section: instance of a dataclass.
      where: its dotted path in the configuration, for messages.

    Raises:
      ScriptError: naming the first field that is out of bounds.
    """
    for name, bounds in _bounds_of(section.__class__).items():
        value = getattr(section, name)
        if value is not None and not bounds.allow(value):
            raise ScriptError(f"{where}.{name} is {value}: {bounds}")


@functools.cache
def _bounds_of(cls: type[Any]) -> dict[str, Bounds]:
    """Bounds of the fields of a dataclass that have them, by name."""
    by_name = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        hints = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
        for extra in (extra for part in hints for extra in getattr(part, "__metadata__", ())):
            if isinstance(extra, Bounds):
                by_name[name] = extra
    return by_name


@dataclasses.dataclass(frozen=True)
class Feature:
    """One input of a model: a time series of `length` bins, or (is_time_series false) `length` other numbers.

    What is no time series is not reversed, nor augmented but by hyperparameters of its model's own (turn_patches), and
    has no limits of novelty.
    """

    length: Annotated[int, Bounds(most=100_000)] = 1
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

    output_dim: Count = 1  # 1: sigmoid; more: softmax over as many classes, class 0 being the negatives
    num_pre_logits_hidden_layers: LayerCount = 0
    pre_logits_hidden_layer_size: int = 512
    batch_size: Count = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-5
    learning_rate_schedule: str = "constant"  # or cosine: to zero at the last training step
    warmup_steps: int = 0  # over which the learning rate rises in proportion to the step; a sixth of all at most
    momentum: float = 0.9  # of the optimizers that have one: momentum, rmsprop
    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_epsilon: float = 1e-8
    clip_gradient_norm: Optional[float] = None
    # Share of each kernel, times the learning rate, that a step takes away.
    weight_decay: Annotated[float, Bounds(least=0)] = 0.0
    average_decay: Share = 0.0  # of the moving average of the weights that is evaluated and restored; 0: no average
    train_epochs: Optional[Count] = None  # length of a training without --train_steps; None: 14,000 steps
    dropout_rate: Share = 0.0  # after each dense layer
    label_smoothing: Share = 0.0  # share of each label that is spread evenly over all classes
    score_both_directions: bool = False  # a TCE's logits are the mean over its time series forward and reversed
    early_stop_patience: Optional[int] = None  # evaluations without a lower validation loss before training stops
    # Augmentation: what happens to a training example, anew each time it is seen.
    reversal_probability: Share = 0.5  # of all its time series being reversed together
    max_shift_bins: int = 0  # by which each of its time series is rolled, either way
    max_padded_bins: int = 0  # of one end of it, which repeat their neighbor as at a gap, in every other example
    max_noise: float = 0.0  # added to each of its time series, in units of that series' own scatter
    scalar_drop_probability: Share = 0.0  # of each column that scalars are made of being missing


@dataclasses.dataclass(frozen=True)
class Config:
    """A model's inputs and hyperparameters (`hparams` is of the model's own class where the model has columns)."""

    inputs: Inputs
    hparams: Hparams

    def __post_init__(self) -> None:
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
        check_bounds(self.hparams, "hparams")


def choose(options: Mapping[str, Option], name: Any, what: str) -> Option:
    """Returns options[name], or raises a ScriptError that names the nearest of the known names."""
    if name in options:
        return options[name]
    near = difflib.get_close_matches(str(name), options, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(options))}"
    raise ScriptError(f"unknown {what} {name}; {hint}")


def merge(base: Any, patch: Any) -> Any:
    """Returns `base` with `patch` laid over it, dictionary by dictionary; a None removes its key (RFC 7396)."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    changed = {key: merge(base.get(key), value) for key, value in patch.items() if value is not None}
    return {**{key: value for key, value in base.items() if key not in patch}, **changed}


def from_dict(cls: type[Any], values: Any, where: str) -> Any:
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
    section = cls(**{key: _convert(hints[key], value, f"{where}.{key}") for key, value in values.items()})
    check_bounds(section, where)
    return section


def _convert(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
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
