"""The probability of a companion at each pixel of a cube, and the detections that follow from it."""

import argparse
from typing import NamedTuple

import numpy as np

from astronet.base import arguments
from astronet.base.script import ScriptError
from astronet.direct_imaging import configurations, mlar
from astronet.estimator import ensemble, pretrained
from astronet.stats.metrics import is_positive, log_odds, probability

_BATCH = 256  # patches


def _probability(text):
    """A flag's type: a probability that is neither 0 nor 1, whose odds are no number."""
    value = arguments.number(above=0, most=1, advice="a probability above 0 and below 1, such as 0.9")(text)
    if value == 1:
        raise argparse.ArgumentTypeError("1 is no probability below 1: give one such as 0.9")
    return value


class Detection(NamedTuple):
    """A group of pixels whose probability is above the threshold: its center and size [px], and its most probable."""

    x: float
    y: float
    num_pixels: int
    probability: float


def load(model_dir):
    """The trained detector of a directory, or the ensemble of them in its subdirectories: an ensemble.Ensemble.

    Raises:
      ScriptError: there is none.
    """
    is_ensemble = not ensemble.holds_model(model_dir)
    if is_ensemble and not ensemble.members(pretrained.resolve(model_dir)):
        raise ScriptError(
            f"{model_dir}: no trained detector, neither here nor in subdirectories: train one by detect_companions.py"
        )
    return ensemble.load(ensemble.ModelChoice(model_dir, average=is_ensemble, checkpoint="best"))


def add_flags(parser):
    """Adds --threshold and --prior."""
    parser.add_argument(
        "--threshold", type=_probability, default=0.9, help="probability from which a companion is detected"
    )
    parser.add_argument(
        "--prior",
        type=_probability,
        default=0.01,
        help="probability that a companion is at a pixel, before anything is seen",
    )


class Scorer:
    """Scores the patches of annuli with all members of an ensemble, which are restored once."""

    def __init__(self, models, prior):
        """Takes an ensemble.Ensemble of networks for patches.

        Args:
          models: the Ensemble.
          prior: probability that a companion is at a pixel, before anything is seen.

        Raises:
          ScriptError: its networks read something else than patches.
        """
        config = models.spec.config
        try:
            self.num_levels, self.patch_size, _ = configurations.patch_shape(config)
        except (ValueError, AttributeError) as error:
            raise ScriptError(
                f"the model {models.spec.model} is not for direct images ({error}): give one of --model=sodinn, "
                "sodinn_conv3d or sodirf"
            ) from error
        from astronet.estimator import estimator_util

        self._score = estimator_util.scorer(models.spec, list(models.checkpoints.values()))
        self._calibration = models.calibration
        self._shift = log_odds(prior) - log_odds(config.hparams.companion_share)

    def patches(self, patches):
        """The probability that patches show a companion, the mean over members. [n, num_levels, size, size] -> [n]"""
        flat = patches.reshape(len(patches), -1)
        batches = [{configurations.FEATURE: flat[i : i + _BATCH]} for i in range(0, len(flat), _BATCH)]
        probabilities = self._calibration.apply(np.concatenate([self._score(batch) for batch in batches]))
        return probability((log_odds(probabilities) + self._shift)[..., np.newaxis]).mean(axis=1)

    def check(self, cube):
        """Raises a ScriptError where the networks are for patches of another size, and so for another FWHM."""
        size = mlar.patch_size(cube.fwhm)
        if size != self.patch_size:
            raise ScriptError(
                f"the model is for patches of {self.patch_size} pixels, the FWHM of {cube.fwhm:.1f} px needs {size}: "
                "train one on this cube, by detect_companions.py without --model_dir"
            )

    def map(self, cube, progress=iter):
        """The probability at each pixel of an AdiCube, [size, size]; NaN outside of all annuli.

        Args:
          cube: AdiCube.
          progress: function from the list of annuli to an iterator over it, which may show how far the search is.

        Raises:
          ScriptError: as check().
        """
        self.check(cube)
        probabilities = np.full([cube.size, cube.size], np.nan)
        for annulus in progress(mlar.annuli(cube.size, cube.fwhm)):
            y, x, patches = mlar.Residuals(cube, annulus, self.num_levels).patches()
            probabilities[y, x] = self.patches(patches)
        return probabilities


def detections(probabilities, threshold, fwhm):
    """Groups the pixels above a threshold, those within half a FWHM of each other together.

    Args:
      probabilities: [size, size], NaN where there is none.
      threshold: of the probability.
      fwhm: [px].

    Returns:
      List of Detection, the most probable first.
    """
    from scipy import ndimage

    above = is_positive(np.nan_to_num(probabilities, nan=-1), threshold)
    reach = int(fwhm / 2)
    near = np.hypot(*np.indices([2 * reach + 1] * 2) - reach) <= fwhm / 2
    # Pixels belong together where their surroundings touch.
    groups, number = ndimage.label(ndimage.binary_dilation(above, near))
    found = []
    for group in range(1, number + 1):
        y, x = np.nonzero(above & (groups == group))
        values = probabilities[y, x]
        # How sure, rather than how probable: of many pixels near 1, those in the middle are surest.
        weights = np.maximum(log_odds(values), 0) + np.finfo(float).tiny
        center = np.average(x, weights=weights), np.average(y, weights=weights)
        found.append(Detection(*map(float, center), len(x), float(values.max())))
    return sorted(found, key=lambda each: (-each.probability, -each.num_pixels))
