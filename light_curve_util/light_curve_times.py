"""Whether the times of one light curve are those of one light curve, each with all its digits."""

import numpy as np

from light_curve_util.array_types import Floats
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.numerals import numbered
from light_curve_util.time_systems import COARSEST_EPOCH_DAYS

_MOST_REPEATED = 0.2  # of the cadences, that may have the time of another one


def problems(time: Floats) -> list[str]:
    """Returns what to say of times that repeat or go back, as where two light curves lie in one file.

    Args:
      time: BTJD (days), finite, in the order of the file. [n], n >= 1

    Returns:
      List of at most one text.

    Raises:
      UnreadableLightCurveError: so many times repeat that it is not one light curve, or that digits are lost.
    """
    steps = np.diff(time)
    if (steps > 0).all():
        return []
    num_distinct = len(np.unique(time))
    num_repeated = len(time) - num_distinct
    told = f"{num_repeated} of {len(time)} cadences have the time of another one"
    if num_repeated > _MOST_REPEATED * len(time):
        gap_days = float(np.median(np.diff(np.unique(time)))) if num_distinct > 1 else np.inf
        if gap_days > COARSEST_EPOCH_DAYS:
            told_gap = f"the others are {gap_days:.2g} d apart" if num_distinct > 1 else "there is no other time"
            raise UnreadableLightCurveError(
                f"{told}, and {told_gap}: the times have lost digits, as in single precision or in a spreadsheet; "
                "write them with all digits"
            )
        raise UnreadableLightCurveError(
            f"{told}: keep one of them if these are two light curves in one file, or write the times with more digits"
        )
    if num_repeated:
        return [f"{told}; all are used"]
    where = numbered(np.count_nonzero(steps < 0), "place")
    return [f"the times go back at {where}: are these two light curves in one file?"]
