"""Finds dips that stand out by themselves, without a period: single transits, and the eclipses of binaries."""

import dataclasses

import numpy as np

from astronet.data.catalog import flattening, transit_fit
from light_curve_util.array_types import Bools, Floats

_DEEP, _MASKED_OF_DEEP = 100.0, 1.0  # S/N of dips whose wings matter, and how far these are masked

_DURATIONS = np.geomspace(1 / 16, 0.7, 8)  # days: 1.5 to 17 hours
_LEAST_SIGNAL_TO_NOISE = 10.0
_LEAST_CADENCES, _LEAST_BOX_COVERAGE = 3, 0.4  # in a box; fewer cadences are outliers
_BOX_TO_DIP = 1.3  # duration of a dip over that of its best box: 1 of a transit, up to 2 of a grazing eclipse
_FITS, _LONGER = 4, 1.3  # of a dip: until it is less than that longer than it was taken to be
_MOST_BEYOND = 0.2  # of a depth: how much deeper than its deepest cadence a whole dip may be
_WINGS = 1.3  # of a dip's duration: so long its wings last
_LEAST_COVERAGE = 0.6  # of a dip's cadences
_SIDE_DURATIONS = 0.4  # that must be seen, either side of a whole dip
_LEAST_SIDE_COVERAGE = 0.5  # of their cadences
_MOST_DIPS_A_DAY = 0.6  # where there are more, folding finds what they are
_SAME_DEPTH = 0.02  # spots and the trend change a depth by about this share from one event to the next
_SAMPLING = 0.4  # of a depth, times cadences a duration: how far a fit to so few cadences is off
_PASSES = 3  # of search; each has a trend that the dips of the one before do not pull down


@dataclasses.dataclass(frozen=True)
class Dip:
    """One dip.

    Attributes:
      mid_time: days, as the times.
      duration_days: from first to last contact, of the trapezoid.
      depth: relative flux, of the trapezoid.
      ingress_fraction: duration of ingress over duration.
      depth_error: standard deviation of the depth: noise, spots, and how the cadences sample the dip.
      signal_to_noise: depth over the noise of a mean over the dip, red noise included.
      is_whole: whether the dip and what is before and after it have their cadences.
    """

    mid_time: float
    duration_days: float
    depth: float
    ingress_fraction: float
    depth_error: float
    signal_to_noise: float
    is_whole: bool


class LightCurve:
    """A flattened light curve and what the dips have to be judged by.

    Attributes:
      time: days, sorted, [n].
      flat: flux over its trend, [n].
      cadence: days.
      white: standard deviation of one cadence.
    """

    def __init__(self, time: Floats, flat: Floats, cadence: float) -> None:
        self.time, self.flat, self.cadence = time, flat, cadence
        self.white = transit_fit.white_scatter(flat)
        self._sums = np.concatenate([[0.0], np.cumsum(1 - flat)])
        self._red: dict[float, float] = {}

    def red_variance(self, duration_days: float) -> float:
        """Variance of means over one duration beyond white noise; the bulk decides, so that dips do not count."""
        key = round(float(np.log(max(duration_days, self.cadence))) * 4) / 4
        if key not in self._red:
            since = self.time - self.time[0]
            self._red[key] = transit_fit.red_variance(since, self.flat, float(np.exp(key)), self.white)
        return self._red[key]

    def mean_dip(self, middles: Floats, width_days: float) -> tuple[Floats, Floats]:
        """Returns the mean of 1 - flux about some times, 0 where there are no cadences, and how many there are. [k]"""
        first = np.searchsorted(self.time, middles - width_days / 2 - 1e-9)
        last = np.searchsorted(self.time, middles + width_days / 2 + 1e-9)
        counts = (last - first).astype(float)
        return (self._sums[last] - self._sums[first]) / np.maximum(counts, 1), counts

    def error(self, duration_days: float, counts: Floats) -> Floats:
        """Returns the standard deviation of a mean over one dip of so many cadences. [k]"""
        return np.sqrt(self.white**2 / np.maximum(counts, 1) + self.red_variance(duration_days))


def find(time: Floats, flux: Floats, free: Bools, cadence: float) -> tuple[list[Dip], LightCurve]:
    """Finds the dips of a light curve that stand out by themselves.

    Args:
      time: days, sorted, [n].
      flux: relative to its median, [n].
      free: whether a cadence may be used, [n].
      cadence: days.

    Returns:
      Dips in order of time, and the LightCurve that they were found in. No dips where they are so frequent that they
      are better folded.
    """
    found: list[Dip] = []
    for _ in range(_PASSES):
        quiet = free & ~in_dips(time, found)
        too_few = quiet.sum() < max(flattening.LEAST_POINTS / 2, 0.3 * free.sum())
        light_curve = LightCurve(*flattening.usable(time, flux, free, free if too_few else quiet), cadence)
        if too_few:
            return [], light_curve
        found = _strongest_first(light_curve)
        if not found or len(found) > _MOST_DIPS_A_DAY * len(light_curve.time) * cadence:
            return [], light_curve
    return sorted(found, key=lambda dip: dip.mid_time), light_curve


