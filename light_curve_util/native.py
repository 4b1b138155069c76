"""The way to the C++ extension: imports it, and checks once what is handed to it."""

import numpy as np

from light_curve_util.errors import LightCurveError

try:
    from light_curve_util import _core as core
except ImportError as error:
    raise ImportError(
        "the C++ extension light_curve_util._core is not built: run `pip install -e .` (or `make setup`) in the root "
        "of the project"
    ) from error

__all__ = ["core", "finite_array"]


def finite_array(name, values):
    """Values as the contiguous float64 array that the extension reads.

    Args:
      name: what an error message calls the values.
      values: array-like of numbers.

    Returns:
      float64 array; `values` itself where it is one already.

    Raises:
      LightCurveError: some values are NaN or infinite.
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        bad = np.flatnonzero(~finite)
        raise LightCurveError(
            f"{name}: {bad.size} of {array.size} values are not finite, the first at index {bad[0]}; drop them first"
        )
    return array
