"""Streams of the bytes of a file, which unpack it, hash it while it is read, and refuse absurdly long lines."""

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Union

from astronet.base.script import ScriptError

_PACKED: dict[bytes, Callable[[Any], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# Errors raised for a packed file that is cut off or damaged.
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
_LONGEST_LINE_BYTES = 16 << 20
_IN_MEMORY = 64 << 20  # bytes of a pipe kept in memory; more is written to a temporary file

Path = Union[str, "os.PathLike[str]"]


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Opens a file that may be packed (gzip, bzip2, xz). Yields the stream of its unpacked bytes."""
    with open(path, "rb", buffering=0) as file:
        yield unpack(file)


def unpack(raw: io.RawIOBase) -> BinaryIO:
    """Returns the stream of the unpacked bytes of a file that may be packed."""
    stream = io.BufferedReader(raw, 1 << 20)
    start = stream.peek(6)
    for magic, unpack in _PACKED.items():
        if start.startswith(magic):
            return io.BufferedReader(unpack(stream), 1 << 20)
    return stream


@contextlib.contextmanager
def seekable(path: Path) -> Iterator[Any]:
    """Opens a file for reading in binary, unbuffered. If it is a pipe, yields a copy of its content."""
    with open(path, "rb", buffering=0) as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield file
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            while chunk := file.read(1 << 20):
                copy.write(chunk)
            yield copy


class Hashing(io.RawIOBase):
    """A stream that hashes the bytes that are read from it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.digest.update(data)
        return len(data)


class ShortLines(io.RawIOBase):
    """A stream that refuses absurdly long lines, because a line is kept in memory as a whole."""

    def __init__(self, path: str, stream: BinaryIO) -> None:
        super().__init__()
        self._path, self._stream, self._length = path, stream, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._length = self._length + len(data) if end < 0 else len(data) - end
        if self._length > _LONGEST_LINE_BYTES:
            raise ScriptError(f"{self._path} has a line of more than {_LONGEST_LINE_BYTES >> 20} MiB: it is no table")
        return len(data)


def encoding(sample: bytes) -> str:
    """Returns the encoding of a text file, from its first bytes.

    >>> encoding("tic_id,Sectors".encode("utf-16-le")), encoding(b"tic_id,Sectors")
    ('utf-16-le', 'utf-8-sig')
    """
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # In UTF-16, every other byte of mostly ASCII text is zero.
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        halves = sample[offset::2][:1000]
        if len(halves) > 2 and halves.count(0) > 0.8 * len(halves):
            return name
    return "utf-8-sig"


def decoded(sample: bytes) -> str:
    """Returns the text of these first bytes of a file."""
    return sample.decode(encoding(sample), errors="ignore")
