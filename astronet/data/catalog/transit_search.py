"""Searches a light curve for transits: box least squares, then what a .blsanal file has of each peak.

Sources: Kovacs, Zucker & Mazeh 2002, A&A 391, 369 (box least squares; astropy's implementation); Ofir 2014, A&A 561,
A138 (spacing of the frequencies); Pont, Zucker & Queloz 2006, MNRAS 373, 231 (pink noise).
"""

import dataclasses
from typing import Optional

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from astronet.data.catalog import transit_fit
from light_curve_util.array_types import Bools, Floats
from light_curve_util.box_search import box_search
from light_curve_util.phase_fold import phase_fold

MAX_PEAKS = 3
SHORTEST_PERIOD = 0.2  # days; 99 % of the planet candidates and binaries of the published catalog are longer

_MAX_ROUNDS = 5  # of search, with the events found so far left out
_LEAST_POINTS, _LEAST_BASELINE = 200, 2.0  # cadences, days
_BIN_DAYS = 1 / 144  # of cadences finer than ten minutes
_HALF_HOUR = 1 / 48
_WINDOW_CELLS = 49  # half hours of the running median: a day
_LEAST_REACH_CELLS = 8  # either way, at the ends of a stretch between gaps
_GAP_DAYS = 0.5
_BRIGHT_SIGMA = 4  # flares are left out
_LONGEST_PERIOD = 0.8  # of the baseline
_MASKED_DURATIONS = 0.75  # either side of mid-transit

_NUM_DURATIONS = 7
_SHORTEST_TRANSIT, _LONGEST_TRANSIT, _LONGEST_FITTED = 0.3, 1.8, 2.2  # of a central transit of the Sun
_LONGEST_PHASE, _LONGEST_FITTED_PHASE = 0.25, 0.3  # of the period
_DRIFT = 0.5  # of a shortest duration, over the baseline, from one frequency to the next
_MOST_FREQUENCIES = 2_000_000  # those of nine years: more than TESS has observed; a baseline of more is a wrong time
_NUM_CANDIDATES, _MAX_TRIED = 12, 100

_ODD_EVEN_SIGMA = 4.0
_EVENT_ERROR = 0.05  # of the depth: a trapezoid fits no event better, sampled at half hours
_LEAST_SHARE = 0.5  # of the depth that must stay without the strongest event


class TransitSearchError(ValueError):
    """A light curve that cannot be searched; the message says why."""


def search(time, flux, magnitude):
    """Searches a light curve for transits.

    Slow variation is divided out by a running median of a day, cadences finer than ten minutes are binned. The best
    peak of each round is measured, its events are left out, and the rest is searched again until a peak is no
    threshold crossing event. Dips at a harmonic of an earlier peak (a binary's other eclipse) are no peak of their own.

    Args:
      time: BTJD days, [n], in any order; cadences of 20 s to 30 min, gaps, one sector or several.
      flux: relative to its median, [n]; NaNs are left out.
      magnitude: TESS magnitude of the star; with NaN, the cut for faint stars applies (Peak.why_not_tce).

    Returns:
      list of Peak, at most MAX_PEAKS: threshold crossing events by signal to pink noise, then at most one that is none.
      `num_points_in_transit` counts half hours, whatever the cadence, as the cut was made for half-hour cadences.

    Raises:
      TransitSearchError: the light curve has too few cadences, too short a baseline, one so long that the search would
        have more than two million frequencies, or no positive median.
    """
    time, flux, cadence = _prepared(time, flux)
    start = time[0]
    time = time - start
    free = np.full(len(time), True)
    peaks: list[transit_fit.Peak] = []
    for _ in range(_MAX_ROUNDS):
        if free.mean() < 0.5 or len(peaks) == MAX_PEAKS:
            break
        peak, single = _best_peak(time, flux, free, magnitude)
        if peak is None:
            break
        if single is not None:
            free &= np.abs(time - single) > max(_MASKED_DURATIONS * peak.duration_phase * peak.period, _HALF_HOUR)
            continue
        free &= ~_in_transit(time, peak)
        if any(_is_harmonic(peak, earlier, time[-1]) for earlier in peaks):
            continue
        half_hours = round(peak.num_points_in_transit * min(1, cadence / _HALF_HOUR))
        peaks.append(dataclasses.replace(peak, t0=start + peak.t0, num_points_in_transit=half_hours))
        if peaks[-1].why_not_tce():
            break
    return sorted(peaks, key=lambda peak: (bool(peak.why_not_tce()), -peak.pink_signal_to_noise))


