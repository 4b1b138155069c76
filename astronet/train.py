"""Trains a model on record files, evaluating it after each epoch; run again, it goes on from its last checkpoint."""

import dataclasses
import os
import sys

from astronet.data import leaks
from astronet.ops import dataset
from astronet.util import checkpoints, configuration, estimator_util, records
from astronet.util.files import make_directory
from astronet.util.script import Parser, ScriptError, run


def main(argv=None):
    parser = Parser(description=__doc__)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.add_argument("--train_files", nargs="+", required=True, help="record files or patterns to train on")
    parser.add_argument("--eval_files", nargs="+", required=True, help="record files or patterns to evaluate on")
    parser.add_argument("--model_dir", required=True, help="directory for checkpoints, summaries and config.json")
    parser.add_argument("--train_steps", type=int, default=14000, help="number of batches to train on in all")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights, the order and the augmentation")
    parser.add_argument("--num_threads", type=int, default=0, help="0: all cores; 1: same seed, same weights")
    return run(_train, parser.parse_args(argv))


def _train(flags):
    checkpoints.require_trainable(flags.model_dir)
    if flags.train_steps < 1:
        raise ScriptError(f"--train_steps is {flags.train_steps}: 1 or more needed")
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    spec = dataclasses.replace(spec, train_steps=flags.train_steps, seed=flags.seed)
    train_files, eval_files = records.expand(flags.train_files), records.expand(flags.eval_files)
    spec = dataclasses.replace(spec, config=dataset.measure_scalars(train_files, spec.config))
    make_directory(flags.model_dir)
    configuration.save(flags.model_dir, spec)
    if checkpoints.is_finished(flags.model_dir, spec.train_steps):
        print(f"{flags.model_dir} is finished: it has {checkpoints.last_step(flags.model_dir)} steps")
        return
    print(leaks.report(train_files, eval_files), flush=True)
    estimator_util.train_and_evaluate(spec, flags.model_dir, train_files, eval_files, flags.num_threads)
    best = checkpoints.best_metrics(flags.model_dir)
    best_dir = os.path.join(flags.model_dir, checkpoints.BEST)
    print(f"least validation loss: {best['loss']:.4f} at step {best['global_step']}, kept in {best_dir}")


if __name__ == "__main__":
    sys.exit(main())
