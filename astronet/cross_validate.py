"""Cross-validates on record files: each TCE is predicted by models that were trained without its star, or its sector.

Writes the predictions (out_of_fold.csv), how good they are (folds.json, folds.csv), and which labels are likely wrong
(suspect_labels.csv). Run again after an interruption, it goes on where it stopped.
"""

import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, dask_cluster, locks, workers
from astronet.base.script import GOES_ON, Parser, run
from astronet.config import configuration, nouns
from astronet.data.records import tfrecord
from astronet.evaluation import cross_validation, suspect_labels
from astronet.stats.metrics import DEFAULT_THRESHOLD

_PRINTED = ("average_precision", "auc", "accuracy", "cross_entropy", "recall")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--files", nargs="+", required=True, metavar="FILE", help="labeled record files or patterns"
    )
    parser.input.add_argument(
        "--catalog", type=arguments.input_file, help="catalog of the TCEs, which tells V and IS from J"
    )
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of the results and of the models of each fold",
    )
    parser.rename("--model_dir", "--output_dir")
    parser.output.add_argument(
        "--plot", type=arguments.positive_integer, help="plot the N TCEs whose labels are least likely"
    )
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    sides = parser.settings.add_mutually_exclusive_group(required=True)
    sides.add_argument(
        "--folds",
        type=arguments.whole_number(2, 1000, "folds"),
        help="split the stars into N folds, and hold out each in turn",
    )
    sides.add_argument(
        "--hold_out_sectors", type=arguments.sector, nargs="+", help="hold out each of these sectors in turn"
    )
    parser.settings.add_argument(
        "--num_models", type=arguments.num_models, default=1, help="number of models to average in each fold"
    )
    parser.settings.add_argument(
        "--train_share",
        type=arguments.positive_fraction,
        default=1.0,
        help="share of the stars not held out to train on; below 1 it shows what more data would bring",
    )
    parser.settings.add_argument(
        "--train_steps",
        type=arguments.positive_integer,
        help="number of batches to train each model on (default: as train.py)",
    )
    parser.settings.add_argument(
        "--threshold",
        type=arguments.probability,
        default=DEFAULT_THRESHOLD,
        help="lowest probability that counts as positive",
    )
    parser.settings.add_argument(
        "--num_resamples",
        type=arguments.num_resamples,
        default=1000,
        help="number of resamples of the bootstrap, which gives the intervals",
    )
    parser.settings.add_argument(
        "--seed",
        type=arguments.seed,
        default=0,
        help="seed of the folds, of the bootstrap, and of the first model of each fold",
    )
    parser.machine.add_argument(
        "--num_threads",
        type=arguments.num_threads,
        help="threads of each model; 0: all cores; 1: the same seed gives the same result (default: as train.py)",
    )
    workers.add_cluster_flag(parser)
    return run(locks.holding(_cross_validate, "output_dir"), parser.parse_args(argv), GOES_ON)


def _cross_validate(flags):
    files = tfrecord.expand(flags.files)
    read = {"--catalog": flags.catalog, "--files": files}
    arguments.refuse_overwriting_in(flags.output_dir, cross_validation.WRITTEN, "--output_dir", read)
    options = arguments.from_flags(cross_validation.FoldOptions, flags)
    predicted = cross_validation.predict(files, options, *dask_cluster.tellers(flags.cluster))
    described = cross_validation.describe(predicted, options)
    noise = cross_validation.write(predicted, described, files, options)
    _print_table(described, nouns.of(predicted.tces.example.iloc[0].features.feature))
    _print_noise(noise, predicted.judged)
    plots = f", {suspect_labels.PLOTS}/" if flags.plot else ""
    print(f"{flags.output_dir}: out_of_fold.csv, folds.json, folds.csv, {suspect_labels.TABLE}{plots}")


def _print_table(described, words):
    width = max(6, len(words.many) + 1)
    print(f"{'':18s}{words.many:>{width}s}{'positive':>9s}" + "".join(f"  {figure:24s}" for figure in _PRINTED))
    for fold, result in described.items():
        for name, part in result["sets"].items():
            title = fold if name == "all" else f"{fold}, {name}"
            cells = (
                f"{value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f})"
                for value in map(part["figures"].get, _PRINTED)
            )
            print(f"{title:18s}{part['num_tces']:{width}d}{part['num_positive']:9d}  " + "  ".join(cells))
    seen = described["all"]["seen_in_training"]
    print(
        f"of those held out, {seen['shared_stars']} are of {words.sources} that were trained on, "
        f"{seen['identical_views']} have the very views of a training {words.one}; intervals are of 95 %"
    )


def _print_noise(noise, judged):
    num_positive = int(judged.label.sum())
    of_positive, of_negative = noise.joint[1, 0] * len(judged), noise.joint[0, 1] * len(judged)
    print(
        f"{noise.is_suspect.sum()} labels are likely wrong; estimated share: {noise.share:.2%} of all, "
        f"{of_positive / num_positive:.2%} of the positive, {of_negative / (len(judged) - num_positive):.2%} of the "
        "negative"
    )


if __name__ == "__main__":
    sys.exit(main())
