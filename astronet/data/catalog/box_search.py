"""Measures a periodic dip as a box least squares search does: its peak near given periods, then a trapezoid fit."""

import dataclasses
from typing import Optional

import numpy as np

from astronet.data.catalog import transit_fit
from light_curve_util.array_types import Floats

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


def measure(time: Floats, flux: Floats, magnitude: float, periods: Floats) -> Optional[transit_fit.Peak]:
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

    peak = transit_fit.measure(since, flux, magnitude, period, middle, width)
    return peak and dataclasses.replace(peak, t0=start + peak.t0)
