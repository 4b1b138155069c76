"""Trains a model, or an ensemble, on record files; run again, it goes on from the last checkpoints."""

import contextlib
import dataclasses
import functools
import os
import sys
import traceback

from astronet.base import arguments, dask_cluster, fingerprint, locks, workers
from astronet.base.files import make_directory
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration, nouns
from astronet.data.records import leaks, tfrecord
from astronet.estimator import checkpoints

_TRAINED_ON = "trained_on.json"  # file in a model_dir: the origin of its training and validation records


def main(argv=None):
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
        "--train_steps",
        type=arguments.positive_integer,
        help=f"number of batches to train on in all (default: hparams.train_epochs of the configuration, else "
        f"{configuration.PUBLISHED_STEPS})",
    )
    parser.add_argument(
        "--seed", type=arguments.seed, default=0, help="of the initial weights, the order and the augmentation"
    )
    parser.add_argument(
        "--num_models",
        type=arguments.num_models,
        default=1,
        help="more than 1: train an ensemble, in the subdirectories 1, 2, ... of --model_dir, with --seed and those "
        "that follow it",
    )
    parser.add_argument(
        "--num_parallel",
        type=arguments.num_processes,
        default=os.cpu_count(),
        help="members of an ensemble to train side by side; a scheduler's workers train one each",
    )
    workers.add_cluster_flag(parser)
    parser.add_argument(
        "--num_threads",
        type=arguments.num_threads,
        help="threads of each model; 0: all cores; 1: the same seed gives the same weights (default: 0 for one model, "
        "1 for each of several)",
    )
    return run(_train, parser.parse_args(argv), "the same command, given again, goes on from the last checkpoint")


def _train(flags):
    checkpoints.require_trainable(flags.model_dir)
    if os.environ.get("TF_CONFIG") and (flags.num_models > 1 or flags.cluster):
        raise ScriptError(
            "TF_CONFIG is set, for training one model: unset it, or leave --num_models and --cluster away"
        )
    with locks.exclusive(flags.model_dir) if _writes(flags) else contextlib.nullcontext():
        _train_alone(flags)


def _writes(flags):
    """Whether this process writes to --model_dir itself."""
    if flags.cluster and flags.num_models == 1:
        return False  # a worker does
    if not os.environ.get("TF_CONFIG"):
        return True
    from astronet.estimator import estimator_util

    return estimator_util.is_chief()


def _train_alone(flags):
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    spec, train, validation = prepare(spec, flags.train_files, flags.eval_files, flags.train_steps, flags.seed)
    members = member_specs(spec, flags.model_dir, flags.num_models)
    origin = _require_same_records(members, flags)
    members = unfinished(members, origin)
    if not members:
        return
    print(leaks.report(train.identities, validation.identities, nouns.of(spec.config.inputs.features)), flush=True)
    num_threads = 1 if flags.num_threads is None else flags.num_threads
    if flags.cluster:
        # Workers have another working directory.
        files = ([os.path.abspath(path) for path in tfrecord.expand(f)] for f in (flags.train_files, flags.eval_files))
        read = workers.OncePerProcess(_read, *files, spec.config)
        members = {os.path.abspath(directory): member for directory, member in members.items()}
        with workers.open_executor(flags.cluster, min(flags.num_parallel, len(members))) as executor:
            _train_members(members, read, executor, num_threads)
    elif flags.num_models == 1:
        train_model(spec, flags.model_dir, train, validation, flags.num_threads or 0)
    else:
        train_members(members, train, validation, flags.num_parallel, num_threads)


def _read(train_files, eval_files, config):
    from astronet.ops import dataset

    return dataset.read_training(train_files, config), dataset.read(eval_files, config)


def prepare(spec, train_files, eval_files, train_steps=None, seed=0):
    """Reads the records of a training, and fills in what depends on them.

    Args:
      spec: ModelSpec of its model and configuration.
      train_files, eval_files: record files or patterns.
      train_steps: None for those of the configuration.
      seed: of the model.

    Returns:
      ModelSpec with train_steps, seed and what is measured on the records; dataset.Tces to train and to evaluate on.
    """
    from astronet.ops import dataset

    train = dataset.read_training(tfrecord.expand(train_files), spec.config)
    config = dataset.measure(train, spec.config)
    validation = dataset.read(tfrecord.expand(eval_files), config)
    train_steps = train_steps or configuration.num_steps(config.hparams, len(train))
    return dataclasses.replace(spec, config=config, train_steps=train_steps, seed=seed), train, validation


