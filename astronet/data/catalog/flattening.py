"""Prepares a light curve for the transit search: bins, and division by a running median."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from astronet.data.catalog import transit_fit
from light_curve_util.array_types import ArrayLike, Bools, Floats

HALF_HOUR = 1 / 48  # days
MASKED_DURATIONS = 0.75  # either side of the middle of an event, what is left out with it
LEAST_POINTS, LEAST_BASELINE = 200, 2.0  # cadences, days

_BIN_DAYS = 1 / 144  # of cadences finer than ten minutes
_WINDOW_CELLS = 49  # half hours of the running median: a day
_LEAST_REACH_CELLS = 8  # either way, at the ends of a stretch between gaps
_GAP_DAYS = 0.5
_BRIGHT_SIGMA = 4  # flares are left out


class TransitSearchError(ValueError):
    """A light curve that cannot be searched; the message says why."""


def prepared(time: ArrayLike, flux: ArrayLike) -> tuple[Floats, Floats, float]:
    """Returns the finite cadences in order of time, binned where they are finer than ten minutes.

    Args:
      time: days, [n], in any order.
      flux: relative to its median, [n].

    Returns:
      (time [m], flux [m], cadence in days).

    Raises:
      TransitSearchError: too few cadences, too short a baseline, or no positive median.
    """
    times, fluxes = np.asarray(time, np.float64), np.asarray(flux, np.float64)
    if times.shape != fluxes.shape or times.ndim != 1:
        raise TransitSearchError(f"{times.shape} times and {fluxes.shape} fluxes: they must be as many")
    finite = np.isfinite(times) & np.isfinite(fluxes)
    order = np.argsort(times[finite], kind="stable")
    times, fluxes = times[finite][order], fluxes[finite][order]
    if len(times) < LEAST_POINTS:
        raise TransitSearchError(f"{len(times)} cadences with time and flux: at least {LEAST_POINTS} are needed")
    baseline = times[-1] - times[0]
    if baseline < LEAST_BASELINE:
        raise TransitSearchError(f"a baseline of {baseline:.2f} d: at least {LEAST_BASELINE:.0f} d are needed")
    return times, fluxes, float(np.median(np.diff(times)))


def binned(time: Floats, flux: Floats, cadence: float) -> tuple[Floats, Floats, float]:
    """Returns (time, flux, cadence in days) in bins of ten minutes, or as they are where cadences are not finer.

    Raises:
      TransitSearchError: the light curve has no positive median, or too few bins are filled.
    """
    if np.median(flux) <= 0:
        raise TransitSearchError(f"a median flux of {np.median(flux):.4g}: it must be positive, about 1")
    if cadence > 0.75 * _BIN_DAYS:
        return time, flux, cadence
    cell = np.floor((time - time[0]) / _BIN_DAYS).astype(int)
    filled, place, counts = np.unique(cell, return_inverse=True, return_counts=True)
    full = counts >= max(1, counts.max() / 3)
    time, flux = (np.bincount(place, values - values[0])[full] / counts[full] + values[0] for values in (time, flux))
    if len(time) < LEAST_POINTS:
        raise TransitSearchError(f"{len(time) * _BIN_DAYS * 24:.1f} h of cadences: too few to search")
    return time, flux, _BIN_DAYS


def stretches(time: Floats) -> list[np.ndarray]:
    """Returns the indices of the cadences between gaps of half a day, a list of [k]."""
    return np.split(np.arange(len(time)), np.flatnonzero(np.diff(time) > _GAP_DAYS) + 1)


def flattened(time: Floats, flux: Floats, quiet: Bools) -> Floats:
    """Returns the flux over the running median of a day of its quiet cadences. [n]

    No window spans a gap of half a day. Light curves ramp where a stretch begins or ends: there the window shrinks, to
    four hours either way, so that it stays centered.

    Args:
      time: days, sorted, [n].
      flux: [n].
      quiet: whether a cadence counts for the median, [n].
    """
    flat = np.empty_like(flux)
    for stretch in stretches(time):
        used = stretch[quiet[stretch]]
        if not len(used):
            flat[stretch] = flux[stretch] / np.median(flux[stretch])
            continue
        cell = np.floor((time[used] - time[used[0]]) / HALF_HOUR).astype(int)
        counts = np.bincount(cell)
        filled = counts > 0
        means = np.full(len(counts), np.nan)
        means[filled] = np.bincount(cell, flux[used])[filled] / counts[filled]
        padded = np.pad(means, _WINDOW_CELLS // 2, constant_values=np.nan)
        windows = sliding_window_view(padded, _WINDOW_CELLS)[filled]
        place = np.flatnonzero(filled)
        reach = np.clip(np.minimum(place, len(counts) - 1 - place), _LEAST_REACH_CELLS, _WINDOW_CELLS // 2)
        offset = np.abs(np.arange(_WINDOW_CELLS) - _WINDOW_CELLS // 2)
        trend = np.nanmedian(np.where(offset <= reach[:, np.newaxis], windows, np.nan), axis=1)
        middles = np.bincount(cell, time[used])[filled] / counts[filled]
        flat[stretch] = flux[stretch] / np.interp(time[stretch], middles, trend)
    return flat


def usable(time: Floats, flux: Floats, free: Bools, quiet: Bools) -> tuple[Floats, Floats]:
    """Returns (time, flattened flux) of the free cadences without bright outliers; the trend is that of quiet ones."""
    flat = flattened(time, flux, quiet)
    bright = flat > 1 + _BRIGHT_SIGMA * transit_fit.white_scatter(flat[free])
    return time[free & ~bright], flat[free & ~bright]
