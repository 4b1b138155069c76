"""A periodic dip in a light curve: when, how often and how long."""

import math
from dataclasses import dataclass

from light_curve_util.errors import InvalidEventError


@dataclass(frozen=True)
class PeriodicEvent:
    """A periodic event of one star, such as a transit.

    Args:
      t0: mid-time of the first event, BTJD (days).
      period: days.
      duration_days: days, at most one period.

    Raises:
      InvalidEventError: a value is not finite, the period or the duration is not positive, or the duration is longer
        than the period.
    """

    t0: float
    period: float
    duration_days: float

    def __post_init__(self):
        if not (math.isfinite(self.t0) and 0 < self.duration_days <= self.period < math.inf):
            raise InvalidEventError(
                f"t0 = {self.t0} BTJD, period = {self.period} d, duration = {self.duration_days} d: "
                "all must be finite, period and duration positive, and the duration no longer than the period"
            )