def member_specs(spec, model_dir, num_models):
    """Returns the ModelSpec of each member of an ensemble by its directory; an ensemble of one is model_dir itself."""
    if num_models == 1:
        return {model_dir: spec}
    return {
        os.path.join(model_dir, str(number)): dataclasses.replace(spec, seed=spec.seed + number - 1)
        for number in range(1, num_models + 1)
    }


def _require_same_records(members, flags):
    """Returns the origin of what is trained here, which is that of each member that has been trained already.

    Raises:
      ScriptError: a member was trained on other records; it says on which.
    """
    files = {name: tfrecord.expand(getattr(flags, name)) for name in ("train_files", "eval_files")}
    names = {name: [os.path.basename(path) for path in paths] for name, paths in files.items()}
    origin = {"inputs": {name: fingerprint.of_files(paths) for name, paths in files.items()}, "names": names}
    for directory in members:
        path = os.path.join(directory, _TRAINED_ON)
        changed = fingerprint.changes(path, origin)
        others = [f"--{name}" for name in names if f"inputs.{name}" in (changed or ())]  # names alone may differ
        if others:
            raise ScriptError(
                f"{directory} holds a model of other records ({', '.join(others)}): choose another --model_dir, or "
                f"give those that it was trained on, which {path} names"
            )
        if changed is None and checkpoints.last_step(directory):
            print(f"{directory} does not tell which records it was trained on: taken to be these", flush=True)
    return origin


def unfinished(members, origin=None):
    """Writes the configuration of each member, says which are finished, and returns the others.

    Args:
      members: dictionary, directory -> ModelSpec.
      origin: of the records, which is kept with each member; None keeps none.

    Raises:
      ScriptError: where a directory holds another model.
    """
    left = {}
    for directory, spec in members.items():
        make_directory(directory)
        configuration.save(directory, spec)
        if origin:
            fingerprint.write(os.path.join(directory, _TRAINED_ON), origin)
        if checkpoints.is_finished(directory, spec.train_steps) and checkpoints.is_judged(directory):
            print(f"{directory} is finished: it has {checkpoints.last_step(directory)} steps", flush=True)
        else:
            left[directory] = spec
    return left


def train_members(members, train, validation, num_parallel, num_threads, on_evaluation=None):
    """Trains models side by side, in threads that share the records.

    Args:
      members: dictionary, directory -> ModelSpec.
      train, validation: dataset.Tces.
      num_parallel: number of members that are trained at a time.
      num_threads: of TensorFlow, for each member.
      on_evaluation: function (directory, step, logits), called in the threads of the members.

    Raises:
      ScriptError: naming the members that failed; the others are trained all the same.
    """
    with workers.Threads(min(num_parallel, len(members))) as executor:
        _train_members(members, lambda: (train, validation), executor, num_threads, on_evaluation)


def _train_members(members, read, executor, num_threads, on_evaluation=None):
    """Trains models wherever an Executor does; read() returns there what to train and to evaluate on."""
    work = functools.partial(_train_member, read=read, num_threads=num_threads, on_evaluation=on_evaluation)
    trained = workers.in_order(executor, work, members.items(), max_pending=len(members))
    failed = [directory for directory, is_trained in zip(members, trained) if not is_trained]
    if failed:
        raise ScriptError(f"{', '.join(failed)} failed: mend what is said above, and run this again")


def _train_member(member, read, num_threads, on_evaluation):
    """Worker: trains a member; returns whether that went well. Whatever it is that did not, other members go on."""
    directory, spec = member
    try:
        with locks.exclusive(directory):  # where it is trained: a cluster's worker may outlive the process that asked
            train_model(spec, directory, *read(), num_threads, f"{directory}: ", on_evaluation)
    except Exception as error:
        told = "" if isinstance(error, (ScriptError, OSError)) else traceback.format_exc()
        dask_cluster.tell(f"{told}error: {directory}: {error}", file=sys.stderr)
        return False
    return True


def train_model(spec, model_dir, train, validation, num_threads, prefix="", on_evaluation=None):
    """Trains one model; arguments as those of train_members. `prefix` begins each line that it prints."""

    from astronet.estimator import estimator_util

    def say(line):
        dask_cluster.tell(f"{prefix}{line}")

    def evaluated(step, logits):
        if on_evaluation:
            on_evaluation(model_dir, step, logits)

    with estimator_util.full_disk_told(model_dir):
        estimator_util.train_and_evaluate(spec, model_dir, train, validation, num_threads, say, evaluated)
    best = checkpoints.best_metrics(model_dir)
    best_dir = os.path.join(model_dir, checkpoints.BEST)
    say(f"least validation loss: {best['loss']:.4f} at step {best['global_step']}, kept in {best_dir}")


if __name__ == "__main__":
    from astronet.train import main  # noqa: F811 (workers of a cluster have another __main__, and can import that)

    sys.exit(main())
