"""The probability of a flare at each cadence of a light curve, and the flares that follow from it."""

import numpy as np

from astronet.flares import windows
from astronet.ops.metrics import is_positive
from astronet.util import configuration, engines
from astronet.util.script import ScriptError

_BATCH = 1024  # windows
_CADENCES = 19_000  # of a light curve of one sector at 2 min
_STRETCH = 8192  # windows that share what they overlap in, which takes less memory than as many by themselves
_MAX_LULL_CADENCES = 3  # of low probability within one flare


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

    def cadences(self, light_curve):
        """Scores all cadences.

        Args:
          light_curve: tess_io.LightCurve, n cadences.

        Returns:
          Probabilities by member [n, num_members]; NaN within half a window of gaps and ends, unless the network was
          trained on padded windows, and in segments shorter than a window.
        """
        probabilities = np.full([len(light_curve.time), self._num_members], np.nan)
        for cadences, stretch in windows.stretches(light_curve.time, light_curve.flux, self.is_padded):
            probabilities[cadences] = self._stretch(stretch)
        return probabilities

    def windows(self, views):
        """Scores windows, [m, LENGTH] -> probabilities by member [m, num_members]; a batch at a time is copied."""
        parts = [
            self._score({windows.NAME: np.ascontiguousarray(views[start : start + _BATCH])})
            for start in range(0, len(views), _BATCH)
        ]
        return self._calibration.apply(np.concatenate(parts))

    def _stretch(self, flux):
        """Scores all windows of [m + LENGTH - 1] -> probabilities by member [m, num_members]."""
        if self._slide is None:
            return self.windows(np.lib.stride_tricks.sliding_window_view(flux, windows.LENGTH))
        starts = range(0, len(flux) - windows.LENGTH + 1, _STRETCH)
        parts = [self._slide(flux[start : start + _STRETCH + windows.LENGTH - 1]) for start in starts]
        return self._calibration.apply(np.concatenate(parts))


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
