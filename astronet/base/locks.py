"""Exclusive locks on the outputs of scripts, so that two simultaneous runs never mix their files.

    with locks.exclusive(flags.output_dir):  # makes the directory, too
        ...

    return run(locks.holding(_work, "output_dir"), flags)  # the same for a whole script

The lock is flock(2) on a small file, `.lock`. The operating system releases it when the process ends, even if it was
killed. Over NFS, the server locks the file, so the lock also works between machines. Some file systems cannot lock at
all (Lustre mounted without `flock`, some FUSE mounts). There the script prints a warning and works without a lock.
"""

import argparse
import contextlib
import datetime
import errno
import fcntl
import functools
import json
import logging
import os
import pathlib
import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Optional, Union

from astronet.base import files
from astronet.base.files import make_directory
from astronet.base.script import ScriptError
from light_curve_util.numerals import numbered

_LOG = logging.getLogger(__name__)

Path = Union[str, "os.PathLike[str]"]
Work = Callable[[argparse.Namespace], Optional[int]]

NAME = ".lock"
_BEGINNING = b'{"host": '  # the first bytes of a lock file
_HELD_BY_ANOTHER = (errno.EWOULDBLOCK, errno.EACCES)
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Makes a directory, and keeps other runs from writing there while the block runs.

    Args:
      directory: path of the directory. It and its parents are made if they are missing.

    Raises:
      ScriptError: another run is writing there; the message names its process and the remedy.
      OSError: the directory cannot be written.
    """
    directory = os.fspath(directory)
    with _held(os.path.join(directory, NAME), directory, directory or "."):
        _remove_abandoned(directory or ".")
        yield


@contextlib.contextmanager
def exclusive_file(path: Path) -> Iterator[None]:
    """Keeps other runs from writing one file. They may write other files in the same directory.

    Args:
      path: path of the file. Its directory must exist.

    Raises:
      ScriptError: another run is writing the file, or its directory does not exist.
      OSError: the directory cannot be written.
    """
    directory, name = os.path.split(os.fspath(path))
    if not os.path.isdir(directory or "."):
        raise ScriptError(f"no directory {directory} to write {path} in: make it, or choose another output")
    with _held(os.path.join(directory, f".{name}{NAME}"), path, directory or "."):
        _remove_abandoned(directory or ".", os.path.splitext(name)[0])
        yield


def _remove_abandoned(directory: str, stem: str = "") -> None:
    num_removed = files.remove_abandoned(directory, stem)
    if num_removed:
        _LOG.info(f"{numbered(num_removed, 'unfinished file')} of a killed run removed from {directory}")


def holding(work: Work, *names: str) -> Work:
    """Returns a function that calls work(flags) while it holds the locks of some directories.

    Args:
      work: function of the parsed flags.
      names: names of the flags that hold the directories; a flag that is None is ignored.
    """

    @functools.wraps(work)
    def work_alone(flags: argparse.Namespace) -> Optional[int]:
        given = [getattr(flags, name) for name in names if getattr(flags, name) is not None]
        with contextlib.ExitStack() as stack:
            for directory in {os.path.realpath(directory): directory for directory in given}.values():
                stack.enter_context(exclusive(directory))
            return work(flags)

    return work_alone


def holding_file(work: Work, name: str) -> Work:
    """Returns a function that calls work(flags) while it holds the lock of the file that a flag names, if any."""

    @functools.wraps(work)
    def work_alone(flags: argparse.Namespace) -> Optional[int]:
        path = getattr(flags, name)
        with contextlib.nullcontext() if path is None else exclusive_file(path):
            return work(flags)

    return work_alone


@contextlib.contextmanager
def _held(lock_path: str, output: Path, directory: str) -> Iterator[None]:
    missing = [path for path in (pathlib.Path(directory), *pathlib.Path(directory).parents) if not path.is_dir()]
    descriptor = _acquire(lock_path, output, directory)
    try:
        yield
    except BaseException:
        _release(descriptor, lock_path)
        with contextlib.suppress(OSError):
            for path in missing:
                path.rmdir()  # fails if the block has left a file in it
        raise
    _release(descriptor, lock_path)


def _release(descriptor: int, lock_path: str) -> None:
    # The file is removed before the lock is released. A run that opened the file before then notices in _acquire().
    if _is_file(descriptor, lock_path):
        os.remove(lock_path)
    os.close(descriptor)


def _acquire(lock_path: str, output: Path, directory: str) -> int:
    """Locks a file. Returns its file descriptor."""
    while True:
        make_directory(directory)
        try:
            descriptor = _open(lock_path, output)
        except FileNotFoundError:  # the previous run has just removed the directory because it was empty
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder, is_lock = _holder(descriptor), _is_lock(descriptor)
            os.close(descriptor)
            if error.errno in _HELD_BY_ANOTHER:
                raise ScriptError(
                    f"{output} is in use: {holder} writes there. Wait until it has ended, or stop it, or choose "
                    "another output"
                ) from error
            if error.errno not in _CANNOT_LOCK:
                raise
            if not is_lock:
                raise _no_lock(lock_path) from error
            _LOG.warning(f"warning: {output}: {error.strerror}: make sure that no other run writes there")
            os.remove(lock_path)
            return os.open(os.devnull, os.O_RDONLY)
        if _is_file(descriptor, lock_path):
            if not _is_lock(descriptor):
                os.close(descriptor)
                raise _no_lock(lock_path)
            _sign(descriptor)
            _LOG.debug("lock %s taken", lock_path)
            return descriptor
        os.close(descriptor)  # the previous run has just removed the file: try again


def _open(lock_path: str, output: Path) -> int:
    try:
        return os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError as error:
        raise ScriptError(
            f"cannot open {lock_path}: another user has written to {output}: if none of their runs is active, remove "
            "that file; or choose another output"
        ) from error


def _is_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _no_lock(path: str) -> ScriptError:
    return ScriptError(
        f"{path} is not a lock file of these scripts, which need that name: rename it, or choose another output"
    )


def _is_lock(descriptor: int) -> bool:
    """Returns whether a file is a lock: it is empty, or begins as _sign() writes it (a full disk may cut it off)."""
    content = os.pread(descriptor, len(_BEGINNING), 0).strip(b"\0")  # a power failure may leave zeros
    return _BEGINNING.startswith(content)


def _sign(descriptor: int) -> None:
    """Writes who holds the lock, for the error message of other runs."""
    holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
        "since": datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
    }
    with contextlib.suppress(OSError):  # the disk is full: the lock works without the text
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    """Returns a description of the process that holds the lock."""
    try:
        holder = json.loads(os.pread(descriptor, 1 << 16, 0))
        words = (
            f"process {holder['pid']} on {holder['host']}, since {holder['since']} ({_shortened(holder['command'])})"
        )
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
    return "".join(character if character.isprintable() else "?" for character in words)


def _shortened(command: str, length: int = 200) -> str:
    return command if len(command) <= length else command[: length - 4] + " ..."
