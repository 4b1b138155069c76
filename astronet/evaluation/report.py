"""Evaluation in full: figures with 95 % intervals, of all TCEs and of those unseen in training, and by kind of TCE."""

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from astronet.base import fingerprint, version
from astronet.data.records import leaks, tfrecord
from astronet.estimator import checkpoints, scoring
from astronet.estimator.ensemble import Ensemble
from astronet.evaluation import labeled_records
from astronet.stats import intervals, metrics

if TYPE_CHECKING:  # most scripts start without it
    import pandas as pd

# Kinds of TCEs: name -> column of the table, and the edges of its bins (None: each value is a bin).
_KINDS = {
    "S/N": ("SN", (10, 15, 25, 50, 100)),
    "Tmag": ("Tmag", (8, 9, 10, 11, 12)),
    "Period (days)": ("Period", (0.5, 1, 3, 5, 10)),
    "Duration (hours)": ("duration_hours", (1, 2, 4, 8)),
    "Disposition": ("Disposition", None),
    "Sector": ("Sectors", None),
    "Camera": ("camera", None),
    "Views": ("views", None),
}


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """How to evaluate in full.

    Attributes:
      catalog: CSV file of TCEs, for columns that the records lack; None: none.
      train_files: record files or patterns of the training, to report apart on TCEs that it has not seen; None: none.
      threshold: probability from which a TCE is called positive; None takes the threshold of the models.
      num_resamples, seed: of the bootstrap that gives the intervals.
    """

    catalog: Optional[str] = None
    train_files: Optional[Sequence[str]] = None
    threshold: Optional[float] = None
    num_resamples: int = 1000
    seed: int = 0


def compute(
    models: Ensemble, files: Sequence[str], options: ReportOptions, shows_progress: bool = False
) -> "tuple[dict[str, Any], dict[str, pd.DataFrame]]":
    """Computes the report that report_files.write() writes.

    Args:
      models: as ensemble.load() returns it.
      files: labeled record files.
      options: ReportOptions.
      shows_progress: as labeled_records.tabulate() takes it.

    Returns:
      The report, a dictionary for JSON; and the tables of the TCEs that it is about, by name: "all" and "unseen" (in
      training).
    """
    tces = _predicted(models, files, options.catalog, shows_progress)
    sets, seen = _split_seen(tces, options.train_files)
    threshold = models.threshold(options.threshold)
    report = {
        **_origin(models, files, threshold),
        "calibration": {
            **dataclasses.asdict(models.calibration),
            "before": judge_calibration(tces.label, tces.uncalibrated),
            "after": judge_calibration(tces.label, tces.probability),
        },
        "seen_in_training": seen,
        "unlike_training": _list_unlike(tces) if models.calibration.has_limits else None,
        "sets": {name: _describe_set(members, threshold, options) for name, members in sets.items() if len(members)},
    }
    return report, {name: sets[name] for name in report["sets"]}


def _predicted(models, files, catalog, shows_progress):
    """The table of the TCEs with their probabilities and what is unlike training in their inputs."""
    tces, probabilities = labeled_records.tabulate(models, files, catalog, shows_progress)
    tces["uncalibrated"] = probabilities.mean(axis=1)
    tces["probability"] = models.calibration.apply(probabilities).mean(axis=1)
    fitted = models.calibration
    tces["unlike_training"] = scoring.unlike_training(tces.example, fitted)
    views = np.array(scoring.unlike_training(tces.example, dataclasses.replace(fitted, scalar_limits=None)))
    tces["views"] = np.where(views != "", "unlike training", "like training") if fitted.view_limits else np.nan
    return tces


def _split_seen(tces, train_files):
    """(Tables by name, numbers of TCEs that training has seen or None where the training files are not given.)"""
    if not train_files:
        return {"all": tces}, None
    same_views, same_star = leaks.Trained.from_files(tfrecord.expand(train_files)).find(tces.example)
    seen = {"identical_views": int(same_views.sum()), "shared_stars": int(same_star.sum())}
    return {"all": tces, "unseen": tces[~(same_views | same_star)]}, seen


def _origin(models, files, threshold):
    """Which models and which records the report is about."""
    return {
        "version": version.VERSION,
        "model": models.spec.model,
        "config_name": models.spec.config_name,
        "num_members": len(models.checkpoints),
        "checkpoints_sha256": checkpoints.sha256(models.checkpoints.values()),
        "records": [os.path.basename(path) for path in files],
        "records_sha256": fingerprint.of_files(files),
        "threshold": threshold,
    }


