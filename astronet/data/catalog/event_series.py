"""Judges whether the events at a period are alike, and at which multiple of it they are."""

import dataclasses
import math
from typing import Optional

import numpy as np

from astronet.data.catalog import dips, flattening, folding, transit_fit
from astronet.data.catalog.blsanal import Peak
from light_curve_util.array_types import Floats
from light_curve_util.box_search import box_search

UNLIKE_SIGMA = 4.0
LEAST_SHARE = 0.5  # of the depth that must stay without the strongest event, and that each event must have

_EVENT_ERROR, _SAMPLING_ERROR = 0.01, 0.12  # of the depth; the latter times cadences a duration
_LEAST_COVERAGE = 0.6  # of the best covered event; the depth of others is not compared
_TOLERATED_FLAT = 0.1  # of the events: bad cadences may fill in a transit
_ENOUGH_FOR_SCATTER, _UNLIKE_BY_SCATTER = 4, 5.0  # odd and even events, whose own scatter then decides
_TIMED_SIGMA, _MOST_SHIFT = 20.0, 0.3  # of single events that have their own mid-time; durations that it may be off
_MULTIPLES = (1, 2, 3, 4)  # of a period, at which events may be alike
_LEAST_SECONDARY = 7.0  # signal to pink noise of a secondary eclipse that is left out
_MOST_SECONDARY_PHASE = 0.12  # duration over period; beyond, what is left out is no small part of the light curve


def strongest_event(time: Floats, flux: Floats, peak: Peak) -> float:
    """Returns the mid-time of the event that stands out most."""
    numbers, depths, variances = transit_fit.event_depths(time, flux, peak)
    return peak.t0 + numbers[int(np.argmax(depths / np.sqrt(variances)))] * peak.period


def dominant_event(time: Floats, flux: Floats, peak: Peak) -> Optional[float]:
    """Returns the mid-time of the event without which the dip is less than half as deep; None if there is none."""
    numbers, depths, variances = transit_fit.event_depths(time, flux, peak)
    weights = 1 / variances
    strongest = int(np.argmax(depths * np.sqrt(weights)))
    others = np.arange(len(numbers)) != strongest
    if others.any():
        without = np.average(depths[others], weights=weights[others])
        if without > LEAST_SHARE * np.average(depths, weights=weights):
            return None
    return peak.t0 + numbers[strongest] * peak.period


