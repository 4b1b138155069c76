"""Fits the shape of a flare, a Gaussian rise and an exponential decay on a slowly varying star, to a light curve.

Source: Feinstein et al. 2020 (AJ 160, 219), section 4, for the shape.
"""

import dataclasses
from collections.abc import Sequence
from typing import Optional

import numpy as np

from astronet.flares import windows
from light_curve_util.constants import MAD_TO_SIGMA, SECONDS_PER_DAY

_BEFORE, _AFTER = 45, 75  # cadences before and after a flare that are fitted with it
_MIN_CADENCES = 20  # least number beside the flare
_BASELINE = 3  # coefficients of the parabola below the flare
_PRIOR = 1.0  # standard deviation of the logarithms of amplitude, rise and decay about their first estimates
_AFTERGLOW = 5  # cadences after a flare that do not count as beside it
_DIFFERENCE_TO_SIGMA = 1.0484  # standard deviation of Gaussian noise / median absolute difference of neighbors


@dataclasses.dataclass(frozen=True)
class Fit:
    """A fitted flare.

    Attributes:
      peak_time: time of the peak [BTJD].
      amplitude: flux of the flare at its peak, divided by the quiet star's flux.
      rise: standard deviation of the Gaussian [days].
      decay: time in which the flare falls to 1/e [days].
      equivalent_duration: time in which the quiet star radiates as much as the flare, in the same band [s].
      errors: uncertainty (one sigma) of each of the above, by its name.
      chi_squared: chi-squared of the residuals per degree of freedom.
      significance: amplitude of the flare divided by its uncertainty from the noise of all its cadences.
    """

    peak_time: float
    amplitude: float
    rise: float
    decay: float
    equivalent_duration: float
    errors: dict[str, float]
    chi_squared: float
    significance: float


def shape(time: np.ndarray, peak_time: float, rise: float, decay: float, step: float) -> np.ndarray:
    """Returns the mean flux in each cadence of a flare of amplitude 1: [n].

    Args:
      time: [n] middle of the cadences [days].
      peak_time: [days].
      rise: standard deviation of the Gaussian [days].
      decay: time of the fall to 1/e [days].
      step: length of a cadence [days].
    """
    from scipy.special import erf

    def integral(since: np.ndarray) -> np.ndarray:
        rising = rise * np.sqrt(np.pi / 2) * (1 + erf(np.minimum(since, 0) / rise / np.sqrt(2)))
        return rising - decay * np.expm1(-np.maximum(since, 0) / decay)

    since = np.asarray(time) - peak_time
    return (integral(since + step / 2) - integral(since - step / 2)) / step


def equivalent_duration(amplitude: float, rise: float, decay: float) -> float:
    """Returns the equivalent duration of a flare [s], the integral over its shape; rise and decay are in days."""
    return amplitude * (rise * np.sqrt(np.pi / 2) + decay) * SECONDS_PER_DAY


def noise_of(flux: np.ndarray) -> float:
    """Returns the noise of one cadence, from the differences of neighbors: slow variations of the star hardly count."""
    return float(_DIFFERENCE_TO_SIGMA * np.median(np.abs(np.diff(flux))))


def fit(time: np.ndarray, flux: np.ndarray, flare: slice, others: Sequence[slice] = ()) -> Optional[Fit]:
    """Returns the fit of one flare of a light curve; for several flares, use a Fitter."""
    return Fitter(time, flux).fit(flare, others)


class Fitter:
    """Fits the flares of one light curve; its segments and their noise are computed once.

    Args:
      time: [n] days, increasing.
      flux: [n] relative to its median.
    """

    def __init__(self, time: np.ndarray, flux: np.ndarray) -> None:
        self._time, self._flux = time, flux
        self._segments = windows.segments(time)
        self._starts = [segment.start for segment in self._segments]
        self._step = windows.cadence_days(time)
        self._noises: dict[int, float] = {}  # number of a segment -> noise of a cadence

    def fit(self, flare: slice, others: Sequence[slice] = ()) -> Optional[Fit]:
        """Fits a flare and the star below it, a parabola.

        The logarithms of amplitude, rise and decay have a wide Gaussian prior about first estimates, because a flare of
        one or two cadences does not determine them.

        Args:
          flare: cadences of the flare, as detection.group() returns them.
          others: other flares, whose cadences are left out of the fit; distant ones do not matter.

        Returns:
          The fit; None if too few cadences surround the flare, or it has another shape.
        """
        used, noise = self._surroundings(flare, others)
        is_beside = (used < flare.start) | (used >= flare.stop + _AFTERGLOW)
        if np.count_nonzero(is_beside) < _MIN_CADENCES:
            return None
        peak = flare.start + int(np.argmax(self._flux[flare]))
        times = (self._time[used] - self._time[peak]) / self._step  # in cadences: all parameters are of the order of 1
        return _fit(times, self._flux[used], is_beside, flare, self._flux[peak], noise, self._time[peak], self._step)

    def _surroundings(self, flare: slice, others: Sequence[slice]) -> tuple[np.ndarray, float]:
        """Returns the cadences to fit, and the noise of one."""
        number = int(np.searchsorted(self._starts, flare.start, side="right")) - 1
        segment = self._segments[number]
        if number not in self._noises:
            self._noises[number] = noise_of(self._flux[segment]) or 1e-9
        used = np.arange(max(segment.start, flare.start - _BEFORE), min(segment.stop, flare.stop + _AFTER))
        for other in others:
            used = used[(used < other.start) | (used >= other.stop)]
        return used, self._noises[number]