def _describe_set(tces, threshold, options):
    return {
        **describe(tces, threshold, options.num_resamples, options.seed),
        "kinds": {kind: _by_kind(tces, *_KINDS[kind], threshold) for kind in _KINDS},
    }


def _list_unlike(tces):
    """Lists the TCEs whose views or scalars are unlike those of training, and says what is unlike."""
    unlike = tces[tces.unlike_training != ""]
    return {"num_tces": len(unlike), "tces": unlike[["row_id", "tic_id", "unlike_training"]].to_dict("records")}


def judge_calibration(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Returns cross-entropy, Brier score and expected calibration error by name."""
    values = metrics.summary(labels, probabilities)
    error = metrics.expected_calibration_error(labels, probabilities)
    kept = {name: values[name] for name in ("cross_entropy", "brier_score")}
    return {**kept, "expected_calibration_error": error}


def describe(tces: "pd.DataFrame", threshold: float, num_resamples: int, seed: int) -> dict[str, Any]:
    """Counts TCEs and computes their figures with intervals.

    Args:
      tces: table with columns tic_id, label and probability.
      threshold: probability from which a TCE is called positive.
      num_resamples, seed: of the bootstrap.

    Returns:
      Dictionary of num_tces, num_stars, num_positive, and figures: name -> dictionary of value, low, high.
    """
    return {
        "num_tces": len(tces),
        "num_stars": tces.tic_id.nunique(),
        "num_positive": int(tces.label.sum()),
        "figures": _figures(tces, threshold, num_resamples, seed),
    }


def _figures(tces, threshold, num_resamples, seed):
    sample = tces.label, tces.probability
    values = metrics.summary(*sample, threshold)
    limits = intervals.bootstrap(*sample, tces.tic_id, threshold, num_resamples, seed)
    return {name: {"value": value, "low": limits[name][0], "high": limits[name][1]} for name, value in values.items()}


def _by_kind(tces, column, edges, threshold):
    """Returns recall and precision in bins of a column, a row for each bin; [] if no TCE has that column."""
    import pandas as pd

    values = tces[column]
    if values.isna().all():
        return []
    if edges:
        names = [f"< {edges[0]}", *(f"{low} to {high}" for low, high in zip(edges, edges[1:])), f">= {edges[-1]}"]
        bins = pd.cut(values, [-np.inf, *edges, np.inf], right=False, labels=names)
    else:
        names, bins = sorted(values.dropna().unique()), values
    rows = [_count(name if isinstance(name, str) else f"{name:g}", tces[bins == name], threshold) for name in names]
    unknown = tces[bins.isna()]
    return [row for row in [*rows, _count("unknown", unknown, threshold)] if row["num_tces"]]


def _count(name, tces, threshold):
    truth, called = tces.label > 0, metrics.is_positive(tces.probability, threshold)
    num_positive, num_called, num_right = (int(np.sum(which)) for which in (truth, called, truth & called))
    num_negative, num_wrong = len(tces) - num_positive, num_called - num_right
    row = {"bin": name, "num_tces": len(tces), "num_positive": num_positive, "num_called": num_called}
    for figure, count, total in (
        ("recall", num_right, num_positive),
        ("precision", num_right, num_called),
        ("false_positive_rate", num_wrong, num_negative),
    ):
        low, high = intervals.wilson(count, total)
        row[figure] = {"value": count / total if total else np.nan, "low": low, "high": high}
    return row


def figure_rows(sets: Mapping[str, Mapping[str, Any]]) -> Iterable[list[str]]:
    """Yields [set, figure, value, low, high] for each figure.

    Args:
      sets: what describe() says about each set of TCEs, by the name of the set.
    """
    for name, part in sets.items():
        for figure, values in part["figures"].items():
            yield [name, figure, *_rounded(values)]


def kind_rows(report: Mapping[str, Any]) -> Iterable[list]:
    """Yields the cells of a row for each set, kind, bin and figure of a report."""
    for name, part in report["sets"].items():
        for kind, rows in part["kinds"].items():
            for row in rows:
                counts = [row[column] for column in ("bin", "num_tces", "num_positive", "num_called")]
                for figure in ("recall", "precision", "false_positive_rate"):
                    yield [name, kind, *counts, figure, *_rounded(row[figure])]


def _rounded(values):
    return ["" if np.isnan(value) else f"{value:.5f}" for value in values.values()]
