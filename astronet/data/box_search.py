"""Measures a periodic dip as a box least squares search does: its peak near given periods, then a trapezoid fit."""

import numpy as np

from astronet.data.bls import Peak
from light_curve_util.phase_fold import phase_fold

_SHORTEST_PERIOD = 0.1  # days
_SHORTEST_HOURS, _LONGEST_PHASE = 1.0, 0.25
_HOURS_OF_A_YEARLY_TRANSIT = 13.0  # of the Sun, by the Earth; at other periods its cube root
_BINS_PER_DAY = 48


def _best_box(time, deviation, period):
    """The box with the greatest signal residue (Kovacs et al. 2002, section 2) on a grid of phases and widths.

    Args:
      time: days since the first cadence, [n].
      deviation: flux less its mean, [n].
      period: days.

    Returns:
      (signal residue, mid-time in days, width in days); residue 0 where nothing dips.
    """
    num_bins = int(np.clip(period * _BINS_PER_DAY, 24, 400))
    bins = (time / period % 1 * num_bins).astype(int)
    counts = np.bincount(bins, minlength=num_bins)
    sums = np.bincount(bins, deviation, minlength=num_bins)
    # Boxes wrap round the end of the phase: repeat the bins once, then a box is a difference of two running sums.
    counts, sums = (np.concatenate([[0], np.cumsum(np.tile(values, 2))]) for values in (counts, sums))
    longest_hours = 1.5 * _HOURS_OF_A_YEARLY_TRANSIT * (period / 365.25) ** (1 / 3)
    longest = int(min(_LONGEST_PHASE, longest_hours / 24 / period) * num_bins)
    shortest = min(longest, max(1, round(_SHORTEST_HOURS / 24 / period * num_bins)))
    best = (0.0, 0.0, period / num_bins)
    for width in sorted({round(shortest * (longest / shortest) ** (step / 6)) for step in range(7)}):
        share = (counts[width : num_bins + width] - counts[:num_bins]) / len(time)
        depth_sum = -(sums[width : num_bins + width] - sums[:num_bins]) / len(time)
        usable = (share > 4 / len(time)) & (share < 0.9) & (depth_sum > 0)
        residue = np.where(usable, depth_sum**2 / np.where(usable, share * (1 - share), 1), 0)
        start = int(residue.argmax())
        if residue[start] > best[0]:
            best = (residue[start], (start + width / 2) / num_bins * period, width / num_bins * period)
    return best


def _trapezoid(phase_days, width, ingress):
    """Depth profile of a dip of unit depth: 1 inside, linear over each ingress. Arguments broadcast, in days."""
    return np.clip((width / 2 - np.abs(phase_days)) / np.maximum(ingress, 1e-6), 0, 1)


def _fit_trapezoid(phase_days, flux, width):
    """Least squares over mid-time, duration and ingress; (shift, duration, ingress fraction, depth)."""
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
        durations = duration * (1 + zoom * np.linspace(-0.5, 0.6, 9))
        fractions = np.clip(fraction + zoom * np.linspace(-0.25, 0.25, 5), 0.01, 0.5)
        s, d, f = (grid.ravel()[:, np.newaxis] for grid in np.meshgrid(shifts, durations, fractions))
        model = _trapezoid(x - s, d, f * d)  # [grid, bin]
        centered = model - (model @ weights)[:, np.newaxis]
        norm = np.maximum((centered**2) @ weights, 1e-12)
        depth = -(centered @ (weights * y)) / norm
        best = int((depth * np.abs(depth) * norm).argmax())
        shift, duration, fraction = float(s[best, 0]), float(d[best, 0]), float(f[best, 0])
    return shift, duration, fraction, float(depth[best])


def _robust_scatter(values):
    return 1.4826 * np.median(np.abs(values - np.median(values)))


def _red_variance(time, flux, duration, white):
    """Variance of means over one duration beyond what white noise explains."""
    chunks = np.floor(time / duration).astype(int)
    counts = np.bincount(chunks)
    full = counts > 1
    means = np.bincount(chunks, flux)[full] / counts[full]
    return max(0.0, _robust_scatter(means) ** 2 - white**2 / np.median(counts[full]))


def measure(time, flux, magnitude, periods):
    """The best periodic dip of a light curve near some periods.

    Args:
      time: BTJD days, [n], sorted.
      flux: relative flux, [n].
      magnitude: magnitude that the flux is relative to.
      periods: days; each above 0.1 is tried, and the best one refined.

    Returns:
      A Peak, or None where nothing dips.
    """
    start, deviation = time[0], flux - flux.mean()
    since = time - start
    residue, _, width, period = max(
        ((*_best_box(since, deviation, period), period) for period in periods if period > _SHORTEST_PERIOD),
        default=(0.0, 0.0, 0.0, 0.0),
    )
    if residue <= 0:
        return None
    step = width * period / since[-1] / 4
    refined = period + step * np.arange(-12, 13)
    residue, middle, width, period = max((*_best_box(since, deviation, p), p) for p in refined if p > _SHORTEST_PERIOD)

    phase_days = phase_fold(since, period, middle)
    shift, duration, ingress_fraction, depth = _fit_trapezoid(phase_days, flux, width)
    phase_days = phase_fold(since, period, middle + shift)
    inside = np.abs(phase_days) < duration / 2
    outside = np.abs(phase_days) > 0.6 * duration
    if depth <= 0 or not inside.any() or outside.sum() < 50:
        return None

    white = _robust_scatter(flux[outside])
    red_variance = _red_variance(since[outside], flux[outside], max(duration, 3 / _BINS_PER_DAY), white)
    num_events = len(np.unique(np.floor((since[inside] - middle - shift) / period + 0.5)))
    num_inside = int(inside.sum())
    return Peak(
        t0=start + (middle + shift) % period,
        period=period,
        duration_phase=duration / period,
        depth=depth,
        ingress_fraction=ingress_fraction,
        pink_signal_to_noise=depth / np.sqrt(white**2 / num_inside + red_variance / num_events),
        signal_to_noise=depth / white * np.sqrt(num_inside),
        num_points_in_transit=num_inside,
        out_of_transit_magnitude=magnitude,
    )
