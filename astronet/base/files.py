"""Files that appear whole or not at all."""

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
    """Creates a directory and its parents.

    Raises:
      OSError: naming the directory and the remedy, where it cannot be created or written.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OSError(
            f"cannot write to directory {path} ({error.strerror}): choose another or change its permissions"
        ) from error


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of an OSError: the disk or a quota is full
INCOMPLETE = ".incomplete-"  # in the name of a file that is still being written, or that a killed run left


@contextlib.contextmanager
def write_aside(path: Path, durable: bool = False) -> Iterator[str]:
    """Yields the name of a temporary file beside `path`: renamed to `path` on success, removed on failure.

    Args:
      path: the file.
      durable: whether the file outlasts a loss of power once this has ended.

    Raises:
      OSError: the file cannot be written; where the disk is full, it names `path`, which Python's own does not.
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
    """Waits until a file, or the list of files in a directory, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal text."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]], lineterminator: str = "\r\n") -> None:
    """Writes rows under their header, whole or not at all."""
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=lineterminator)
        writer.writerow(columns)
        writer.writerows(rows)
