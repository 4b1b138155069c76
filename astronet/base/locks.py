"""Exclusive locks on what a script writes, so that two runs at once never mix their files.

    with locks.exclusive(flags.output_dir):  # makes the directory, too
        ...

    return run(locks.holding(_work, "output_dir"), flags)  # the same for all that a script does

The lock is flock(2) on a small file, `.lock`. It ends with the process that holds it, however that ends: what a killed
run leaves behind blocks nobody. Over NFS, Linux has the server lock the file, so that it holds between machines. Some
file systems cannot lock at all (Lustre mounted without `flock`, some FUSE mounts): there a warning says so, and the
work goes on without a lock.
"""

import argparse
import contextlib
import datetime
import errno
import fcntl
import functools
import json
import os
import pathlib
import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Optional, Union

from astronet.base.files import make_directory
from astronet.base.script import ScriptError

Path = Union[str, "os.PathLike[str]"]
Work = Callable[[argparse.Namespace], Optional[int]]

NAME = ".lock"
_BEGINNING = b'{"host": '  # of what a lock holds
_HELD_BY_ANOTHER = (errno.EWOULDBLOCK, errno.EACCES)
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Makes a directory, and lets no other run write there while the block runs.

    Args:
      directory: made with its parents where it is missing.

    Raises:
      ScriptError: another run writes there; the message names its process and the remedy.
      OSError: the directory cannot be written.
    """
    directory = os.fspath(directory)
    with _held(os.path.join(directory, NAME), directory, directory or "."):
        yield


@contextlib.contextmanager
def exclusive_file(path: Path) -> Iterator[None]:
    """Lets no other run write one file, where runs may write other files of the same directory.

    Args:
      path: of the file, whose directory is there.

    Raises:
      ScriptError, OSError: as exclusive() does.
    """
    directory, name = os.path.split(os.fspath(path))
    if not os.path.isdir(directory or "."):
        raise ScriptError(f"no directory {directory} to write {path} in: make it, or choose another output")
    with _held(os.path.join(directory, f".{name}{NAME}"), path, directory or "."):
        yield


def holding(work: Work, *names: str) -> Work:
    """Returns work(flags) that holds the directories which some flags name, so that no other run writes there.

    Args:
      work: function of the parsed flags.
      names: of flags that are a directory each; None is none.
    """

    @functools.wraps(work)
    def work_alone(flags: argparse.Namespace) -> Optional[int]:
        given = [getattr(flags, name) for name in names if getattr(flags, name) is not None]
        with contextlib.ExitStack() as stack:
            for directory in {os.path.realpath(directory): directory for directory in given}.values():
                stack.enter_context(exclusive(directory))
            return work(flags)

    return work_alone


@contextlib.contextmanager
def _held(lock_path: str, what: Path, directory: str) -> Iterator[None]:
    missing = [path for path in (pathlib.Path(directory), *pathlib.Path(directory).parents) if not path.is_dir()]
    descriptor = _acquire(lock_path, what, directory)
    try:
        yield
    except BaseException:
        _release(descriptor, lock_path)
        with contextlib.suppress(OSError):
            for path in missing:
                path.rmdir()  # where the block has left nothing in it
        raise
    _release(descriptor, lock_path)


def _release(descriptor: int, lock_path: str) -> None:
    # The file is removed while the lock is held: a run that has opened it meanwhile finds that it is another file.
    if _is_file(descriptor, lock_path):
        os.remove(lock_path)
    os.close(descriptor)


def _acquire(lock_path: str, what: Path, directory: str) -> int:
    """Returns the descriptor of the lock file, which is locked from now on."""
    while True:
        make_directory(directory)
        try:
            descriptor = _open(lock_path, what)
        except FileNotFoundError:  # the run before has just removed the directory, which it left empty
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder, is_lock = _holder(descriptor), _is_lock(descriptor)
            os.close(descriptor)
            if error.errno in _HELD_BY_ANOTHER:
                raise ScriptError(
                    f"{what} is in use: {holder} writes there. Wait until it has ended, or stop it, or choose another "
                    "output"
                ) from error
            if error.errno not in _CANNOT_LOCK:
                raise
            if not is_lock:
                raise _no_lock(lock_path) from error
            print(f"warning: {what}: {error.strerror}: make sure that no other run writes there", file=sys.stderr)
            os.remove(lock_path)
            return os.open(os.devnull, os.O_RDONLY)
        if _is_file(descriptor, lock_path):
            if not _is_lock(descriptor):
                os.close(descriptor)
                raise _no_lock(lock_path)
            _sign(descriptor)
            return descriptor
        os.close(descriptor)  # the run before has just removed it


def _open(lock_path: str, what: Path) -> int:
    try:
        return os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError as error:
        raise ScriptError(
            f"cannot open {lock_path}: another user has written to {what}: if no run of theirs is left, remove that "
            "file; or choose another output"
        ) from error


def _is_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _no_lock(path: str) -> ScriptError:
    return ScriptError(f"{path} is no lock of these scripts, which need that name: rename it, or choose another output")


def _is_lock(descriptor: int) -> bool:
    """Whether a file is empty, as a new lock is, or begins as _sign() writes it; a full disk may have cut that off."""
    there = os.pread(descriptor, len(_BEGINNING), 0).strip(b"\0")  # which a loss of power may leave
    return _BEGINNING.startswith(there)


def _sign(descriptor: int) -> None:
    """Writes who holds the lock, for whom it refuses."""
    holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
        "since": datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
    }
    with contextlib.suppress(OSError):  # a full disk: the lock holds without it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    """The process that holds the lock, in words."""
    try:
        told = json.loads(os.pread(descriptor, 1 << 16, 0))
        words = f"process {told['pid']} on {told['host']}, since {told['since']} ({_shortened(told['command'])})"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
    return "".join(character if character.isprintable() else "?" for character in words)


def _shortened(command: str, length: int = 200) -> str:
    return command if len(command) <= length else command[: length - 4] + " ..."
