"""Reads labeled records and checks them, one at a time. Needs no TensorFlow."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Optional

from astronet.config.schema import Config
from astronet.data.records import record_features, tf_example, tfrecord
from astronet.data.records.columns import ROW_ID, TIC_ID
from astronet.data.records.tf_example import Example

Dispositions = Mapping[tuple[int, int], str]  # by (row_id, tic_id)


def records(
    path: str, config: Config, dispositions: Optional[Dispositions] = None
) -> Iterator[tuple[bytes, Example, int]]:
    """Yields each record of a file that has a disposition: as bytes, as tf.train.Example, and its class.

    Args:
      path: record file.
      config: configuration that must be able to read every record.
      dispositions: the dispositions that reviewers gave, in place of those of the records; records without one are left
        out. None takes the records' own.

    Raises:
      ScriptError: a record is damaged, has a view of another length or with a value that is not finite, or an unknown
        label; the message names file and record.
    """
    for number, serialized in enumerate(tfrecord.read(path)):
        where = f"{path}, record {number}"
        example = record_features.parse_one(serialized, where)
        if dispositions is not None:
            given = dispositions.get((tf_example.value(example, ROW_ID), tf_example.value(example, TIC_ID)))
            if given is None:
                continue
            tf_example.set_text(example, config.inputs.label_feature, given)
        label = record_features.check(example, config, where, labelled=True)
        assert label is not None
        yield serialized, example, label


def count(paths: Iterable[str], config: Config) -> int:
    """Checks all records of files as records() does, and returns how many there are."""
    return sum(1 for path in paths for _ in records(path, config))
