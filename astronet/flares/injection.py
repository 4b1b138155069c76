"""Makes artificial flares: in windows to train on, and in light curves to test a search."""

from collections.abc import Sequence
from typing import TypeVar, Union

import numpy as np

from astronet.flares import flare_fit, windows

Limits = Union[Sequence[float], np.ndarray]  # the least and the greatest value
Number = TypeVar("Number", float, np.ndarray)

# Limits of a flare's amplitude over the noise of a cadence, and of its full width at half maximum [cadences].
AMPLITUDE_IN_NOISE = 4.0, 300.0
WIDTH = 0.5, 30.0
_RISE_SHARE = 0.15, 0.5  # share of the width at half maximum that lies before the peak
_OUTLIER_CADENCES = 11  # length of the running median that impulsive outliers stand out from
_OUTLIER_IN_NOISE = 5.0
_HALF_RISE = np.sqrt(2 * np.log(2))  # in standard deviations of the Gaussian
_HALF_DECAY = np.log(2)


def draw(
    random: np.random.Generator,
    number: int,
    amplitudes: Limits = AMPLITUDE_IN_NOISE,
    widths: Limits = WIDTH,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns random flares, log-uniform in amplitude and in width.

    Args:
      random: random numbers.
      number: number of flares.
      amplitudes: least and greatest amplitude, in any unit.
      widths: least and greatest full width at half maximum, in any unit of time.

    Returns:
      Amplitude, rise (standard deviation of the Gaussian) and decay (1/e time), each [number], in these units.
    """
    amplitude, width = (
        np.exp(random.uniform(least, greatest, number)) for least, greatest in map(np.log, (amplitudes, widths))
    )
    share = random.uniform(*_RISE_SHARE, number)
    return amplitude, share * width / _HALF_RISE, (1 - share) * width / _HALF_DECAY


def width(rise: Number, decay: Number) -> Number:
    """Returns the full width at half maximum of flares, in the unit of their rise and decay."""
    return rise * _HALF_RISE + decay * _HALF_DECAY


def into_windows(quiet: np.ndarray, per_window: float, random: np.random.Generator) -> np.ndarray:
    """Returns quiet windows with a flare that peaks in the center.

    Args:
      quiet: [n, LENGTH] relative flux.
      per_window: number of flares for each window; below 1, the share of windows that get one.
      random: random numbers.

    Returns:
      float32 [round(n * per_window), LENGTH]; flare i is in window i % n.
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
    """Returns which cadences SPOC would flag as impulsive outliers, bool [n]; the peaks of short flares are among them.

    An impulsive outlier is brighter than the running median of 11 cadences by more than 5 times the noise of a cadence,
    and its neighbors are not. SPOC's own rule is not published in full; benchmarks/impulsive_outliers.py measures how
    many of its flags this rule reproduces.

    Args:
      flux: [n] relative flux of one light curve, in order of time.
    """
    from scipy.ndimage import median_filter

    noise = flare_fit.noise_of(flux)
    stands_out = flux - median_filter(flux, _OUTLIER_CADENCES, mode="nearest") > _OUTLIER_IN_NOISE * noise
    beside = np.zeros(len(flux), dtype=bool)
    beside[1:] |= stands_out[:-1]
    beside[:-1] |= stands_out[1:]
    return stands_out & ~beside
