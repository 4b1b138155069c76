"""Calibrates models on validation records: temperature, decision threshold, and limits of the inputs of training."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional

import numpy as np

from astronet.base import fingerprint
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from astronet.data.records.columns import EVENT_DENSITIES
from astronet.estimator import checkpoints, scoring
from astronet.estimator.ensemble import Ensemble
from astronet.evaluation import labeled_records
from astronet.stats import calibration, metrics, novelty
from astronet.stats.calibration import Calibration

if TYPE_CHECKING:  # most scripts start without it
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Unlike:
    """How many of the validation records lie beyond the limits of one kind of inputs.

    Attributes:
      inputs: "views" or "scalars".
      num_training: number of training records that the limits are fitted to.
      shares: the share of records beyond the limits: as they are, and altered in several ways; by the name of the way.
    """

    inputs: str
    num_training: int
    shares: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """What calibrate() found.

    Attributes:
      calibration: is stored by calibration.save().
      tces: table of the validation records, as labeled_records.tabulate() returns it.
      before, after: probability of each TCE, uncalibrated and calibrated, the mean of the members, [num_tces].
      unlike: for views and for scalars; empty without training files.
    """

    calibration: Calibration
    tces: "pd.DataFrame"
    before: np.ndarray
    after: np.ndarray
    unlike: Sequence[Unlike]


def calibrate(
    models: Ensemble,
    files: Sequence[str],
    train_files: Optional[Sequence[str]] = None,
    recall_target: Optional[float] = None,
    shows_progress: bool = False,
) -> Calibrated:
    """Fits the temperature of the probabilities, and chooses the decision threshold.

    Args:
      models: as ensemble.load(choice, calibrated=False) returns it.
      files: validation record files, labeled, that the models were never trained or tested on.
      train_files: record files or patterns that the models were trained on, for the limits of views and scalars; None:
        no limits.
      recall_target: share of the positives that the threshold has to find; None takes metrics.DEFAULT_THRESHOLD.
      shows_progress: as labeled_records.tabulate() takes it.
    """
    tces, uncalibrated = labeled_records.tabulate(models, files, shows_progress=shows_progress)
    temperature = calibration.fit_temperature(tces.label, uncalibrated)
    probabilities = metrics.temper(uncalibrated, temperature).mean(axis=1)
    threshold = metrics.DEFAULT_THRESHOLD
    if recall_target:
        threshold = calibration.threshold_for_recall(tces.label, probabilities, recall_target)
    limits, unlike = _limits(models, train_files, tces.example) if train_files else ({}, [])
    fitted = Calibration(
        temperature=temperature,
        threshold=threshold,
        recall_target=recall_target,
        checkpoints_sha256=checkpoints.sha256(models.checkpoints.values()),
        records_sha256=fingerprint.of_files(files),
        records=[os.path.basename(path) for path in files],
        **limits,
    )
    return Calibrated(fitted, tces, uncalibrated.mean(axis=1), probabilities, unlike)


def calibrate_by_folds(
    models: Ensemble, folds: Sequence[tuple[Ensemble, str]], train_files: Sequence[str]
) -> Calibrated:
    """Calibrates models that were trained on all records by models of the same recipe that were not.

    Args:
      models: as ensemble.load(choice, calibrated=False) returns it.
      folds: of each fold of a cross-validation, the models and the record file that they have not seen.
      train_files: record files that `models` were trained on, for the limits of views and scalars.
    """
    import pandas as pd

    parts = [labeled_records.tabulate(of_fold, [path]) for of_fold, path in folds]
    tces = pd.concat([table for table, _ in parts], ignore_index=True)
    uncalibrated = np.concatenate([probabilities for _, probabilities in parts])
    temperature = calibration.fit_temperature(tces.label, uncalibrated)
    limits, unlike = _limits(models, train_files, tces.example)
    files = [path for _, path in folds]
    fitted = Calibration(
        temperature=temperature,
        checkpoints_sha256=checkpoints.sha256(models.checkpoints.values()),
        records_sha256=fingerprint.of_files(files),
        records=[os.path.basename(path) for path in train_files],
        **limits,
    )
    probabilities = metrics.temper(uncalibrated, temperature).mean(axis=1)
    return Calibrated(fitted, tces, uncalibrated.mean(axis=1), probabilities, unlike)


def _limits(models, patterns, examples):
    """Fits the limits of the views and scalars of the training files.

    Returns:
      The limits, a dictionary of fields of Calibration; a list of Unlike for `examples`.
    """
    train_examples = [
        tf_example.from_serialized(record) for path in tfrecord.expand(patterns) for record in tfrecord.read(path)
    ]
    config = models.spec.config
    names = list(configuration.view_lengths(config))
    limits, unlike = {}, []
    if names:
        limits["view_limits"] = fitted = novelty.fit(scoring.stack_views(train_examples, names))
        views = scoring.stack_views(examples, names)
        ways = {"as they are": views, **novelty.altered(views)}
        unlike.append(Unlike("views", len(train_examples), _shares(ways, (fitted, None))))
    # The density of events is no number that a user gives, and published records lack it.
    # A column of either sign has no least value.
    signed = {
        name for scalar in config.inputs.scalars.values() if scalar.symlog_unit is not None for name in scalar.powers
    }
    columns = [name for name in configuration.scalar_columns(config) if name not in (*EVENT_DENSITIES, *signed)]
    if columns:
        limits["scalar_limits"] = fitted = novelty.fit_scalars(scoring.stack_scalars(train_examples, columns))
        scalars = scoring.stack_scalars(examples, columns)
        ways = {"as they are": scalars, **novelty.altered_scalars(scalars)}
        unlike.append(Unlike("scalars", len(train_examples), _shares(ways, (None, fitted))))
    return limits, unlike


def _shares(ways, limits):
    return {
        way: float(np.mean([bool(text) for text in novelty.describe(features, *limits)]))
        for way, features in ways.items()
    }
