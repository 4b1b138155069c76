"""Calibration of a model, kept beside it: temperature, decision threshold, limits of what training has seen."""

import dataclasses
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Optional

import numpy as np

import astronet
from astronet.base import json_files
from astronet.base.script import ScriptError
from astronet.stats import metrics, novelty
from light_curve_util.array_types import ArrayLike, Floats

TEMPERATURES = (0.1, 10.0)  # among which the best is sought


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What calibration.json holds; without one, probabilities are as the network gives them."""

    temperature: float = 1.0
    threshold: float = metrics.DEFAULT_THRESHOLD
    recall_target: Optional[float] = None
    checkpoints_sha256: Optional[str] = None  # of the weights that it belongs to
    records_sha256: Optional[str] = None  # of the records that it was fitted on
    records: Sequence[str] = ()  # names of their files
    view_limits: Optional[novelty.Limits] = None  # beyond which a view is unlike those of training (see novelty.fit)
    scalar_limits: Optional[novelty.Limits] = (
        None  # the same of scalars (see novelty.fit_scalars); files of before lack it
    )

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
        """Whether it says what is unlike training."""
        return bool(self.view_limits or self.scalar_limits)

    def unlike_training(self, features: Mapping[str, novelty.Array]) -> Optional[list[str]]:
        """Says what is unlike training about each TCE, as novelty.describe() does; None without limits."""
        return novelty.describe(features, self.view_limits, self.scalar_limits) if self.has_limits else None

    def apply(self, probabilities: Floats) -> Floats:
        """Returns the calibrated probabilities of members, an array of any shape."""
        return metrics.temper(probabilities, self.temperature)


def fit_temperature(labels: ArrayLike, probabilities: Floats) -> float:
    """Finds the temperature of least cross-entropy.

    Args:
      labels: [n]; 0 is negative.
      probabilities: [n, num_members]; all members get the same temperature, and their mean is what is judged.

    Returns:
      Temperature within TEMPERATURES.

    Raises:
      ScriptError: where all TCEs are of one label.

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
    """Finds the highest threshold that calls at least `recall_target` of the positives.

    It lies halfway to the next TCE below, so that the last digit of a probability does not decide.

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
    """Writes model_dir/calibration.json; returns its path."""
    path = _path(model_dir)
    json_files.write(path, {**dataclasses.asdict(calibration), "version": astronet.__version__})
    return path


def load(model_dir: str, weights_sha256: Optional[str]) -> Calibration:
    """Returns the Calibration of a model_dir.

    Where it has none, and, with a warning, where it was fitted to other weights, it is that of an uncalibrated model.

    Args:
      model_dir: directory of a model or of an ensemble.
      weights_sha256: hash of the weights that are to predict, as checkpoints.sha256() gives it.

    Raises:
      ScriptError: where calibration.json cannot be read.
    """
    path = _path(model_dir)
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
        print(f"warning: {path} is of other checkpoints: not used; run calibrate.py again", file=sys.stderr)
        return Calibration()
    return calibration


def _path(model_dir: str) -> str:
    return os.path.join(model_dir, "calibration.json")
