"""Finds which dips repeat, and at which period: planets of few deep transits, and both eclipses of binaries.

A period is held against the light curve: it may predict no event where the cadences are there and flat, or where a dip
has another depth.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from astronet.data.catalog import dips
from astronet.data.catalog.dips import Dip, LightCurve

_SHORTEST_PERIOD = 0.3  # days
_LEAST_PERIOD_DURATIONS = 2.5
_NEIGHBORS = 8  # of a dip, in order of time, that may be its next at the same period
_DEPTH_SIGMA = 3.5
_DURATION_RATIO, _DURATION_ERROR = 1.35, 0.02  # of two dips of one kind; days
_DURATION_RATIO_NOISE = 4.0  # added to the ratio, over the lesser S/N
_PARTIAL_RATIO = 2.0  # of the depths of a whole dip and one that is seen in part
_TIMING = 0.12  # of a duration, which an event may be off
_OVERLAP = 0.8  # of the sum of half the durations: closer, one dip lies over the other
_COVERED = 0.6  # of the cadences of an event: it should be seen
_TOLERATED_FLAT, _TOLERATED_UNLIKE = 0.1, 0.25  # of the events that are seen: bad cadences fill in or deform some
_SEEN_SHARE = 0.5  # of the depth: so deep, an event is there
_FLAT_SHARE, _FLAT_SIGMA = 0.3, 4.0  # of the depth: less, as far as noise tells, is no event


@dataclasses.dataclass(frozen=True)
class Repetition:
    """Dips of one period.

    Attributes:
      period: days.
      primaries: the deeper dips, at least two, or two of the only kind.
      secondaries: dips of another depth or phase at the same period.
    """

    period: float
    primaries: tuple[Dip, ...]
    secondaries: tuple[Dip, ...] = ()

    def predicts(self, dip: Dip) -> bool:
        """Whether a dip lies where a primary should be."""
        first = self.primaries[0]
        phase_days = (dip.mid_time - first.mid_time + self.period / 2) % self.period - self.period / 2
        return abs(phase_days) < first.duration_days / 2


def find(found: Sequence[Dip], light_curve: LightCurve) -> list[Repetition]:
    """Finds the periods of dips, the best supported first; each dip belongs to one period at most."""
    left, repetitions = list(found), list[Repetition]()
    while True:
        best = _best(left, light_curve)
        if best is None:
            return repetitions
        repetitions.append(best)
        left = [dip for dip in left if dip not in best.primaries and dip not in best.secondaries]


def are_alike(one: Dip, other: Dip) -> bool:
    """Whether two dips may be events of one kind: as deep and as long as each other, as far as can be told."""
    longer, shorter = max(one.duration_days, other.duration_days), min(one.duration_days, other.duration_days)
    ratio = _DURATION_RATIO + _DURATION_RATIO_NOISE / min(one.signal_to_noise, other.signal_to_noise)
    as_deep = abs(one.depth - other.depth) < _DEPTH_SIGMA * math.hypot(one.depth_error, other.depth_error)
    return as_deep and longer < ratio * shorter + _DURATION_ERROR


def _best(found, light_curve):
    """The Repetition that explains most, None where there is none."""
    best: Optional[Repetition] = None
    best_rank: tuple[float, ...] = ()
    for period, dip in _hypotheses(found):
        first = _series([True] * len(found), dip, period, light_curve, found)
        if first is None or len(first.dips) < 2:
            continue
        period = _fitted_period(first.dips, period)
        second = _second_series([other not in first.dips for other in found], period, light_curve, found)
        # Of periods that explain as many events, the one that needs one kind of them; then the longest, which predicts
        # the fewest in gaps.
        rank = (first.num_seen + second.num_seen, not second.dips, period)
        if best is None or rank > best_rank:
            best, best_rank = Repetition(period, tuple(first.dips), tuple(second.dips)), rank
    return best and _deeper_first(best)


def _deeper_first(repetition):
    primaries, secondaries = repetition.primaries, repetition.secondaries
    if len(secondaries) > 1 and _mean_depth(secondaries) > _mean_depth(primaries):
        primaries, secondaries = secondaries, primaries
    return Repetition(repetition.period, primaries, secondaries)


def _mean_depth(series):
    return np.mean([dip.depth for dip in series])


def _hypotheses(found):
    """Yields (period in days, dip at which it starts) for pairs of dips that are alike."""
    whole = [dip for dip in found if dip.is_whole]
    for i, one in enumerate(whole):
        for other in whole[i + 1 : i + 1 + _NEIGHBORS]:
            if not are_alike(one, other):
                continue
            apart = other.mid_time - one.mid_time
            shortest = max(_SHORTEST_PERIOD, _LEAST_PERIOD_DURATIONS * max(one.duration_days, other.duration_days))
            for number in range(1, int(apart / shortest) + 1):
                yield apart / number, one


class _Series(NamedTuple):
    """The dips of a series of events, and how many events are seen: those of less than a Dip's S/N count, too."""

    dips: list
    num_seen: int


