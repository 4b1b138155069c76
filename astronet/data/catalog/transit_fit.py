"""Measures a periodic dip with known period and mid-time: fits a trapezoid, and measures white and red noise."""

from collections.abc import Callable
from typing import Optional, Union

import numpy as np

from astronet.data.catalog.blsanal import Peak
from light_curve_util.array_types import Floats
from light_curve_util.constants import MAD_TO_SIGMA
from light_curve_util.phase_fold import phase_fold

_SHORTEST_CHUNK = 1 / 16  # days; means over fewer than three half-hour cadences tell little about red noise
_BESIDE_DURATIONS, _LEAST_BESIDE = 2.0, 4  # from the middle of an event; cadences that tell the level beside it
_LEAST_SCATTER = 1e-6  # relative flux; no photometry is better, and it avoids a division by zero without noise


def trapezoid(phase_days: Floats, width: Union[float, Floats], ingress: Union[float, Floats]) -> Floats:
    """Returns the profile of a dip of depth 1: 1 at the bottom, linear in ingress and egress, 0 outside.

    >>> trapezoid(np.array([-1.0, -0.4, 0.0, 0.45]), width=1.0, ingress=0.2).round(2).tolist()
    [0.0, 0.5, 1.0, 0.25]

    Args:
      phase_days: days from mid-transit.
      width: duration, days.
      ingress: duration of ingress, days.
    """
    return np.clip((width / 2 - np.abs(phase_days)) / np.maximum(ingress, 1e-6), 0, 1)


def fit_trapezoid(
    phase_days: Floats, flux: Floats, width: float, longest: float = np.inf
) -> tuple[float, float, float, float]:
    """Fits a trapezoid by least squares over mid-time, duration and ingress.

    Args:
      phase_days: days from about the middle of the dip, [n].
      flux: relative flux, [n].
      width: rough duration, days.
      longest: duration that the fit may not exceed, days.

    Returns:
      (mid-time as phase_days, duration in days, ingress over duration, depth).
    """
    near = np.abs(phase_days) < 2.5 * width
    x, y = phase_days[near], flux[near]
    bins = np.floor(x / width * 12).astype(int)
    bins -= bins.min()
    counts = np.bincount(bins)
    filled = counts > 0
    weights = counts[filled] / counts.sum()
    x, y = (np.bincount(bins, values)[filled] / counts[filled] for values in (x, y))

    shift, duration, fraction = 0.0, width, 0.25
    for zoom in (1.0, 0.3):
        shifts = shift + zoom * width * np.linspace(-0.4, 0.4, 9)
        durations = np.minimum(duration * (1 + zoom * np.linspace(-0.5, 0.6, 9)), longest)
        fractions = np.clip(fraction + zoom * np.linspace(-0.25, 0.25, 5), 0.01, 0.5)
        s, d, f = (grid.ravel()[:, np.newaxis] for grid in np.meshgrid(shifts, durations, fractions))
        model = trapezoid(x - s, d, f * d)  # [grid, bin]
        # einsum, not @: the rounding of @ depends on the number of threads, and threads are slower here.
        centered = model - np.einsum("gb,b->g", model, weights)[:, np.newaxis]
        norm = np.maximum(np.einsum("gb,gb,b->g", centered, centered, weights), 1e-12)
        depth = -np.einsum("gb,b->g", centered, weights * y) / norm
        best = int((depth * np.abs(depth) * norm).argmax())
        shift, duration, fraction = float(s[best, 0]), float(d[best, 0]), float(f[best, 0])
    return shift, duration, fraction, float(depth[best])


def robust_scatter(values: Floats) -> float:
    """Returns the standard deviation of values without outliers: 1.4826 times their median absolute deviation."""
    return MAD_TO_SIGMA * np.median(np.abs(values - np.median(values)))


def white_scatter(flux: Floats) -> float:
    """Returns the standard deviation of one cadence, without outliers."""
    return max(robust_scatter(flux), _LEAST_SCATTER)


