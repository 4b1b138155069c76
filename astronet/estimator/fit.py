"""Trains a model or an ensemble on record files; called again, it goes on from the last checkpoints.

    spec = configuration.resolve("AstroCNNModel", "triage")
    fit.fit_ensemble(spec, fit.FitOptions("model", ("records/train*",), ("records/val*",), num_models=10))

Nothing is printed. What a user wants to follow goes to two functions of a line of text, by default those of the logger
"astronet": `say` (progress) and `warn` (members that fail).
"""

import contextlib
import dataclasses
import functools
import logging
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Optional

import numpy as np

from astronet.base import fingerprint, locks, workers
from astronet.base.files import make_directory
from astronet.base.script import ScriptError
from astronet.config import configuration, nouns
from astronet.config.configuration import ModelSpec
from astronet.data.records import leaks, tfrecord
from astronet.estimator import checkpoints, tf_config
from astronet.estimator.start import Origin, Start

if TYPE_CHECKING:  # it imports TensorFlow
    from astronet.ops.dataset import Tces

WRITTEN = ("config.json", "trained_on.json", "checkpoint")  # files in a model_dir whose names are fixed
_TRAINED_ON = "trained_on.json"  # file in a model_dir: the origin of its training and validation records
_LOG = logging.getLogger("astronet")

Tell = Callable[[str], object]  # a function that tells the user a line; for a cluster, one that can be pickled
OnEvaluation = Callable[[str, int, np.ndarray], object]  # takes directory, step, logits [num_validation, output_dim]


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """How a model or an ensemble is trained, on which records, and where.

    Attributes:
      model_dir: directory of the model, or (num_models > 1) of the subdirectories 1, 2, ... of its members.
      train_files, eval_files: record files or patterns, to train on and to evaluate on.
      train_steps: number of batches; None takes hparams.train_epochs, else configuration.PUBLISHED_STEPS.
      seed: seed of the first model; member n has seed + n - 1.
      num_models: number of members.
      num_parallel: number of members that are trained side by side; None: workers.default_num_processes().
      num_threads: TensorFlow threads of each model; 0: all cores; 1: the same seed gives the same weights; None: 0 for
        one model, 1 for each of several.
      cluster: None trains in this process; or a Dask cluster, as workers.open_executor() takes it.
      dispositions: dispositions by (row_id, tic_id) that reviewers gave, in place of those of the records, of which
        the others are left out; None takes those of the records.
      init_from: the models whose weights the training begins with; None begins with random ones.
    """

    model_dir: str
    train_files: tuple[str, ...]
    eval_files: tuple[str, ...]
    train_steps: Optional[int] = None
    seed: int = 0
    num_models: int = 1
    num_parallel: Optional[int] = None
    num_threads: Optional[int] = None
    cluster: Optional[str] = None
    dispositions: Optional[Mapping[tuple[int, int], str]] = None
    init_from: Optional[Origin] = None


def fit_ensemble(spec: ModelSpec, options: FitOptions, say: Tell = _LOG.info, warn: Tell = _LOG.error) -> None:
    """Trains the models that are not finished, and holds the lock of model_dir meanwhile.

    Args:
      spec: model and configuration; its train_steps and seed are not read.
      options: FitOptions.
      say: gets the lines that tell of the progress.
      warn: gets the message of each member that fails.

    Raises:
      ScriptError: model_dir holds another model, or one of other records; a record cannot be read; or members failed,
        which it names. The other members are trained all the same.
    """
    checkpoints.require_trainable(options.model_dir)
    if os.environ.get("TF_CONFIG") and (options.num_models > 1 or options.cluster):
        raise ScriptError(
            "TF_CONFIG is set, for training one model: unset it, or leave --num_models and --cluster away"
        )
    with locks.exclusive(options.model_dir) if _writes(options) else contextlib.nullcontext():
        _fit_locked(spec, options, say, warn)


def _writes(options: FitOptions) -> bool:
    """Whether this process itself writes to model_dir."""
    if options.cluster and options.num_models == 1:
        return False  # a worker does
    return tf_config.is_chief()


