"""Drops flares from a light curve before it is folded: their tails raise the flux in and beside transits."""

import atexit
import dataclasses
import functools
import hashlib
import os
from typing import Optional, Union

import numpy as np

from astronet.base import fingerprint
from astronet.base.script import ScriptError
from astronet.estimator import checkpoints, ensemble, pretrained
from astronet.flares import detection, light_curves
from light_curve_util import tess_io
from light_curve_util.errors import LongCadenceError

_BEFORE_CADENCES = 1
_TAIL = 0.5  # in lengths of the flare that the network finds: its decay lasts so much longer


def flagged(time: np.ndarray, probability: np.ndarray, threshold: float) -> np.ndarray:
    """Returns which cadences belong to flares, onset and tail included: bool [n].

    Args:
      time: [n] days, increasing.
      probability: [n]; a cadence of NaN belongs to no flare.
      threshold: probability from which a cadence is called a flare.
    """
    is_flare = np.zeros(len(time), dtype=bool)
    for flare in detection.group(time, probability, threshold):
        tail = int(np.ceil(_TAIL * (flare.stop - flare.start)))
        is_flare[max(0, flare.start - _BEFORE_CADENCES) : flare.stop + tail] = True
    return is_flare


def without_flares(
    light_curve: tess_io.LightCurve,
    model_dir: Union[str, os.PathLike[str]],
    flux_key: Optional[str] = None,
    quality: str = "default",
    threshold: Optional[float] = None,
) -> tess_io.LightCurve:
    """Returns a light curve without the cadences in which an ensemble finds flares.

    The ensemble searches the file that the light curve came from, because bright outliers of the light curve itself may
    have been clipped.

    Args:
      light_curve: light curve that will be folded.
      model_dir: directory of an ensemble of flare networks.
      flux_key, quality: column and quality mask that the light curve was read with.
      threshold: probability from which a cadence is called a flare; None is the ensemble's threshold.

    Raises:
      LongCadenceError: the cadence is too long to find flares.
    """
    scorer, ensemble_threshold = load(str(model_dir))
    # The default mask would drop the peaks of short flares.
    reading = light_curves.LightCurveReading(flux_key, light_curves.search_quality(quality))
    try:
        whole = light_curves.read(light_curve.path, reading)
    except LongCadenceError:
        raise LongCadenceError(
            f"{light_curve.path} has cadences that are too long for flares to be found and dropped, which takes 2 min "
            "or less: fetch the star's light curve of 2 min or 20 s, or leave --mask_flares away"
        ) from None
    probability = scorer.cadences(whole).mean(axis=1)
    is_flare = flagged(whole.time, probability, ensemble_threshold if threshold is None else threshold)
    # The light curve may have other cadences (20 s, clipped) than the search: the nearest one counts.
    nearest = np.clip(np.searchsorted(whole.time, light_curve.time), 1, len(whole.time) - 1)
    nearest -= light_curve.time - whole.time[nearest - 1] < whole.time[nearest] - light_curve.time
    kept = ~is_flare[nearest]
    return tess_io.LightCurve(light_curve.time[kept], light_curve.flux[kept], light_curve.path)


@dataclasses.dataclass(frozen=True)
class FlareMask:
    """An ensemble of flare networks that drops flares: a preprocess.Mask.

    Attributes:
      model_dir: directory of the ensemble, or pretrained:flares.
      sha256: hash of what decides which flares the ensemble finds: weights, configurations, calibration.
    """

    model_dir: str
    sha256: str

    def prepare(self) -> None:
        """Restores the ensemble, once in each process."""
        load(self.model_dir)

    def without_flares(
        self, light_curve: tess_io.LightCurve, flux_key: Optional[str], quality: str
    ) -> tess_io.LightCurve:
        """Returns the light curve without its flares; see without_flares() of this module."""
        return without_flares(light_curve, self.model_dir, flux_key, quality)


def of_directory(model_dir: Optional[str]) -> Optional[FlareMask]:
    """Returns the mask that the flag --mask_flares names; None if the flag is not given.

    Raises:
      ScriptError: the directory holds no ensemble of flare networks.
    """
    if not model_dir:
        return None
    # Workers may run in another working directory.
    model_dir = model_dir if pretrained.is_name(model_dir) else os.path.abspath(model_dir)
    load(model_dir)
    models, directory = _ensemble(model_dir), pretrained.resolve(model_dir)
    decisive = [os.path.join(path, "config.json") for path in ensemble.members(directory)]
    decisive += filter(os.path.exists, [os.path.join(directory, "calibration.json")])
    weights = checkpoints.sha256(models.checkpoints.values())
    sha256 = hashlib.sha256(f"{weights} {fingerprint.of_files(decisive)}".encode()).hexdigest()
    return FlareMask(model_dir, sha256)


@functools.lru_cache(1)
def load(model_dir: str) -> tuple[detection.Scorer, float]:
    """Returns the scorer of an ensemble and its threshold; each process restores it once.

    Raises:
      ScriptError: the directory holds no ensemble of flare networks; the message names the flag --mask_flares.
    """
    try:
        _require_networks(model_dir)
        models = _ensemble(model_dir)
        # A process may mask a single light curve: it should import TensorFlow only if there is no other way.
        scorer = detection.Scorer(models, num_light_curves=1)
    except ScriptError as error:
        raise ScriptError(f"--mask_flares={model_dir}: {error}") from error
    atexit.register(load.cache_clear)  # a model must be deleted before TensorFlow is
    return scorer, models.threshold()


def _require_networks(model_dir: str) -> None:
    """Raises ScriptError if a directory is not there, or has no models in subdirectories."""
    directory = pretrained.resolve(model_dir)
    if not os.path.isdir(directory):
        is_file = os.path.exists(directory)
        raise ScriptError("it is a file: give a directory" if is_file else "there is no such directory")
    if not ensemble.members(directory):
        raise ScriptError(
            "it has no models in subdirectories: give the directory of an ensemble of flare networks (train.py "
            "--num_models), or the flag without a directory for those that come with the package"
        )


def _ensemble(model_dir):
    return ensemble.load(ensemble.ModelChoice(model_dir, average=True))
