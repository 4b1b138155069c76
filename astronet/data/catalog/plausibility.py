"""Whether the numbers of TCEs can be what their columns say, or look like another unit.

Nothing is converted here, and no row is dropped: a survey of white dwarfs has transits of two minutes. The same checks
serve tables and single TCEs. Workers may run this: it imports neither TensorFlow nor pandas.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from astronet.data.records.columns import DEPTH, DURATION, PERIOD, SN

_SUN_TRANSIT_HOURS = 12.98  # of a central transit of the Sun at a period of a year; it grows with the cube root
_YEAR = 365.25  # days
_LONGEST = 5.0  # times as long as a Sun-like star's
_LEAST_DURATION_HOURS = 2 / 60  # the cadence of TESS's targets
# Columns are judged by the median over their rows. In published tables that is 0.9 to 1.4 times the duration of a
# Sun-like star's transit, and 3000 to 4600 ppm.
_DAYS_LOOK, _MINUTES_LOOK, _SECONDS_LOOK = 0.12, 15.0, 900.0  # times the duration of a Sun-like star's transit
_LEAST_HOURS = 0.5  # of the longest event of a column
_LEAST_MEDIAN_PPM = 20.0
_LEAST_DEPTH_PPM = 1.0
_MOST_FRACTION = 0.1  # median depth as a fraction; in percent it is more
_LEAST_ROWS = 3  # for a median to tell something
_MOST_DEPTH_PPM = 1e6
_MOST_SN = 1e5
_MOST_PERIOD_DAYS = 4000.0  # the length of the mission


class Doubts(NamedTuple):
    """What is doubtful about TCEs.

    Attributes:
      of_columns: texts about whole columns, to be said loudly, once.
      of_tces: dict of position to the list of texts about that TCE.
    """

    of_columns: list
    of_tces: dict


def sunlike_duration_hours(period_days: np.ndarray) -> np.ndarray:
    """Duration of a central transit of a Sun-like star, circular orbit: the star's density and the period decide."""
    return _SUN_TRANSIT_HOURS * np.cbrt(np.asarray(period_days, float) / _YEAR)


def doubts(tces: Mapping) -> Doubts:
    """Finds values that no TCE can have, and columns that look as if they were in another unit.

    Args:
      tces: arrays [n]: Period (days) and Duration (hours), and where known Transit_Depth (ppm) and SN. NaN is unknown.

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
    """What is doubtful about the whole column of durations: a list of at most one text."""
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
    """What is doubtful about the whole column of depths: a list of at most one text."""
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
    """What a message says of a column."""
    if len(values) == 1:
        return f"is {values[0]:.3g}"
    return f"has a median of {np.median(values):.3g} over {len(values)} rows"
