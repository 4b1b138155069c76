"""What a model gets wrong: the misclassified records, and precision and recall at thresholds."""

import argparse
import csv
import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import Optional

import numpy as np

from astronet.base import arguments
from astronet.base.files import make_directory, write_aside
from astronet.base.script import ScriptError
from astronet.config import nouns
from astronet.config.schema import Inputs
from astronet.data.records import tf_example
from astronet.estimator.scoring import Prediction
from astronet.evaluation import prediction_files
from astronet.stats.metrics import is_positive

_COLUMNS = ("row_id", "tic_id", "toi_id", "sector", "period", "disposition", "mean", "standard_deviation", "plot")


@dataclasses.dataclass(frozen=True)
class Compared:
    """Labels and probabilities of records whose disposition is known, and the number of the others.

    Attributes:
      labels: 0 or 1, [n].
      probabilities: of the label 1, [n].
      num_unknown: number of records whose disposition is not known.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    num_unknown: int


def write(
    predictions: Iterable[Prediction], inputs: Inputs, threshold: float, plot_dir: str, table_path: str
) -> Compared:
    """Compares predictions with labels; writes a CSV table of the misclassified records, and plots of these.

    Args:
      predictions: as scoring.predict_files() yields them.
      inputs: part of the Config that says which dispositions are positive.
      threshold: probability from which a record is called positive.
      plot_dir: directory of the plots.
      table_path: the table, which appears when all are in, or not at all.

    Raises:
      ScriptError: no record has a known disposition.
    """
    make_directory(plot_dir)
    plots: set[str] = set()
    labels, probabilities, num_unknown = [], [], 0
    kind = os.path.splitext(os.path.basename(table_path))[0]  # of the plots
    with write_aside(table_path) as aside, open(aside, "w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(_COLUMNS)
        for prediction in predictions:
            label = _label(prediction, inputs)
            if label is None:
                num_unknown += 1
                continue
            labels.append(label)
            probabilities.append(prediction.mean)
            if label != is_positive(prediction.mean, threshold):
                writer.writerow(_cells(prediction, prediction_files.plot(prediction, plot_dir, plots, kind)))
        if not labels:
            counted = nouns.of(inputs.features).count(num_unknown)
            raise ScriptError(f"none of {counted} has a known disposition: there is nothing to compare with")
    return Compared(np.array(labels), np.array(probabilities), num_unknown)


def write_true_vs_pred(path: str, compared: Compared) -> None:
    """Writes the label and the probability of each record, two columns, as plot_roc.py reads them."""
    with write_aside(path) as aside:
        np.savetxt(aside, np.stack([compared.labels, compared.probabilities], axis=1), fmt=("%d", "%.6f"))


def read_true_vs_pred(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads the labels and probabilities that write_true_vs_pred() wrote.

    Args:
      path: file of two columns: 1 for PC or EB, else 0; probability.

    Returns:
      labels [n], probabilities [n].

    Raises:
      ScriptError: the file is not such a table, or has TCEs of one kind only.
    """
    labels, probabilities = [], []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                label, probability = line.split()
                labels.append({"0": 0, "1": 1}[label])
                probabilities.append(arguments.probability(probability))
            except (ValueError, KeyError, argparse.ArgumentTypeError):
                raise ScriptError(
                    f"{path}, line {number}: expected '0' or '1' and a probability, found {line.strip()[:80]!r}"
                ) from None
    if len(set(labels)) < 2:
        raise ScriptError(
            f"{path}: a curve needs TCEs of both kinds, found {labels.count(1)} positive and {labels.count(0)} negative"
        )
    return np.array(labels), np.array(probabilities)


def _label(prediction: Prediction, inputs: Inputs) -> Optional[int]:
    """1 or 0; None for a record whose disposition is not known."""
    label = inputs.label_map.get(tf_example.value(prediction.example, inputs.label_feature))
    return None if label is None else int(label > 0)


def _cells(prediction: Prediction, plot_path: str) -> list[object]:
    tce = prediction.identity
    identity = tce.row_id, tce.tic_id, tce.toi_id, tce.sector, f"{tce.period:.7g}", tce.disposition
    return [*identity, f"{prediction.mean:.7f}", f"{prediction.standard_deviation:.7f}", os.path.basename(plot_path)]


def precision_and_recall(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: Iterable[float]
) -> Iterator[tuple[float, int, int, Optional[float], Optional[float]]]:
    """Counts what each threshold gets right.

    Args:
      labels: 0 or 1, [n].
      probabilities: [n].
      thresholds: probabilities from which a record is called positive.

    Yields:
      Threshold, number of records called positive, number of these that are positive, precision, recall. A ratio is
      None where no record is called positive, or none is positive.
    """
    num_positive = int(np.sum(labels == 1))
    for threshold in thresholds:
        called = is_positive(probabilities, threshold)
        num_called, num_right = int(np.sum(called)), int(np.sum(labels[called] == 1))
        yield threshold, num_called, num_right, _ratio(num_right, num_called), _ratio(num_right, num_positive)


def _ratio(part: int, whole: int) -> Optional[float]:
    return part / whole if whole else None
