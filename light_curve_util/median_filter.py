"""Medians in evenly spaced, overlapping bins."""

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.native import core, finite_array


def median_view(x: ArrayLike, y: ArrayLike, num_bins: int, bin_width: float, x_min: float, x_max: float) -> Floats:
    """Medians of y in bins of x.

    Bin i holds the points with x_min + i s <= x < x_min + i s + bin_width, where the spacing s is
    (x_max - x_min - bin_width) / (num_bins - 1) and the edges come from its repeated addition. An even number of points
    has the mean of the middle two for its median. An empty bin is interpolated linearly between the nearest filled
    ones; those at the ends take the value of the nearest.

    Args:
      x: [n], in any order.
      y: [n].
      num_bins: 2 to 100,000.
      bin_width: in the units of x, less than x_max - x_min.
      x_min: lower edge of the first bin.
      x_max: upper edge of the last bin.

    Returns:
      [num_bins] medians.

    Raises:
      SparseLightCurveError: fewer than 5 points have x_min <= x <= x_max, or those span less than half that range.
      ValueError: a value is not finite, the lengths differ, or the bins are not as described.
    """
    return core.median_view(finite_array("x", x), finite_array("y", y), num_bins, bin_width, x_min, x_max)
