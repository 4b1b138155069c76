"""What a configuration reads from records: as arrays, batch by batch, and checked. NumPy and protobuf alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.schema import Config
from astronet.data.records import event_density, tf_example
from astronet.data.records.columns import CAMERA, EPOCH, EVENT_DENSITIES, KIND_OF, PERIOD, SECTOR
from astronet.data.records.tf_example import Example

# What event densities are looked up by: name of the feature -> type of its value, and what stands for a missing one.
EPHEMERIS: dict[str, tuple[type, float]] = {
    name: (KIND_OF[name], np.nan if KIND_OF[name] is float else 0) for name in (EPOCH, PERIOD, SECTOR, CAMERA)
}

Features = dict[str, np.ndarray]


def parse(serialized: list[bytes], config: Config) -> Features:
    """Parses a batch of records, as dataset.py does by TensorFlow.

    Args:
      serialized: tf.train.Examples.
      config: Config.

    Returns:
      Dictionary of [batch, length] arrays: float32, the numbers of sector and camera int64. A column that a record
      lacks is NaN, or 0.

    Raises:
      ScriptError: a record lacks a feature, or has it of another length or type.
    """
    examples = [tf_example.from_serialized(record) for record in serialized]
    columns = set(configuration.scalar_columns(config)).difference(config.inputs.features)
    parsed = {}
    for name, length in configuration.input_lengths(config).items():
        missing = np.nan if name in columns else None
        parsed[name] = _stack(examples, name, length, float, missing)
    if reads_event_densities(config):
        for name, (kind, missing) in EPHEMERIS.items():
            parsed[name] = _stack(examples, name, 1, kind, missing)
    return completed(parsed, config)


def _stack(examples, name, length, kind, missing):
    """A feature of all examples, [batch, length]; `missing` fills it where an example lacks it, None: none may."""
    stacked = np.empty([len(examples), length], np.float32 if kind is float else np.int64)
    for row, example in enumerate(examples):
        feature = example.features.feature.get(name)
        if feature is None or feature.WhichOneof("kind") is None:
            if missing is None:
                raise ScriptError(f"a record lacks {name}: make the records again")
            stacked[row] = missing
            continue
        values = tf_example.floats(feature) if kind is float else feature.int64_list.value
        if len(values) != length:
            raise ScriptError(f"{name} of a record has {len(values)} values, {length} needed: make the records again")
        stacked[row] = values
    return stacked


def batches(
    serialized_batches: Iterable[list[bytes]],
    config: Config,
    where: Callable[[int], str] = lambda number: "a record",
    parse: Callable[[list[bytes], Config], Features] = parse,
) -> Iterator[dict[str, Any]]:
    """Yields the features of batches of records that need not be labeled.

    Args:
      serialized_batches: iterable of lists of serialized tf.train.Examples.
      config: Config.
      where: function from the number of a record, counted from 0 over all batches, to what messages call it.
      parse: what parses a batch.

    Yields:
      Dictionary of [batch, length] float32 arrays and of "serialized", the list of the batch's records.

    Raises:
      ScriptError: naming the TCE whose record the configuration cannot read.
    """
    first = 0
    for serialized in serialized_batches:
        try:
            features = parse(serialized, config)
        except ScriptError:
            _check_each(serialized, first, config, where)  # which says more
            raise
        if not _is_usable(features, config):
            _check_each(serialized, first, config, where)
        yield {"serialized": serialized, **features}
        first += len(serialized)


def reads_event_densities(config: Config) -> bool:
    """Returns whether a model reads how crowded the times of a TCE's events are."""
    return not set(EVENT_DENSITIES).isdisjoint(configuration.scalar_columns(config))


def completed(parsed: Features, config: Config) -> Features:
    """Returns parsed features with the event densities that their records lack, by those of the configuration."""
    if not config.inputs.sector_events:
        return parsed
    stars = np.zeros(len(next(iter(parsed.values()))))  # whoever they are
    return filled(parsed, event_density.look_up(ephemerides(stars, parsed), config.inputs.sector_events))


