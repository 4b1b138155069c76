"""The slow variation of a star as a B-spline, to be divided out of its light curve.

Source: Vanderburg & Johnson 2014, PASP 126, 948 (fit repeated without outliers); Shallue & Vanderburg 2018, AJ 155, 94,
section 3 (transits masked, knot spacing by the Bayesian information criterion). The B-spline itself is pydl's.
"""

import functools
import warnings
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from light_curve_util.array_types import Bools, Floats
from light_curve_util.constants import MAD_TO_SIGMA
from light_curve_util.third_party.robust_mean.robust_mean import robust_mean

SPACINGS_DAYS = tuple(np.geomspace(0.5, 20, 20))
GAP_DAYS = 0.75

_ORDER = 4  # a cubic spline: four coefficients act on each interval between knots
_MIN_POINTS = 2 * _ORDER
_OUTLIER_CUT = 3  # standard deviations
_MAX_ITERATIONS = 30  # a dozen deep dips need 20, most light curves 3


def fit_spline(
    time: Floats,
    flux: Floats,
    mask: Optional[Bools] = None,
    spacings_days: Sequence[float] = SPACINGS_DAYS,
    gap_days: float = GAP_DAYS,
) -> tuple[Floats, float]:
    """Fits a cubic B-spline to each stretch without a gap; the Bayesian information criterion chooses the knot spacing.

    Args:
      time: float64 [n], days, in any order.
      flux: float64 [n].
      mask: bool [n], True for points that the fit is not to see, such as those in transit.
      spacings_days: knot spacings to choose from.
      gap_days: the light curve is split where neighbors are further apart than this.

    Returns:
      spline: float64 [n], at masked points too; NaN in a stretch with too few points to fit.
      spacing_days: the knot spacing chosen.

    Raises:
      ValueError: every stretch has too few points.
    """
    seen = np.full(len(time), True) if mask is None else ~mask
    order = np.argsort(time)
    stretches = np.split(order, np.flatnonzero(np.diff(time[order]) > gap_days) + 1)
    stretches = [s for s in stretches if _enough(time[s[seen[s]]])]
    if not stretches:
        raise ValueError(f"no stretch without a gap of {gap_days} d has the {_MIN_POINTS} points that a spline needs")

    noise = _noise([flux[s[seen[s]]] for s in stretches])
    num_points = sum(np.count_nonzero(seen[s]) for s in stretches)
    best: Optional[tuple[Floats, float]] = None
    lowest_bic = np.inf
    for spacing_days in spacings_days:
        spline = np.full(len(time), np.nan)
        bic = 0.0
        for s in stretches:
            spline[s], sum_of_squares, num_coefficients = _fit_stretch(time[s], flux[s], seen[s], spacing_days)
            bic += sum_of_squares / noise**2 + num_coefficients * np.log(num_points)
        if bic < lowest_bic:
            lowest_bic, best = bic, (spline, spacing_days)
    if best is None:
        raise ValueError("no spline fits: give finite times and fluxes, and a knot spacing")
    return best


def _enough(time: Floats) -> bool:
    return len(np.unique(time)) >= _MIN_POINTS


def _noise(pieces: Sequence[Floats]) -> float:
    """Standard deviation of the white noise, from differences of neighbors, which slow variation hardly enters."""
    differences = np.concatenate([np.diff(flux) for flux in pieces])
    return (
        MAD_TO_SIGMA * np.median(np.abs(differences)) / np.sqrt(2) or 1.0
    )  # any scale will do where there is no noise


def _fit_stretch(time: Floats, flux: Floats, seen: Bools, spacing_days: float) -> tuple[Floats, float, int]:
    """Fits sorted points with one knot spacing, repeatedly, until the same outliers are left out.

    Returns:
      spline [n], sum of squared residuals, number of coefficients.
    """
    kept = seen
    for _ in range(_MAX_ITERATIONS):
        knots = _knots(time[kept], spacing_days)
        # Beyond the points that it was fitted to, a cubic soon runs away: there the spline keeps its last value.
        spline = _least_squares(time[kept], flux[kept], knots, np.clip(time, knots[0], knots[-1]))
        residual = flux - spline
        previous, kept = kept, seen.copy()
        kept[seen] = robust_mean(residual[seen], _OUTLIER_CUT)[2]
        if np.array_equal(kept, previous) or not _enough(time[kept]):
            break
    # An outlier counts as an average point, so that no spacing gains by leaving more points out.
    sum_of_squares = np.count_nonzero(seen) * np.mean(residual[kept] ** 2)
    return spline, sum_of_squares, len(knots) + _ORDER - 2


def _knots(time: Floats, spacing_days: float) -> Floats:
    """Evenly spaced knots from the first point to the last, less those that too few points determine."""
    num_intervals = max(1, round((time[-1] - time[0]) / spacing_days))
    knots = np.linspace(time[0], time[-1], num_intervals + 1)
    points, _ = np.histogram(np.unique(time), knots)
    determined: Floats = knots[np.concatenate([[True], points[:-1] >= _ORDER, [True]])]
    return determined


@functools.cache
def _bspline() -> Any:
    """pydl's class, imported when the first spline is fitted: it takes half a second."""
    with warnings.catch_warnings():  # on import pydl builds a test runner that astropy deprecates
        warnings.simplefilter("ignore")
        from pydl.pydlutils.bspline import bspline
    return bspline


def _least_squares(time: Floats, flux: Floats, knots: Floats, at_time: Floats) -> Floats:
    spline = _bspline()(time, nord=_ORDER, bkpt=knots)
    spline.fit(time, flux, np.ones_like(flux))
    values: Floats = spline.value(at_time)[0]
    return values
