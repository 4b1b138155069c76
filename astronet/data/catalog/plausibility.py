"""Checks whether the periods, durations, depths and S/N of TCEs are plausible, or look as if in another unit.

The checks convert nothing and drop no row, because unusual values can be real: transits of white dwarfs last two
minutes. They apply to tables and to single TCEs. Worker processes import this module, so it imports neither TensorFlow
nor pandas.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from astronet.data.records.columns import DEPTH, DURATION, PERIOD, SN

_SUN_TRANSIT_HOURS = 12.98  # duration of a central transit of the Sun at a period of a year
_YEAR = 365.25  # days
_LONGEST = 5.0  # longest plausible duration, in durations of a Sun-like star's transit
_LEAST_DURATION_HOURS = 2 / 60  # the cadence of TESS's targets
# A column is judged by the median of its rows. In published tables, the median duration is 0.9 to 1.4 times that of a
# Sun-like star's transit, and the median depth is 3000 to 4600 ppm.
# In durations of a Sun-like star's transit: below the first, values look like days; above the others, like minutes or
# seconds.
_DAYS_LOOK, _MINUTES_LOOK, _SECONDS_LOOK = 0.12, 15.0, 900.0
_LEAST_HOURS = 0.5  # a column whose longest event is shorter looks like days
_LEAST_MEDIAN_PPM = 20.0
_LEAST_DEPTH_PPM = 1.0
_MOST_FRACTION = 0.1  # a column of fractions has a smaller median; one of percent or mmag a greater median
_LEAST_ROWS = 3  # fewer rows do not give a meaningful median
_MOST_DEPTH_PPM = 1e6
_MOST_SN = 1e5
_MOST_PERIOD_DAYS = 4000.0  # the length of the mission


class Doubts(NamedTuple):
    """Doubts about the values of TCEs.

    Attributes:
      of_columns: messages about whole columns.
      of_tces: dict of the index of a TCE to a list of messages about it.
    """

    of_columns: list
    of_tces: dict


def sunlike_duration_hours(period_days: np.ndarray) -> np.ndarray:
    """Returns the duration in hours of a central transit of a Sun-like star on a circular orbit.

    >>> round(float(sunlike_duration_hours(365.25)), 2), round(float(sunlike_duration_hours(3.0)), 2)
    (12.98, 2.62)
    """
    return _SUN_TRANSIT_HOURS * np.cbrt(np.asarray(period_days, float) / _YEAR)


def doubts(tces: Mapping) -> Doubts:
    """Finds implausible values, and columns that look as if they were in another unit.

    >>> doubts({"Period": [3.0], "Duration": [150.0]}).of_columns[0].partition("as if ")[2]
    'it were in minutes: it is to be in hours; divide by 60'

    Args:
      tces: dict of arrays [n]: Period (days) and Duration (hours), and optionally Transit_Depth (ppm) and SN. NaN means
        unknown.

    Returns:
      Doubts.
    """
    period, duration, depth, sn = (
        np.asarray(tces[name], float) if name in tces else np.full(len(tces[PERIOD]), np.nan)
        for name in (PERIOD, DURATION, DEPTH, SN)
    )
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        of_durations = _of_durations(period, duration)
        of_depths = _of_depths(depth)
        longest = _LONGEST * sunlike_duration_hours(period)
        checks = [
            (
                np.isfinite(period) & (period > _MOST_PERIOD_DAYS),
                _tell("Period {} d is longer than TESS has observed", period),
            ),
            (depth > _MOST_DEPTH_PPM, _tell("Transit_Depth {} ppm is more than all the light: is it in ppm?", depth)),
            (
                (not of_depths) & (depth > 0) & (depth < _LEAST_DEPTH_PPM),
                _tell("Transit_Depth {} ppm is too little to be seen: is it a fraction?", depth),
            ),
            (sn > _MOST_SN, _tell("SN {} is more than TESS can measure", sn)),
        ]
        if not of_durations:
            too_long = _tell(
                "Duration {} h is more than five times as long as the transit of a Sun-like star at a period of {} d: "
                "is it in minutes, or the star a giant or a variable?",
                duration,
                period,
            )
            too_short = _tell("Duration {} h is shorter than a cadence of 2 minutes: is it in days?", duration)
            checks += [(duration > longest, too_long), (duration < _LEAST_DURATION_HOURS, too_short)]
    of_tces: dict[int, list[str]] = {}
    for where, tell in checks:
        for i in np.flatnonzero(where).tolist():
            of_tces.setdefault(i, []).append(tell(i))
    return Doubts([*of_durations, *of_depths], of_tces)


def _tell(text, *values):
    return lambda i: text.format(*(f"{value[i]:.4g}" for value in values))


def _of_durations(period, duration):
    """Returns doubts about the whole column of durations: a list of at most one message."""
    known = np.flatnonzero((duration > 0) & (period > 0) & np.isfinite(duration + period))
    if not len(known):
        return []
    ratio = np.median(duration[known] / sunlike_duration_hours(period[known]))
    looks = ""
    if ratio > _SECONDS_LOOK:
        looks = "seconds: it is to be in hours; divide by 3600"
    elif ratio > _MINUTES_LOOK:
        looks = "minutes: it is to be in hours; divide by 60"
    elif (ratio < _DAYS_LOOK and len(known) >= _LEAST_ROWS) or (duration[known] < _LEAST_HOURS).all():
        looks = "days: it is to be in hours; multiply by 24"
    if not looks:
        return []
    return [
        f"Duration {_typical(duration[known])}, {ratio:.2g} times what the transit of a Sun-like star lasts in hours, "
        f"as if it were in {looks}"
    ]


def _of_depths(depth):
    """Returns doubts about the whole column of depths: a list of at most one message."""
    known = depth[(depth > 0) & np.isfinite(depth)]
    if not len(known):
        return []
    median = np.median(known)
    if not ((known < _LEAST_DEPTH_PPM).all() or (median < _LEAST_MEDIAN_PPM and len(known) >= _LEAST_ROWS)):
        return []
    looks = "fractions: it is to be in ppm; multiply by 1e6"
    if median > _MOST_FRACTION:
        looks = "percent or mmag: it is to be in ppm; multiply percent by 1e4, mmag by 921"
    return [f"Transit_Depth {_typical(known)}, as if it were in {looks}"]


def _typical(values):
    """Returns the words for a column's median in a message."""
    if len(values) == 1:
        return f"is {values[0]:.3g}"
    return f"has a median of {np.median(values):.3g} over {len(values)} rows"