def ephemerides(stars: Any, features: Mapping[str, np.ndarray]) -> event_density.Ephemerides:
    """Returns the event_density.Ephemerides of parsed features; `stars` are TIC IDs."""
    sector, camera, epoch, period = (features[name][:, 0] for name in (SECTOR, CAMERA, EPOCH, PERIOD))
    return event_density.Ephemerides(stars, sector, camera, epoch, period)


def filled(features: Features, columns: Mapping[str, np.ndarray]) -> Features:
    """Returns features with `columns`, dictionary of [num_tces], in place of what is NaN."""
    completed_columns = {
        name: np.where(np.isnan(features[name]), values[:, np.newaxis].astype(np.float32), features[name])
        for name, values in columns.items()
        if name in features
    }
    return {**features, **completed_columns}


def _is_usable(features, config):
    """Whether all features are finite, and no column of the scalars is infinite: NaN stands for a missing one."""
    return all(
        (np.isfinite(values) if name in config.inputs.features else ~np.isinf(values)).all()
        for name, values in features.items()
    )


def _check_each(serialized, first, config, where):
    for number, record in enumerate(serialized, first):
        check(parse_one(record, where(number)), config, where(number), labelled=False)


def parse_one(serialized: bytes, where: str) -> Example:
    """Returns the Example in the bytes of one record; a ScriptError names it where they are none."""
    try:
        return tf_example.from_serialized(serialized)
    except ScriptError as error:
        raise ScriptError(f"{where}: {error}") from error


def _check_scalar(example, name, where):
    value = tf_example.value(example, name, np.nan)
    if not isinstance(value, float) or np.isinf(value):
        raise ScriptError(f"{where}: {name} is {value!r}: a finite float needed; make the records again")


def _check_ephemeris(example, where):
    for name, (kind, _) in EPHEMERIS.items():
        value = tf_example.value(example, name)
        if value is not None and type(value) is not kind:
            raise ScriptError(f"{where}: {name} is {value!r}: a number as generate_input_records.py writes it needed")


def _remedy_for_lengths(config, lengths, name):
    """What to do about a record whose time series have other lengths than a configuration reads.

    A model that is trained reads what it was trained on, whatever --config_name says: first comes what helps there.
    """
    same = configuration.names_that_fit(configuration.view_lengths(config))
    remedy = f"make the records again with --config_name={same[0]}" if same else "make the records for this one"
    fitting = configuration.names_that_fit(lengths)
    if fitting:
        return f"{remedy}, or train a model with --config_name={fitting[0]}, which fits them"
    return f"{remedy}, or train a model with inputs.features.{name}.length set by --config_json" if lengths else remedy


def check(example: Example, config: Config, where: str, labelled: bool) -> Optional[int]:
    """Returns the class of an example, None unless it is labeled, or says what keeps it from being read."""
    tce = f"{where} (row_id {tf_example.value(example, 'row_id')}, TIC {tf_example.value(example, 'tic_id')})"
    lengths = {name: len(feature.float_list.value) for name, feature in example.features.feature.items()}
    for name, feature in config.inputs.features.items():
        length = lengths.get(name, 0)
        if length != feature.length:
            remedy = _remedy_for_lengths(config, lengths, name)
            raise ScriptError(f"{tce}: {name} has {length} values, the configuration needs {feature.length}; {remedy}")
        if not np.isfinite(tf_example.series(example, name)).all():
            raise ScriptError(f"{tce}: {name} has values that are not finite: make the records again")
    for name in configuration.scalar_columns(config):
        _check_scalar(example, name, tce)
    if reads_event_densities(config):
        _check_ephemeris(example, tce)
    if not labelled:
        return None
    label = tf_example.value(example, config.inputs.label_feature)
    if label not in config.inputs.label_map:
        known = ", ".join(config.inputs.label_map)
        raise ScriptError(f"{tce}: unknown {config.inputs.label_feature} {label!r}; the label map has {known}")
    return config.inputs.label_map[label]
