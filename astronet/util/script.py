"""What every script shares: flags that suggest the right spelling, and errors told in one line."""

import argparse
import contextlib
import difflib
import gc
import sys

from light_curve_util.errors import LightCurveError


class ScriptError(Exception):
    """A problem that its user can mend; the message names the file, row or TIC and the remedy."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes no abbreviations and names the nearest flag for an unknown one."""

    def __init__(self, **kwargs):
        kwargs.setdefault("formatter_class", argparse.ArgumentDefaultsHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def parse_args(self, args=None, namespace=None):
        flags, unknown = self.parse_known_args(args, namespace)
        if unknown:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            near = difflib.get_close_matches(unknown[0].split("=")[0], known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; --help lists the flags"
            self.error(f"unknown argument {unknown[0]}{hint}")
        return flags


def positive_integer(text):
    """A flag's type: an integer of at least 1."""
    with contextlib.suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not an integer of at least 1")


def positive_fraction(text):
    """A flag's type: a number above 0 and up to 1."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 1")


def run(work, flags):
    """Calls work(flags).

    Args:
      work: function of the parsed flags; its return value is the exit code (None is 0).
      flags: argparse.Namespace.

    Returns:
      The exit code: work's own, or 1 after an error that the user can mend, told on stderr.
    """
    try:
        with rare_garbage_collections():
            return work(flags) or 0
    except (ScriptError, LightCurveError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def rare_garbage_collections():
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