def red_variance(
    time: Floats, flux: Floats, duration: float, white: float, scatter: Callable[[Floats], float] = robust_scatter
) -> float:
    """Returns the variance of means over one duration that white noise does not explain, in flux squared.

    Args:
      time: days since the first cadence, [n].
      flux: relative flux outside transits, [n].
      duration: days.
      white: standard deviation of one cadence.
      scatter: function from the means to their standard deviation. Unlike the default, np.std also counts rare ramps
        and steps.
    """
    chunks = np.floor(time / max(duration, _SHORTEST_CHUNK)).astype(int)
    counts = np.bincount(chunks)
    full = counts > 1
    if not full.any():
        return 0.0
    means = np.bincount(chunks, flux)[full] / counts[full]
    return max(0.0, scatter(means) ** 2 - white**2 / np.median(counts[full]))


def measure(
    time: Floats,
    flux: Floats,
    magnitude: float,
    period: float,
    t0: float,
    width: float,
    longest: float = np.inf,
    scatter: Callable[[Floats], float] = robust_scatter,
) -> Optional[Peak]:
    """Measures a dip from its period, mid-time and approximate duration.

    Args:
      time: days from any zero point, [n], sorted.
      flux: relative flux, [n].
      magnitude: magnitude at a relative flux of 1.
      period: days.
      t0: mid-time of an event, in the same system as `time`.
      width: approximate duration, days.
      longest: longest duration of the fit, days.
      scatter: see red_variance.

    Returns:
      A Peak; None if there is no dip, or fewer than 50 cadences outside the dip. Its signal to pink noise is
      depth / sqrt(white^2 / points + red^2 / events) (Pont et al. 2006, section 2; Hartman & Bakos 2016, section 3).
    """
    shift, duration, ingress_fraction, depth = fit_trapezoid(phase_fold(time, period, t0), flux, width, longest)
    t0 += shift
    phase_days = phase_fold(time, period, t0)
    inside = np.abs(phase_days) < duration / 2
    outside = np.abs(phase_days) > 0.6 * duration
    if depth <= 0 or not inside.any() or outside.sum() < 50:
        return None
    white = white_scatter(flux[outside])
    red = red_variance(time[outside] - time[0], flux[outside], duration, white, scatter)
    num_events = len(np.unique(np.floor((time[inside] - t0) / period + 0.5)))
    num_inside = int(inside.sum())
    return Peak(
        t0=time[0] + (t0 - time[0]) % period,
        period=period,
        duration_phase=duration / period,
        depth=depth,
        ingress_fraction=ingress_fraction,
        pink_signal_to_noise=depth / np.sqrt(white**2 / num_inside + red / num_events),
        signal_to_noise=depth / white * np.sqrt(num_inside),
        num_points_in_transit=num_inside,
        out_of_transit_magnitude=magnitude,
    )


def event_depths(time: Floats, flux: Floats, peak: Peak, least_coverage: float = 0.4) -> tuple[Floats, Floats, Floats]:
    """Measures the depth of each event of a peak: scales the fitted trapezoid to the event by least squares.

    The depth is relative to the flux within two durations of the event.

    Args:
      time: days, in the same system as `peak.t0`, [n].
      flux: relative flux, [n].
      peak: a Peak.
      least_coverage: an event is left out if it has less than this fraction of the in-transit cadences of the best
        covered event.

    Returns:
      Three arrays [k]: the number of each event, counted from t0; its depth; and the variance of the depth in units of
      the variance of a cadence.
    """
    duration = peak.duration_phase * peak.period
    phase_days = phase_fold(time, peak.period, peak.t0)
    profile = trapezoid(phase_days, duration, peak.ingress_fraction * duration)
    numbers, event = np.unique(np.round((time - peak.t0 - phase_days) / peak.period), return_inverse=True)
    beside = (np.abs(phase_days) > 0.6 * duration) & (np.abs(phase_days) < _BESIDE_DURATIONS * duration)
    num_beside = np.bincount(event[beside], minlength=len(numbers))
    level = np.bincount(event[beside], 1 - flux[beside], minlength=len(numbers)) / np.maximum(num_beside, 1)
    known = num_beside >= _LEAST_BESIDE
    level = np.where(known, level, 0.0)
    area, norm = np.bincount(event, profile), np.bincount(event, profile**2)
    covered = norm >= max(least_coverage * norm.max(initial=0.0), 1e-9)
    area, norm, level = area[covered], norm[covered], level[covered]
    depth = np.bincount(event, profile * (1 - flux))[covered] / norm - level * area / norm
    of_level = np.where(known[covered], (area / norm) ** 2 / np.maximum(num_beside[covered], 1), 0.0)
    return numbers[covered], depth, 1 / norm + of_level
