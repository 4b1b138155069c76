"""What every script shares: its parser (parser.py), and run(), which tells errors in one line."""

import argparse
import atexit
import contextlib
import gc
import logging
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Optional

from astronet import __version__
from astronet.base import messages
from astronet.base.parser import Parser as Parser
from astronet.base.parser import RefusedPath as RefusedPath
from astronet.base.parser import refused
from astronet.base.terminal import SafeStream, has_lost_text, printable, safe_streams
from light_curve_util.errors import LightCurveError

INTERRUPTED = 130  # exit code, as a shell has it
GOES_ON = "the same command, given again, goes on from here"
_AGAIN = "the same command, given again, does the work again, or what is left of it"


class ScriptError(Exception):
    """A problem that its user can mend; the message names the file, row or TIC and the remedy."""


def tell_problems(problems: Iterable[str]) -> int:
    """Prints a line for each problem to stderr; returns the exit code: 1 if there is a problem, else 0."""
    problems = list(problems)
    for problem in problems:
        print(f"error: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


_EXTENSION = "light_curve_util._core"  # whose errors say what to do
_OWN_PACKAGES = ("", "astronet", "light_curve_util")
# What pip calls a package, where it is not the name that Python imports.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "tess_stars2px": "tess-point",
    "batman": "batman-package",
    "cv2": "opencv-python-headless",
}


def run(work: Callable[[argparse.Namespace], Optional[int]], flags: argparse.Namespace, go_on: str = _AGAIN) -> int:
    """Calls work(flags), and tells what stops it in one line.

    Args:
      work: function of the parsed flags; its return value is the exit code (None is 0).
      flags: argparse.Namespace.
      go_on: what to do after Control-C or SIGTERM, such as "the same command, given again, goes on from here".

    Returns:
      The exit code: work's own; 1 after an error that the user can mend, or where stdout took no more text; 130 after
      Control-C or SIGTERM.

    Raises:
      KeyboardInterrupt: in a run within a run, for the outer one to tell.
    """
    is_within_another = isinstance(sys.stderr, SafeStream)
    level = messages.level_of(getattr(flags, "quiet", False), getattr(flags, "verbose", False))
    with safe_streams() as stdout, messages.shown(level):
        if level == logging.DEBUG:
            versions = f"astronet {__version__}, Python {platform.python_version()}, {platform.platform()}"
            messages.LOG.debug(versions)
        try:
            code = _run(work, flags)
        except KeyboardInterrupt:
            if is_within_another:
                raise
            print(f"\nstopped: {go_on}", file=sys.stderr)
            code = INTERRUPTED
            _end_at_once()
        stdout.flush()
        if has_lost_text(stdout) and code == 0 and not is_within_another:
            print(
                f"error: cannot write text to standard output ({stdout.error}); output files are written all the same",
                file=sys.stderr,
            )
            code = 1
        return code


def _run(work: Callable[[argparse.Namespace], Optional[int]], flags: argparse.Namespace) -> int:
    try:
        with sigterm_interrupts(), rare_garbage_collections():
            for path in refused(vars(flags).values()):
                raise ScriptError(f"{path.flag}: {path.why}")
            return work(flags) or 0
    except (ScriptError, LightCurveError, OSError) as error:
        messages.LOG.debug("where it happened:", exc_info=True)
        print(f"error: {printable(error)}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _OWN_PACKAGES:
            raise
        problem = f"this needs the Python package {_DISTRIBUTIONS.get(package, package)}, which is not installed"
        print(f"error: {problem}: install it, or all that the scripts need (pip install .)", file=sys.stderr)
        return 1
    except ImportError as error:
        if error.name != _EXTENSION:
            raise
        print(f"error: {printable(error)}", file=sys.stderr)
        return 1


def _end_at_once() -> None:
    """Has the process end without what else Python does at its end, once the script is through.

    Threads that are still in TensorFlow, which nothing can stop, would make it end by an abort. And whoever is waiting
    for the end, and presses Control-C once more, gets it.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    if any(thread.daemon for thread in threading.enumerate()):
        atexit.register(os._exit, INTERRUPTED)


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Lets SIGTERM end the block by KeyboardInterrupt, as Control-C does, so that its processes are ended in order."""

    def interrupt(signum: int, frame: Any) -> None:
        raise KeyboardInterrupt(f"signal {signum}")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def rare_garbage_collections() -> Iterator[None]:
    """Has Python look for garbage less often in the block.

    Half a million objects come with TensorFlow and stay: to look through them again and again takes a tenth of a
    script's start-up.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(50_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
