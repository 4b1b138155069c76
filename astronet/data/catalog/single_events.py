"""A transit or eclipse that is seen once: what is told of it, and the periods that the light curve allows."""

import dataclasses
import math
from typing import Any

import numpy as np

from astronet.data.catalog.dips import Dip, coverage
from light_curve_util.array_types import Floats

COLUMNS = (
    "t0_btjd",
    "duration_hours",
    "depth_ppm",
    "ingress_fraction",
    "signal_to_noise",
    "shortest_period_days",
    "period_ranges_days",
)

_SHORTEST_PERIOD, _LEAST_PERIOD_DURATIONS = 1.0, 3.0  # days
_DRIFT = 0.25  # of a duration, over the baseline, from one period to the next
_SEEN = 0.5  # of an event's cadences: it would have been noticed


@dataclasses.dataclass(frozen=True)
class SingleEvent:
    """A dip that no period explains.

    Attributes:
      t0: mid-time, BTJD days.
      duration_days: from first to last contact.
      depth: relative flux.
      ingress_fraction: duration of ingress over duration.
      signal_to_noise: depth over the noise of a mean over the dip, red noise included.
      period_ranges_days: pairs of a shortest and a longest period, days, at which all other events fall into gaps or
        outside the light curve; the last has no end (inf).
    """

    t0: float
    duration_days: float
    depth: float
    ingress_fraction: float
    signal_to_noise: float
    period_ranges_days: tuple[tuple[float, float], ...]

    @property
    def duration_hours(self) -> float:
        """Duration in hours."""
        return self.duration_days * 24

    @property
    def depth_ppm(self) -> float:
        """Depth in parts per million."""
        return self.depth * 1e6

    def columns(self) -> dict[str, Any]:
        """Returns the columns of a row of single_events.csv; ranges are "8.5-9;17.2-", the last without an end."""
        ends = ["" if math.isinf(longest) else f"{longest:.4g}" for _, longest in self.period_ranges_days]
        return {
            "t0_btjd": round(self.t0, 6),
            "duration_hours": round(self.duration_hours, 4),
            "depth_ppm": round(self.depth_ppm, 2),
            "ingress_fraction": round(self.ingress_fraction, 4),
            "signal_to_noise": round(self.signal_to_noise, 3),
            "shortest_period_days": float(f"{self.period_ranges_days[0][0]:.4g}"),
            "period_ranges_days": ";".join(
                f"{shortest:.4g}-{end}" for (shortest, _), end in zip(self.period_ranges_days, ends)
            ),
        }


def from_dip(dip: Dip, time: Floats, cadence: float, start: float) -> SingleEvent:
    """Returns what there is to tell of a dip.

    Args:
      dip: Dip.
      time: days, as the dip's mid-time, sorted, [n].
      cadence: days.
      start: BTJD of time 0.
    """
    return SingleEvent(
        start + dip.mid_time,
        dip.duration_days,
        dip.depth,
        dip.ingress_fraction,
        dip.signal_to_noise,
        period_ranges(time, cadence, dip.mid_time, dip.duration_days),
    )


def period_ranges(
    time: Floats, cadence: float, mid_time: float, duration_days: float
) -> tuple[tuple[float, float], ...]:
    """Returns the periods at which no other event would have been seen, as pairs (shortest, longest), in days.

    Args:
      time: days, sorted, [n].
      cadence: days.
      mid_time: of the one event that is seen, as `time`.
      duration_days: of an event.
    """
    longest = max(mid_time - time[0], time[-1] - mid_time) + duration_days
    shortest = max(_SHORTEST_PERIOD, _LEAST_PERIOD_DURATIONS * duration_days)
    if shortest >= longest:
        return ((longest, math.inf),)
    ratio = 1 + _DRIFT * duration_days / (time[-1] - time[0])
    periods = np.geomspace(shortest, longest, math.ceil(math.log(longest / shortest) / math.log(ratio)) + 1)
    allowed = np.ones(len(periods), bool)
    for number in range(1, int((time[-1] - time[0]) / shortest) + 1):
        for sign in (-1, 1):
            middles = mid_time + sign * number * periods
            allowed &= coverage(time, cadence, middles, duration_days) < _SEEN
    edges = np.flatnonzero(np.diff(np.concatenate([[False], allowed, [False]]).astype(int)))
    ranges = [(float(periods[first]), float(periods[end - 1])) for first, end in zip(edges[::2], edges[1::2])]
    if ranges and allowed[-1]:
        return (*ranges[:-1], (ranges[-1][0], math.inf))
    return (*ranges, (longest, math.inf))
