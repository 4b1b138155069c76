"""Trains a model, or an ensemble, on record files; run again, it goes on from the last checkpoints."""

import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, dask_cluster, workers
from astronet.base.messages import LOG
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.data.records import tfrecord
from astronet.estimator import fit, start
from astronet.review import merge


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--train_files", nargs="+", required=True, metavar="FILE", help="record files or patterns to train on"
    )
    parser.input.add_argument(
        "--eval_files", nargs="+", required=True, metavar="FILE", help="record files or patterns to evaluate on"
    )
    parser.output.add_argument(
        "--model_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of the model: checkpoints, summaries and config.json",
    )
    parser.model.add_argument(
        "--init_from",
        metavar="DIR",
        help="fine-tune: begin with the weights of this model, such as pretrained:triage, with its configuration and a "
        "tenth of its learning rate (--config_json changes them); members of an ensemble begin with its members",
    )
    parser.model.add_argument(
        "--train_layers",
        choices=start.LAYERS,
        default="all",
        help="layers that learn with --init_from; head: the dense layers behind the views, for few labels",
    )
    parser.input.add_argument(
        "--labels",
        type=arguments.input_file,
        nargs="+",
        help="CSV files of labels that the report exported; they replace the dispositions of the records, and records "
        "without a label are left out",
    )
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.settings.add_argument(
        "--train_steps",
        type=arguments.positive_integer,
        help="number of batches to train on in all (default: by hparams.train_epochs of the configuration, else "
        f"{configuration.PUBLISHED_STEPS})",
    )
    parser.settings.add_argument(
        "--seed",
        type=arguments.seed,
        default=0,
        help="seed of the initial weights, of the order of the records and of the augmentation",
    )
    parser.settings.add_argument(
        "--num_models",
        type=arguments.num_models,
        default=1,
        help="2 or more: train an ensemble, in the subdirectories 1, 2, ... of --model_dir, with the seeds --seed, "
        "--seed + 1, ...",
    )
    parser.machine.add_argument(
        "--num_parallel",
        type=arguments.num_processes,
        default=workers.default_num_processes(),
        help="how many members of an ensemble are trained side by side, all in this process",
    )
    workers.add_cluster_flag(parser)
    parser.machine.add_argument(
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
    read = {"--train_files": tfrecord.expand(flags.train_files), "--eval_files": tfrecord.expand(flags.eval_files)}
    arguments.refuse_overwriting_in(flags.model_dir, fit.WRITTEN, "--model_dir", {**read, "--labels": flags.labels})
    dispositions = None
    if flags.labels:
        dispositions, summary_lines = merge.dispositions(flags.labels)
        LOG.info("\n".join(summary_lines))
    origin = start.Origin(flags.init_from, flags.train_layers) if flags.init_from else None
    if origin:
        spec = origin.spec(flags.config_json)
    else:
        spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    options = arguments.from_flags(fit.FitOptions, flags, dispositions=dispositions, init_from=origin)
    fit.fit_ensemble(spec, options, *dask_cluster.tellers(flags.cluster))


if __name__ == "__main__":
    sys.exit(main())