def _prepared(time, flux):
    """Finite cadences in order of time, binned where finer than ten minutes; and their cadence in days."""
    time, flux = np.asarray(time, np.float64), np.asarray(flux, np.float64)
    if time.shape != flux.shape or time.ndim != 1:
        raise TransitSearchError(f"{time.shape} times and {flux.shape} fluxes: they must be as many")
    finite = np.isfinite(time) & np.isfinite(flux)
    order = np.argsort(time[finite], kind="stable")
    time, flux = time[finite][order], flux[finite][order]
    if len(time) < _LEAST_POINTS:
        raise TransitSearchError(f"{len(time)} cadences with time and flux: at least {_LEAST_POINTS} are needed")
    if time[-1] - time[0] < _LEAST_BASELINE:
        raise TransitSearchError(
            f"a baseline of {time[-1] - time[0]:.2f} d: at least {_LEAST_BASELINE:.0f} d are needed"
        )
    num_frequencies = sum(number for _, _, _, number in _octaves(time[-1] - time[0]))
    if num_frequencies > _MOST_FREQUENCIES:
        raise TransitSearchError(
            f"a baseline of {time[-1] - time[0]:.6g} d: the search would have {num_frequencies:.3g} frequencies, and "
            f"the limit is {_MOST_FREQUENCIES:,}; check that the times are in days, and leave out wild ones, or search "
            "fewer sectors at once"
        )
    if np.median(flux) <= 0:
        raise TransitSearchError(f"a median flux of {np.median(flux):.4g}: it must be positive, about 1")
    cadence = np.median(np.diff(time))
    if cadence > 0.75 * _BIN_DAYS:
        return time, flux, cadence
    cell = np.floor((time - time[0]) / _BIN_DAYS).astype(int)
    counts = np.bincount(cell)
    full = counts >= max(1, counts.max() / 3)
    time, flux = (np.bincount(cell, values - values[0])[full] / counts[full] + values[0] for values in (time, flux))
    if len(time) < _LEAST_POINTS:
        raise TransitSearchError(f"{len(time) * _BIN_DAYS * 24:.1f} h of cadences: too few to search")
    return time, flux, _BIN_DAYS


