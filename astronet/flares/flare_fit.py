"""The shape of a flare: a Gaussian rise and an exponential decay on a slowly varying star, fitted to a light curve.

Source: Feinstein et al. 2020 (AJ 160, 219), section 4, for the shape.
"""

import dataclasses

import numpy as np

from astronet.flares import windows
from light_curve_util.constants import MAD_TO_SIGMA

SECONDS_PER_DAY = 86400
_BEFORE, _AFTER = 45, 75  # cadences beyond the flare that are fitted with it
_MIN_CADENCES = 20
_BASELINE = 3  # coefficients of a parabola
_PRIOR = 1.0  # standard deviation of the logarithms of amplitude, rise and decay about what the flare looks like
_AFTERGLOW = 5  # cadences after the flare that do not count as beside it
_DIFFERENCE_TO_SIGMA = 1.0484  # standard deviation of Gaussian noise / median absolute difference of neighbors


@dataclasses.dataclass(frozen=True)
class Fit:
    """A fitted flare; `errors` has the uncertainty (one sigma) of each value down to equivalent_duration by its name.

    Attributes:
      peak_time: days, BTJD.
      amplitude: over the quiet star's flux at the peak.
      rise: days, standard deviation of the Gaussian.
      decay: days, by which the flare falls to 1/e.
      equivalent_duration: seconds in which the quiet star radiates what the flare does, in the same band.
      errors: dict.
      chi_squared: of the residuals, per degree of freedom.
      significance: by how many standard deviations of the noise the fitted shape stands out, all its cadences together.
    """

    peak_time: float
    amplitude: float
    rise: float
    decay: float
    equivalent_duration: float
    errors: dict
    chi_squared: float
    significance: float


def shape(time, peak_time, rise, decay, step):
    """Returns the mean flux over each cadence of a flare of amplitude 1.

    Args:
      time: [n] days, middle of the cadences.
      peak_time, rise, decay: days.
      step: length of a cadence [days].
    """
    from scipy.special import erf

    def integral(since):
        rising = rise * np.sqrt(np.pi / 2) * (1 + erf(np.minimum(since, 0) / rise / np.sqrt(2)))
        return rising - decay * np.expm1(-np.maximum(since, 0) / decay)

    since = np.asarray(time) - peak_time
    return (integral(since + step / 2) - integral(since - step / 2)) / step


def equivalent_duration(amplitude, rise, decay):
    """Returns the integral [seconds] over a flare of this shape, rise and decay in days."""
    return amplitude * (rise * np.sqrt(np.pi / 2) + decay) * SECONDS_PER_DAY


def noise_of(flux):
    """Returns the scatter of one cadence, which a slow variation of the star hardly raises."""
    return float(_DIFFERENCE_TO_SIGMA * np.median(np.abs(np.diff(flux))))


def fit(time, flux, flare, others=()):
    """Fits one flare of a light curve, as Fitter.fit() does, which is faster for many."""
    return Fitter(time, flux).fit(flare, others)


class Fitter:
    """Fits the flares of one light curve; what they have in common is computed once.

    Args:
      time: [n] days, increasing.
      flux: [n] relative to its median.
    """

    def __init__(self, time, flux):
        self._time, self._flux = time, flux
        self._segments = windows.segments(time)
        self._starts = [segment.start for segment in self._segments]
        self._step = windows.cadence_days(time)
        self._noises = {}  # number of a segment -> noise of a cadence

    def fit(self, flare, others=()):
        """Fits a flare and the star below it, a parabola.

        The logarithms of amplitude, rise and decay have a wide Gaussian prior about what the flare looks like: a flare
        of one or two cadences would leave them undetermined.

        Args:
          flare: slice of n, as detection.group gives it.
          others: slices of flares whose cadences are left out of the fit; those far away do not matter.

        Returns:
          A Fit, or None where too few cadences surround the flare, or it has no such shape.
        """
        used, noise = self._surroundings(flare, others)
        is_beside = (used < flare.start) | (used >= flare.stop + _AFTERGLOW)
        if np.count_nonzero(is_beside) < _MIN_CADENCES:
            return None
        peak = flare.start + int(np.argmax(self._flux[flare]))
        times = (self._time[used] - self._time[peak]) / self._step  # in cadences: all parameters are of the order of 1
        return _fit(times, self._flux[used], is_beside, flare, self._flux[peak], noise, self._time[peak], self._step)

    def _surroundings(self, flare, others):
        """The cadences to fit, and the noise of one."""
        number = int(np.searchsorted(self._starts, flare.start, side="right")) - 1
        segment = self._segments[number]
        if number not in self._noises:
            self._noises[number] = noise_of(self._flux[segment]) or 1e-9
        used = np.arange(max(segment.start, flare.start - _BEFORE), min(segment.stop, flare.stop + _AFTER))
        for other in others:
            used = used[(used < other.start) | (used >= other.stop)]
        return used, self._noises[number]


