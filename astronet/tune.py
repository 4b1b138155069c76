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
    parser.add_argument("--files", nargs="+", required=True, help="labeled record files; keep a test set out")
    parser.add_argument(
        "--space", type=arguments.input_file, required=True, help="JSON file of the search space (docs/tuning.md)"
    )
    parser.add_argument(
        "--model_dir", type=arguments.output_directory, required=True, help="directory of the study and its results"
    )
    parser.add_argument(
        "--num_trials", type=arguments.positive_integer, default=30, help="trials in all, earlier runs included"
    )
    parser.add_argument(
        "--folds", type=arguments.whole_number(2, 100, "folds"), default=3, help="folds by star, each trained on"
    )
    parser.add_argument(
        "--train_steps", type=arguments.positive_integer, help="batches of a training (default: as train.py)"
    )
    parser.add_argument(
        "--num_parallel", type=arguments.num_processes, default=1, help="trials at a time; 1 works in this process"
    )
    workers.add_cluster_flag(parser)
    parser.add_argument("--seed", type=arguments.seed, default=0, help="seed of folds, weights and search")
    return run(_tune, parser.parse_args(argv), GOES_ON)


def _tune(flags):
    options = arguments.from_flags(tuning.TuningOptions, flags, space=search_space.read(flags.space))
    tuning.search(options, dask_cluster.tell)
    for line in tuning.lines(options):
        print(line)
    best = os.path.join(flags.model_dir, tuning.BEST)
    print(
        f"{flags.model_dir}: {tuning.TRIALS}, {tuning.BEST}; train with --config_json={best}, and judge on other TCEs"
    )


if __name__ == "__main__":
    sys.exit(main())
