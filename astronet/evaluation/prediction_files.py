"""Files of predictions: a text file and a CSV table with a line for each record, and a plot of each."""

import contextlib
import csv
import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import Optional

from astronet.base import locks
from astronet.base.files import make_directory, write_aside
from astronet.config import nouns
from astronet.estimator.ensemble import Ensemble
from astronet.estimator.scoring import Prediction
from astronet.estimator.stages import Stage
from astronet.figures import tce as plotting
from astronet.stats.metrics import is_positive

_COLUMNS = ("row_id", "tic_id", "toi_id", "sector", "period", "mean", "standard_deviation")
_UNLIKE = "unlike_training"


@dataclasses.dataclass(frozen=True)
class Written:
    """How many records were predicted, were called positive, and were plotted.

    `later` has, by the name of each later stage, how many records reached it, and how many of these it called positive.
    """

    num_predicted: int
    num_positive: int
    num_plots: int
    later: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)


def paths_of(stem: str) -> list[str]:
    """Returns the paths of the files that write() writes."""
    return [f"{stem}.txt", f"{stem}.csv"]


def write(
    predictions: Iterable[Prediction],
    stem: str,
    models: Ensemble,
    threshold: float,
    plot_dir: Optional[str] = None,
    later: Sequence[Stage] = (),
) -> Written:
    """Writes predictions to stem.txt and stem.csv, which appear when all are in, or not at all.

    The columns of the CSV table are _COLUMNS; the probability by each member; if the calibration of the models has
    limits, unlike_training; and for each later stage its mean, standard deviation and unlike_training, under its name.

    Args:
      predictions: as scoring.predict_files() yields them.
      stem: path of the files without suffix.
      models: the ensemble that predicts.
      threshold: probability from which a record is called positive.
      plot_dir: directory of the plots; None: no plots.
      later: the stages behind the models, whose predictions are in Prediction.later.
    """
    if plot_dir is not None:
        make_directory(plot_dir)
    unlike = [_UNLIKE] if models.calibration.has_limits else []
    columns = [*_COLUMNS, *(f"member_{name}" for name in models.checkpoints), *unlike]
    columns += [column for stage in later for column in later_columns(stage.name)]
    counts = {stage.name: [0, 0] for stage in later}
    plots: set[str] = set()
    num_predicted, num_positive = 0, 0
    with locks.exclusive_file(stem), contextlib.ExitStack() as stack:
        text, table = (
            stack.enter_context(open(stack.enter_context(write_aside(path)), "w", encoding="utf-8", newline=""))
            for path in paths_of(stem)
        )
        writer = csv.writer(table)
        writer.writerow(columns)
        for prediction in predictions:
            print(f"{prediction.identity.tic_id} {prediction.mean:.3f}", file=text)
            of_later = [cell for stage in later for cell in _later_cells(prediction, stage.name)]
            writer.writerow([*_cells(prediction, has_limits=bool(unlike)), *of_later])
            for stage in later:
                if stage.name in prediction.later:
                    counts[stage.name][0] += 1
                    counts[stage.name][1] += bool(is_positive(prediction.later[stage.name].mean, stage.threshold))
            num_predicted += 1
            num_positive += bool(is_positive(prediction.mean, threshold))
            if plot_dir is not None:
                plot(prediction, plot_dir, plots, os.path.basename(stem))
    of_stages = {name: (num_judged, num_called) for name, (num_judged, num_called) in counts.items()}
    return Written(num_predicted, num_positive, len(plots), of_stages)


def later_columns(name: str) -> list[str]:
    """Returns the names of the columns of a later stage."""
    return [name, f"{name}_standard_deviation", f"{name}_{_UNLIKE}"]


def _later_cells(prediction, name):
    """The cells of later_columns(); empty where the record did not reach the stage."""
    later = prediction.later.get(name)
    if later is None:
        return ["", "", ""]
    return [f"{later.mean:.7f}", f"{later.standard_deviation:.7f}", later.unlike_training]


def _cells(prediction, has_limits):
    """The cells of a prediction, in the order of the columns."""
    tce = prediction.identity
    probabilities = (prediction.mean, prediction.standard_deviation, *prediction.probabilities)
    unlike = [prediction.unlike_training] if has_limits else []
    identity = tce.row_id, tce.tic_id, tce.toi_id, tce.sector, f"{tce.period:.7g}"
    return [*identity, *(f"{p:.7f}" for p in probabilities), *unlike]


def plot(prediction: Prediction, directory: str, taken: set[str], kind: str) -> str:
    """Draws the views of a prediction; returns the path of the plot.

    Args:
      prediction: of a TCE, window or patch, which name the plot.
      directory: of the plots.
      taken: paths of the plots that are drawn already; the new one is added.
      kind: is part of the name of the plot, so that plots of several scripts can lie in one directory.
    """
    tce = prediction.identity
    words = nouns.of(prediction.views)
    path = plotting.tce_path(directory, tce.row_id, tce.tic_id, tce.sector, taken, words, kind)
    plotting.plot_prediction(path, prediction)
    return path
