"""Artificial flares: into windows to train on, and into light curves to be found again."""

import numpy as np

from astronet.flares import flare_fit, windows

# Of a flare's amplitude over the scatter of a cadence, and of its full width at half maximum [cadences].
AMPLITUDE_IN_NOISE = 4.0, 300.0
WIDTH = 0.5, 30.0
_RISE_SHARE = 0.15, 0.5  # of the width at half maximum that lies before the peak
_OUTLIER_CADENCES = 11  # whose running median an impulsive outlier stands out of
_OUTLIER_IN_NOISE = 5.0
_HALF_RISE = np.sqrt(2 * np.log(2))  # in standard deviations of the Gaussian
_HALF_DECAY = np.log(2)


def draw(random, number, amplitudes=AMPLITUDE_IN_NOISE, widths=WIDTH):
    """Draws flares, log-uniform in amplitude and in width.

    Args:
      random: np.random.Generator.
      number: of flares.
      amplitudes: least and greatest, in the unit that the caller wants.
      widths: least and greatest full width at half maximum, in the caller's unit of time.

    Returns:
      Arrays [number] of amplitude, rise (standard deviation of the Gaussian) and decay (1/e time).
    """
    amplitude, width = (np.exp(random.uniform(*np.log(limits), number)) for limits in (amplitudes, widths))
    share = random.uniform(*_RISE_SHARE, number)
    return amplitude, share * width / _HALF_RISE, (1 - share) * width / _HALF_DECAY


def width(rise, decay):
    """Returns the full width at half maximum of flares, in the unit of their rise and decay."""
    return rise * _HALF_RISE + decay * _HALF_DECAY


def into_windows(quiet, per_window, random):
    """Adds a flare to quiet windows, with its peak in the center.

    Args:
      quiet: [n, LENGTH] relative flux.
      per_window: flares for each window; below 1, that share of the windows gets one.
      random: np.random.Generator.

    Returns:
      float32 [round(n * per_window), LENGTH]; the i-th is made of window i % n.
    """
    number = int(round(len(quiet) * per_window))
    amplitude, rise, decay = draw(random, number)
    made = quiet[np.arange(number) % len(quiet)].copy()
    cadences = np.arange(windows.LENGTH) - windows.HALF
    offset = random.uniform(-0.5, 0.5, number)
    for i in range(number):
        height = amplitude[i] * flare_fit.noise_of(made[i])
        made[i] += height * flare_fit.shape(cadences, offset[i], rise[i], decay[i], 1.0)
    return made


def impulsive_outliers(flux: np.ndarray) -> np.ndarray:
    """Says which cadences SPOC would flag as impulsive outliers, the peaks of short flares among them.

    A lone cadence is one: brighter than the running median of 11 cadences by more than 5 times the noise of a cadence,
    with neighbors that are not. What SPOC does in full is not published; benchmarks/impulsive_outliers.py says how many
    of its flags this reproduces.

    Args:
      flux: [n] relative, of one light curve in order.

    Returns:
      bool [n].
    """
    from scipy.ndimage import median_filter

    noise = flare_fit.noise_of(flux)
    stands_out = flux - median_filter(flux, _OUTLIER_CADENCES, mode="nearest") > _OUTLIER_IN_NOISE * noise
    beside = np.zeros(len(flux), dtype=bool)
    beside[1:] |= stands_out[:-1]
    beside[:-1] |= stands_out[1:]
    return stands_out & ~beside
