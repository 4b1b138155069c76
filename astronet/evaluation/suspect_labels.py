"""Lists the labels that are likely wrong, with the evidence against each, and plots their TCEs."""

import itertools
import os
from typing import TYPE_CHECKING

import numpy as np

from astronet.base.files import make_directory, write_csv
from astronet.data.records import tf_example
from astronet.data.records.tf_example import TceIdentity
from astronet.estimator.scoring import Prediction
from astronet.figures import tce as plotting
from astronet.stats import label_noise

if TYPE_CHECKING:  # most scripts start without it
    import pandas as pd

TABLE, PLOTS = "suspect_labels.csv", "suspects"

_COLUMNS = (
    *("row_id", "tic_id", "toi_id", "Sectors", "Disposition", "Period", "duration_hours", "Transit_Depth", "SN"),
    *("fold", "probability", "spread", "self_confidence", "contradiction", "plot"),
)
_SAME_PERIOD = 0.01  # relative difference up to which two TCEs of a star are taken for the same signal


def write(directory: str, judged: "pd.DataFrame", tces: "pd.DataFrame", num_plots: int = 0) -> label_noise.LabelNoise:
    """Writes the table of the TCEs whose label is likely wrong, the least probable label first, and plots of them.

    Args:
      directory: gets suspect_labels.csv and suspects/.
      judged: table of TCEs as labeled_records.table() returns it, with columns fold, and probability and spread of
        models that were not trained on the TCE.
      tces: table of all TCEs, which are searched for contradictions.
      num_plots: how many of the first to plot.

    Returns:
      label_noise.LabelNoise of `judged`.
    """
    noise = label_noise.find(judged.label, judged.probability)
    confidence = label_noise.self_confidence(judged.label, judged.probability)
    suspects = judged.assign(self_confidence=confidence)[noise.is_suspect]
    suspects = suspects.sort_values("self_confidence", kind="stable")
    plots = _plot(suspects[:num_plots], os.path.join(directory, PLOTS)) if num_plots else []
    rows = [_row(suspect, tces, plot or "") for suspect, plot in itertools.zip_longest(suspects.itertuples(), plots)]
    write_csv(os.path.join(directory, TABLE), _COLUMNS, rows)
    return noise


def _row(tce, tces, plot):
    toi_id = TceIdentity.from_example(tce.example).toi_id
    depth = tf_example.value(tce.example, "Transit_Depth", np.nan)
    signal = map(_number, (tce.Period, tce.duration_hours, depth, tce.SN))
    judged = tce.fold, *(f"{value:.7f}" for value in (tce.probability, tce.spread, tce.self_confidence))
    identity = tce.row_id, tce.tic_id, toi_id, _number(tce.Sectors), tce.Disposition
    return [*identity, *signal, *judged, _contradiction(tce, tces), plot]


def _number(value):
    return "" if np.isnan(value) else f"{value:.7g}"


def _contradiction(tce, tces):
    """Names the TCEs of the same star and period that have the other label; "" if there are none."""
    of_star = tces[(tces.tic_id == tce.tic_id) & (tces.label != tce.label)]
    same = of_star[(of_star.Period / tce.Period - 1).abs() <= _SAME_PERIOD]
    return "; ".join(
        f"row_id {other.row_id}: {other.Disposition}, sector {_number(other.Sectors)}" for other in same.itertuples()
    )


def _plot(suspects, plot_dir):
    """Draws the plots of suspects; returns their file names."""
    make_directory(plot_dir)
    paths: set[str] = set()
    names = []
    for suspect in suspects.itertuples():
        mean = suspect.probability
        prediction = Prediction(suspect.example, np.array([mean]), mean, suspect.spread)
        tce = prediction.identity
        path = plotting.tce_path(plot_dir, tce.row_id, tce.tic_id, tce.sector, paths)
        plotting.plot_prediction(path, prediction)
        names.append(os.path.basename(path))
    return names