def _flattened(time, flux, free):
    """Flux over the running median of a day of its free cadences; no window reaches over a gap of half a day. [n]"""
    flat = np.empty_like(flux)
    for stretch in np.split(np.arange(len(time)), np.flatnonzero(np.diff(time) > _GAP_DAYS) + 1):
        used = stretch[free[stretch]]
        if not len(used):
            flat[stretch] = flux[stretch] / np.median(flux[stretch])
            continue
        cell = np.floor((time[used] - time[used[0]]) / _HALF_HOUR).astype(int)
        counts = np.bincount(cell)
        filled = counts > 0
        means = np.full(len(counts), np.nan)
        means[filled] = np.bincount(cell, flux[used])[filled] / counts[filled]
        padded = np.pad(means, _WINDOW_CELLS // 2, constant_values=np.nan)
        windows = sliding_window_view(padded, _WINDOW_CELLS)[filled]
        # Light curves ramp where a stretch begins or ends: there the window shrinks, so that it stays centered.
        place = np.flatnonzero(filled)
        reach = np.clip(np.minimum(place, len(counts) - 1 - place), _LEAST_REACH_CELLS, _WINDOW_CELLS // 2)
        offset = np.abs(np.arange(_WINDOW_CELLS) - _WINDOW_CELLS // 2)
        trend = np.nanmedian(np.where(offset <= reach[:, np.newaxis], windows, np.nan), axis=1)
        middles = np.bincount(cell, time[used])[filled] / counts[filled]
        flat[stretch] = flux[stretch] / np.interp(time[stretch], middles, trend)
    return flat


def _in_transit(time, peak):
    duration = max(peak.duration_phase * peak.period, _HALF_HOUR)
    return np.abs(phase_fold(time, peak.period, peak.t0)) < _MASKED_DURATIONS * duration


def _is_harmonic(peak, other, baseline):
    """Whether one period is an integer times the other, as far as the baseline tells."""
    long, short = sorted((peak.period, other.period), reverse=True)
    ratio = long / short
    drift = abs(ratio - round(ratio)) * short * baseline / long  # days, of the events of one against the other's
    return drift < max(peak.duration_hours, other.duration_hours) / 24


def _best_peak(time, flux, free, magnitude):
    """The best peak among free cadences.

    Returns:
      (Peak, None); (Peak, mid-time of an event) where that event makes the peak nearly alone; (None, None).
    """
    used = _usable(time, flux, free, free)
    box = _best_box(*used)
    if box is None:
        return None, None
    peak = _measured(*used, magnitude, *box)
    if peak is None:
        return None, None
    # Now that the place of the events is known, the trend need not follow them.
    used = _usable(time, flux, free, free & ~_in_transit(time, peak))
    box = _refined(*used, peak.period, peak.t0, peak.duration_phase * peak.period)
    peak = _period_refined(*used, _measured(*used, magnitude, *box) or peak)
    single = _single_event(*used, peak)
    if single is None:
        peak = _odd_even_resolved(*used, peak)
    return peak, single


def _solar_transit(period):
    """Duration of a central transit of the Sun, days."""
    return 13 / 24 * (period / 365.25) ** (1 / 3)


def _measured(time, flux, magnitude, period, t0, duration):
    longest = min(_LONGEST_FITTED * _solar_transit(period), _LONGEST_FITTED_PHASE * period)
    return transit_fit.measure(time, flux, magnitude, period, t0, min(duration, longest), longest, np.std)


def _usable(time: Floats, flux: Floats, free: Bools, quiet: Bools) -> tuple[Floats, Floats]:
    """(time, flattened flux) of free cadences, the trend being that of quiet ones; without bright outliers."""
    flat = _flattened(time, flux, quiet)
    bright = flat > 1 + _BRIGHT_SIGMA * transit_fit.white_scatter(flat[free])
    return time[free & ~bright], flat[free & ~bright]


def _grid(baseline):
    """Yields (periods, durations) in days, octave by octave: the longer the period, the longer the transits."""
    for low, high, durations, number in _octaves(baseline):
        yield 1 / np.linspace(1 / high, 1 / low, int(number)), durations


def _octaves(baseline):
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


def _best_box(time: Floats, flux: Floats) -> Optional[tuple[float, float, float]]:
    """(period, t0, duration) of the box with the best signal to pink noise, None where nothing dips twice."""
    white = transit_fit.white_scatter(flux)
    baseline = time[-1] - time[0]
    covered = len(time) * np.median(np.diff(time)) / baseline
    boxes_of_octaves = []
    for periods, durations in _grid(baseline):
        boxes = box_search(time, flux, periods, durations)
        red = np.array([transit_fit.red_variance(time, flux, duration, white) for duration in durations])
        red = np.interp(boxes.duration, durations, red)
        events = np.maximum(2, covered * baseline / periods)
        dips = boxes.power > 0
        points = np.where(dips, boxes.points, 1)
        error = white * np.sqrt(1 / points + 1 / (len(time) - points))
        score = np.where(dips, boxes.depth, 0) / np.sqrt(error**2 + red / events)
        boxes_of_octaves.append((score, periods, boxes.mid_time, boxes.duration, boxes.depth, error, red))
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
    return None if best is None else _refined(time, flux, *best[1:])


def _num_events(time, period, t0, duration):
    """How many events have at least half of their cadences."""
    phase_days = phase_fold(time, period, t0)
    inside = np.abs(phase_days) <= duration / 2
    counts = np.unique(np.round((time - t0 - phase_days)[inside] / period), return_counts=True)[1]
    return np.count_nonzero(counts >= 0.5 * duration / np.median(np.diff(time)))


def _refined(time: Floats, flux: Floats, period: float, t0: float, duration: float) -> tuple[float, float, float]:
    """(period, t0, duration) of the best box on a finer grid about one."""
    frequency = 1 / period + _DRIFT * duration / (time[-1] - time[0]) / 8 / period * np.arange(-16, 17)
    durations = duration * np.geomspace(0.7, 1.4, 5)
    boxes = box_search(time - time[0], flux, 1 / frequency, durations[durations < 0.9 / frequency.max()], oversample=12)
    best = int(np.argmax(boxes.power))
    return float(1 / frequency[best]), float(time[0] + boxes.mid_time[best]), float(boxes.duration[best])


def _period_refined(time, flux, peak):
    """The peak measured again at the period, about its own, that fits its trapezoid best."""
    duration = peak.duration_phase * peak.period
    # About an event in the middle of the light curve, period and mid-time are independent.
    t0 = peak.t0 + np.round((time.mean() - peak.t0) / peak.period) * peak.period
    periods = peak.period * (1 + duration / (time[-1] - time[0]) * np.linspace(-1, 1, 81))

    def fit(period):
        profile = transit_fit.trapezoid(phase_fold(time, period, t0), duration, peak.ingress_fraction * duration)
        return profile @ (1 - flux) / np.sqrt(max(profile @ profile, 1e-12))

    period = max(periods, key=fit)
    return _measured(time, flux, peak.out_of_transit_magnitude, period, t0, duration) or peak


def _single_event(time, flux, peak):
    """Mid-time of the event without which the dip is less than half as deep, None where there is no such event."""
    numbers, depths, variances = transit_fit.event_depths(time, flux, peak)
    weights = 1 / variances
    strongest = int(np.argmax(depths * np.sqrt(weights)))
    others = np.arange(len(numbers)) != strongest
    if others.any():
        without = np.average(depths[others], weights=weights[others])
        if without > _LEAST_SHARE * np.average(depths, weights=weights):
            return None
    return peak.t0 + numbers[strongest] * peak.period


def _odd_even_resolved(time, flux, peak):
    """The peak at twice its period where its odd and even events differ in depth, otherwise as it is."""
    numbers, depths, variances = transit_fit.event_depths(time, flux, peak)
    duration = peak.duration_phase * peak.period
    outside = ~_in_transit(time, peak)
    white = transit_fit.white_scatter(flux[outside])
    red = transit_fit.red_variance(time[outside], flux[outside], duration, white)
    variances = white**2 * variances + red + (_EVENT_ERROR * peak.depth) ** 2
    sides = []
    for parity in (0, 1):
        side = numbers % 2 == parity
        if not side.any():
            return peak
        weights = 1 / variances[side]
        mean = np.average(depths[side], weights=weights)
        # Events may scatter by more than their errors, as those of a spotted star do.
        excess = max(1.0, np.sum(weights * (depths[side] - mean) ** 2) / max(1, side.sum() - 1))
        sides.append((mean, excess / weights.sum(), side.sum()))
    (even, even_variance, _), (odd, odd_variance, _) = sides
    deeper = int(odd > even)
    if abs(odd - even) < _ODD_EVEN_SIGMA * np.sqrt(even_variance + odd_variance) or sides[deeper][2] < 2:
        return peak
    t0 = peak.t0 + deeper * peak.period
    return _measured(time, flux, peak.out_of_transit_magnitude, 2 * peak.period, t0, duration) or peak
