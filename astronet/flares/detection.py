"""Computes the probability of a flare at each cadence of a light curve, and groups cadences to flares."""

from collections.abc import Callable
from typing import Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.estimator import engines
from astronet.estimator.ensemble import Ensemble
from astronet.flares import flare_fit, windows
from astronet.stats.metrics import is_positive
from light_curve_util.constants import MAD_TO_SIGMA
from light_curve_util.tess_io import LightCurve

Progress = Callable[[int], object]  # takes the number of windows scored since the last call

_BATCH = 1024  # windows
_CADENCES = 19_000  # in a light curve of one sector at 2 min
_STRETCH = 8192  # windows that are scored together, so that overlapping ones share their convolutions
_MAX_LULL_CADENCES = 3  # cadences of low probability within one flare
_BRIGHT = 5.0  # height above the neighbors, over the noise of a cadence, that only flares and bad data reach


class Scorer:
    """Scores light curves with all members of an ensemble, which are restored once.

    Attributes:
      is_padded: whether the networks were trained on padded windows, and so score cadences near gaps and ends.
    """

    def __init__(self, models: Ensemble, num_light_curves: Optional[int] = None) -> None:
        """Restores an ensemble.

        Args:
          models: ensemble of flare networks.
          num_light_curves: approximate number of light curves that will be scored; None if not known.

        Raises:
          ScriptError: the networks have other inputs than windows of a light curve.
        """
        inputs = configuration.input_lengths(models.spec.config)
        if inputs != {windows.NAME: windows.LENGTH}:
            lengths = ", ".join(f"{name} ({length})" for name, length in inputs.items())
            raise ScriptError(f"the model reads {lengths}, not {windows.NAME} ({windows.LENGTH}): give one for flares")
        models = models.with_engine_for(num_light_curves and num_light_curves * _CADENCES)
        members = list(models.checkpoints.values())
        self._calibration = models.calibration
        self._score = engines.scorer(models.engine, models.spec, members)
        self._slide = engines.sliding_scorer(
            models.engine, models.spec, members
        )  # faster; None if the networks have none
        self._num_members = len(members)
        self.is_padded = models.spec.config.hparams.max_padded_bins >= windows.HALF

    def cadences(self, light_curve: LightCurve, progress: Optional[Progress] = None) -> np.ndarray:
        """Returns the probability that a flare peaks at each cadence, by member: [n, num_members].

        It is NaN in segments shorter than a window, and within half a window of gaps and ends unless is_padded.

        Args:
          light_curve: light curve of n cadences.
          progress: called with the number of windows that were scored since the last call.
        """
        probabilities = np.full([len(light_curve.time), self._num_members], np.nan)
        for cadences, stretch in windows.stretches(light_curve.time, light_curve.flux, self.is_padded):
            probabilities[cadences] = self._stretch(stretch, progress or _ignore)
        return probabilities

    def windows(self, views: np.ndarray, progress: Optional[Progress] = None) -> np.ndarray:
        """Returns the probabilities of windows [m, LENGTH] by member: [m, num_members]. Copies a batch at a time."""
        parts = []
        for start in range(0, len(views), _BATCH):
            parts.append(self._score({windows.NAME: np.ascontiguousarray(views[start : start + _BATCH])}))
            (progress or _ignore)(len(parts[-1]))
        return self._calibration.apply(np.concatenate(parts))

    def _stretch(self, flux: np.ndarray, progress: Progress) -> np.ndarray:
        """Returns the probabilities of all windows of a flux [m + LENGTH - 1] by member: [m, num_members]."""
        if self._slide is None:
            return self.windows(np.lib.stride_tricks.sliding_window_view(flux, windows.LENGTH), progress)
        parts = []
        for start in range(0, len(flux) - windows.LENGTH + 1, _STRETCH):
            parts.append(self._slide(flux[start : start + _STRETCH + windows.LENGTH - 1]))
            progress(len(parts[-1]))
        return self._calibration.apply(np.concatenate(parts))


def _ignore(num_windows: int) -> None:
    """Shows no progress."""


def group(time: np.ndarray, probability: np.ndarray, threshold: float) -> list[slice]:
    """Returns the flares of a light curve, as slices of n: runs of cadences from the threshold on.

    A single cadence is a run. Runs of one segment that are at most _MAX_LULL_CADENCES cadences apart are one flare.

    Args:
      time: [n] days, increasing.
      probability: [n]; a cadence of NaN belongs to no flare.
      threshold: probability from which a cadence belongs to a flare.

    >>> import numpy as np
    >>> group(np.arange(6), np.array([0, 0.9, 0.8, 0, 0, 0]), threshold=0.5)
    [slice(1, 3, None)]
    """
    flares = []
    for segment in windows.segments(time):
        called = segment.start + np.flatnonzero(is_positive(probability[segment], threshold))
        if len(called):
            ends = np.flatnonzero(np.diff(called) > _MAX_LULL_CADENCES + 1)
            starts = called[[0, *(ends + 1)]]
            flares += [slice(int(a), int(b) + 1) for a, b in zip(starts, called[[*ends, -1]])]
    return flares


def bright_unsearched(time: np.ndarray, flux: np.ndarray, probability: np.ndarray) -> list[tuple[slice, float]]:
    """Returns bright runs of cadences that the network could not judge; they may be flares.

    The height of a cadence is its flux above the median of the cadences within half a window, divided by their scatter.

    Args:
      time: [n] days, increasing.
      flux: [n] relative to its median.
      probability: [n]; NaN for a cadence that was not judged.

    Returns:
      Pairs (slice of n, height of the brightest cadence); all cadences have a height of at least _BRIGHT.
    """
    unsearched = np.isnan(probability)
    if not unsearched.any() or len(time) < 2:
        return []
    noise = flare_fit.noise_of(flux) or 1e-9
    heights = np.zeros(len(time))
    for segment in windows.segments(time):
        inside = segment.start + np.flatnonzero(unsearched[segment])
        for cadence in inside:
            around = flux[max(segment.start, cadence - windows.HALF) : min(segment.stop, cadence + windows.HALF)]
            level = np.median(around)
            scatter = MAD_TO_SIGMA * np.median(np.abs(around - level))  # exceeds the noise if the star varies
            heights[cadence] = (flux[cadence] - level) / max(noise, scatter)
    runs = group(time, np.where(unsearched, heights, 0.0), _BRIGHT)
    return [(run, float(heights[run].max())) for run in runs]
