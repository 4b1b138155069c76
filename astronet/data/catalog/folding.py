"""Folds a light curve: box least squares over all periods, then a trapezoid fit of the best box.

Sources: Kovacs, Zucker & Mazeh 2002, A&A 391, 369 (box least squares); Ofir 2014, A&A 561, A138 (spacing of the
frequencies); Pont, Zucker & Queloz 2006, MNRAS 373, 231 (pink noise).
"""

from collections.abc import Iterator
from typing import Optional

import numpy as np

from astronet.data.catalog import flattening, transit_fit
from astronet.data.catalog.blsanal import Peak
from light_curve_util.array_types import Bools, Floats
from light_curve_util.box_search import box_search
from light_curve_util.phase_fold import phase_fold

SHORTEST_PERIOD = 0.2  # days; 99 % of the planet candidates and binaries of the published catalog are longer
LONGEST_FITTED_PHASE = 0.3  # duration over period

_LONGEST_PERIOD = 0.8  # of the baseline
_NUM_DURATIONS = 7
_SHORTEST_TRANSIT, _LONGEST_TRANSIT, _LONGEST_FITTED = 0.3, 1.8, 2.2  # of a central transit of the Sun
_LONGEST_PHASE = 0.25  # of the period
_DRIFT = 0.5  # of a shortest duration, over the baseline, from one frequency to the next
_NUM_CANDIDATES, _MAX_TRIED = 12, 100
_BLOCK_DAYS, _BLOCK_GAP_DAYS = 20.0, 0.5  # of what is searched by itself first where a light curve is long
LEAST_BLOCKS = 3.0  # lengths of a block in a light curve that is searched in blocks first
_LONGEST_IN_BLOCK = 0.4  # of a block: longer periods are searched in the whole light curve alone
_PEAKS_AN_OCTAVE = 60  # of the blocks' searches, which are then searched in the whole light curve


def near_events(time: Floats, period: float, t0: float, duration: float) -> Bools:
    """Returns whether times lie in or close to the events of a period. [n]"""
    return np.abs(phase_fold(time, period, t0)) < flattening.MASKED_DURATIONS * max(duration, flattening.HALF_HOUR)


def in_transit(time: Floats, peak: Peak) -> Bools:
    """Returns whether times lie in or close to the events of a peak. [n]"""
    return near_events(time, peak.period, peak.t0, peak.duration_phase * peak.period)


def _solar_transit(period):
    """Duration of a central transit of the Sun, days."""
    return 13 / 24 * (period / 365.25) ** (1 / 3)


def measured(
    time: Floats,
    flux: Floats,
    magnitude: float,
    period: float,
    t0: float,
    duration: float,
    longest: Optional[float] = None,
) -> Optional[Peak]:
    """Returns the Peak of a dip; its fit is no longer than `longest` days, None: than a transit of the Sun may be."""
    longest = longest or min(_LONGEST_FITTED * _solar_transit(period), LONGEST_FITTED_PHASE * period)
    return transit_fit.measure(time, flux, magnitude, period, t0, min(duration, longest), longest, np.std)


def octaves(baseline: float) -> Iterator[tuple[float, float, Floats, float]]:
    """Yields (shortest and longest period, durations, number of frequencies) of each octave; days."""
    longest = _LONGEST_PERIOD * baseline
    num_octaves = max(1, int(np.ceil(np.log2(longest / SHORTEST_PERIOD))))
    edges = np.geomspace(SHORTEST_PERIOD, longest, num_octaves + 1)
    for low, high in zip(edges[:-1], edges[1:]):
        sun = _solar_transit(np.sqrt(low * high))
        durations = np.geomspace(
            _SHORTEST_TRANSIT * sun, min(_LONGEST_TRANSIT * sun, _LONGEST_PHASE * low), _NUM_DURATIONS
        )
        step = _DRIFT * durations[0] / (high * baseline)
        yield low, high, durations, np.ceil((1 / low - 1 / high) / step) + 1


def _scored(time, flux, periods, durations):
    """Rows (signal to pink noise, period, mid-time, duration, depth, white error, red variance) of the best boxes."""
    white = transit_fit.white_scatter(flux)
    covered_days = len(time) * np.median(np.diff(time))
    boxes = box_search(time - time[0], flux, periods, durations)
    red = np.array([transit_fit.red_variance(time - time[0], flux, duration, white) for duration in durations])
    red = np.interp(boxes.duration, durations, red)
    events = np.maximum(2, covered_days / periods)
    dips = boxes.power > 0
    points = np.where(dips, boxes.points, 1)
    error = white * np.sqrt(1 / points + 1 / (len(time) - points))
    score = np.where(dips, boxes.depth, 0) / np.sqrt(error**2 + red / events)
    return score, periods, time[0] + boxes.mid_time, boxes.duration, boxes.depth, error, red


