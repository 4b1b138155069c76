"""The probability of a flare at each cadence of a light curve, and the flares that follow from it."""

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.estimator import engines
from astronet.flares import flare_fit, windows
from astronet.stats.metrics import is_positive
from light_curve_util.constants import MAD_TO_SIGMA

_BATCH = 1024  # windows
_CADENCES = 19_000  # of a light curve of one sector at 2 min
_STRETCH = 8192  # windows that share what they overlap in, which takes less memory than as many by themselves
_MAX_LULL_CADENCES = 3  # of low probability within one flare
_BRIGHT = 5.0  # times the noise of a cadence above its neighbors: nothing but a flare, or bad data


class Scorer:
    """Scores light curves with all members of an ensemble, which are restored once."""

    def __init__(self, models, num_light_curves=None):
        """Takes an ensemble.Ensemble of flare networks, and about how many light curves are to be scored, if known.

        Raises:
          ScriptError: its networks read something else than the windows of a light curve.
        """
        read = configuration.input_lengths(models.spec.config)
        if read != {windows.NAME: windows.LENGTH}:
            lengths = ", ".join(f"{name} ({length})" for name, length in read.items())
            raise ScriptError(f"the model reads {lengths}, not {windows.NAME} ({windows.LENGTH}): give one for flares")
        models = models.with_engine_for(num_light_curves and num_light_curves * _CADENCES)
        members = list(models.checkpoints.values())
        self._calibration = models.calibration
        self._score = engines.scorer(models.engine, models.spec, members)
        self._slide = engines.sliding_scorer(models.engine, models.spec, members)  # faster, where there is one
        self._num_members = len(members)
        self.is_padded = models.spec.config.hparams.max_padded_bins >= windows.HALF

    def cadences(self, light_curve, progress=None):
        """Scores all cadences.

        Args:
          light_curve: tess_io.LightCurve, n cadences.
          progress: called with the number of windows that were scored since the last call; None: not called.

        Returns:
          Probabilities by member [n, num_members]; NaN within half a window of gaps and ends, unless the network was
          trained on padded windows, and in segments shorter than a window.
        """
        probabilities = np.full([len(light_curve.time), self._num_members], np.nan)
        for cadences, stretch in windows.stretches(light_curve.time, light_curve.flux, self.is_padded):
            probabilities[cadences] = self._stretch(stretch, progress or _ignore)
        return probabilities

    def windows(self, views, progress=None):
        """Scores windows, [m, LENGTH] -> probabilities by member [m, num_members]; a batch at a time is copied."""
        parts = []
        for start in range(0, len(views), _BATCH):
            parts.append(self._score({windows.NAME: np.ascontiguousarray(views[start : start + _BATCH])}))
            (progress or _ignore)(len(parts[-1]))
        return self._calibration.apply(np.concatenate(parts))

    def _stretch(self, flux, progress):
        """Scores all windows of [m + LENGTH - 1] -> probabilities by member [m, num_members]."""
        if self._slide is None:
            return self.windows(np.lib.stride_tricks.sliding_window_view(flux, windows.LENGTH), progress)
        parts = []
        for start in range(0, len(flux) - windows.LENGTH + 1, _STRETCH):
            parts.append(self._slide(flux[start : start + _STRETCH + windows.LENGTH - 1]))
            progress(len(parts[-1]))
        return self._calibration.apply(np.concatenate(parts))


def _ignore(number):
    pass


def group(time, probability, threshold):
    """Finds flares: runs of cadences that the threshold calls positive, a single one included.

    Runs of one segment that are at most _MAX_LULL_CADENCES cadences apart are one flare.

    Args:
      time: [n] days, increasing.
      probability: [n]; NaN is not positive.
      threshold: probability from which a cadence is called positive.

    Returns:
      List of slices of n.
    """
    flares = []
    for segment in windows.segments(time):
        called = segment.start + np.flatnonzero(is_positive(probability[segment], threshold))
        if len(called):
            ends = np.flatnonzero(np.diff(called) > _MAX_LULL_CADENCES + 1)
            starts = called[[0, *(ends + 1)]]
            flares += [slice(int(a), int(b) + 1) for a, b in zip(starts, called[[*ends, -1]])]
    return flares


def bright_unsearched(time, flux, probability):
    """Finds what may be flares where the network could not speak.

    Args:
      time: [n] days, increasing.
      flux: [n] relative to its median.
      probability: [n]; NaN where there is none.

    Returns:
      List of (slice of n, height): runs of cadences without a probability that are brighter than the median of the
      cadences within half a window by at least _BRIGHT times their scatter; and by how many times the brightest is.
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
            scatter = MAD_TO_SIGMA * np.median(np.abs(around - level))  # more than noise, if the star varies
            heights[cadence] = (flux[cadence] - level) / max(noise, scatter)
    found = group(time, np.where(unsearched, heights, 0.0), _BRIGHT)
    return [(run, float(heights[run].max())) for run in found]
