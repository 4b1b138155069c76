"""A periodic dip in a light curve: its epoch, period and duration."""

from dataclasses import dataclass

from light_curve_util.errors import InvalidEventError

_SHORTEST, _LONGEST = 1e-20, 1e20  # days; no event is beyond these, and arithmetic does not overflow between them


@dataclass(frozen=True)
class PeriodicEvent:
    """A periodic event of one star, such as a transit.

    Args:
      t0: mid-time of the first event, BTJD (days).
      period: days.
      duration_days: days, at most one period.

    Raises:
      InvalidEventError: a value is not finite or beyond 1e20 d, the period or the duration is not positive (at least
        1e-20 d), or the duration is longer than the period.
    """

    t0: float
    period: float
    duration_days: float

    def __post_init__(self) -> None:
        is_periodic = _SHORTEST <= self.duration_days <= self.period <= _LONGEST
        if not (is_periodic and abs(self.t0) <= _LONGEST):
            raise InvalidEventError(
                f"t0 = {self.t0} BTJD, period = {self.period} d, duration = {self.duration_days} d: "
                "all must be finite, period and duration positive, and the duration no longer than the period"
            )