def _blocks(time):
    """Indices of the cadences of each block, a sector or less; short ones are left out unless there is no other."""
    starts, begin = [0], time[0]
    for place in np.flatnonzero(np.diff(time) > _BLOCK_GAP_DAYS) + 1:
        if time[place] - begin > _BLOCK_DAYS:
            starts.append(place)
            begin = time[place]
    blocks = np.split(np.arange(len(time)), starts[1:])
    return [block for block in blocks if len(block) >= flattening.LEAST_POINTS] or [np.arange(len(time))]


def _promising(time, flux, blocks, frequencies, durations, block_days):
    """Those of many frequencies that are close to the peaks of the blocks' searches, whose scores add up. [k]

    A block resolves frequencies less finely than the whole light curve, by the ratio of their lengths: all blocks
    together cost as much as one search of a single block for each.
    """
    step = max(1, int((time[-1] - time[0]) / block_days))
    coarse = frequencies[step // 2 :: step]
    total = np.zeros(len(coarse))
    for block in blocks:
        total += _scored(time[block], flux[block], 1 / coarse, durations)[0] ** 2
    chosen = np.zeros(len(frequencies), bool)
    for _ in range(min(_PEAKS_AN_OCTAVE, len(coarse))):
        best = int(np.argmax(total))
        total[max(0, best - 1) : best + 2] = -1.0
        chosen[max(0, best * step - step // 2) : (best + 1) * step + step // 2 + 1] = True
    return frequencies[chosen]


def best_box(time: Floats, flux: Floats) -> Optional[tuple[float, float, float]]:
    """Returns (period, t0, duration) of the box with the best signal to pink noise, None where nothing dips twice."""
    baseline = float(time[-1] - time[0])
    blocks = _blocks(time)
    block_days = max(time[block[-1]] - time[block[0]] for block in blocks)
    boxes_of_octaves = []
    for low, high, durations, number in octaves(baseline):
        frequencies = np.linspace(1 / high, 1 / low, int(number))
        if baseline > LEAST_BLOCKS * block_days and high < _LONGEST_IN_BLOCK * block_days:
            frequencies = _promising(time, flux, blocks, frequencies, durations, block_days)
        boxes_of_octaves.append(_scored(time, flux, 1 / frequencies, durations))
    columns = np.hstack(boxes_of_octaves)
    columns = columns[:, columns[0] > 0]
    best: Optional[tuple[float, float, float, float]] = None
    tried: list[float] = []
    num_valid = 0
    for _, period, t0, duration, depth, error, red in columns[:, np.argsort(-columns[0], kind="stable")].T:
        if num_valid == _NUM_CANDIDATES or len(tried) == _MAX_TRIED:
            break
        if any(abs(1 / period - 1 / other) * baseline * period < 2 * duration for other in tried):
            continue
        tried.append(period)
        events = _num_events(time, period, t0, duration)
        if events < 2:
            continue
        num_valid += 1
        score = depth / np.sqrt(error**2 + red / events)
        if best is None or score > best[0]:
            best = score, period, t0, duration
    return None if best is None else refined_box(time, flux, *best[1:])


def _num_events(time, period, t0, duration):
    """How many events have at least half of their cadences."""
    phase_days = phase_fold(time, period, t0)
    inside = np.abs(phase_days) <= duration / 2
    counts = np.unique(np.round((time - t0 - phase_days)[inside] / period), return_counts=True)[1]
    return np.count_nonzero(counts >= 0.5 * duration / np.median(np.diff(time)))


def refined_box(time: Floats, flux: Floats, period: float, t0: float, duration: float) -> tuple[float, float, float]:
    """Returns (period, t0, duration) of the best box on a finer grid about one."""
    frequency = 1 / period + _DRIFT * duration / (time[-1] - time[0]) / 8 / period * np.arange(-16, 17)
    durations = duration * np.geomspace(0.7, 1.4, 5)
    boxes = box_search(time - time[0], flux, 1 / frequency, durations[durations < 0.9 / frequency.max()], oversample=12)
    best = int(np.argmax(boxes.power))
    return float(1 / frequency[best]), float(time[0] + boxes.mid_time[best]), float(boxes.duration[best])


def refined_peak(time: Floats, flux: Floats, peak: Peak, longest: Optional[float] = None) -> Peak:
    """Returns the peak measured again at the period, about its own, that fits its trapezoid best."""
    duration = peak.duration_phase * peak.period
    # About an event in the middle of the light curve, period and mid-time are independent.
    t0 = peak.t0 + np.round((time.mean() - peak.t0) / peak.period) * peak.period
    periods = peak.period * (1 + duration / (time[-1] - time[0]) * np.linspace(-1, 1, 81))

    def fit(period: float) -> float:
        profile = transit_fit.trapezoid(phase_fold(time, period, t0), duration, peak.ingress_fraction * duration)
        return profile @ (1 - flux) / np.sqrt(np.maximum(profile @ profile, 1e-12))

    period = max(periods, key=fit)
    return measured(time, flux, peak.out_of_transit_magnitude, period, t0, duration, longest) or peak
