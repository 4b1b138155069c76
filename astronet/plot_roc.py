"""Draws precision-recall and ROC curves of one or more true_vs_pred_*.txt, as find_incorrect.py writes them."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.evaluation import misclassified
from astronet.figures import tce
from astronet.stats.metrics import DEFAULT_THRESHOLD


def _plot(flags):
    arguments.refuse_overwriting_inputs({"--output": flags.output}, {"true_vs_pred": flags.true_vs_pred})
    predictions = {}
    for path in flags.true_vs_pred:
        name = os.path.splitext(os.path.basename(path))[0]
        if name.startswith("true_vs_pred_"):
            name = name[len("true_vs_pred_") :]
        predictions[path if name in predictions else name] = misclassified.read_true_vs_pred(path)
    tce.plot_curves(flags.output, predictions, flags.threshold)
    print(f"{flags.output}: precision-recall and ROC curves of {', '.join(predictions)}")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "true_vs_pred",
        type=arguments.input_file,
        nargs="+",
        metavar="FILE",
        help="true_vs_pred_*.txt, files of two columns: 1 for PC or EB, else 0; probability",
    )
    parser.output.add_argument(
        "--output",
        type=arguments.image_file,
        default="plot_roc.png",
        help="image to write; its suffix chooses the format",
    )
    parser.settings.add_argument(
        "--threshold",
        type=arguments.probability,
        default=DEFAULT_THRESHOLD,
        help="decision threshold to mark on the curves",
    )
    return run(locks.holding_file(_plot, "output"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
