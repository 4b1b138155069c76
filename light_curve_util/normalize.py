"""Normalizes a view to a dip of depth 1."""

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.native import core, finite_array


def normalize_view(view: ArrayLike) -> Floats:
    """Subtracts the median of a view and divides by |min|: the base is then at 0, and the deepest point at -1.

    >>> normalize_view([1.0, 1.0, 0.5, 1.0, 1.25]).tolist()
    [0.0, 0.0, -1.0, 0.0, 0.5]

    Args:
      view: [num_bins].

    Returns:
      [num_bins].

    Raises:
      FlatViewError: no value is below the median, or the dip is so shallow that other values overflow.
      ValueError: a value is not finite.
    """
    return core.normalize_view(finite_array("view", view))
