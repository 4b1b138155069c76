"""A mean that outliers do not move."""

import numpy as np

from light_curve_util.array_types import ArrayLike, Bools
from light_curve_util.constants import MAD_TO_SIGMA

_MEAN_DEVIATION_TO_SIGMA = 1.2533


def robust_mean(y: ArrayLike, cut: float) -> tuple[float, float, Bools]:
    """Averages the values that lie near the median.

    Args:
      y: array [n] of finite values, n >= 1.
      cut: values further than this many standard deviations from the median are left out. The standard deviation is
        that of a normal distribution with the same median absolute deviation.

    Returns:
      mean: of the values kept.
      mean_error: its standard error; 0 for a single value.
      kept: bool [n].

    Source: the clipping of Vanderburg & Johnson 2014, PASP 126, 948 (section 3), and of Shallue & Vanderburg 2018,
      AJ 155, 94 (section 3).
    """
    y = np.asarray(y, dtype=np.float64)
    deviation = np.abs(y - np.median(y))
    # Where most values are equal their MAD is 0, and would leave out every other one however near.
    sigma = MAD_TO_SIGMA * np.median(deviation) or _MEAN_DEVIATION_TO_SIGMA * np.mean(deviation)
    kept = deviation <= cut * sigma
    values = y[kept]
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return values.mean(), error, kept
