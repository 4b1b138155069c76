"""Writes files that are either complete or absent, and makes directories."""

import contextlib
import csv
import errno
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, Union

Path = Union[str, "os.PathLike[str]"]


def make_directory(path: Path) -> None:
    """Creates a directory and its parents, and checks that it can be written.

    Raises:
      OSError: the directory cannot be created or written; the message names it and the remedy.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OSError(
            f"cannot write to directory {path} ({error.strerror}): choose another or change its permissions"
        ) from error


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # error numbers of an OSError if the disk or a quota is full
INCOMPLETE = ".incomplete-"  # part of the name of a file that is still being written, or that a killed run left


@contextlib.contextmanager
def write_aside(path: Path, durable: bool = False) -> Iterator[str]:
    """Yields the name of a temporary file beside `path`: renamed to `path` on success, removed on failure.

    >>> path = os.path.join(tempfile.mkdtemp(), "numbers.txt")
    >>> with write_aside(path) as aside, open(aside, "w") as file:
    ...     _ = file.write("1 2 3")
    >>> os.listdir(os.path.dirname(path))
    ['numbers.txt']

    Args:
      path: path of the file.
      durable: whether the file must survive a power failure after the block has ended.

    Raises:
      OSError: the file cannot be written. If the disk is full, the error names `path` (Python's own error does not).
    """
    path = os.fspath(path)
    aside = f"{path}{INCOMPLETE}{socket.gethostname()}-{os.getpid()}"
    try:
        yield aside
        if durable:
            sync(aside)
        os.replace(aside, path)
        if durable:
            sync(os.path.dirname(path) or ".")
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = path
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(aside)


def sync(path: Path) -> None:
    """Waits until a file, or the entries of a directory, are written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, as hexadecimal text."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]], lineterminator: str = "\r\n") -> None:
    """Writes a CSV file with a header. If it fails, there is no file."""
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=lineterminator)
        writer.writerow(columns)
        writer.writerows(rows)
