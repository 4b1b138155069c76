"""AstroNet-Triage: deep learning that triages planet candidates in TESS light curves."""

import importlib
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional

from astronet.base.version import VERSION

if TYPE_CHECKING:
    from astronet.api.flare_model import FlareFinder, Flares
    from astronet.api.light_curves import read_light_curve
    from astronet.api.loading import load
    from astronet.api.score import Score
    from astronet.api.transit_search import FoundTce, search
    from astronet.api.triage_model import Triage
    from astronet.base.script import ScriptError
    from light_curve_util.errors import LightCurveError
    from light_curve_util.tess_io import LightCurve

__version__ = VERSION

__all__ = [
    "FlareFinder",
    "Flares",
    "FoundTce",
    "LightCurve",
    "LightCurveError",
    "Score",
    "ScriptError",
    "Triage",
    "load",
    "read_light_curve",
    "search",
]

# Where the public names are; a module is imported when a name is first used.
_MODULES = {
    "FlareFinder": "astronet.api.flare_model",
    "Flares": "astronet.api.flare_model",
    "FoundTce": "astronet.api.transit_search",
    "LightCurve": "light_curve_util.tess_io",
    "LightCurveError": "light_curve_util.errors",
    "Score": "astronet.api.score",
    "ScriptError": "astronet.base.script",
    "Triage": "astronet.api.triage_model",
    "load": "astronet.api.loading",
    "read_light_curve": "astronet.api.light_curves",
    "search": "astronet.api.transit_search",
}


if not TYPE_CHECKING:  # for a type checker, other names than those above do not exist

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


# TensorFlow's C++ side reports missing GPU libraries at error level on every CPU-only machine.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _tell_interrupts_in_a_line() -> None:
    """Makes Control-C end a script of this package without a traceback while it is still importing.

    Later, script.run() does this. Other programs that import this package are not changed.
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