def in_dips(time: Floats, found: list[Dip]) -> Bools:
    """Returns whether each time lies within a dip or close to one. [n]"""
    inside = np.zeros(len(time), bool)
    for dip in found:
        reach = flattening.MASKED_DURATIONS if dip.signal_to_noise < _DEEP else _MASKED_OF_DEEP
        inside |= np.abs(time - dip.mid_time) < max(reach * dip.duration_days, flattening.HALF_HOUR)
    return inside


def are_whole(time: Floats, cadence: float, middles: Floats, duration_days: float) -> Bools:
    """Returns whether dips at some times, and what is before and after them, have their cadences. [k]

    Args:
      time: days, sorted, [n].
      cadence: days.
      middles: mid-times, days, [k].
      duration_days: of the dips.
    """
    side = max(_SIDE_DURATIONS * duration_days, 2 * cadence)
    whole = coverage(time, cadence, middles, duration_days) >= _LEAST_COVERAGE
    for sign in (-1, 1):
        beside = middles + sign * (duration_days + side) / 2
        whole &= coverage(time, cadence, beside, side) >= _LEAST_SIDE_COVERAGE
    return whole


def coverage(time: Floats, cadence: float, middles: Floats, width_days: float) -> Floats:
    """Returns the share of the cadences about some times that there are. [k]"""
    first, last = (np.searchsorted(time, middles + sign * (width_days / 2 + 1e-9)) for sign in (-1, 1))
    return (last - first) * cadence / max(width_days, cadence)


def _strongest_first(light_curve):
    """List of Dips that do not overlap."""
    scores, durations = [], []
    for duration in _DURATIONS:
        depth, counts = light_curve.mean_dip(light_curve.time, duration)
        full = counts >= np.maximum(_LEAST_CADENCES, _LEAST_BOX_COVERAGE * duration / light_curve.cadence)
        scores.append(np.where(full, depth / light_curve.error(duration, counts), 0.0))
        durations.append(np.full(len(depth), duration))
    score, duration = np.concatenate(scores), np.concatenate(durations)
    middle = np.tile(light_curve.time, len(_DURATIONS))
    strong = np.flatnonzero(score > _LEAST_SIGNAL_TO_NOISE)
    strong = strong[np.argsort(-score[strong], kind="stable")]
    middle, duration = middle[strong], duration[strong]
    found: list[Dip] = []
    while len(middle):
        dip = _fitted(light_curve, middle[0], duration[0], found)
        # Beyond the box there are the wings of the dip, in which smaller boxes stand out, too.
        center, reach = (dip.mid_time, max(dip.duration_days, duration[0])) if dip else (middle[0], duration[0])
        apart = np.abs(middle - center) >= (_WINGS * reach + duration) / 2
        apart[0] = False
        middle, duration = middle[apart], duration[apart]
        found += [dip] if dip and not in_dips(np.array([dip.mid_time]), found)[0] else []
    return found


def _fitted(light_curve, middle, duration, others):
    """The Dip at a box, None where a trapezoid does not stand out; it is fitted outside the other dips."""
    outside_others = ~in_dips(light_curve.time, others)
    width = _BOX_TO_DIP * duration
    for _ in range(_FITS):
        near = outside_others & (np.abs(light_curve.time - middle) < 2.5 * width)
        near |= np.abs(light_curve.time - middle) < duration / 2
        if near.sum() < _LEAST_CADENCES:
            return None
        phase_days, flat = light_curve.time[near] - middle, light_curve.flat[near]
        shift, fitted, ingress_fraction, depth = transit_fit.fit_trapezoid(phase_days, flat, width)
        middle = float(middle + shift)
        if fitted < _LONGER * width:
            break
        width = fitted
    if not depth > 0:
        return None
    mean, counts = (float(values[0]) for values in light_curve.mean_dip(np.array([middle]), fitted))
    noise = float(light_curve.error(fitted, np.array([counts]))[0])
    sampling = _SAMPLING * light_curve.cadence / max(fitted, light_curve.cadence)
    inside = np.abs(light_curve.time - middle) < fitted / 2
    beyond = max(0.0, depth - float(np.max(1 - light_curve.flat[inside], initial=0.0)))  # deeper than any cadence
    depth_error = float(np.sqrt(noise**2 + (_SAME_DEPTH**2 + sampling**2) * depth**2))
    is_whole = bool(are_whole(light_curve.time, light_curve.cadence, np.array([middle]), fitted)[0])
    is_whole &= beyond < _MOST_BEYOND * depth
    return Dip(middle, fitted, depth, ingress_fraction, depth_error, mean / noise, is_whole) if mean > 0 else None
