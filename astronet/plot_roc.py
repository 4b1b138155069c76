"""Draws precision-recall and ROC curves of one or more true_vs_pred_*.txt, as find_incorrect.py writes them."""

import argparse
import os
import sys

import numpy as np

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError, run
from astronet.figures import tce
from astronet.stats.metrics import DEFAULT_THRESHOLD


def read_true_vs_pred(path):
    """Reads what find_incorrect.py wrote.

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


def _plot(flags):
    arguments.refuse_overwriting_inputs({"--output": flags.output}, {"true_vs_pred": flags.true_vs_pred})
    predictions = {}
    for path in flags.true_vs_pred:
        name = os.path.splitext(os.path.basename(path))[0]
        if name.startswith("true_vs_pred_"):
            name = name[len("true_vs_pred_") :]
        predictions[path if name in predictions else name] = read_true_vs_pred(path)
    tce.plot_curves(flags.output, predictions, flags.threshold)
    print(f"{flags.output}: precision-recall and ROC curves of {', '.join(predictions)}")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "true_vs_pred",
        type=arguments.input_file,
        nargs="+",
        help="file of two columns: 1 for PC or EB, else 0; probability",
    )
    parser.add_argument(
        "--output",
        type=arguments.image_file,
        default="plot_roc.png",
        help="image to write; its suffix chooses the format",
    )
    parser.add_argument(
        "--threshold",
        type=arguments.probability,
        default=DEFAULT_THRESHOLD,
        help="decision threshold to mark on the curves",
    )
    return run(_plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
