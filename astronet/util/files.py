"""Files that appear whole or not at all."""

import contextlib
import os
import tempfile


def make_directory(path):
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


INCOMPLETE = ".incomplete-"  # in the name of a file that is still being written, or that a killed run left


@contextlib.contextmanager
def write_aside(path):
    """Yields the name of a temporary file beside `path`: renamed to `path` on success, removed on failure."""
    path = os.fspath(path)
    aside = f"{path}{INCOMPLETE}{os.getpid()}"
    try:
        yield aside
        os.replace(aside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(aside)
