"""Computes medians in evenly spaced, overlapping bins."""

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.native import core, finite_array


def median_view(x: ArrayLike, y: ArrayLike, num_bins: int, bin_width: float, x_min: float, x_max: float) -> Floats:
    """Returns the medians of y in bins of x.

    Bin i contains the points with x_min + i s <= x < x_min + i s + bin_width. The spacing s is
    (x_max - x_min - bin_width) / (num_bins - 1); edges are computed by adding s repeatedly. The median of an even
    number of points is the mean of the middle two. The value of an empty bin is interpolated linearly between the
    nearest filled bins; an empty bin at an end gets the value of the nearest filled bin.

    >>> median_view([0, 1, 2, 3, 4, 5], [0, 1, 2, 9, 4, 5], num_bins=2, bin_width=3, x_min=0, x_max=6).tolist()
    [1.0, 5.0]

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
      SparseLightCurveError: fewer than 5 points are within x_min <= x <= x_max, or they span less than half this range.
      ValueError: a value is not finite, the lengths differ, or the bins are not as described.
    """
    return core.median_view(finite_array("x", x), finite_array("y", y), num_bins, bin_width, x_min, x_max)
