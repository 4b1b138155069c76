"""Finds what a model gets wrong (TCEs, windows or patches): precision and recall at thresholds, plots of each."""

import csv
import os
import sys

import numpy as np

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_aside
from astronet.base.script import Parser, ScriptError, run, tell_problems
from astronet.config import nouns
from astronet.data.records import tf_example
from astronet.estimator import ensemble, scoring
from astronet.figures import tce as plotting
from astronet.stats.metrics import is_positive, summary

_COLUMNS = ("row_id", "tic_id", "toi_id", "sector", "period", "disposition", "mean", "standard_deviation", "plot")
_THRESHOLDS = np.arange(1, 10) / 10


def precision_and_recall(labels, probabilities, thresholds):
    """Counts what each threshold gets right.

    Args:
      labels: [n] of 0 and 1.
      probabilities: [n].
      thresholds: probabilities from which a TCE is called positive.

    Yields:
      (threshold, number called positive, number of those that are, precision, recall); a ratio that nothing defines,
      for want of TCEs called positive or of positives, is None.
    """
    num_positive = np.sum(labels == 1)
    for threshold in thresholds:
        called = is_positive(probabilities, threshold)
        num_called, num_right = np.sum(called), np.sum(labels[called] == 1)
        yield threshold, num_called, num_right, _ratio(num_right, num_called), _ratio(num_right, num_positive)


def _ratio(part, whole):
    return part / whole if whole else None


def _say(ratio):
    return "undefined" if ratio is None else f"{ratio:.4f}"


def _print_table(labels, probabilities, threshold, inputs):
    num_positive = np.sum(labels == 1)
    precision = summary(labels, probabilities)["average_precision"] if num_positive else None
    positives = " or ".join(name for name, label in inputs.label_map.items() if label > 0)
    counted = nouns.of(inputs.features).count(len(labels))
    print(f"{counted}, {num_positive} of them {positives}; average precision {_say(precision)}")
    print("threshold   called  correct  precision     recall")
    for row in precision_and_recall(labels, probabilities, sorted({*_THRESHOLDS, threshold})):
        mark = "  <- decision threshold" if row[0] == threshold else ""
        print(f"{row[0]:9.3g}{row[1]:9d}{row[2]:9d}{_say(row[3]):>11}{_say(row[4]):>11}{mark}")


def _label(prediction, inputs):
    """1 or 0; None for a TCE whose disposition is not known."""
    label = inputs.label_map.get(tf_example.value(prediction.example, inputs.label_feature))
    return None if label is None else int(label > 0)


def _misclassified(prediction, save_dir, plots, kind):
    """Draws the plot of a TCE, and returns its row of the table."""
    tce = prediction.identity
    words = nouns.of(prediction.views)
    path = plotting.tce_path(save_dir, tce.row_id, tce.tic_id, tce.sector, plots, words, kind)
    plotting.plot_prediction(path, prediction)
    identity = tce.row_id, tce.tic_id, tce.toi_id, tce.sector, f"{tce.period:.7g}", tce.disposition
    return [*identity, f"{prediction.mean:.7f}", f"{prediction.standard_deviation:.7f}", os.path.basename(path)]


def _compare(predictions, inputs, threshold, save_dir, table_path):
    """Writes the table of the misclassified, with their plots; returns labels and probabilities of all."""
    labels, probabilities, plots, num_unknown = [], [], set(), 0
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
                writer.writerow(_misclassified(prediction, save_dir, plots, kind))
        if not labels:
            counted = nouns.of(inputs.features).count(num_unknown)
            raise ScriptError(f"none of {counted} has a known disposition: there is nothing to compare with")
    if num_unknown:
        counted = nouns.of(inputs.features).count(num_unknown)
        print(f"warning: {counted} without a known disposition left out", file=sys.stderr)
    return np.array(labels), np.array(probabilities)


def _find(flags):
    from tqdm import tqdm

    models = ensemble.load(ensemble.ModelChoice.from_flags(flags))
    threshold = models.threshold(flags.threshold)
    make_directory(flags.output_dir)
    make_directory(flags.save_dir)
    ending = f"_{flags.suffix}" if flags.suffix else ""
    truth_path = os.path.normpath(os.path.join(flags.output_dir, f"true_vs_pred{ending}.txt"))
    table_path = os.path.normpath(os.path.join(flags.output_dir, f"misclassified{ending}.csv"))
    records = scoring.RecordChoice.from_flags(flags)
    scoring.refuse_overwriting_records([truth_path, table_path], records)
    problems = []
    inputs = models.spec.config.inputs
    unit = f" {nouns.of(inputs.features).one}"
    predictions = tqdm(scoring.predict_files(models, records, problems), unit=unit, disable=None)
    labels, probabilities = _compare(predictions, inputs, threshold, flags.save_dir, table_path)
    with write_aside(truth_path) as aside:
        np.savetxt(aside, np.stack([labels, probabilities], axis=1), fmt=("%d", "%.6f"))

    _print_table(labels, probabilities, threshold, inputs)
    num_wrong = np.sum(labels != is_positive(probabilities, threshold))
    print(f"{truth_path}: label and probability of each; {table_path}: the {num_wrong} misclassified")
    print(f"{flags.save_dir}: a plot of each of these")
    return tell_problems(problems)


def main(argv=None):
    parser = Parser(description=__doc__)
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    scoring.add_record_flags(parser)
    parser.add_argument(
        "--save_dir", type=arguments.output_directory, default="astronet/plots", help="directory of the plots"
    )
    ensemble.add_threshold_flag(parser)
    return run(locks.holding(_find, "save_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