def _fit_locked(spec, options, say, warn):
    spec, train, validation = prepare(
        spec, options.train_files, options.eval_files, options.train_steps, options.seed, options.dispositions
    )
    members = member_specs(spec, options.model_dir, options.num_models)
    origin = _require_same_records(members, options, say)
    starts = dict(zip(members, options.init_from.starts(len(members)))) if options.init_from else {}
    directories = tuple(members)
    members = unfinished(members, origin, say)
    if not members:
        return
    say(leaks.report(train.identities, validation.identities, nouns.of(spec.config.inputs.features)))
    num_threads = 1 if options.num_threads is None else options.num_threads
    num_parallel = options.num_parallel or workers.default_num_processes()
    if options.cluster:
        # Workers have another working directory.
        files = [[os.path.abspath(path) for path in paths] for paths in _expanded(options).values()]
        read = workers.OncePerProcess(_read, *files, spec.config, options.dispositions)
        members = {os.path.abspath(directory): member for directory, member in members.items()}
        starts = {os.path.abspath(directory): start.absolute() for directory, start in starts.items()}
        with workers.open_executor(options.cluster, min(num_parallel, len(members))) as executor:
            _fit_members(members, read, executor, num_threads, say, warn, starts=starts)
    elif options.num_models == 1:
        start = starts.get(options.model_dir)
        fit_model(spec, options.model_dir, train, validation, options.num_threads or 0, say, start=start)
    else:
        fit_members(members, train, validation, num_parallel, num_threads, say, warn, starts=starts)
    if options.init_from:
        from astronet.estimator import fine_tuning

        for line in fine_tuning.compare(options.init_from.models(), spec, list(directories), validation):
            say(line)


def _expanded(options):
    """The record files by the name of the option."""
    return {name: tfrecord.expand(getattr(options, name)) for name in ("train_files", "eval_files")}


def _read(train_files, eval_files, config, dispositions):
    from astronet.ops import dataset

    return dataset.read_training(train_files, config, dispositions), dataset.read(eval_files, config, dispositions)


def prepare(
    spec: ModelSpec,
    train_files: Iterable[str],
    eval_files: Iterable[str],
    train_steps: Optional[int] = None,
    seed: int = 0,
    dispositions: Optional[Mapping[tuple[int, int], str]] = None,
) -> "tuple[ModelSpec, Tces, Tces]":
    """Reads the records of a training, and fills in what depends on them.

    Args:
      spec: model and configuration.
      train_files, eval_files: record files or patterns.
      train_steps: None takes the number of the configuration.
      seed: seed of the model.
      dispositions: as FitOptions has them.

    Returns:
      The ModelSpec with train_steps, seed and what is measured on the training records; the Tces to train on; those to
      evaluate on.
    """
    from astronet.ops import dataset

    train = dataset.read_training(tfrecord.expand(train_files), spec.config, dispositions)
    config = dataset.measure(train, spec.config)
    validation = dataset.read(tfrecord.expand(eval_files), config, dispositions)
    train_steps = train_steps or configuration.num_steps(config.hparams, len(train))
    return dataclasses.replace(spec, config=config, train_steps=train_steps, seed=seed), train, validation


def member_specs(spec: ModelSpec, model_dir: str, num_models: int) -> dict[str, ModelSpec]:
    """Returns the ModelSpec of each member of an ensemble, by its directory.

    The directory of the only member of an ensemble of one is model_dir itself.
    """
    if num_models == 1:
        return {model_dir: spec}
    return {
        os.path.join(model_dir, str(number)): dataclasses.replace(spec, seed=(spec.seed or 0) + number - 1)
        for number in range(1, num_models + 1)
    }


def _require_same_records(members, options, say):
    """Returns the origin of the records, which is that of each member that has been trained already.

    Raises:
      ScriptError: a member was trained on other records; it names the file that says on which.
    """
    files = _expanded(options)
    names = {name: [os.path.basename(path) for path in paths] for name, paths in files.items()}
    hashes = {name: fingerprint.of_files(paths) for name, paths in files.items()}
    if options.dispositions is not None:
        hashes["labels"] = fingerprint.of_items(options.dispositions)
    if options.init_from:
        hashes["init_from"] = options.init_from.sha256()
    origin = {"inputs": hashes, "names": names}
    for directory in members:
        path = os.path.join(directory, _TRAINED_ON)
        changed = fingerprint.changes(path, origin)
        # Names alone may differ.
        others = [f"--{name}" for name in (*names, "labels", "init_from") if f"inputs.{name}" in (changed or ())]
        if others:
            raise ScriptError(
                f"{directory} holds a model of other records ({', '.join(others)}): choose another --model_dir, or "
                f"give those that it was trained on, which {path} names"
            )
        if changed is None and checkpoints.last_step(directory):
            say(f"{directory} does not tell which records it was trained on: taken to be these")
    return origin


