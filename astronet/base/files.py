"""Writes files that are either complete or absent, and makes directories."""

import contextlib
import csv
import errno
import hashlib
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Union

from light_curve_util.constants import SECONDS_PER_DAY

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
_MOST_SEEN = 20_000  # entries of a directory tree; to look through more would take longer than what it brings
INCOMPLETE = ".incomplete-"  # part of the name of a file that is still being written, or that a killed run left

_UNFINISHED = re.compile(re.escape(INCOMPLETE) + r"(?P<host>.+)-(?P<pid>\d+)$")


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
    aside = f"{path}{_unfinished()}"
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


@contextlib.contextmanager
def directory_aside(parent: Path) -> Iterator[str]:
    """Yields the path of a new temporary directory in `parent`; at the end it is removed with all that it holds."""
    aside = os.path.join(parent, _unfinished())
    os.mkdir(aside)
    try:
        yield aside
    finally:
        shutil.rmtree(aside)


def _unfinished() -> str:
    """Returns the ending of what this process has not finished."""
    return f"{INCOMPLETE}{socket.gethostname()}-{os.getpid()}"


def remove_abandoned(directory: Path, stem: str = "") -> int:
    """Removes what killed processes left unfinished in a directory and below, and returns how many files that were.

    Results that a run resumes from have other names, and stay. So do the files of a process that is alive, and those of
    another machine that have changed within a day, for its processes cannot be seen from here.

    Args:
      directory: where to look; of a very large tree, only a part is searched.
      stem: only files of the directory itself whose names begin so; "" takes all, below it, too.
    """
    removed = num_seen = 0
    for parent, directories, names in os.walk(directory):
        for name in filter(_is_abandoned_in(parent), names):
            if name.startswith(stem):
                with contextlib.suppress(OSError):
                    os.remove(os.path.join(parent, name))
                    removed += 1
        for name in filter(_is_abandoned_in(parent), directories):
            if name.startswith(INCOMPLETE) and not stem:
                shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
                removed += 1
        num_seen += len(directories) + len(names)
        if stem or num_seen > _MOST_SEEN:
            break
    return removed


def _is_abandoned_in(directory: str) -> Callable[[str], bool]:
    def is_abandoned(name: str) -> bool:
        match = _UNFINISHED.search(name)
        path = os.path.join(directory, name)
        if not match or os.path.islink(path):
            return False
        if match["host"] == socket.gethostname():
            return not _is_alive(int(match["pid"]))
        with contextlib.suppress(OSError):
            return time.time() - os.stat(path).st_mtime > SECONDS_PER_DAY
        return False

    return is_abandoned


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it belongs to another user
    return True


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