def near(flares: list[slice], number: int) -> list[slice]:
    """Returns the flares near one of them, for `others` of Fitter.fit().

    Args:
      flares: all flares of a light curve, as detection.group() returns them.
      number: index of the flare that will be fitted.
    """
    first, last = flares[number].start - _BEFORE, flares[number].stop + _AFTER
    before, after = number, number + 1
    while before > 0 and flares[before - 1].stop > first:
        before -= 1
    while after < len(flares) and flares[after].start < last:
        after += 1
    return flares[before:number] + flares[number + 1 : after]


def _fit(times, fluxes, is_beside, flare, peak_flux, noise, peak_time, step):
    """Returns the Fit of a flare, or None.

    Args:
      times: [m] cadences from the brightest one.
      fluxes: [m].
      is_beside: [m] whether a cadence is beside the flare.
      flare: cadences of the flare.
      peak_flux: flux of the brightest cadence.
      noise: noise of a cadence.
      peak_time: time of the brightest cadence [days].
      step: length of a cadence [days].
    """
    from scipy.optimize import least_squares

    level = np.median(fluxes[is_beside])
    length = flare.stop - flare.start
    amplitude = max(peak_flux - level, noise)
    estimates = np.array([0, np.log(amplitude), np.log(max(length / 6, 0.7)), np.log(max(length / 3, 1.0))])
    prior = np.array([length + 2, _PRIOR, _PRIOR, _PRIOR])
    powers = np.vander(times / 100, _BASELINE, increasing=True)

    def residuals(values):
        peak_time = values[0]
        amplitude, rise, decay = np.exp(values[1:4])
        model = powers @ values[4:] + amplitude * shape(times, peak_time, rise, decay, 1.0)
        return np.concatenate([(fluxes - model) / noise, (values[:4] - estimates) / prior])

    start = np.concatenate([estimates, [level], np.zeros(_BASELINE - 1)])
    solution = least_squares(residuals, start, x_scale="jac", max_nfev=200)
    if not solution.x[4] > 0 or not np.isfinite(solution.x).all():
        return None  # the fit has taken the star's own variation for the flare
    chi_squared = float(np.sum(solution.fun[:-4] ** 2) / max(len(times) - len(start), 1))
    # If the shape does not fit, as for complex flares, the residuals say how uncertain the values are.
    covariance = np.linalg.pinv(solution.jac.T @ solution.jac) * max(chi_squared, 1.0)
    beside = solution.fun[:-4][is_beside] * noise
    scatter = MAD_TO_SIGMA * float(np.median(np.abs(beside - np.median(beside))))
    significance = _significance(solution.x, times, powers, max(noise, scatter))
    return _to_fit(solution.x, covariance, peak_time, step, chi_squared, significance)


def _significance(values, times, powers, noise):
    """Returns the amplitude over its uncertainty, for a known shape and noise and an unknown level of the star."""
    peak_time = values[0]
    amplitude, rise, decay = np.exp(values[1:4])
    template = shape(times, peak_time, rise, decay, 1.0)
    template = template - powers @ np.linalg.lstsq(powers, template, rcond=None)[0]
    return float(amplitude * np.linalg.norm(template) / noise)


def _to_fit(values, covariance, origin, step, chi_squared, significance):
    """Returns the Fit of parameters in cadences and logarithms, and of their covariance."""
    relative, rise, decay = np.exp(values[1:4]) * [1 / values[4], step, step]
    # Derivatives of the logarithm of the equivalent duration by the logarithms of amplitude, rise and decay.
    share = rise * np.sqrt(np.pi / 2) / (rise * np.sqrt(np.pi / 2) + decay)
    gradient = np.array([1, share, 1 - share])
    duration = equivalent_duration(relative, rise, decay)
    sigmas = np.sqrt(np.maximum(np.diag(covariance)[:4], 0)) * [step, relative, rise, decay]
    duration_error = duration * np.sqrt(max(gradient @ covariance[1:4, 1:4] @ gradient, 0.0))
    names = ("peak_time", "amplitude", "rise", "decay", "equivalent_duration")
    errors = dict(zip(names, map(float, (*sigmas, duration_error))))
    peak_time = float(origin + values[0] * step)
    shape_in_days = float(relative), float(rise), float(decay), float(duration)
    return Fit(peak_time, *shape_in_days, errors, chi_squared, significance)
