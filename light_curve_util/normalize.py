"""Scaling a view to a dip of depth 1."""

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.native import core, finite_array


def normalize_view(view: ArrayLike) -> Floats:
    """Subtracts the median and divides by |min|: the base is at 0, the deepest point at -1.

    Args:
      view: [num_bins].

    Returns:
      [num_bins].

    Raises:
      FlatViewError: nothing lies below the median, or so little that other values overflow.
      ValueError: a value is not finite.
    """
    return core.normalize_view(finite_array("view", view))
