"""Finds, reads and writes TFRecord files."""

import contextlib
import glob
import logging
import os
import struct
from collections.abc import Iterable, Iterator
from typing import Union

import google_crc32c

from astronet.base.files import INCOMPLETE, write_aside
from astronet.base.script import ScriptError

_LOG = logging.getLogger(__name__)

_LENGTH, _CHECKSUM, _HEADER = struct.Struct("<Q"), struct.Struct("<I"), struct.Struct("<QI")
_BUFFER_BYTES = 1 << 20


def expand(patterns: Iterable[str]) -> list[str]:
    """Returns the record files that a flag names.

    A file of zero bytes holds no record (all TCEs of the shard were skipped, or a copy failed). It is left out, with a
    warning on stderr.

    Args:
      patterns: file names or glob patterns: a list, or one string with commas.

    Returns:
      List of paths without repetitions, sorted within each pattern.

    Raises:
      ScriptError: a pattern matches no file, or every file is empty.
    """
    if isinstance(patterns, str):
        patterns = [patterns]
    paths = [path for pattern in patterns for path in _listed(pattern)]
    if not paths:
        raise ScriptError("no record file given: name files or patterns such as 'DIR/train*'")
    empty = {path for path in paths if not os.path.getsize(path)}
    if empty.issuperset(paths):
        raise ScriptError(f"empty record file {', '.join(sorted(empty))}: make the records again")
    for path in sorted(empty):
        _LOG.warning(f"warning: empty record file {path}: left out")
    usable = list(dict.fromkeys(path for path in paths if path not in empty))
    _LOG.debug("record files: %s", ", ".join(usable))
    return usable


def _listed(patterns):
    """Yields the files of one string of names and patterns with commas between them. Names may contain commas, too."""
    parts, start = patterns.split(","), 0
    while start < len(parts):
        for end in range(len(parts), start, -1):
            paths = matches(",".join(parts[start:end]))
            if paths:
                yield from paths
                break
        else:
            if parts[start]:
                raise ScriptError(f"no record file matches {parts[start]}: generate_input_records.py makes them")
            end = start + 1
        start = end


def matches(pattern: str) -> list[str]:
    """Returns the files that a name or pattern matches, sorted, without incomplete files of a killed run."""
    return [pattern] if os.path.isfile(pattern) else sorted(filter(_is_whole, glob.glob(as_pattern(pattern))))


def as_pattern(text: str) -> str:
    """Returns a glob pattern with the names of existing files and directories escaped, such as `run[1]`.

    >>> as_pattern("nowhere[1]/train*")
    'nowhere[1]/train*'
    """
    head, _, tail = text.rpartition(os.sep)
    if os.path.lexists(text) or not text:
        return glob.escape(text)
    if not head:
        return text
    return os.path.join(as_pattern(head), tail)


def _is_whole(path):
    return os.path.isfile(path) and INCOMPLETE not in os.path.basename(path)


def count_roughly(paths: Iterable[str]) -> int:
    """Returns roughly how many records files hold: the size of each file divided by the size of its first record.

    A file that cannot be read counts as one record.
    """
    return sum(map(_count_roughly, paths))


def _count_roughly(path):
    with contextlib.suppress(OSError, struct.error), open(path, "rb") as file:
        length, _ = _HEADER.unpack(file.read(_HEADER.size))
        return max(1, round(os.path.getsize(path) / (_HEADER.size + length + _CHECKSUM.size)))
    return 1


def read(path: Union[str, "os.PathLike[str]"]) -> Iterator[bytes]:
    """Yields the serialized tf.train.Examples of one file, in order.

    Raises:
      ScriptError: a record is missing, cut off, or has a wrong checksum. The message names the file and the number of
        the record, counted from 0.
    """
    count = 0
    try:
        with open(path, "rb", _BUFFER_BYTES) as file:
            size = os.fstat(file.fileno()).st_size
            while header := file.read(_HEADER.size):
                yield _next_record(file, header, size)
                count += 1
    except (OSError, ValueError) as error:
        raise ScriptError(f"{path}: cannot read record {count} ({error}): copy or make the file again") from error
    if not count:
        raise ScriptError(f"empty record file {path}: make the records again")


def _next_record(file, header, file_size):
    """Returns the record that follows a header. (TensorFlow's reader crashes if the header has an absurd length.)"""
    if len(header) < _HEADER.size:
        raise ValueError("it is cut off")
    length, checksum = _HEADER.unpack(header)
    if checksum != _masked_checksum(header[: _LENGTH.size]):
        raise ValueError("its length fails its checksum")
    if length > file_size - file.tell() - _CHECKSUM.size:
        raise ValueError(f"it is cut off: {length} bytes are announced")
    serialized, (checksum,) = file.read(length), _CHECKSUM.unpack(file.read(_CHECKSUM.size))
    if checksum != _masked_checksum(serialized):
        raise ValueError("it fails its checksum")
    return serialized


def write_shard(path: Union[str, "os.PathLike[str]"], serialized_examples: Iterable[bytes]) -> None:
    """Writes one record file. If it fails, there is no file.

    Args:
      path: path of the file.
      serialized_examples: iterable of serialized tf.train.Examples.
    """
    with write_aside(path) as aside, open(aside, "wb") as file:
        file.writelines(map(framed, serialized_examples))


def framed(serialized: bytes) -> bytes:
    """Returns a record in the format of TFRecord files: length, checksum of the length, record, checksum of the record.

    Source: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details.
    """
    length = _LENGTH.pack(len(serialized))
    checksums = (_CHECKSUM.pack(_masked_checksum(data)) for data in (length, serialized))
    return b"".join((length, next(checksums), serialized, next(checksums)))


def _masked_checksum(data):
    checksum = google_crc32c.value(data)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
