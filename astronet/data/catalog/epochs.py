"""Epochs of TCEs: in BTJD whatever system they were given in, and how far they lie from a light curve.

Workers run this: it imports neither TensorFlow nor pandas.
"""

import math
from typing import Optional

import numpy as np

from light_curve_util import sector_times, time_systems
from light_curve_util.errors import MisplacedLightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.time_systems import Times, TimeSystem

_LEAST_BKJD = 3490.0  # of TESS's first sector; where an epoch is less, the column is not in BKJD
MISSION_DAYS = 4000.0  # longer than TESS has been observing
_FAR_DAYS = 182.0  # beyond, a period without an error is to be doubted; TCEs of one or a few sectors lie within
_FAR_DAYS_WITH_ERROR = 730.0  # beyond, so is that the events are strictly periodic: companions shift transits
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0  # seconds


def in_btjd(epochs, sectors, named: Optional[TimeSystem] = None) -> Times:
    """Converts a column of epochs to BTJD.

    Args:
      epochs: days, in any time system, NaN where there is none. [n]
      sectors: number of the sector of each; one that is not known counts for nothing. [n]
      named: the system that the column's name tells.

    Returns:
      time_systems.Times.
    """
    epochs = np.asarray(epochs, float)
    could_be_bkjd = named is None and len(epochs) and np.fmin.reduce(epochs) > _LEAST_BKJD
    windows = sector_times.windows(sectors) if could_be_bkjd else None  # takes half a second
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
    """What to say of an epoch that lies so far from a light curve that its events there may be out of place; or "".

    Folding moves the epoch into the light curve by whole periods, and its error grows with their number. With the
    errors known, that is told where it has grown beyond half the duration, or the epoch is two years away; without
    them, beyond half a year. Beyond the length of the mission it is also asked whether the time system is right.

    Args:
      t0_btjd: mid-time of an event.
      period_days: of the event.
      duration_days: of the event.
      start_btjd, end_btjd: of the light curve, or of the sector.
      t0_error_days, period_error_days: standard deviations; NaN where they are not known.
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
    """Checks that a light curve is of its sector.

    Args:
      time_btjd: days, finite. [n], n >= 1
      sector: of TESS, in which the times should lie; 0 where it is not known.
      ran: start and end of the sector (sector_times.window); None: they are looked up.

    Returns:
      List of texts, empty where nothing is wrong.

    Raises:
      MisplacedLightCurveError: the light curve is not of that sector, but would be with another zero point.
    """
    ran = ran or sector_times.window(sector)
    problem = sector_times.problem(time_btjd, sector, ran) if ran else ""
    if ran and problem and time_systems.bkjd_hint(float(np.median(time_btjd)), ran):
        raise MisplacedLightCurveError(f"{problem} Correct the times, or the sector")
    return [problem] if problem else []


def event_warnings(time_btjd: np.ndarray, event: PeriodicEvent, *errors: float) -> list:
    """What distance_warning() says of an event and a light curve: a list of at most one text.

    Args:
      time_btjd: days, finite. [n], n >= 1
      event: what is to be folded.
      *errors: standard deviations of its epoch and its period in days, NaN where they are not known.
    """
    start, end = float(time_btjd.min()), float(time_btjd.max())
    warning = distance_warning(event.t0, event.period, event.duration_days, start, end, *errors)
    return [warning] if warning else []


def _time(days):
    """A duration in the unit that suits it."""
    seconds = days * _DAY
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.2g} s"