def near(flares, number):
    """Returns the flares that Fitter.fit() may have to leave out where it fits another one.

    Args:
      flares: list of slices, as detection.group gives them.
      number: of the flare that is to be fitted.
    """
    first, last = flares[number].start - _BEFORE, flares[number].stop + _AFTER
    before, after = number, number + 1
    while before > 0 and flares[before - 1].stop > first:
        before -= 1
    while after < len(flares) and flares[after].start < last:
        after += 1
    return flares[before:number] + flares[number + 1 : after]


def _fit(times, fluxes, is_beside, flare, peak_flux, noise, peak_time, step):
    """The Fit of a flare, or None; times in cadences from the brightest one, which is at `peak_time` [days]."""
    from scipy.optimize import least_squares

    level = np.median(fluxes[is_beside])
    length = flare.stop - flare.start
    amplitude = max(peak_flux - level, noise)
    looks = np.array([0, np.log(amplitude), np.log(max(length / 6, 0.7)), np.log(max(length / 3, 1.0))])
    prior = np.array([length + 2, _PRIOR, _PRIOR, _PRIOR])
    powers = np.vander(times / 100, _BASELINE, increasing=True)

    def residuals(values):
        peak_time = values[0]
        amplitude, rise, decay = np.exp(values[1:4])
        model = powers @ values[4:] + amplitude * shape(times, peak_time, rise, decay, 1.0)
        return np.concatenate([(fluxes - model) / noise, (values[:4] - looks) / prior])

    start = np.concatenate([looks, [level], np.zeros(_BASELINE - 1)])
    found = least_squares(residuals, start, x_scale="jac", max_nfev=200)
    if not found.x[4] > 0 or not np.isfinite(found.x).all():
        return None  # the shape has taken the star's own variation for the flare
    chi_squared = float(np.sum(found.fun[:-4] ** 2) / max(len(times) - len(start), 1))
    # Where the shape does not fit, a complex flare above all, the residuals say how far the values can be trusted.
    covariance = np.linalg.pinv(found.jac.T @ found.jac) * max(chi_squared, 1.0)
    beside = found.fun[:-4][is_beside] * noise
    scatter = MAD_TO_SIGMA * float(np.median(np.abs(beside - np.median(beside))))
    significance = _significance(found.x, times, powers, max(noise, scatter))
    return _to_fit(found.x, covariance, peak_time, step, chi_squared, significance)


def _significance(values, times, powers, noise):
    """Amplitude of a fitted flare over its uncertainty, were shape and noise known and only the star's level not."""
    peak_time = values[0]
    amplitude, rise, decay = np.exp(values[1:4])
    template = shape(times, peak_time, rise, decay, 1.0)
    template = template - powers @ np.linalg.lstsq(powers, template, rcond=None)[0]
    return float(amplitude * np.linalg.norm(template) / noise)


def _to_fit(values, covariance, origin, step, chi_squared, significance):
    """Turns parameters in cadences and logarithms, and their covariance, into a Fit."""
    relative, rise, decay = np.exp(values[1:4]) * [1 / values[4], step, step]
    # How the logarithm of the equivalent duration changes with those of amplitude, rise and decay.
    share = rise * np.sqrt(np.pi / 2) / (rise * np.sqrt(np.pi / 2) + decay)
    gradient = np.array([1, share, 1 - share])
    duration = equivalent_duration(relative, rise, decay)
    sigmas = np.sqrt(np.maximum(np.diag(covariance)[:4], 0)) * [step, relative, rise, decay]
    duration_error = duration * np.sqrt(max(gradient @ covariance[1:4, 1:4] @ gradient, 0.0))
    names = ("peak_time", "amplitude", "rise", "decay", "equivalent_duration")
    errors = dict(zip(names, map(float, (*sigmas, duration_error))))
    found = map(float, (origin + values[0] * step, relative, rise, decay, duration))
    return Fit(*found, errors, chi_squared, significance)