def unfinished(
    members: Mapping[str, ModelSpec], origin: Optional[Mapping] = None, say: Tell = _LOG.info
) -> dict[str, ModelSpec]:
    """Writes the configuration of each member, says which members are finished, and returns the others.

    Args:
      members: the ModelSpec of each member, by its directory.
      origin: the origin of the records, which is kept with each member; None keeps none.
      say: gets a line for each finished member.

    Raises:
      ScriptError: a directory holds another model.
    """
    left = {}
    for directory, spec in members.items():
        make_directory(directory)
        configuration.save(directory, spec)
        if origin:
            fingerprint.write(os.path.join(directory, _TRAINED_ON), origin)
        if checkpoints.is_finished(directory, spec.train_steps) and checkpoints.is_judged(directory):
            say(f"{directory} is finished: it has {checkpoints.last_step(directory)} steps")
        else:
            left[directory] = spec
    return left


def fit_members(
    members: Mapping[str, ModelSpec],
    train: "Tces",
    validation: "Tces",
    num_parallel: int,
    num_threads: int,
    say: Tell = _LOG.info,
    warn: Tell = _LOG.error,
    on_evaluation: Optional[OnEvaluation] = None,
    starts: Optional[Mapping[str, Start]] = None,
) -> None:
    """Trains models side by side, in threads that share the records.

    Args:
      members: the ModelSpec of each member, by its directory.
      train, validation: the TCEs to train on and to evaluate on.
      num_parallel: number of members that are trained at a time.
      num_threads: TensorFlow threads of each member.
      say, warn: as fit_ensemble() takes them.
      on_evaluation: is told of each evaluation, in the threads of the members.
      starts: the weights to begin with, by the directory of the member; None begins with random ones.

    Raises:
      ScriptError: members failed; it names them. The others are trained all the same.
    """
    with workers.Threads(min(num_parallel, len(members))) as executor:
        _fit_members(members, lambda: (train, validation), executor, num_threads, say, warn, on_evaluation, starts)


def _fit_members(members, read, executor, num_threads, say, warn, on_evaluation=None, starts=None):
    """Trains models wherever an Executor works; read() returns there the TCEs to train on and to evaluate on."""
    work = functools.partial(
        _fit_member,
        read=read,
        num_threads=num_threads,
        say=say,
        warn=warn,
        on_evaluation=on_evaluation,
        starts=starts or {},
    )
    trained = workers.in_order(executor, work, members.items(), max_pending=len(members))
    failed = [directory for directory, is_trained in zip(members, trained) if not is_trained]
    if failed:
        raise ScriptError(f"{', '.join(failed)} failed: mend what is said above, and run this again")


def _fit_member(member, read, num_threads, say, warn, on_evaluation, starts):
    """Worker: trains a member; returns whether it succeeded. Whatever goes wrong, the other members go on."""
    directory, spec = member
    try:
        with locks.exclusive(directory):  # where it is trained: a cluster's worker may outlive the process that asked
            train, validation = read()
            start = starts.get(directory)
            fit_model(spec, directory, train, validation, num_threads, say, f"{directory}: ", on_evaluation, start)
    except Exception as error:
        trace = "" if isinstance(error, (ScriptError, OSError)) else traceback.format_exc()
        warn(f"{trace}error: {directory}: {error}")
        return False
    return True


def fit_model(
    spec: ModelSpec,
    model_dir: str,
    train: "Tces",
    validation: "Tces",
    num_threads: int = 0,
    say: Tell = _LOG.info,
    prefix: str = "",
    on_evaluation: Optional[OnEvaluation] = None,
    start: Optional[Start] = None,
) -> None:
    """Trains one model, up to spec.train_steps.

    Args:
      spec: ModelSpec with train_steps and seed, as prepare() returns it.
      model_dir: directory of the model.
      train, validation: the TCEs to train on and to evaluate on.
      num_threads: TensorFlow threads; 0: all cores.
      say: gets the lines that tell of the progress.
      prefix: begins each of these lines.
      on_evaluation: is told of each evaluation.
      start: the weights to begin with; None begins with random ones.
    """
    from astronet.estimator import estimator_util

    def say_with_prefix(line):
        say(f"{prefix}{line}")

    def evaluated(step, logits):
        if on_evaluation:
            on_evaluation(model_dir, step, logits)

    with estimator_util.full_disk_told(model_dir):
        estimator_util.train_and_evaluate(
            spec, model_dir, train, validation, num_threads, say_with_prefix, evaluated, start
        )
    best, best_dir = checkpoints.best_metrics(model_dir), os.path.join(model_dir, checkpoints.BEST)
    if best is None:
        raise ScriptError(f"{best_dir} is gone, which held the best checkpoint: remove {model_dir}, and train again")
    say_with_prefix(f"least validation loss: {best['loss']:.4f} at step {best['global_step']}, kept in {best_dir}")
