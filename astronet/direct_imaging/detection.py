"""Computes the probability of a companion at each pixel of a cube, and groups pixels to detections."""

import argparse
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError
from astronet.direct_imaging import configurations, mlar
from astronet.direct_imaging.cube import AdiCube
from astronet.estimator import ensemble, pretrained
from astronet.stats.metrics import is_positive, log_odds, probability

_BATCH = 256  # patches


@arguments.shown_as("P")
def _probability(text: str) -> float:
    """Returns the probability in the text of a flag; refuses 0 and 1, whose log-odds are infinite."""
    value = arguments.number(above=0, most=1, advice="a probability above 0 and below 1, such as 0.9")(text)
    if value == 1:
        raise argparse.ArgumentTypeError("1 is no probability below 1: give one such as 0.9")
    return value


class Detection(NamedTuple):
    """A group of pixels whose probability reaches the threshold.

    Attributes:
      x, y: center [px].
      num_pixels: number of pixels.
      probability: greatest probability in the group.
    """

    x: float
    y: float
    num_pixels: int
    probability: float


def load(model_dir: str) -> ensemble.Ensemble:
    """Returns the trained detector in a directory, or the ensemble of detectors in its subdirectories.

    Raises:
      ScriptError: the directory holds neither.
    """
    is_ensemble = not ensemble.holds_model(model_dir)
    if is_ensemble and not ensemble.members(pretrained.resolve(model_dir)):
        raise ScriptError(
            f"{model_dir}: no trained detector, neither here nor in subdirectories: train one by detect_companions.py"
        )
    return ensemble.load(ensemble.ModelChoice(model_dir, average=is_ensemble, checkpoint="best"))


def add_flags(parser: Parser) -> None:
    """Adds --threshold and --prior."""
    parser.settings.add_argument(
        "--threshold", type=_probability, default=0.9, help="probability from which a companion is detected"
    )
    parser.settings.add_argument(
        "--prior",
        type=_probability,
        default=0.01,
        help="probability that a companion is at a pixel, before anything is seen",
    )


class Scorer:
    """Scores patches of residuals with all members of an ensemble, which are restored once.

    Attributes:
      num_levels: number of low-rank approximations in a patch.
      patch_size: width and height of a patch [px].
    """

    def __init__(self, models: ensemble.Ensemble, prior: float) -> None:
        """Restores an ensemble.

        Args:
          models: ensemble of networks for patches.
          prior: probability that a companion is at a pixel, before anything is seen.

        Raises:
          ScriptError: the networks have other inputs than patches.
        """
        config = models.spec.config
        try:
            self.num_levels, self.patch_size, _ = configurations.patch_shape(config)
            hparams = configurations.hparams_of(config, configurations.PatchHparams)
        except ValueError as error:
            raise ScriptError(
                f"the model {models.spec.model} is not for direct images ({error}): give one of --model=sodinn, "
                "sodinn_conv3d or sodirf"
            ) from error
        from astronet.estimator import tensorflow_engine

        self._score = tensorflow_engine.scorer(models.spec, list(models.checkpoints.values()))
        self._calibration = models.calibration
        self._shift = log_odds(prior) - log_odds(hparams.companion_share)

    def patches(self, patches: np.ndarray) -> np.ndarray:
        """Returns the probability [n] of a companion in patches [n, num_levels, size, size], the mean of members."""
        flat = patches.reshape(len(patches), -1)
        batches = [{configurations.FEATURE: flat[i : i + _BATCH]} for i in range(0, len(flat), _BATCH)]
        probabilities = self._calibration.apply(np.concatenate([self._score(batch) for batch in batches]))
        return probability((log_odds(probabilities) + self._shift)[..., np.newaxis]).mean(axis=1)

    def check(self, cube: AdiCube) -> None:
        """Raises ScriptError if the networks are for patches of another size, and so for another FWHM."""
        size = mlar.patch_size(cube.fwhm)
        if size != self.patch_size:
            raise ScriptError(
                f"the model is for patches of {self.patch_size} pixels, the FWHM of {cube.fwhm:.1f} px needs {size}: "
                "train one on this cube, by detect_companions.py without --model_dir"
            )

    def map(self, cube: AdiCube, progress: Callable[[list[mlar.Annulus]], Iterable[mlar.Annulus]] = iter) -> np.ndarray:
        """Returns the probability of a companion at each pixel of a cube, [size, size]; NaN outside of all annuli.

        Args:
          cube: the cube.
          progress: function that iterates over the list of annuli, and may show a progress bar.

        Raises:
          ScriptError: as check().
        """
        self.check(cube)
        probabilities = np.full([cube.size, cube.size], np.nan)
        for annulus in progress(mlar.annuli(cube.size, cube.fwhm)):
            y, x, patches = mlar.Residuals(cube, annulus, self.num_levels).patches()
            probabilities[y, x] = self.patches(patches)
        return probabilities


def detections(probabilities: np.ndarray, threshold: float, fwhm: float) -> list[Detection]:
    """Returns the groups of pixels that reach a threshold, the most probable group first.

    Pixels within half a FWHM of each other belong to one group.

    Args:
      probabilities: [size, size]; NaN for pixels that were not searched.
      threshold: probability from which a companion is detected.
      fwhm: [px].
    """
    from scipy import ndimage

    above = is_positive(np.nan_to_num(probabilities, nan=-1), threshold)
    reach = int(fwhm / 2)
    near = np.hypot(*np.indices([2 * reach + 1] * 2) - reach) <= fwhm / 2
    # Pixels belong to one group if their surroundings touch.
    groups, number = ndimage.label(ndimage.binary_dilation(above, near))
    found_groups = []
    for group in range(1, number + 1):
        y, x = np.nonzero(above & (groups == group))
        values = probabilities[y, x]
        # Weights are log-odds, not probabilities: of many pixels near 1, the middle ones have the greatest log-odds.
        weights = np.maximum(log_odds(values), 0) + np.finfo(float).tiny
        center_x, center_y = (float(np.average(pixels, weights=weights)) for pixels in (x, y))
        found_groups.append(Detection(center_x, center_y, len(x), float(values.max())))
    return sorted(found_groups, key=lambda detection: (-detection.probability, -detection.num_pixels))
