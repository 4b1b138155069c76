"""AstroNet-Triage: deep learning that triages planet candidates in TESS light curves."""

import os
import sys
from types import TracebackType
from typing import Optional

__version__ = "0.1.0"

# TensorFlow's C++ side reports missing GPU libraries at error level on every CPU-only machine.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _tell_interrupts_in_a_line() -> None:
    """Has Control-C while a script of this package is still importing end it without a traceback.

    From then on script.run() does; a program that imports this package is left as it is.
    """
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    is_ours = program == "-m" or os.path.basename(program).startswith("astronet-")
    if not (is_ours or os.path.abspath(program).startswith(os.path.dirname(os.path.abspath(__file__)) + os.sep)):
        return
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("\nstopped before the work began", file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


_tell_interrupts_in_a_line()
