"""The files of an evaluation report: JSON, CSV tables and figures."""

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from astronet.base import json_files
from astronet.base.files import make_directory, write_csv
from astronet.config import nouns
from astronet.evaluation.report import figure_rows, kind_rows
from astronet.figures import tce

if TYPE_CHECKING:  # most scripts start without it
    import pandas as pd

WRITTEN = ("report.json", "figures.csv", "kinds.csv", "curves.png", "confusion.png", "reliability.png")
# All that a report may consist of; without both labels or TCEs that are unseen in training, some are not there.
_FILES = (*WRITTEN, "kinds_all.png", "kinds_unseen.png")


def write(
    directory: str,
    report: Mapping[str, Any],
    sets: "Mapping[str, pd.DataFrame]",
    words: nouns.Nouns = nouns.TCES,
) -> None:
    """Writes report.json, figures.csv, kinds.csv and figures into a directory, in place of an earlier report there.

    report.json is removed first and written last: where it is, all files of the directory are of that report.

    Args:
      directory: made where it is missing.
      report, sets: as report.compute() returns them.
      words: what the model classifies is called.
    """
    make_directory(directory)
    for name in _FILES:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(directory, name))
    columns: tuple[str, ...] = ("set", "figure", "value", "low", "high")
    write_csv(os.path.join(directory, "figures.csv"), columns, figure_rows(report["sets"]))
    columns = ("set", "kind", "bin", "num_tces", "num_positive", "num_called", "figure", "value", "low", "high")
    write_csv(os.path.join(directory, "kinds.csv"), columns, kind_rows(report))

    _draw(directory, report, sets, words)
    json_files.write(os.path.join(directory, "report.json"), report)


def _draw(directory, report, sets, words):
    threshold = report["threshold"]
    samples = {name: (tces.label.to_numpy(), tces.probability.to_numpy()) for name, tces in sets.items()}
    curves = {name: sample for name, sample in samples.items() if len(set(sample[0])) == 2}
    if curves:
        tce.plot_curves(os.path.join(directory, "curves.png"), curves, threshold)
    tce.plot_confusion(os.path.join(directory, "confusion.png"), *samples["all"], threshold)
    tce.plot_reliability(
        os.path.join(directory, "reliability.png"), _reliability_curves(report, sets["all"], words), words
    )
    for name, part in report["sets"].items():
        title = (
            f"{words.count(part['num_tces'])} ({name}), {part['num_positive']} of them positive; "
            f"called positive from a probability of {threshold:.3g}"
        )
        tce.plot_kinds(os.path.join(directory, f"kinds_{name}.png"), part["kinds"], title, words)


def _reliability_curves(report, tces, words):
    """By name, labels and probabilities: as the network gives them, and calibrated where they are."""
    calibrated = report["calibration"]
    where = f", on these {words.many}" if calibrated["records_sha256"] == report["records_sha256"] else ""
    curves = {"before": ("as the network gives them", tces.uncalibrated)}
    if calibrated["records_sha256"]:
        name = f"calibrated{where}: temperature {calibrated['temperature']:.2f}"
        curves["after"] = name, tces.probability
    return {
        f"{name} (ECE {calibrated[when]['expected_calibration_error']:.4f}, "
        f"Brier {calibrated[when]['brier_score']:.4f})": (tces.label.to_numpy(), probabilities.to_numpy())
        for when, (name, probabilities) in curves.items()
    }