def consistent(
    time: Floats, flux: Floats, peak: Peak, longest: Optional[float] = None, are_dips: bool = False
) -> Optional[Peak]:
    """Returns the peak at the least multiple of its period at which all events are alike; None where there is none.

    At an alias of its period a binary has events that are deeper than others, or that are not there. Of the series of
    events at a multiple, the deepest that is consistent counts.

    Args:
      time: days, sorted, [n].
      flux: flattened, [n].
      peak: Peak.
      longest: duration that the fit may not exceed, days; None: than a transit of the Sun may be.
      are_dips: whether the events are known to stand out by themselves, and to be alike as far as their fits tell.
    """
    duration = peak.duration_phase * peak.period
    outside = ~folding.in_transit(time, peak)
    white = transit_fit.white_scatter(flux[outside])
    numbers, depths, variances = _event_depths(time, flux, peak, white)
    if are_dips and len(numbers) < 2:
        return peak
    # Where a stretch begins or ends, the trend is less sure: an event there contradicts nothing.
    whole = dips.are_whole(time, float(np.median(np.diff(time))), peak.t0 + numbers * peak.period, duration)
    if whole.sum() > 1:
        numbers, depths, variances = numbers[whole], depths[whole], variances[whole]
    red = transit_fit.red_variance(time[outside], flux[outside], duration, white)
    sampling = _SAMPLING_ERROR * np.median(np.diff(time)) / duration
    variances = white**2 * variances + red + (_EVENT_ERROR**2 + sampling**2) * peak.depth**2
    for multiple in _MULTIPLES:
        series = [numbers % multiple == first for first in range(multiple)]
        means = [np.average(depths[one], weights=1 / variances[one]) if one.sum() > 1 else 0.0 for one in series]
        for first in np.argsort(means)[::-1]:
            one = series[first]
            if means[first] > 0 and _are_alike(numbers[one] // multiple, depths[one], variances[one], sampling / 2):
                if multiple == 1:
                    return peak
                t0, period = peak.t0 + first * peak.period, multiple * peak.period
                return (
                    folding.measured(time, flux, peak.out_of_transit_magnitude, period, t0, duration, longest) or peak
                )
            break  # only the deepest
    return None


def _event_depths(time, flux, peak, white):
    """What transit_fit.event_depths returns; deep events are taken where each of them fits best.

    The two eclipses of a binary need not be half a period apart: at half its period one of them is out of time.
    """
    numbers, depths, variances = transit_fit.event_depths(time, flux, peak, _LEAST_COVERAGE)
    if not peak.depth > _TIMED_SIGMA * white * math.sqrt(np.median(variances)):
        return numbers, depths, variances
    duration = peak.duration_phase * peak.period
    for shift in duration * np.linspace(-_MOST_SHIFT, _MOST_SHIFT, 13):
        others = transit_fit.event_depths(time, flux, dataclasses.replace(peak, t0=peak.t0 + shift), _LEAST_COVERAGE)
        _, here, there = np.intersect1d(numbers, others[0], return_indices=True)
        better = others[1][there] / np.sqrt(others[2][there]) > depths[here] / np.sqrt(variances[here])
        here, there = here[better], there[better]
        depths[here], variances[here] = others[1][there], others[2][there]
    return numbers, depths, variances


def _are_alike(numbers, depths, variances, systematic):
    """Whether events are as deep as each other: none is flat, and odd and even ones do not differ.

    Args:
      numbers: of the events, counted in periods. [k]
      depths: relative flux, [k].
      variances: of the depths, [k].
      systematic: share of the depth by which odd and even events may differ by how the cadences sample them.
    """
    mean = np.average(depths, weights=1 / variances)
    flat = (depths < LEAST_SHARE * mean) & (mean - depths > UNLIKE_SIGMA * np.sqrt(variances))
    if flat.sum() > _TOLERATED_FLAT * len(depths):
        return False
    sides = [numbers % 2 == parity for parity in (0, 1)]
    if not all(side.any() for side in sides):
        return True
    means = [np.average(depths[side], weights=1 / variances[side]) for side in sides]
    deviations = [depths[side] - of_side for side, of_side in zip(sides, means)]
    if min(len(of_side) for of_side in deviations) >= _ENOUGH_FOR_SCATTER:
        # Their own scatter tells more than the noise outside, where binaries vary, too.
        scatter = sum(np.sum(of_side**2) for of_side in deviations) / (len(depths) - 2)
        variance = scatter * sum(1 / len(of_side) for of_side in deviations) + (systematic * mean) ** 2
        return bool(abs(means[1] - means[0]) < _UNLIKE_BY_SCATTER * math.sqrt(variance))
    variance = 0.0
    for side, of_side in zip(sides, deviations):
        weights = 1 / variances[side]
        # Events may scatter by more than their errors, as those of a spotted star do.
        excess = max(1.0, np.sum(weights * of_side**2) / max(1, side.sum() - 1))
        variance += excess / weights.sum()
    return bool(abs(means[1] - means[0]) < UNLIKE_SIGMA * math.sqrt(variance))


def without_secondary(time: Floats, flux: Floats, peak: Peak) -> tuple[Peak, bool]:
    """Returns (the peak measured without the other eclipse, which is no noise; whether there is another eclipse)."""
    outside = ~folding.in_transit(time, peak)
    if peak.duration_phase > _MOST_SECONDARY_PHASE or outside.sum() < flattening.LEAST_POINTS / 2:
        return peak, False
    duration = peak.duration_phase * peak.period
    durations = duration * np.array([0.6, 0.8, 1.0, 1.3])
    box = box_search(time[outside], flux[outside], [peak.period], durations)
    if not box.power[0] > 0:
        return peak, False
    other = folding.measured(
        time[outside], flux[outside], peak.out_of_transit_magnitude, peak.period, box.mid_time[0], box.duration[0]
    )
    if other is None or not other.pink_signal_to_noise > _LEAST_SECONDARY:
        return peak, False
    kept = ~folding.in_transit(time, other)
    again = folding.measured(time[kept], flux[kept], peak.out_of_transit_magnitude, peak.period, peak.t0, duration)
    return again or peak, True
