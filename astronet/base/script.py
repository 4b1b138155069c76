"""What every script shares: flags that suggest the right spelling, and errors told in one line."""

import argparse
import atexit
import contextlib
import difflib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, Optional

from astronet.base.terminal import SafeStream, has_lost_text, printable, safe_streams
from light_curve_util.errors import LightCurveError

INTERRUPTED = 130  # exit code, as a shell has it
GOES_ON = "the same command, given again, goes on from here"
_AGAIN = "the same command, given again, does the work again, or what is left of it"


class ScriptError(Exception):
    """A problem that its user can mend; the message names the file, row or TIC and the remedy."""


class RefusedPath(str):
    """A path that a flag cannot have, and why; run() tells, and calls nothing with it.

    Attributes:
      why: what is wrong with it, and what to give.
      flag: how the command line names it.
    """

    why = ""
    flag = ""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes no abbreviations and names the nearest flag for an unknown one."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", _HelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def parse_args(self, args: Optional[Iterable[str]] = None, namespace: Any = None) -> Any:
        flags, unknown = self.parse_known_args(None if args is None else list(args), namespace)
        if unknown:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            near = difflib.get_close_matches(unknown[0].split("=")[0], known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.error(f"unknown argument {unknown[0]}{hint}")
        for action in self._actions:
            self._refuse_empty(action, getattr(flags, action.dest, None))
            for path in _refused([getattr(flags, action.dest, None)]):
                path.flag = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)
        return flags

    def _refuse_empty(self, action: argparse.Action, value: Any) -> None:
        """Refuses an empty text, as a shell makes it of a variable that is not set; types see to their own."""
        given = value if isinstance(value, list) else [value]
        is_free_text = action.type is None and action.choices is None and value != action.default
        if is_free_text and any(isinstance(text, str) and not text.strip() for text in given):
            self.error(str(argparse.ArgumentError(action, "it is empty: give a value, or leave the flag out")))

    def error(self, message: str) -> NoReturn:
        """Ends the script with one line; the usage, which argparse would print above it, is what --help shows."""
        self.exit(2, f"{self.prog}: error: {printable(message)} (--help tells of all flags)\n")

    def _print_message(self, message: str, file: Optional[Any] = None) -> None:
        if message:
            stream = SafeStream(file or sys.stderr)
            stream.write(message)
            stream.flush()


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Tells defaults, but not of flags that have none."""

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        has_none = action.default is None or action.default != action.default or action.default in ("", [])  # or NaN
        return action.help if has_none or isinstance(action.default, bool) else super()._get_help_string(action)


def _refused(values: Iterable[Any]) -> Iterator[RefusedPath]:
    for value in values:
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, RefusedPath))


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
    with safe_streams() as stdout:
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
            told = "files are written all the same, if there are any"
            print(f"error: standard output takes no text ({stdout.error}); {told}", file=sys.stderr)
            code = 1
        return code


def _run(work: Callable[[argparse.Namespace], Optional[int]], flags: argparse.Namespace) -> int:
    try:
        with sigterm_interrupts(), rare_garbage_collections():
            for path in _refused(vars(flags).values()):
                raise ScriptError(f"{path.flag}: {path.why}")
            return work(flags) or 0
    except (ScriptError, LightCurveError, OSError) as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _OWN_PACKAGES:
            raise
        told = f"this needs the Python package {_DISTRIBUTIONS.get(package, package)}, which is not installed"
        print(f"error: {told}: install it, or all that the scripts need (pip install .)", file=sys.stderr)
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
