"""Joins the labels that reviewers exported from a report with the catalog, into one to train and to evaluate on."""

import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.review import agreement_report, controls, labels, merge
from astronet.review.label_columns import METHODS


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--labels", type=arguments.input_file, nargs="+", required=True, help="CSV files that the report exported"
    )
    parser.input.add_argument(
        "--catalog", type=arguments.input_file, required=True, help="catalog of TCEs that the report was made of (CSV)"
    )
    parser.output.add_argument("--output", type=arguments.output_file, required=True, help="catalog to write (CSV)")
    parser.settings.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=list(merge.DEFAULT_METHODS),
        help="ways of labeling that count (default: single consensus; labels of a group or in bulk are left out)",
    )
    parser.settings.add_argument(
        "--unlabeled",
        choices=("drop", "keep"),
        default="drop",
        help="keep: TCEs without a label stay, with the disposition of the catalog",
    )
    parser.input.add_argument(
        "--controls", type=arguments.input_file, help="the list of controls that report.py --controls wrote"
    )
    parser.output.add_argument("--agreement", type=arguments.output_file, help="JSON file for the figures of agreement")
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of the bootstrap of kappa")
    return run(locks.holding_file(_merge, "output"), parser.parse_args(argv))


def _merge(flags):
    outputs = {"--output": [flags.output, *merge.beside(flags.output)], "--agreement": flags.agreement}
    inputs = {"--labels": flags.labels, "--catalog": flags.catalog, "--controls": flags.controls}
    arguments.refuse_overwriting_inputs(outputs, inputs)
    given, unused = labels.read(flags.labels)
    known = controls.read(flags.controls) if flags.controls else []
    hidden = {(control.row_id, control.tic_id) for control in known}
    of_catalog = [label for label in given if (label.row_id, label.tic_id) not in hidden]
    verdicts = merge.settle(of_catalog, flags.methods)
    merged = merge.with_catalog(flags.catalog, of_catalog, verdicts.settled, flags.unlabeled == "keep")
    merge.write(flags.output, merged, verdicts, unused)
    for line in merge.lines(flags.output, merged, verdicts, unused):
        print(line)
    pairs, judged = agreement_report.of_pairs(of_catalog, flags.seed), controls.judge(known, given)
    for line in agreement_report.lines(pairs, judged):
        print(line)
    if flags.agreement:
        agreement_report.write(flags.agreement, pairs, judged)


if __name__ == "__main__":
    sys.exit(main())
