"""Searches hyperparameters: trials with Optuna over a space that you give, judged by folds of stars, on many processes.

Writes trials.csv and best.json, which train.py takes as --config_json. Run again after an interruption, it goes on.
"""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, dask_cluster, workers
from astronet.base.script import GOES_ON, Parser, run
from astronet.config import configuration
from astronet.evaluation import search_space, tuning


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.input.add_argument(
        "--files", nargs="+", required=True, metavar="FILE", help="labeled record files; keep a test set out"
    )
    parser.input.add_argument(
        "--space", type=arguments.input_file, required=True, help="JSON file of the search space (docs/tuning.md)"
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the study and its results"
    )
    parser.rename("--model_dir", "--output_dir")
    parser.settings.add_argument(
        "--num_trials",
        type=arguments.positive_integer,
        default=30,
        help="number of trials, those of earlier runs included",
    )
    parser.settings.add_argument(
        "--folds",
        type=arguments.whole_number(2, 100, "folds"),
        default=3,
        help="number of folds of stars; a trial trains on all but one of them, in turn",
    )
    parser.settings.add_argument(
        "--train_steps",
        type=arguments.positive_integer,
        help="number of batches of each training (default: as train.py)",
    )
    parser.machine.add_argument(
        "--num_parallel",
        type=arguments.num_processes,
        default=workers.default_num_processes(),
        help="how many trials run side by side; 1: work in this process",
    )
    workers.add_cluster_flag(parser)
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of folds, weights and search")
    return run(_tune, parser.parse_args(argv), GOES_ON)


def _tune(flags):
    options = arguments.from_flags(
        tuning.TuningOptions, flags, model_dir=flags.output_dir, space=search_space.read(flags.space)
    )
    tuning.search(options, dask_cluster.tellers(flags.cluster)[0])
    for line in tuning.lines(options):
        print(line)
    best = os.path.join(flags.output_dir, tuning.BEST)
    print(
        f"{flags.output_dir}: {tuning.TRIALS}, {tuning.BEST}; train with --config_json={best}, and judge on other TCEs"
    )


if __name__ == "__main__":
    sys.exit(main())
