"""Reads the features that a configuration needs from records, in batches, and checks them. Needs no TensorFlow."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.schema import Config
from astronet.data.records import event_density, tf_example
from astronet.data.records.columns import CAMERA, EPOCH, EVENT_DENSITIES, KIND_OF, PERIOD, SECTOR
from astronet.data.records.tf_example import Example

# The features that event densities are looked up by: name -> (type of its value, value that stands for a missing one).
EPHEMERIS: dict[str, tuple[type, float]] = {
    name: (KIND_OF[name], np.nan if KIND_OF[name] is float else 0) for name in (EPOCH, PERIOD, SECTOR, CAMERA)
}

Features = dict[str, np.ndarray]


def parse(serialized: list[bytes], config: Config) -> Features:
    """Parses a batch of records into arrays. (dataset.py does the same with TensorFlow.)

    Args:
      serialized: serialized tf.train.Examples.
      config: Config.

    Returns:
      Dictionary of feature name to array [batch, length]: float32, but int64 for sector and camera. A column that a
      record lacks is NaN (float32) or 0 (int64).

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
    """Returns one feature of all examples, [batch, length].

    `missing` fills the row of an example without the feature; if `missing` is None, such an example is an error.
    """
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
    """Yields the features of batches of records. The records need no label.

    Args:
      serialized_batches: iterable of lists of serialized tf.train.Examples.
      config: Config.
      where: function from the number of a record (from 0, over all batches) to its name in messages.
      parse: function that parses a batch.

    Yields:
      Dictionary of [batch, length] float32 arrays and of "serialized", the list of the batch's records.

    Raises:
      ScriptError: a record does not fit the configuration; the message names its TCE.
    """
    first = 0
    for serialized in serialized_batches:
        try:
            features = parse(serialized, config)
        except ScriptError:
            _check_each(serialized, first, config, where)  # raises a more precise error
            raise
        if not _is_usable(features, config):
            _check_each(serialized, first, config, where)
        yield {"serialized": serialized, **features}
        first += len(serialized)


def reads_event_densities(config: Config) -> bool:
    """Returns whether a model reads how crowded the times of a TCE's events are."""
    return not set(EVENT_DENSITIES).isdisjoint(configuration.scalar_columns(config))


def completed(parsed: Features, config: Config) -> Features:
    """Returns parsed features with missing event densities filled in by the densities in the configuration."""
    if not config.inputs.sector_events:
        return parsed
    stars = np.zeros(len(next(iter(parsed.values()))))  # the look-up does not depend on the TIC IDs
    return filled(parsed, event_density.look_up(ephemerides(stars, parsed), config.inputs.sector_events))


def ephemerides(stars: Any, features: Mapping[str, np.ndarray]) -> event_density.Ephemerides:
    """Returns the event_density.Ephemerides of parsed features. `stars` holds the TIC IDs, [batch]."""
    sector, camera, epoch, period = (features[name][:, 0] for name in (SECTOR, CAMERA, EPOCH, PERIOD))
    return event_density.Ephemerides(stars, sector, camera, epoch, period)


def filled(features: Features, columns: Mapping[str, np.ndarray]) -> Features:
    """Returns features with their NaNs replaced by the values of `columns`, a dictionary of arrays [batch]."""
    completed_columns = {
        name: np.where(np.isnan(features[name]), values[:, np.newaxis].astype(np.float32), features[name])
        for name, values in columns.items()
        if name in features
    }
    return {**features, **completed_columns}


def _is_usable(features, config):
    """Returns whether all features are finite. Columns of scalars may be NaN, which stands for a missing value."""
    return all(
        (np.isfinite(values) if name in config.inputs.features else ~np.isinf(values)).all()
        for name, values in features.items()
    )


def _check_each(serialized, first, config, where):
    for number, record in enumerate(serialized, first):
        check(parse_one(record, where(number)), config, where(number), labelled=False)


def parse_one(serialized: bytes, where: str) -> Example:
    """Returns the Example of one serialized record. Raises ScriptError with its name if the bytes are not one."""
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
    """Returns advice for a record whose time series do not have the lengths that the configuration needs.

    The first advice also helps with a trained model, which reads the lengths of its training whatever --config_name is.
    """
    same = configuration.names_that_fit(configuration.view_lengths(config))
    remedy = f"make the records again with --config_name={same[0]}" if same else "make the records for this one"
    fitting = configuration.names_that_fit(lengths)
    if fitting:
        return f"{remedy}, or train a model with --config_name={fitting[0]}, which fits them"
    return f"{remedy}, or train a model with inputs.features.{name}.length set by --config_json" if lengths else remedy


def check(example: Example, config: Config, where: str, labelled: bool) -> Optional[int]:
    """Checks that an example fits a configuration. Returns its class, or None if `labelled` is false.

    Raises:
      ScriptError: a feature has the wrong length or type, or is not finite; or the label is unknown.
    """
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
