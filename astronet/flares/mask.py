"""Takes flares out of a light curve before it is folded: their tails raise the level in and beside transits."""

import argparse
import atexit
import dataclasses
import functools
import hashlib
import os
from typing import Optional

import numpy as np

from astronet.base import fingerprint
from astronet.base.script import ScriptError
from astronet.estimator import checkpoints, ensemble, pretrained
from astronet.flares import detection, light_curves
from light_curve_util import tess_io

_BEFORE_CADENCES = 1
_TAIL = 0.5  # of the flare's length, by which its decay outlasts what the network calls a flare


def flagged(time, probability, threshold):
    """Says which cadences are of flares, their onset and tail included.

    Args:
      time: [n] days, increasing.
      probability: [n]; NaN is not of a flare.
      threshold: probability from which a cadence is called a flare.

    Returns:
      bool [n].
    """
    of_flare = np.zeros(len(time), dtype=bool)
    for flare in detection.group(time, probability, threshold):
        tail = int(np.ceil(_TAIL * (flare.stop - flare.start)))
        of_flare[max(0, flare.start - _BEFORE_CADENCES) : flare.stop + tail] = True
    return of_flare


def without_flares(light_curve, model_dir, flux_key=None, quality="default", threshold=None):
    """Drops the cadences of flares, as an ensemble finds them in the file that a light curve came from.

    Args:
      light_curve: tess_io.LightCurve, as it is to be folded: its bright outliers may have been clipped.
      model_dir: directory of an ensemble of flare networks.
      flux_key, quality: as those that the light curve was read with.
      threshold: probability from which a cadence is called a flare; None is the ensemble's own.

    Returns:
      tess_io.LightCurve.

    Raises:
      ScriptError: the cadence is too long for flares to be told.
    """
    scorer, own_threshold = load(str(model_dir))
    quality = light_curves.search_quality(quality)  # else the peaks of short flares are not seen
    flags = argparse.Namespace(flux_key=flux_key, quality=quality, cadence_seconds=120)
    whole = light_curves.read(light_curve.path, flags)
    probability = scorer.cadences(whole).mean(axis=1)
    of_flare = flagged(whole.time, probability, own_threshold if threshold is None else threshold)
    # The nearest cadence of the search says it for each of the light curve, which may have others (20 s, clipped).
    nearest = np.clip(np.searchsorted(whole.time, light_curve.time), 1, len(whole.time) - 1)
    nearest -= light_curve.time - whole.time[nearest - 1] < whole.time[nearest] - light_curve.time
    kept = ~of_flare[nearest]
    return tess_io.LightCurve(light_curve.time[kept], light_curve.flux[kept], light_curve.path)


@dataclasses.dataclass(frozen=True)
class FlareMask:
    """An ensemble of flare networks that drops flares; preprocess.Mask says what it is for.

    Attributes:
      model_dir: directory of the ensemble, or pretrained:flares.
      sha256: hash of all that decides which flares it finds: weights, configurations, calibration.
    """

    model_dir: str
    sha256: str

    def prepare(self) -> None:
        load(self.model_dir)

    def without_flares(self, light_curve, flux_key, quality):
        return without_flares(light_curve, self.model_dir, flux_key, quality)


def of_directory(model_dir: Optional[str]) -> Optional[FlareMask]:
    """Returns the mask that --mask_flares names; None where it names none.

    Raises:
      ScriptError: the directory has no ensemble of flare networks.
    """
    if not model_dir:
        return None
    # Workers may have another working directory.
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
      ScriptError: the directory has no ensemble, or not one of flare networks; it names the flag.
    """
    try:
        models = _ensemble(model_dir)
        # One light curve, or thousands in as many processes, none of which is to import TensorFlow where it need not.
        scorer = detection.Scorer(models, num_light_curves=1)
    except ScriptError as error:
        raise ScriptError(f"--mask_flares={model_dir}: {error}") from error
    atexit.register(load.cache_clear)  # for TensorFlow, which has to be there when a model is taken down
    return scorer, models.threshold()


def _ensemble(model_dir):
    given = dict.fromkeys(("model", "config_name", "config_json"))
    return ensemble.load(argparse.Namespace(model_dir=model_dir, average=True, checkpoint="last", **given))
