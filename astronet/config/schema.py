"""The fields of a configuration, with their types, defaults and bounds, and how they are read from dictionaries."""

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
    """The smallest and the greatest allowed value of a number in a configuration; None means no limit.

    The bounds are written beside the field, as in `num_layers: Annotated[int, Bounds(most=1000)]`.

    >>> Bounds(0, 1).allow(1.0), Bounds(0, 1).allow(1.5)
    (True, False)
    """

    least: Optional[float] = None
    most: Optional[float] = None

    def allow(self, value: float) -> bool:
        """Returns whether a value is within the bounds. NaN never is."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        """Returns the bounds as text for a message."""
        if self.least is None:
            return f"{self.most:g} at most" if self.most is not None else "any number"
        return f"{self.least:g} or more needed" if self.most is None else f"{self.least:g} to {self.most:g} needed"


Share = Annotated[float, Bounds(0, 1)]
Count = Annotated[int, Bounds(least=1)]
# With more layers, building the model would never end. models.build() limits the number of weights.
LayerCount = Annotated[int, Bounds(most=1000)]


def check_bounds(section: Any, where: str) -> None:
    """Checks the numbers in a dataclass against the bounds beside its fields.

    Args:
      section: instance of a dataclass.
      where: dotted path of `section` in the configuration, for messages.

    Raises:
      ScriptError: a field is out of bounds; the message names the first one.
    """
    for name, bounds in _bounds_of(section.__class__).items():
        value = getattr(section, name)
        if value is not None and not bounds.allow(value):
            raise ScriptError(f"{where}.{name} is {value}: {bounds}")


@functools.cache
def _bounds_of(cls: type[Any]) -> dict[str, Bounds]:
    """Returns the bounds of the fields of a dataclass, by name; fields without bounds are left out."""
    by_name = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        hints = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
        for extra in (extra for part in hints for extra in getattr(part, "__metadata__", ())):
            if isinstance(extra, Bounds):
                by_name[name] = extra
    return by_name


@dataclasses.dataclass(frozen=True)
class Feature:
    """One input of a model: a time series of `length` bins, or `length` other numbers if is_time_series is false.

    Inputs that are not time series are not reversed and have no limits of novelty. They are augmented only by
    hyperparameters of their model (turn_patches).
    """

    length: Annotated[int, Bounds(most=100_000)] = 1
    is_time_series: bool = False


@dataclasses.dataclass(frozen=True)
class Scalar:
    """A scalar input: the logarithm of a product of powers of record columns, such as Duration / Period.

    The model normalizes it. If a TCE lacks one of the columns, or has a value of 0 or below, the scalar is the mean.

    Attributes:
      powers: dict of column name to power.
      mean, scale: mean and standard deviation. If None, they are measured on the training records, and then saved in
        the configuration and in the checkpoint.
      symlog_unit: for a product v of either sign, such as a change of depth: sign(v) log(1 + |v| / symlog_unit) then
        takes the place of the logarithm. It is linear well below symlog_unit and logarithmic far above it.
    """

    powers: dict[str, float]
    mean: Optional[float] = None
    scale: Optional[float] = None
    symlog_unit: Optional[Annotated[float, Bounds(least=1e-30)]] = None


@dataclasses.dataclass(frozen=True)
class SectorEvents:
    """The event densities of a sector over time; records/event_density.py writes and reads them.

    Attributes:
      start: start of the first bin of 0.1 d, BTJD.
      densities: densities of the sector ("all") and of its cameras ("1" to "4"), as text with a character for each bin.
    """

    start: float
    densities: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The inputs that a model reads from a record.

    Attributes:
      features: features by name.
      scalars: scalars by name.
      label_feature: column of the label.
      label_map: class of each value of the label; 0 is negative.
      sector_events: event densities of sectors, for records without event densities. They are measured on the training
        records if this is empty and a scalar needs them.
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
    """The hyperparameters that all models share. The defaults are those of Yu et al. 2019 (AJ 158, 25, section 4)."""

    output_dim: Count = 1  # 1: sigmoid; more: softmax over this many classes, of which class 0 is negative
    num_pre_logits_hidden_layers: LayerCount = 0
    pre_logits_hidden_layer_size: int = 512
    batch_size: Count = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-5
    learning_rate_schedule: str = "constant"  # or "cosine": falls to zero at the last training step
    warmup_steps: int = 0  # steps in which the learning rate rises linearly; at most a sixth of all steps
    momentum: float = 0.9  # used by the optimizers "momentum" and "rmsprop"
    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_epsilon: float = 1e-8
    clip_gradient_norm: Optional[float] = None
    # Each step multiplies the kernels by 1 - weight_decay * learning rate.
    weight_decay: Annotated[float, Bounds(least=0)] = 0.0
    average_decay: Share = 0.0  # decay of the moving average of the weights, which is evaluated; 0: no average
    train_epochs: Optional[Count] = None  # length of a training without --train_steps; None: 14,000 steps
    dropout_rate: Share = 0.0  # after each dense layer
    label_smoothing: Share = 0.0  # fraction of each label that is spread evenly over all classes
    score_both_directions: bool = False  # logits are the mean over the time series forward and reversed
    early_stop_patience: Optional[int] = None  # training stops after so many evaluations without a lower loss
    # Augmentation: random changes to a training example, drawn again each time the example is used.
    reversal_probability: Share = 0.5  # probability that all time series of an example are reversed together
    max_shift_bins: int = 0  # each time series is rolled by up to this many bins, either way
    max_padded_bins: int = 0  # up to this many bins at one end repeat their neighbor, in half of the examples
    max_noise: float = 0.0  # standard deviation of added noise, up to this many times the scatter of the series
    scalar_drop_probability: Share = 0.0  # probability that a column of the scalars is missing
    half_drop_probability: Share = 0.0  # that a TCE loses half of the columns of its scalars, drawn at random


@dataclasses.dataclass(frozen=True)
class Config:
    """The inputs and hyperparameters of a model. Some models have a subclass of Hparams."""

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


def choose(options: Mapping[str, Option], name: Any, noun: str) -> Option:
    """Returns options[name].

    Args:
      options: dict of known names to values.
      name: the name to look up.
      noun: what the name is, such as "model", for the message.

    Raises:
      ScriptError: the name is not known; the message names the most similar one.
    """
    if name in options:
        return options[name]
    near = difflib.get_close_matches(str(name), options, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(options))}"
    raise ScriptError(f"unknown {noun} {name}; {hint}")


def merge(base: Any, patch: Any) -> Any:
    """Returns nested dictionaries `base` with the changes in `patch`; None removes a key (RFC 7396).

    >>> merge({"hparams": {"batch_size": 64, "momentum": 0.9}}, {"hparams": {"batch_size": 32, "momentum": None}})
    {'hparams': {'batch_size': 32}}
    """
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    changed = {key: merge(base.get(key), value) for key, value in patch.items() if value is not None}
    return {**{key: value for key, value in base.items() if key not in patch}, **changed}


def from_dict(cls: type[Any], values: Any, where: str) -> Any:
    """Makes an instance of a dataclass from nested dictionaries.

    Args:
      cls: dataclass whose fields are numbers, texts, dictionaries and dataclasses.
      values: dictionary, for example from dataclasses.asdict or from JSON.
      where: dotted path of `values` in the configuration, for messages.

    Returns:
      An instance of cls.

    Raises:
      ScriptError: a key is unknown (the message names the most similar one) or missing, or a value has the wrong type,
        is not finite, or is out of bounds.
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
