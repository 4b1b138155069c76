"""Records as batches of features and labels: parsed a batch at a time, checked before training begins."""

import dataclasses

import numpy as np
import tensorflow as tf

from astronet.ops import scalars
from astronet.ops.augmentation import augment
from astronet.util import configuration, example_util, records
from astronet.util.script import ScriptError

EVALUATION_BATCH = 1024


def count_examples(files, config):
    """Reads all records once, so that training cannot fail on the last of them, and counts them.

    Args:
      files: list of record files.
      config: Config that must be able to read every record.

    Raises:
      ScriptError: naming the file and record that is corrupt, has a view of another length, or an unknown label.
    """
    count = 0
    for path in files:
        for number, serialized in enumerate(records.read(path)):
            _check(serialized, config, f"{path}, record {number}", labelled=True)
            count += 1
    return count


def measure_scalars(files, config):
    """Returns the Config with the mean and scale that its scalars lack measured on record files.

    Raises:
      ScriptError: naming the file and record that has a scalar which is no float.
    """
    names = configuration.scalar_columns(config)
    if not names:
        return config
    rows = [
        [_scalar(example_util.from_serialized(serialized), name, f"{path}, record {number}") for name in names]
        for path in files
        for number, serialized in enumerate(records.read(path))
    ]
    columns = dict(zip(names, np.array(rows, dtype=np.float32).T[..., np.newaxis]))
    measured = scalars.measure(config.inputs.scalars, columns)
    return dataclasses.replace(config, inputs=dataclasses.replace(config.inputs, scalars=measured))


def training_batches(files, config, num_examples, seed, first_step=0):
    """Endless shuffled batches, parsed once and then kept in memory.

    Args:
      files: list of record files.
      config: Config.
      num_examples: how many records the files hold.
      seed: of the order, and of the augmentation.
      first_step: number of batches to leave out, so that a resumed training sees what an unbroken one would.

    Returns:
      tf.data.Dataset of (features, labels): dictionary of [batch, length] float32 tensors, [batch] int32 tensor.
    """
    examples = _parsed(files, config).unbatch().cache().shuffle(num_examples, seed).repeat()
    batches = examples.batch(config.hparams.batch_size).skip(first_step)
    numbers = tf.data.Dataset.range(first_step, tf.int64.max)
    views, columns = configuration.view_lengths(config), configuration.scalar_columns(config)
    return tf.data.Dataset.zip((numbers, batches)).map(
        lambda number, batch: (augment(batch[0], views, columns, config.hparams, tf.stack([seed, number])), batch[1])
    )


def evaluation_batches(files, config):
    """The records in order, once, kept in memory when iterated again; elements as those of training_batches."""
    return _parsed(files, config).cache()


def from_serialized_batches(generator_fn, config):
    """Yields the features of batches of records that need not be labelled.

    Args:
      generator_fn: function that returns an iterable of lists of serialized tf.train.Examples.
      config: Config.

    Yields:
      Dictionary of [batch, length] float32 tensors and of "serialized", the batch's records, [batch] array of bytes.

    Raises:
      ScriptError: naming the TCE whose record the configuration cannot read.
    """
    for serialized in generator_fn():
        try:
            features = _parse_features(serialized, config)
        except tf.errors.InvalidArgumentError:
            for record in serialized:
                _check(record, config, "a record", labelled=False)
            raise
        yield {"serialized": np.array(serialized, dtype=object), **features}


def _parsed(files, config):
    serialized = tf.data.TFRecordDataset(files).batch(EVALUATION_BATCH)
    return serialized.map(lambda batch: (_parse_features(batch, config), _parse_labels(batch, config)))


def _parse_features(serialized, config):
    lengths = configuration.input_lengths(config)
    may_lack = set(lengths).difference(config.inputs.features)
    return tf.io.parse_example(
        serialized,
        {
            name: tf.io.FixedLenFeature([length], tf.float32, default_value=[np.nan] if name in may_lack else None)
            for name, length in lengths.items()
        },
    )


def _parse_labels(serialized, config):
    name = config.inputs.label_feature
    values = tf.io.parse_example(serialized, {name: tf.io.FixedLenFeature([], tf.string)})[name]
    is_value = tf.equal(values[:, tf.newaxis], list(config.inputs.label_map))  # [batch, known values]
    return tf.reduce_sum(tf.where(is_value, list(config.inputs.label_map.values()), 0), axis=1)


def _scalar(example, name, where):
    value = example_util.value(example, name, np.nan)
    if not isinstance(value, float):
        raise ScriptError(f"{where}: {name} is {value!r}: a float needed; make the records again")
    return value


def _check(serialized, config, where, labelled):
    example = example_util.from_serialized(serialized)
    tce = f"{where} (row_id {example_util.value(example, 'row_id')}, TIC {example_util.value(example, 'tic_id')})"
    lengths = {name: len(feature.float_list.value) for name, feature in example.features.feature.items()}
    for name, feature in config.inputs.features.items():
        length = lengths.get(name, 0)
        if length != feature.length:
            fitting = configuration.names_that_fit(lengths)
            remedy = f"--config_name={fitting[0]} fits this record" if fitting else "make the records for this one"
            raise ScriptError(f"{tce}: {name} has {length} values, the configuration needs {feature.length}; {remedy}")
    for name in configuration.scalar_columns(config):
        _scalar(example, name, tce)
    if labelled:
        label = example_util.value(example, config.inputs.label_feature)
        if label not in config.inputs.label_map:
            known = ", ".join(config.inputs.label_map)
            raise ScriptError(f"{tce}: unknown {config.inputs.label_feature} {label!r}; the label map has {known}")
