"""Converts the epochs of TCEs to BTJD, and checks how far they are from a light curve.

Worker processes import this module, so it imports neither TensorFlow nor pandas.
"""

import math
from typing import Optional

import numpy as np

from light_curve_util import sector_times, time_systems
from light_curve_util.array_types import ArrayLike
from light_curve_util.constants import SECONDS_PER_DAY
from light_curve_util.errors import MisplacedLightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.time_systems import Times, TimeSystem

_LEAST_BKJD = 3490.0  # BKJD of TESS's first sector: a column with a smaller epoch is not in BKJD
MISSION_DAYS = 4000.0  # longer than TESS has been observing
_FAR_DAYS = 182.0  # at a greater distance, a period without a known error is doubtful
_FAR_DAYS_WITH_ERROR = 730.0  # at a greater distance, companions may have shifted the events
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, float(SECONDS_PER_DAY)  # seconds


def in_btjd(epochs: ArrayLike, sectors: ArrayLike, named: Optional[TimeSystem] = None) -> Times:
    """Converts a column of epochs to BTJD.

    Args:
      epochs: days, in any time system; NaN for a missing epoch. [n]
      sectors: number of the sector of each epoch; an unknown sector is not used. [n]
      named: time system in the column's name; None if the name has none.

    Returns:
      time_systems.Times.
    """
    epochs = np.asarray(epochs, float)
    could_be_bkjd = named is None and len(epochs) and np.fmin.reduce(epochs) > _LEAST_BKJD
    windows = sector_times.windows(np.asarray(sectors)) if could_be_bkjd else None  # takes half a second
    return time_systems.to_btjd(epochs, named, windows, noun="epochs")


def distance_warning(
    t0_btjd: float,
    period_days: float,
    duration_days: float,
    start_btjd: float,
    end_btjd: float,
    t0_error_days: float = math.nan,
    period_error_days: float = math.nan,
) -> str:
    """Returns a warning if an epoch is so far from a light curve that the fold may miss the events; else "".

    Folding moves the epoch into the light curve by whole periods, and its error grows with their number. If the errors
    are known, the warning is given when the error exceeds half the duration, or the epoch is more than two years away.
    If they are not known, it is given beyond half a year. Beyond the length of the mission, it also asks whether the
    time system is right.

    >>> distance_warning(1354.0, 3.0, 0.1, start_btjd=2354.0, end_btjd=2380.0).partition(": ")[0]
    'the epoch, BTJD 1354.0000, is 334 periods (1000 d) before the light curve'

    Args:
      t0_btjd: mid-time of an event.
      period_days: period.
      duration_days: duration of the event.
      start_btjd, end_btjd: start and end of the light curve, or of the sector.
      t0_error_days, period_error_days: standard deviations; NaN if unknown.
    """
    days = max(start_btjd - t0_btjd, t0_btjd - end_btjd)
    if not days > period_days > 0:
        return ""
    num_periods = math.ceil(days / period_days)
    grown_days = num_periods * period_error_days
    if math.isfinite(t0_error_days):
        grown_days = math.hypot(t0_error_days, grown_days)
    is_known = math.isfinite(grown_days)
    is_unsure = is_known and grown_days > duration_days / 2
    if not (is_unsure or days > (_FAR_DAYS_WITH_ERROR if is_known else _FAR_DAYS)):
        return ""
    where = "before" if t0_btjd < start_btjd else "after"
    text = f"the epoch, BTJD {t0_btjd:.4f}, is {num_periods} periods ({days:.0f} d) {where} the light curve: "
    if is_known:
        text += f"its error has grown to {_time(grown_days)} there, where the event lasts {_time(duration_days)}"
        text += "" if is_unsure else ", if its events are strictly periodic"
    else:
        needed_days = duration_days / 2 / num_periods
        text += f"if the period is wrong by {_time(needed_days)} or more, the fold misses the event"
    hint = time_systems.bkjd_hint(t0_btjd, (start_btjd, end_btjd))
    if hint:
        text += f"; {hint}"
    elif days > MISSION_DAYS:
        text += "; that is longer than TESS has been observing: is the epoch in another time system?"
    return text


def sector_warnings(time_btjd: np.ndarray, sector: int, ran: Optional[tuple[float, float]] = None) -> list[str]:
    """Checks that the times of a light curve are in its sector.

    Args:
      time_btjd: times, finite. [n], n >= 1
      sector: number of the TESS sector; 0 if unknown.
      ran: start and end of the sector (sector_times.window); None looks them up.

    Returns:
      List of at most one warning.

    Raises:
      MisplacedLightCurveError: the times are not in the sector, but would be with another zero point.
    """
    ran = ran or sector_times.window(sector)
    problem = sector_times.problem(time_btjd, sector, ran) if ran else ""
    if ran and problem and time_systems.bkjd_hint(float(np.median(time_btjd)), ran):
        raise MisplacedLightCurveError(f"{problem} Correct the times, or the sector")
    return [problem] if problem else []


def event_warnings(time_btjd: np.ndarray, event: PeriodicEvent, *errors: float) -> list:
    """Returns the distance_warning() of an event and a light curve as a list of at most one warning.

    Args:
      time_btjd: times of the light curve, finite. [n], n >= 1
      event: the event to fold at.
      *errors: standard deviations of its epoch and period in days, NaN if unknown.
    """
    start, end = float(time_btjd.min()), float(time_btjd.max())
    warning = distance_warning(event.t0, event.period, event.duration_days, start, end, *errors)
    return [warning] if warning else []


def _time(days):
    """Returns a time span as text, in days, hours, minutes or seconds."""
    seconds = days * _DAY
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.2g} s"
