"""Imports the C++ extension, and checks the arrays that are passed to it."""

import numpy as np

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.errors import LightCurveError

try:
    from light_curve_util import _core as core
except ImportError as error:
    raise ImportError(
        "the C++ extension light_curve_util._core is not built: run `pip install -e .` (or `make setup`) in the root "
        "of the project"
    ) from error

__all__ = ["LARGEST", "core", "finite_array", "require"]

LARGEST = 1e100  # beyond it, the sums and squares that the extension takes could overflow


def require(*names: str) -> None:
    """Raises an ImportError with advice if the extension lacks functions because it is older than this code."""
    lacking = [name for name in names if not hasattr(core, name)]
    if lacking:
        raise ImportError(
            f"the C++ extension light_curve_util._core is older than this code and lacks {', '.join(lacking)}: run "
            "`pip install -e .` (or `make setup`, or `python setup.py build_ext --inplace`) in the root of the project",
            name="light_curve_util._core",
        )


def finite_array(name: str, values: ArrayLike) -> Floats:
    """Converts values to the contiguous float64 array that the extension needs.

    Args:
      name: name of the values in error messages.
      values: array-like of real numbers; masked values count as NaN.

    Returns:
      float64 array; `values` itself if it has this form already.

    Raises:
      LightCurveError: some values are NaN, infinite or beyond LARGEST.
      ValueError: the values are not real numbers.
    """
    array = _as_float64(name, values)
    # The extremes are NaN where any value is.
    if not (array.min(initial=0) >= -LARGEST and array.max(initial=0) <= LARGEST):
        bad = np.flatnonzero(~(np.abs(array) <= LARGEST))
        raise LightCurveError(
            f"{name}: {bad.size} of {array.size} values are not finite, the first at index {bad[0]} (what is beyond "
            f"{LARGEST:g} counts as infinite); drop them first"
        )
    return array


def _as_float64(name: str, values: ArrayLike) -> Floats:
    try:
        if np.iscomplexobj(values):
            raise TypeError("these are complex")
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        return np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: an array of real numbers needed ({error})") from error