def _series(candidates, start, period, light_curve, found) -> Optional[_Series]:
    """The events of a period with one dip; None where the light curve contradicts an event.

    Args:
      candidates: whether each of `found` may be an event, a list.
      start: one of them.
      period: days.
      light_curve: LightCurve.
      found: Dips; those that are no candidates may lie over an event.
    """
    time = light_curve.time
    first = math.ceil((time[0] - start.mid_time) / period - 0.5)
    last = math.floor((time[-1] - start.mid_time) / period + 0.5)
    numbers = np.arange(first, last + 1)
    expected = start.mid_time + numbers * period
    middles = np.array([dip.mid_time for dip in found])
    nearest = np.abs(middles[:, np.newaxis] - expected).argmin(axis=0)
    apart = np.abs(middles[nearest] - expected)
    reach = np.minimum(
        (_TIMING * start.duration_days + light_curve.cadence) * (1 + 0.1 * np.abs(numbers)), 0.5 * start.duration_days
    )
    matched, empty, num_partial, num_wrong = [], [], 0, 0
    for index, days, most, predicted in zip(nearest, apart, reach, expected):
        dip = found[index]
        if days > _OVERLAP * (dip.duration_days + start.duration_days) / 2:
            empty.append(predicted)
        elif not dip.is_whole:
            is_as_deep = 1 / _PARTIAL_RATIO < dip.depth / start.depth < _PARTIAL_RATIO
            num_partial += is_as_deep and days <= most
        elif days <= most and candidates[index]:
            matched += [dip] if are_alike(start, dip) else []
            num_wrong += not are_alike(start, dip)
        else:  # an event out of time, or another dip over it
            num_wrong += are_alike(start, dip)
    num_weak, num_flat = _weak_and_flat_events(np.array(empty), start, light_curve) if empty else (0, 0)
    num_seen = len(matched) + num_partial + num_weak
    is_contradicted = num_flat > _TOLERATED_FLAT * num_seen or num_wrong > _TOLERATED_UNLIKE * num_seen
    return None if is_contradicted else _Series(matched, num_seen)


def _weak_and_flat_events(expected, dip, light_curve):
    """At how many of some times there is a dip that is no Dip, and at how many the light curve is seen, and flat."""
    width = max(0.5 * dip.duration_days, 2 * light_curve.cadence)
    depth, counts = light_curve.mean_dip(expected, width)
    # Where a stretch begins or ends, the trend may follow a dip: an event there contradicts nothing.
    seen = (counts * light_curve.cadence >= _COVERED * width) & dips.are_whole(
        light_curve.time, light_curve.cadence, expected, dip.duration_days
    )
    profile = dip.depth * (1 - 0.5 * max(0.0, dip.ingress_fraction - 0.25))  # mean over the inner half
    is_flat = (depth < _FLAT_SHARE * profile) & (profile - depth > _FLAT_SIGMA * light_curve.error(width, counts))
    is_there = (counts >= 2) & (
        depth > np.maximum(_SEEN_SHARE * profile, _FLAT_SIGMA * light_curve.error(width, counts))
    )
    return int(np.count_nonzero(is_there)), int(np.count_nonzero(seen & is_flat))


def _fitted_period(series, period):
    """Period of the least squares line through the mid-times of a series."""
    times = np.array([dip.mid_time for dip in series])
    numbers = np.round((times - times[0]) / period)
    return float(np.polyfit(numbers, times, 1)[0]) if len(np.unique(numbers)) > 1 else period


def _second_series(candidates, period, light_curve, found):
    """The dips of another kind at the same period: of those that the light curve allows, the most."""
    best = _Series([], 0)
    for dip, may_be in zip(found, candidates):
        if may_be and dip.is_whole and dip not in best.dips:
            series = _series(candidates, dip, period, light_curve, found)
            if series is not None and series.num_seen > best.num_seen:
                best = series
    return best
