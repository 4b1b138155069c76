"""A slow and simple version in NumPy of what the C++ extension computes. Tests compare the two.

The functions have the same names, arguments, results and errors as those in the modules phase_fold, median_filter,
normalize, find_secondary and view_generator, which document them.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from light_curve_util.array_types import Floats
from light_curve_util.constants import MAD_TO_SIGMA
from light_curve_util.errors import FlatViewError, SparseLightCurveError
from light_curve_util.event_measures import EventMeasures
from light_curve_util.periodic_event import PeriodicEvent

MIN_POINTS = 5

_Singles = NDArray[np.float32]


def phase_fold(time: Floats, period: float, t0: float) -> Floats:
    return np.mod(time + (period / 2 - t0), period) - period / 2


def fold_and_sort(time: Floats, flux: Floats, period: float, t0: float) -> tuple[Floats, Floats]:
    folded_time = phase_fold(time, period, t0)
    order = np.argsort(folded_time, kind="stable")
    return folded_time[order], flux[order]


def median_view(x: Floats, y: Floats, num_bins: int, bin_width: float, x_min: float, x_max: float) -> Floats:
    return _binned(x, y, num_bins, bin_width, x_min, x_max, np.median)


def _scatter_view(x: Floats, y: Floats, num_bins: int, bin_width: float, x_min: float, x_max: float) -> Floats:
    return _binned(x, y, num_bins, bin_width, x_min, x_max, _scatter)


def _scatter(members: Floats) -> float:
    return float(MAD_TO_SIGMA * np.median(np.abs(members - np.median(members))))


def _binned(
    x: Floats,
    y: Floats,
    num_bins: int,
    bin_width: float,
    x_min: float,
    x_max: float,
    reduce: Callable[[Floats], Any],
) -> Floats:
    inside = x[(x_min <= x) & (x <= x_max)]
    if len(inside) < MIN_POINTS or np.ptp(inside) < (x_max - x_min) / 2:
        raise SparseLightCurveError(f"{len(inside)} points in [{x_min}, {x_max}]")

    spacing = (x_max - x_min - bin_width) / (num_bins - 1)
    lower, upper = x_min, x_min + bin_width
    values = np.full(num_bins, np.nan)
    for i in range(num_bins):
        members = y[(lower <= x) & (x < upper)]
        if len(members):
            values[i] = reduce(members)
        lower += spacing
        upper += spacing

    filled = np.flatnonzero(np.isfinite(values))
    if not len(filled):
        raise SparseLightCurveError("no point lies in any bin")
    return np.interp(np.arange(num_bins), filled, values[filled])


def normalize_view(view: Floats) -> Floats:
    return _scaled(view, *_scale(view))


def _scale(view: Floats) -> tuple[float, float]:
    """Median of a view, and depth of its deepest bin."""
    median = float(np.median(view))
    depth = abs(float(np.min(view - median)))
    if depth == 0:
        raise FlatViewError("no bin lies below the median")
    return median, depth


def _scaled(view: Floats, median: float, depth: float) -> Floats:
    with np.errstate(over="ignore"):
        view = (view - median) / depth
    if not np.isfinite(view).all():
        raise FlatViewError("the dip is too shallow beside the other values")
    return view


def find_secondary(time: Floats, flux: Floats, event: PeriodicEvent) -> float:
    return _search_secondary(*fold_and_sort(time, flux, event.period, event.t0), event)[0]


def _search_secondary(phase: Floats, flux: Floats, event: PeriodicEvent) -> tuple[float, Floats, Floats]:
    """Returns t2 and the points that were searched: phase [k] in (0, period), ascending, and flux [k]."""
    period, duration_days = event.period, event.duration_days
    half_widths = 1 if period < 1 or duration_days > period / 2 else 2
    keep = (np.abs(phase) > half_widths * duration_days / 2) & (np.abs(phase) > 0.1 * period)
    x = np.where(phase < 0, phase + period, phase)[keep]
    order = np.argsort(x, kind="stable")
    x, y = x[order], flux[keep][order]
    if len(x) < MIN_POINTS:
        raise SparseLightCurveError(f"{len(x)} points away from the primary")

    dip = y - sum(y) / len(y)
    t2, best_score = period / 2, 0
    for t in np.arange(x[0] + duration_days, x[-1] - duration_days, 0.1 * duration_days):
        in_box = (t - duration_days / 2 <= x) & (x <= t + duration_days / 2)
        nearby = (t - duration_days <= x) & (x <= t + duration_days)
        r = (np.sum(in_box) + 1) / len(x)
        if np.sum(nearby) < MIN_POINTS or r >= 1:
            continue
        s = sum(dip[in_box]) / len(x)
        score = -s * abs(s) / (r * (1 - r))
        if score > best_score:
            t2, best_score = t, score
    return t2, x, y


_LEVEL_DURATIONS = 3
_MIN_IN_EVENT = 2


def measure_event(time: Floats, flux: Floats, event: PeriodicEvent) -> EventMeasures:
    period, duration_days = event.period, event.duration_days
    phase = phase_fold(time, period, event.t0)
    depth, _, level = _primary_depth(phase, flux, event)
    if not depth > 0:
        return EventMeasures(depth, *[np.nan] * 6)
    even, even_error, _ = _primary_depth(phase_fold(time, 2 * period, event.t0), flux, event)
    odd, odd_error, _ = _primary_depth(phase_fold(time, 2 * period, event.t0 + period), flux, event)
    error = np.sqrt(even_error**2 + odd_error**2)
    difference = (odd - even) / depth
    significance = abs(odd - even) / error if error > 0 else np.nan
    v_shape = _v_shape(np.abs(phase), level - flux, duration_days)
    try:
        t2, x, y = _search_secondary(*fold_and_sort(time, flux, period, event.t0), event)
    except SparseLightCurveError:
        return EventMeasures(depth, difference, significance, np.nan, np.nan, np.nan, v_shape)
    distance = np.abs(x - t2)
    secondary, error, _ = _depth(y[distance <= duration_days / 2], y[distance > duration_days])
    secondary_significance = secondary / error if error > 0 else np.nan
    return EventMeasures(
        depth, difference, significance, secondary / depth, t2 / period, secondary_significance, v_shape
    )


def _primary_depth(phase: Floats, flux: Floats, event: PeriodicEvent) -> tuple[float, float, float]:
    distance = np.abs(phase)
    reach = min(event.period / 2, _LEVEL_DURATIONS * event.duration_days)
    outside = (distance > event.duration_days) & (distance <= reach)
    return _depth(flux[distance <= event.duration_days / 2], flux[outside])


def _depth(inside: Floats, outside: Floats) -> tuple[float, float, float]:
    """Depth, its error, and the level outside; NaN where there are too few points."""
    if len(inside) < _MIN_IN_EVENT or len(outside) < MIN_POINTS:
        return np.nan, np.nan, np.nan
    level = sum(outside) / len(outside)
    variance = sum((outside - level) ** 2) / len(outside)
    error = np.sqrt(variance * (1 / len(inside) + 1 / len(outside)))
    return level - sum(inside) / len(inside), error, level


def _v_shape(distance: Floats, dip: Floats, duration_days: float) -> float:
    near = distance <= duration_days
    best, best_gain = np.nan, 0.0
    for width in (0.7 + 0.1 * np.arange(7)) * duration_days:
        inside = width / 2 - distance[near]
        for step in range(11):
            ingress = 0.5 * step / 10
            shape = np.clip(inside / (ingress * width), 0, 1) if step else np.where(inside >= 0, 1.0, 0.0)
            product, square = sum(shape * dip[near]), sum(shape * shape)
            if product > 0 and square > 0 and product * product / square > best_gain:
                best, best_gain = ingress, product * product / square
    return best


TICKS_PER_DAY = 2**20


def box_powers(
    time: Floats, flux: Floats, period: float, durations: Sequence[float], oversample: int
) -> tuple[Floats, float]:
    """Returns the power of all boxes that box_search tries at a period, [num_durations, num_bins]; bin width (days)."""
    num_bins = max(2, int(np.ceil(period / (min(durations) / oversample))))
    # Phases are integers, in units of 2^-64 of the period. They wrap around.
    step = np.uint64(2**64 / (period * TICKS_PER_DAY))
    phase = (time * TICKS_PER_DAY).astype(np.uint64) * step
    bins = (((phase >> np.uint64(32)) * np.uint64(num_bins)) >> np.uint64(32)).astype(int)
    deviation = flux - flux.mean()
    powers = np.zeros([len(durations), num_bins])
    for row, duration in enumerate(durations):
        width = int(np.clip(np.floor(duration / (period / num_bins) + 0.5), 1, num_bins - 1))
        for start in range(num_bins):
            inside = (bins - start) % num_bins < width
            k, dip = inside.sum(), -deviation[inside].sum()
            if dip > 0 and 0 < k < len(time):
                powers[row, start] = k * (dip / k + dip / (len(time) - k)) ** 2
    return powers, period / num_bins


class ViewGenerator:
    def __init__(self, time: Floats, flux: Floats, event: PeriodicEvent) -> None:
        self.time, self.flux, self.event = time, flux, event
        self.folded_time, self.folded_flux = fold_and_sort(time, flux, event.period, event.t0)

    def view(self, name: str, num_bins: int) -> Floats:
        view: Floats = getattr(self, name)(num_bins)
        return view

    def _global_bins(self, num_bins: int) -> tuple[int, float, float, float]:
        period = self.event.period
        return num_bins, 1.2 * period / num_bins, -period / 2, period / 2

    def _local_bins(self, num_bins: int) -> tuple[int, float, float, float]:
        period, duration_days = self.event.period, self.event.duration_days
        x_min, x_max = max(-period / 2, -2 * duration_days), min(period / 2, 2 * duration_days)
        return num_bins, 0.16 * duration_days, x_min, x_max

    def global_view(self, num_bins: int) -> Floats:
        return normalize_view(median_view(self.folded_time, self.folded_flux, *self._global_bins(num_bins)))

    def twice_global_view(self, num_bins: int) -> Floats:
        period = self.event.period
        folded_time, folded_flux = fold_and_sort(self.time, self.flux, 2 * period, self.event.t0)
        return normalize_view(median_view(folded_time, folded_flux, num_bins, 1.2 * period / num_bins, -period, period))

    def half_global_view(self, num_bins: int) -> Floats:
        half, t0 = self.event.period / 2, self.event.t0
        scale = _scale(median_view(self.folded_time, self.folded_flux, *self._global_bins(num_bins)))
        folded_time, folded_flux = fold_and_sort(self.time, self.flux, half, t0)
        view = median_view(folded_time, folded_flux, num_bins, 1.2 * half / num_bins, -half / 2, half / 2)
        return _scaled(view, *scale)

    def local_view(self, num_bins: int) -> Floats:
        return normalize_view(median_view(self.folded_time, self.folded_flux, *self._local_bins(num_bins)))

    def odd_view(self, num_bins: int) -> Floats:
        return self._every_other(num_bins, self.event.t0 + self.event.period)

    def even_view(self, num_bins: int) -> Floats:
        return self._every_other(num_bins, self.event.t0)

    def _every_other(self, num_bins: int, t0: float) -> Floats:
        bins = self._local_bins(num_bins)
        view = median_view(self.folded_time, self.folded_flux, *bins)
        scale = _scale(view)
        folded_time, folded_flux = fold_and_sort(self.time, self.flux, 2 * self.event.period, t0)
        with contextlib.suppress(SparseLightCurveError):
            view = median_view(folded_time, folded_flux, *bins)
        return _scaled(view, *scale)

    def global_scatter_view(self, num_bins: int) -> Floats:
        return self._scatter(self._global_bins(num_bins))

    def local_scatter_view(self, num_bins: int) -> Floats:
        return self._scatter(self._local_bins(num_bins))

    def _scatter(self, bins: tuple[int, float, float, float]) -> Floats:
        _, depth = _scale(median_view(self.folded_time, self.folded_flux, *bins))
        return _scaled(_scatter_view(self.folded_time, self.folded_flux, *bins), 0.0, depth)

    def secondary_view(self, num_bins: int) -> Floats:
        period, duration_days = self.event.period, self.event.duration_days
        t2, x, y = _search_secondary(self.folded_time, self.folded_flux, self.event)
        x_min = max(t2 - 4 * duration_days, t2 - period / 2, x[0])
        x_max = min(t2 + 4 * duration_days, t2 + period / 2, x[-1])
        bin_width = 0.16 * duration_days
        if bin_width >= x_max - x_min:
            bin_width = (x_max - x_min) / 40
        return normalize_view(median_view(x, y, num_bins, bin_width, x_min, x_max))


def bias_relu(series: _Singles, positions: int, bias: _Singles, output: _Singles) -> None:
    """Adds a bias and applies ReLU, as cc/layers.h does; series [n, at least positions * channels], float32."""
    used = positions * len(bias)
    output[:, :used] = np.maximum(series[:, :used] + np.tile(bias, positions), 0)


def pool_bias_relu(
    series: _Singles, positions: int, bias: _Singles, pool_size: int, pool_stride: int, output: _Singles
) -> None:
    by_position = series[:, : positions * len(bias)].reshape(len(series), positions, len(bias))
    starts = range(0, positions - pool_size + 1, pool_stride)
    pooled = [by_position[:, start : start + pool_size].max(axis=1) for start in starts]
    bias_relu(np.concatenate(pooled, axis=1), len(starts), bias, output)
