"""Fits, saves and loads the calibration of a model: temperature, decision threshold and limits of novelty."""

import dataclasses
import logging
import math
import os
from collections.abc import Mapping, Sequence
from typing import Optional

import numpy as np

from astronet.base import json_files, version
from astronet.base.script import ScriptError
from astronet.stats import metrics, novelty
from light_curve_util.array_types import ArrayLike, Floats

_LOG = logging.getLogger(__name__)

TEMPERATURES = (0.1, 10.0)  # range in which the best temperature is searched


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The content of calibration.json. The default values leave the probabilities of a model unchanged."""

    temperature: float = 1.0
    threshold: float = metrics.DEFAULT_THRESHOLD
    recall_target: Optional[float] = None
    checkpoints_sha256: Optional[str] = None  # hash of the weights that it was fitted to
    records_sha256: Optional[str] = None  # hash of the records that it was fitted on
    records: Sequence[str] = ()  # names of the files of those records
    view_limits: Optional[novelty.Limits] = None  # views beyond these are unlike training (see novelty.fit)
    scalar_limits: Optional[novelty.Limits] = None  # the same for scalars (novelty.fit_scalars); old files lack it

    def check(self) -> None:
        """Raises ValueError, KeyError, TypeError, AttributeError or ArithmeticError if this is not a calibration."""
        numbers = [self.temperature, self.threshold]
        for limits in (self.view_limits or {}).values():
            numbers += [limits["least_smoothness"], limits["greatest_center"]]
        for limits in (self.scalar_limits or {}).values():
            numbers += [limits["least"], limits["greatest"]]
        if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
            raise ValueError("temperature, threshold and limits must be finite numbers")
        if not (self.temperature > 0 and 0 <= self.threshold <= 1):
            raise ValueError("the temperature must be positive, the threshold 0 to 1")

    @property
    def has_limits(self) -> bool:
        """Whether there are limits of views or scalars."""
        return bool(self.view_limits or self.scalar_limits)

    def unlike_training(self, features: Mapping[str, novelty.Array]) -> Optional[list[str]]:
        """Returns how the inputs of each TCE differ from training, as novelty.describe() does; None without limits."""
        return novelty.describe(features, self.view_limits, self.scalar_limits) if self.has_limits else None

    def apply(self, probabilities: Floats) -> Floats:
        """Returns calibrated probabilities; the array may have any shape."""
        return metrics.temper(probabilities, self.temperature)


def fit_temperature(labels: ArrayLike, probabilities: Floats) -> float:
    """Returns the temperature that minimizes the cross-entropy of the mean probability of the members.

    Args:
      labels: [n]; 0 is negative.
      probabilities: [n, num_members]. All members get the same temperature.

    Returns:
      Temperature within TEMPERATURES.

    Raises:
      ScriptError: all TCEs have the same label.

    Source: Guo et al. 2017, ICML 70, 1321, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    truth = np.asarray(labels) > 0
    if truth.all() or not truth.any():
        raise ScriptError(f"all {len(truth)} TCEs have one label: calibration needs both positives and negatives")

    def cross_entropy(log_temperature: float) -> float:
        mean = metrics.temper(probabilities, np.exp(log_temperature)).mean(axis=1)
        return metrics.summary(truth, mean)["cross_entropy"]

    return float(np.exp(minimize_scalar(cross_entropy, bounds=np.log(TEMPERATURES), method="bounded").x))


def threshold_for_recall(labels: ArrayLike, probabilities: ArrayLike, recall_target: float) -> float:
    """Returns the highest threshold that finds at least a fraction `recall_target` of the positives.

    The threshold is halfway to the next lower probability, so that it does not depend on rounding.

    >>> threshold_for_recall([1, 1, 0, 0], [0.9, 0.6, 0.4, 0.1], recall_target=1.0)
    0.5

    Args:
      labels: [n]; 0 is negative.
      probabilities: [n].
      recall_target: above 0, up to 1.
    """
    probabilities = np.asarray(probabilities)
    positives = np.sort(probabilities[np.asarray(labels) > 0])[::-1]
    num_needed = int(np.ceil(recall_target * len(positives) - 1e-9))
    last_called = positives[num_needed - 1]
    below = probabilities[probabilities < last_called]
    return float((last_called + below.max(initial=0.0)) / 2)


def save(model_dir: str, calibration: Calibration) -> str:
    """Writes model_dir/calibration.json. Returns its path."""
    path = path_in(model_dir)
    json_files.write(path, {**dataclasses.asdict(calibration), "version": version.VERSION})
    return path


def load(model_dir: str, weights_sha256: Optional[str]) -> Calibration:
    """Returns the Calibration of a model directory.

    If there is no calibration.json, it returns the default Calibration. It does the same, with a warning, if the
    calibration was fitted to other weights.

    Args:
      model_dir: directory of a model or of an ensemble.
      weights_sha256: hash of the weights that predict, from checkpoints.sha256().

    Raises:
      ScriptError: calibration.json cannot be read.
    """
    path = path_in(model_dir)
    if not os.path.exists(path):
        return Calibration()
    try:
        saved = json_files.read(path, "a calibration", "run calibrate.py again or remove it")
        names = [field.name for field in dataclasses.fields(Calibration)]
        calibration = Calibration(**{name: saved[name] for name in names if name in saved or name != "scalar_limits"})
        calibration.check()
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ScriptError(f"{path} is not a calibration ({error!r}): run calibrate.py again or remove it") from error
    if calibration.checkpoints_sha256 != weights_sha256:
        _LOG.warning(f"warning: {path} is of other checkpoints: not used; run calibrate.py again")
        return Calibration()
    return calibration


def path_in(model_dir: str) -> str:
    """Returns the path of the calibration of a model."""
    return os.path.join(model_dir, "calibration.json")
