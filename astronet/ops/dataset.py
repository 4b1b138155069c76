"""Reads records into arrays, checks them before training begins, and makes batches of them."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.schema import Config
from astronet.data.records import event_density, labeled, leaks, record_features
from astronet.ops import scalars
from astronet.ops.augmentation import augment
from astronet.ops.tensorflow import tf

EVALUATION_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class Tces:
    """Labeled TCEs in memory. Several trainings can share them.

    Attributes:
      features: arrays [num_tces, length] by name; NaN if the record lacks a scalar's column.
      labels: classes, int32 [num_tces].
      identities: leaks.identity() of each TCE.
    """

    features: dict[str, np.ndarray]
    labels: np.ndarray
    identities: list

    def __len__(self) -> int:
        return len(self.labels)


def read(files: Sequence[str], config: Config, dispositions: Optional[Mapping[tuple[int, int], str]] = None) -> Tces:
    """Reads and checks all records, so that training cannot fail on the last of them.

    Args:
      files: list of record files.
      config: Config that must be able to read every record.
      dispositions: dict of (row_id, tic_id) to the disposition that reviewers gave, in place of the record's own;
        records without one are left out. None takes the records' own.

    Returns:
      Tces in the order of the records.

    Raises:
      ScriptError: naming the file and record that is corrupt, has a view of another length or with a value that is not
        finite, or an unknown label; or that no record has one of the dispositions.
    """
    parts = [part for path in files if len(part := _read(path, config, dispositions))]
    if not parts:
        raise ScriptError(f"{', '.join(files)}: no record has a label: were the labels given to TCEs of other records?")
    return Tces(
        {name: np.concatenate([part.features[name] for part in parts]) for name in parts[0].features},
        np.concatenate([part.labels for part in parts]),
        [identity for part in parts for identity in part.identities],
    )


def read_training(
    files: Sequence[str], config: Config, dispositions: Optional[Mapping[tuple[int, int], str]] = None
) -> Tces:
    """Reads and checks the records to train on, as read() does.

    If records lack event densities, they are measured from the other TCEs in the same files. inputs.sector_events is
    not used, because it would count the events of the TCE's own star.
    """
    tces = read(files, _without_sector_events(config), dispositions)
    if not record_features.reads_event_densities(config):
        return tces
    return dataclasses.replace(
        tces, features=record_features.filled(tces.features, event_density.among(_ephemerides(tces)))
    )


def _read(path, config, dispositions=None):
    serialized, labels, identities = [], [], []
    for record, example, label in labeled.records(path, config, dispositions):
        serialized.append(record)
        labels.append(label)
        identities.append(leaks.identity(example))
    if not serialized:
        return Tces({}, np.zeros(0, np.int32), [])
    try:
        features = _parse_features(serialized, config)
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from error
    return Tces(features, np.array(labels, np.int32), identities)


def measure(tces: Tces, config: Config) -> Config:
    """Returns the configuration with missing scalar means and scales and sector_events, from the training set.

    Args:
      tces: Tces from read_training().
      config: Config.
    """
    inputs = dataclasses.replace(config.inputs, scalars=scalars.measure(config.inputs.scalars, tces.features))
    if record_features.reads_event_densities(config) and not inputs.sector_events:
        inputs = dataclasses.replace(inputs, sector_events=event_density.measure(_ephemerides(tces)))
    return dataclasses.replace(config, inputs=inputs)


def _without_sector_events(config: Config) -> Config:
    return dataclasses.replace(config, inputs=dataclasses.replace(config.inputs, sector_events={}))


def _ephemerides(tces):
    # A record without a TIC ID gets a negative one of its own.
    stars = [star if type(star) is int else -1 - number for number, (_, star) in enumerate(tces.identities)]
    return record_features.ephemerides(stars, tces.features)


def training_batches(tces: Tces, config: Config, seed: int, first_step: int = 0) -> "tf.data.Dataset":
    """Returns endless shuffled batches for training. The arrays are not copied.

    Args:
      tces: Tces.
      config: Config.
      seed: seed of the order and of the augmentation.
      first_step: number of batches to skip. A resumed training then gets the same batches as an uninterrupted one.

    Returns:
      tf.data.Dataset of (features, labels): dictionary of [batch, length] float32 tensors, [batch] int32 tensor.
    """
    lengths = configuration.input_lengths(config)
    views, columns = configuration.view_lengths(config), configuration.scalar_columns(config)

    def pick(rows):
        return [tces.labels[rows], *(tces.features[name][rows] for name in lengths)]

    def batch(number, rows):
        labels, *values = tf.numpy_function(pick, [rows], [tf.int32, *[tf.float32] * len(lengths)])
        features = {
            name: tf.ensure_shape(value, [None, length]) for (name, length), value in zip(lengths.items(), values)
        }
        seeds = tf.stack([seed, number])
        return augment(features, views, columns, config.hparams, seeds), tf.ensure_shape(labels, [None])

    rows = tf.data.Dataset.range(len(tces)).shuffle(len(tces), seed).repeat().batch(config.hparams.batch_size)
    numbers = tf.data.Dataset.range(first_step, tf.int64.max)
    return tf.data.Dataset.zip((numbers, rows.skip(first_step))).map(batch)


def evaluation_batches(tces: Tces) -> Iterator[dict[str, np.ndarray]]:
    """Yields the features of TCEs in order, in batches: dictionaries of float32 arrays [batch, length]."""
    for start in range(0, len(tces), EVALUATION_BATCH):
        yield {name: values[start : start + EVALUATION_BATCH] for name, values in tces.features.items()}


def from_serialized_batches(
    batches: Iterable[list[bytes]], config: Config, where: Callable[[int], str] = lambda number: "a record"
) -> Iterator[dict[str, Any]]:
    """Yields the features of batches of records, as record_features.batches() does, parsed by TensorFlow."""
    return record_features.batches(batches, config, where, _parse_features)


def _parse_features(serialized, config):
    lengths = configuration.input_lengths(config)
    may_lack = set(lengths).difference(config.inputs.features)
    schema = {
        name: tf.io.FixedLenFeature([length], tf.float32, default_value=[np.nan] if name in may_lack else None)
        for name, length in lengths.items()
    }
    if record_features.reads_event_densities(config):
        types = {float: tf.float32, int: tf.int64}
        for name, (kind, missing) in record_features.EPHEMERIS.items():
            schema[name] = tf.io.FixedLenFeature([1], types[kind], [missing])
    try:
        parsed = {name: values.numpy() for name, values in tf.io.parse_example(serialized, schema).items()}
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:  # TensorFlow's message may not be UTF-8
        raise ScriptError(f"TensorFlow cannot read a record ({error}): make the records again") from error
    return record_features.completed(parsed, config)
