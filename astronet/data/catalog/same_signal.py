"""Whether two ephemerides of one star are the same signal, or one signal at another multiple of its period."""

import dataclasses
import math
from fractions import Fraction
from typing import Optional

_SECTOR_DAYS = 27.4
_SHORTEST_DAYS = 0.04  # two cadences of 30 minutes: no duration and no epoch is known better
_LARGEST_ERROR = 0.02  # of a period, relative
_RATIOS = tuple(Fraction(text) for text in ("1", "1/2", "2", "1/3", "3", "2/3", "3/2", "1/4", "4"))


@dataclasses.dataclass(frozen=True)
class Ephemeris:
    """When a signal repeats. NaN stands for what is not known.

    Attributes:
      period: days.
      t0_btjd: time of one of its events, in days (BTJD).
      duration_days: of an event.
      period_error, t0_error: standard deviations, in days.
    """

    period: float
    t0_btjd: float = math.nan
    duration_days: float = math.nan
    period_error: float = math.nan
    t0_error: float = math.nan


@dataclasses.dataclass(frozen=True)
class Match:
    """How a TCE relates to a known signal of the same star.

    Attributes:
      ratio: the TCE's period over the known one.
      phase: phase of the TCE's event in the known orbit, from -0.5 to 0.5, 0 at the known event; NaN where the known
        ephemeris is not precise enough to tell.
      is_same_event: whether the TCE's event is the known event; None where the phase is NaN.
    """

    ratio: Fraction
    phase: float
    is_same_event: Optional[bool]


def match(tce: Ephemeris, known: Ephemeris) -> Optional[Match]:
    """Compares a TCE, which one sector has measured, with a known signal of the same star.

    Args:
      tce: its period may be off by as much as shifts its last event of a sector by a duration.
      known: a signal with a precise period.

    Returns:
      A Match; None where the periods have none of the ratios 1, 1/2, 2, 1/3, 3, 2/3, 3/2, 1/4 and 4.

    >>> found = match(Ephemeris(2.7, 1326.1, 0.1), Ephemeris(5.4001, 1331.5, 0.1, 1e-5, 1e-3))
    >>> str(found.ratio), found.is_same_event
    ('1/2', True)
    """
    if not (tce.period > 0 and known.period > 0):
        return None
    errors = {ratio: abs(tce.period - known.period * float(ratio)) for ratio in _RATIOS}
    ratio = min(_RATIOS, key=errors.__getitem__)
    if errors[ratio] > _period_error(tce):
        return None
    phase, uncertainty = _phase(tce, known)
    if uncertainty > 0.125:
        return Match(ratio, math.nan, None)
    width = _or(tce.duration_days, _SHORTEST_DAYS) / known.period
    return Match(ratio, phase, abs(phase) <= max(width, _SHORTEST_DAYS / known.period) + uncertainty)


def _period_error(tce):
    """The largest error of a period that one sector has measured, in days."""
    duration = max(_or(tce.duration_days, _SHORTEST_DAYS), _SHORTEST_DAYS)
    num_periods = max(_SECTOR_DAYS / tce.period - 1, 1)
    return min(duration / num_periods, _LARGEST_ERROR * tce.period)


def _phase(tce, known):
    """The phase of the TCE's event in the known orbit, and its uncertainty, in periods of the known orbit."""
    cycles = (tce.t0_btjd - known.t0_btjd) / known.period
    if not math.isfinite(cycles) or not math.isfinite(known.period_error):
        return math.nan, math.inf
    phase = cycles - round(cycles)
    error = math.hypot(abs(cycles) * known.period_error, _or(known.t0_error, 0.0)) / known.period
    return phase, error


def _or(value, default):
    return value if math.isfinite(value) else default
