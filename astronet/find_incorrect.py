"""Finds what a model gets wrong (TCEs, windows or patches): precision and recall at thresholds, plots of each."""

import csv
import os
import sys
from collections.abc import Sequence
from typing import Optional

import numpy as np

from astronet.base import arguments, locks, messages
from astronet.base.files import make_directory
from astronet.base.messages import LOG
from astronet.base.script import Parser, ScriptError, run, tell_problems
from astronet.config import nouns
from astronet.estimator import ensemble, scoring
from astronet.evaluation import misclassified
from astronet.stats.metrics import is_positive, summary

_THRESHOLDS = np.arange(1, 10) / 10


def _say(ratio):
    return "undefined" if ratio is None else f"{ratio:.4f}"


def _print_table(labels, probabilities, threshold, inputs):
    num_positive = np.sum(labels == 1)
    precision = summary(labels, probabilities)["average_precision"] if num_positive else None
    positives = " or ".join(name for name, label in inputs.label_map.items() if label > 0)
    counted = nouns.of(inputs.features).count(len(labels))
    print(f"{counted}, {num_positive} of them {positives}; average precision {_say(precision)}")
    print("threshold   called  correct  precision     recall")
    for row in misclassified.precision_and_recall(labels, probabilities, sorted({*_THRESHOLDS, threshold})):
        mark = "  <- decision threshold" if row[0] == threshold else ""
        print(f"{row[0]:9.3g}{row[1]:9d}{row[2]:9d}{_say(row[3]):>11}{_say(row[4]):>11}{mark}")


def _address(report, table_path):
    """The address of a report that shows the rows of the table alone."""
    with open(table_path, encoding="utf-8", newline="") as file:
        row_ids = [row["row_id"] for row in csv.DictReader(file)]
    return f"file://{os.path.abspath(os.path.join(report, 'index.html'))}#ids={'%2C'.join(row_ids)}"


def _find(flags):
    if flags.report and not os.path.exists(os.path.join(flags.report, "index.html")):
        raise ScriptError(f"{flags.report} holds no report: make it of the same records by report.py")
    models = ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags))
    threshold, inputs = models.threshold(flags.threshold), models.spec.config.inputs
    words = nouns.of(inputs.features)
    make_directory(flags.output_dir)
    ending = f"_{flags.suffix}" if flags.suffix else ""
    truth_path = os.path.normpath(os.path.join(flags.output_dir, f"true_vs_pred{ending}.txt"))
    table_path = os.path.normpath(os.path.join(flags.output_dir, f"misclassified{ending}.csv"))
    records = arguments.from_flags(scoring.RecordChoice, flags)
    problems: list[str] = []
    scoring.refuse_overwriting_records([truth_path, table_path], records)
    predictions = messages.bar(scoring.predict_files(models, records, problems), unit=f" {words.one}")
    with locks.exclusive_file(truth_path), locks.exclusive_file(table_path):
        compared = misclassified.write(predictions, inputs, threshold, flags.save_dir, table_path)
        misclassified.write_true_vs_pred(truth_path, compared)
    if compared.num_unknown:
        counted = words.count(compared.num_unknown)
        LOG.warning(f"warning: {counted} without a known disposition left out")
    labels, probabilities = compared.labels, compared.probabilities
    _print_table(labels, probabilities, threshold, inputs)
    num_wrong = np.sum(labels != is_positive(probabilities, threshold))
    print(f"{truth_path}: label and probability of each; {table_path}: the {num_wrong} misclassified")
    print(f"{flags.save_dir}: a plot of each of these")
    if flags.report and num_wrong:
        print(f"{_address(flags.report, table_path)}: these in the report")
    return tell_problems(problems)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    scoring.add_record_flags(parser)
    parser.output.add_argument(
        "--save_dir", type=arguments.output_directory, default="astronet/plots", help="directory of the plots"
    )
    parser.input.add_argument(
        "--report", type=arguments.input_directory, help="folder of a report of the same records: its page is named"
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    return run(locks.holding(_find, "save_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
