"""Trains a model, or an ensemble, on record files; run again, it goes on from the last checkpoints."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, dask_cluster, workers
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.estimator import fit, start
from astronet.review import merge


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.add_argument("--train_files", nargs="+", required=True, help="record files or patterns to train on")
    parser.add_argument("--eval_files", nargs="+", required=True, help="record files or patterns to evaluate on")
    parser.add_argument(
        "--model_dir",
        type=arguments.output_directory,
        required=True,
        help="directory for checkpoints, summaries and config.json",
    )
    parser.add_argument(
        "--init_from",
        help="fine-tune: begin with the weights of this model, such as pretrained:triage, with its configuration and a "
        "tenth of its learning rate (--config_json changes them); members of an ensemble begin with its members",
    )
    parser.add_argument(
        "--train_layers",
        choices=start.LAYERS,
        default="all",
        help="layers that learn with --init_from; head: the dense layers behind the views, for few labels",
    )
    parser.add_argument(
        "--labels",
        type=arguments.input_file,
        nargs="+",
        help="CSV files of labels that the report exported; they replace the dispositions of the records, and records "
        "without a label are left out",
    )
    parser.add_argument(
        "--train_steps",
        type=arguments.positive_integer,
        help=f"number of batches to train on in all (default: by hparams.train_epochs of the configuration, else "
        f"{configuration.PUBLISHED_STEPS})",
    )
    parser.add_argument(
        "--seed", type=arguments.seed, default=0, help="seed of the initial weights, the order and the augmentation"
    )
    parser.add_argument(
        "--num_models",
        type=arguments.num_models,
        default=1,
        help="more than 1: train an ensemble, in the subdirectories 1, 2, ... of --model_dir, with the seeds --seed, "
        "--seed + 1, ...",
    )
    parser.add_argument(
        "--num_parallel",
        type=arguments.num_processes,
        default=os.cpu_count(),
        help="number of members of an ensemble that are trained side by side; each worker of a scheduler trains one",
    )
    workers.add_cluster_flag(parser)
    parser.add_argument(
        "--num_threads",
        type=arguments.num_threads,
        help="threads of each model; 0: all cores; 1: the same seed gives the same weights (default: 0 for one model, "
        "1 for each of several)",
    )
    flags = parser.parse_args(argv)
    if flags.init_from and flags.config_name:
        parser.error("--init_from takes the configuration of its model: leave --config_name out")
    if flags.train_layers != "all" and not flags.init_from:
        parser.error("--train_layers goes with --init_from: without it there is nothing to keep")
    return run(_train, flags, "the same command, given again, goes on from the last checkpoint")


def _train(flags):
    dispositions = None
    if flags.labels:
        dispositions, summary_lines = merge.dispositions(flags.labels)
        print("\n".join(summary_lines))
    origin = start.Origin(flags.init_from, flags.train_layers) if flags.init_from else None
    if origin:
        spec = origin.spec(flags.config_json)
    else:
        spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    options = arguments.from_flags(fit.FitOptions, flags, dispositions=dispositions, init_from=origin)
    fit.fit_ensemble(spec, options, dask_cluster.tell, dask_cluster.tell_error)


if __name__ == "__main__":
    sys.exit(main())
