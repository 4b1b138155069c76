"""Checks the times of a light curve for repetitions, wrong order and lost digits."""

import numpy as np

from light_curve_util.array_types import Floats
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.numerals import numbered
from light_curve_util.time_systems import COARSEST_EPOCH_DAYS

_MOST_REPEATED = 0.2  # largest fraction of cadences that may have the same time as another one


def problems(time: Floats) -> list[str]:
    """Returns a warning if times repeat or go back, for example because one file holds two light curves.

    Args:
      time: BTJD (days), finite, in the order of the file. [n], n >= 1

    Returns:
      List of at most one text.

    Raises:
      UnreadableLightCurveError: too many times repeat: there are several light curves in the file, or digits are lost.
    """
    steps = np.diff(time)
    if (steps > 0).all():
        return []
    num_distinct = len(np.unique(time))
    num_repeated = len(time) - num_distinct
    repeats = f"{num_repeated} of {len(time)} cadences have the same time as another one"
    if num_repeated > _MOST_REPEATED * len(time):
        gap_days = float(np.median(np.diff(np.unique(time)))) if num_distinct > 1 else np.inf
        if gap_days > COARSEST_EPOCH_DAYS:
            gap = f"the others are {gap_days:.2g} d apart" if num_distinct > 1 else "there is no other time"
            raise UnreadableLightCurveError(
                f"{repeats}, and {gap}: the times have lost digits, as in single precision or in a spreadsheet; "
                "write them with all digits"
            )
        raise UnreadableLightCurveError(
            f"{repeats}: if these are two light curves in one file, keep one of them; else write the times with more "
            "digits"
        )
    if num_repeated:
        return [f"{repeats}; all are used"]
    where = numbered(np.count_nonzero(steps < 0), "place")
    return [f"the times go back at {where}: are these two light curves in one file?"]
