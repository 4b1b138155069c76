"""Compares flare networks on windows of stars that they were not trained on: figures with 95 % intervals, by kind.

One side is cross-validated (out_of_fold.csv of cross_validate.py), the others are directories of models, such as the
published ones, which predict all windows as they are.
"""

import os
import sys

import numpy as np
import pandas as pd

from astronet.base.files import write_csv
from astronet.base.script import Parser, run
from astronet.data.records import tfrecord
from astronet.estimator import ensemble
from astronet.evaluation import labeled_records, report

_SETS = {
    "flares and quiet windows": lambda table: table.kind.isin(("catalogue", "quiet")),
    "flares, quiet, off center": lambda table: table.kind != "injected",
    "vetted candidates": lambda table: (table.kind == "vetted") | table.source.isin(("vetted", "both")),
}
_FIGURES = ("average_precision", "accuracy", "precision", "recall")


def _compare(flags):
    windows = pd.read_csv(os.path.join(flags.records_dir, "windows.csv"), keep_default_na=False).set_index("row_id")
    files = tfrecord.expand([f"{flags.records_dir}/{split}-*" for split in ("train", "val", "test")])
    predicted = {}
    if flags.out_of_fold:
        held_out = pd.read_csv(flags.out_of_fold).set_index("row_id")
        predicted["cross-validated"] = held_out.probability
    for model_dir in flags.model_dirs:
        models = ensemble.load(ensemble.ModelChoice(model_dir, average=True))
        tces, probabilities = labeled_records.tabulate(models, files, shows_progress=True)
        predicted[model_dir] = pd.Series(probabilities.mean(axis=1), index=tces.row_id)
    rows = []
    for kinds, choose in _SETS.items():
        chosen = windows[choose(windows)]
        num_flares = np.sum(chosen.Disposition == "flare")
        print(f"{kinds}: {len(chosen)} windows of {chosen.tic_id.nunique()} stars, {num_flares} flares")
        for name, probability in predicted.items():
            table = chosen.assign(label=chosen.Disposition == "flare", probability=probability.loc[chosen.index])
            figures = report.describe(table, flags.threshold, flags.num_resamples, 0)["figures"]
            told = "  ".join(
                f"{figure} " + "{value:.3f} ({low:.3f} to {high:.3f})".format(**figures[figure]) for figure in _FIGURES
            )
            print(f"  {name:16s}  {told}")
            rows += [[kinds, name, figure, *figures[figure].values()] for figure in _FIGURES]
    if flags.output:
        write_csv(flags.output, ("windows", "by", "figure", "value", "low", "high"), rows)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("model_dirs", nargs="*", help="directories of ensembles")
    parser.add_argument("--records_dir", required=True, help="output directory of generate_flare_records.py")
    parser.add_argument("--out_of_fold", help="out_of_fold.csv of a cross-validation on all of these records")
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="probability from which a window is called a flare"
    )
    parser.add_argument("--num_resamples", type=int, default=1000, help="of the bootstrap over stars")
    parser.add_argument("--output", help="CSV file of the figures")
    return run(_compare, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
