"""The models of a model_dir, one or an ensemble of them, and what they say about TCEs."""

import dataclasses
import functools
import glob
import itertools
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from astronet.base import arguments, workers
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from astronet.data.records.tf_example import TceIdentity
from astronet.estimator import checkpoints, engines, pretrained, weights_file
from astronet.stats import calibration
from astronet.stats.calibration import Calibration
from astronet.stats.metrics import DEFAULT_THRESHOLD

BATCH_SIZE = 1024
_WEIGHTS = ("checkpoint", weights_file.NAME)  # either says that a directory holds a model


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Trained models of one configuration, by name: the ModelSpec and the checkpoint of each."""

    specs: dict
    checkpoints: dict
    calibration: Calibration = Calibration()
    engine: str = "auto"  # one of engines.NAMES

    @property
    def spec(self):
        """Of all members, which differ in seed and number of training steps at most."""
        return next(iter(self.specs.values()))

    def with_engine_for(self, num_examples=None):
        """The same with the engine that is to score about so many TCEs or windows; None: not known, many."""
        engine = engines.choose(self.engine, self.spec, list(self.checkpoints.values()), num_examples)
        return dataclasses.replace(self, engine=engine)

    def threshold(self, given=None):
        """The decision threshold: the one that a flag gives, else the one that calibration chose."""
        return self.calibration.threshold if given is None else given


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the members say about one TCE: its record, and the calibrated probability of each [num_members].

    mean and standard_deviation (0 for a single model) are of these probabilities. unlike_training says what about its
    views and scalars is unlike all of training; empty where nothing is, or no limits are known.
    """

    example: tf_example.Example
    probabilities: np.ndarray
    mean: float
    standard_deviation: float
    unlike_training: str = ""

    @functools.cached_property
    def identity(self):
        return TceIdentity.from_example(self.example)

    @property
    def duration_days(self):
        return tf_example.value(self.example, "Duration")

    @property
    def views(self):
        """Dict of the views that the record holds, name -> [num_bins]."""
        held = self.example.features.feature
        return {name: tf_example.series(self.example, name) for name in tf_example.SERIES_NAMES if name in held}


def add_flags(parser):
    """Adds the flags that say which models are to predict."""
    parser.add_argument(
        "--model_dir",
        required=True,
        help="directory of a model, or (--average) of models; or pretrained:triage or pretrained:flares, the ensembles "
        "that come with the package, which need no --average",
    )
    parser.add_argument("--average", action="store_true", help="average the models in the subdirectories of model_dir")
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last", help="best is by validation loss")
    configuration.add_flags(parser)


def add_engine_flag(parser):
    """Adds --engine, for scripts that predict."""
    engines.add_flag(parser)


def add_threshold_flag(parser):
    """Adds --threshold; Ensemble.threshold() says what holds where it is not given."""
    parser.add_argument(
        "--threshold",
        type=arguments.probability,
        help=f"probability to call positive from (default: what calibrate.py stored, else {DEFAULT_THRESHOLD})",
    )


def add_record_flags(parser):
    """Adds the flags that say which records to predict, and where to write what comes of it."""
    parser.add_argument(
        "--tfrecord_dir", type=arguments.input_directory, required=True, help="directory of the record files"
    )
    parser.add_argument("--pattern", default="test-*", help="which files of tfrecord_dir to read")
    parser.add_argument(
        "--batch_size", type=arguments.batch_size, default=BATCH_SIZE, help="how many records are in memory at a time"
    )
    workers.add_cluster_flag(parser)
    parser.add_argument("--suffix", type=arguments.suffix, default="", help="part of the names of the files to write")
    parser.add_argument("--output_dir", type=arguments.output_directory, default=".", help="directory to write them to")


def is_averaged(flags):
    """Returns whether the flags of add_flags name an ensemble, not a single model."""
    return flags.average or pretrained.is_name(flags.model_dir)


def load(flags, calibrated=True):
    """Finds the models that the flags of add_flags name, and (unless calibrated is false) their calibration.

    Returns:
      An Ensemble; without --average, of one member.

    Raises:
      ScriptError: no checkpoint, --average where there is no ensemble or the other way round, a member whose training
        is not finished, or members of different configurations. It names the member and the remedy.
    """
    models = Ensemble(*_find(flags), engine=getattr(flags, "engine", "auto"))
    if not calibrated:
        return models
    fitted = calibration.load(pretrained.resolve(flags.model_dir), checkpoints.sha256(models.checkpoints.values()))
    read = {*models.spec.config.inputs.features, *configuration.scalar_columns(models.spec.config)}
    unread = {*(fitted.view_limits or ()), *(fitted.scalar_limits or ())} - read
    if unread:
        raise ScriptError(
            f"{flags.model_dir}/calibration.json has limits for {', '.join(sorted(unread))}, which the model does not "
            "read: run calibrate.py again or remove it"
        )
    return dataclasses.replace(models, calibration=fitted)


def _find(flags):
    """ModelSpec and checkpoint of each member, two dictionaries by name."""
    model_dir = pretrained.resolve(flags.model_dir)
    given = {"model": flags.model, "config_name": flags.config_name, "config_json": flags.config_json}
    directories = members(model_dir)
    if not is_averaged(flags):
        if directories and not _holds(model_dir, *_WEIGHTS):
            raise ScriptError(f"{model_dir} is a directory of models: give --average, or the directory of one")
        checkpoint = checkpoints.find(model_dir, flags.checkpoint)
        return {"1": configuration.load(model_dir, **given)}, {"1": checkpoint}

    if not directories:
        raise ScriptError(
            f"{model_dir} has no models in subdirectories: train them with ensemble_train.sh, or, if it is the "
            "directory of a single model, leave --average away"
        )
    specs = [configuration.load(directory, **given) for directory in directories]
    for directory, spec in zip(directories, specs):
        _require_finished(directory, spec)
        if (spec.model, spec.config) != (specs[0].model, specs[0].config):
            raise ScriptError(f"{directory} is of another configuration than {directories[0]}: move one of them away")
    names = list(map(os.path.basename, directories))
    found = [checkpoints.find(directory, flags.checkpoint) for directory in directories]
    return dict(zip(names, specs)), dict(zip(names, found))


def predict(ensemble, serialized_examples, batch_size=BATCH_SIZE):
    """Yields the Prediction of each record, in order; a record is read and parsed once for all members.

    Args:
      ensemble: Ensemble.
      serialized_examples: iterable of bytes.
      batch_size: how many records are scored at a time; twice as many are in memory.
    """
    number = len(serialized_examples) if hasattr(serialized_examples, "__len__") else None
    ensemble = ensemble.with_engine_for(number)
    for judged in _judge(ensemble, _scorer(ensemble), _batches(serialized_examples, batch_size)):
        yield from _predictions(*judged)


def _scorer(ensemble):
    return engines.scorer(ensemble.engine, ensemble.spec, list(ensemble.checkpoints.values()))


def _judge(ensemble, score, batches, where=lambda number: "a record"):
    """Yields each batch of records, calibrated probabilities [batch, num_members], and what is unlike training.

    Args:
      ensemble: Ensemble, whose engine is chosen.
      score: its _scorer().
      batches: iterable of lists of serialized tf.train.Examples.
      where: function from the number of a record, counted from 0, to what messages call it.
    """
    batches = engines.feature_batches(ensemble.engine, batches, ensemble.spec.config, where)
    for features, probabilities in _one_ahead((features, score(features)) for features in batches):
        serialized = features["serialized"]
        told = ensemble.calibration.unlike_training(features) or [""] * len(serialized)
        yield serialized, ensemble.calibration.apply(probabilities), told


def _predictions(serialized, calibrated, told):
    examples = map(tf_example.from_serialized, serialized)
    means, deviations = calibrated.mean(axis=1).tolist(), calibrated.std(axis=1).tolist()
    return map(Prediction, examples, calibrated, means, deviations, told)


def _one_ahead(items):
    """Yields the items of an iterable; a thread works on the next one meanwhile."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield item


def unlike_training(examples, fitted):
    """Says what about the inputs of each record lies beyond the limits of a Calibration; "" where nothing, or none."""
    features = {
        **stack_views(examples, fitted.view_limits or ()),
        **stack_scalars(examples, fitted.scalar_limits or ()),
    }
    return fitted.unlike_training(features) or [""] * len(examples)


def stack_views(examples, names):
    """Returns views of many records: dict, name -> [num_tces, num_bins]."""
    return {name: np.stack([tf_example.series(example, name) for example in examples]) for name in names}


def stack_scalars(examples, names):
    """Returns scalar columns of many records: dict, name -> float array [num_tces], NaN where a record lacks it."""
    return {name: np.array([tf_example.value(example, name, np.nan) for example in examples], float) for name in names}


def refuse_overwriting_records(paths, flags):
    """Raises a ScriptError where paths that will be written are record files of the flags of add_record_flags."""
    read = tfrecord.matches(_pattern(flags))
    arguments.refuse_overwriting_inputs({"--output_dir": paths}, {"--tfrecord_dir": read})


def _pattern(flags):
    return os.path.join(glob.escape(flags.tfrecord_dir), flags.pattern)


def predict_files(ensemble, flags, problems):
    """Yields the Prediction of each record in the files that the flags of add_record_flags name.

    Args:
      ensemble: Ensemble.
      flags: argparse.Namespace.
      problems: list that gets a line for each file that cannot be read to its end; what comes before is predicted.

    Raises:
      ScriptError: no record can be read, or one is not a TCE that the models can predict; it names file and record.
    """
    paths = tfrecord.expand([_pattern(flags)])
    ensemble = ensemble.with_engine_for(tfrecord.count_roughly(paths))
    judge_files = _judge_on_cluster if flags.cluster else _judge_here
    where = _Places()
    judged = judge_files(ensemble, flags, paths, problems, where)
    number = -1
    for number, prediction in enumerate(itertools.chain.from_iterable(itertools.starmap(_predictions, judged))):
        try:
            prediction.identity  # noqa: B018 (it is read from the record once, here)
        except (ScriptError, TypeError, ValueError, OverflowError) as error:
            raise ScriptError(f"{where(number)} does not say which TCE it is of ({error}): make it again") from error
        yield prediction
    if number < 0:
        raise ScriptError("; ".join(problems))


class _Places:
    """Reads files one after the other; called with the number of a record, from 0 over all, says where it is."""

    def __init__(self):
        self._starts, self._count = {}, 0  # path -> how many records come before its own

    def read(self, path, problems):
        """Yields the records of a file up to one that cannot be read, which is one of the problems."""
        self._starts[path] = self._count
        try:
            for serialized in tfrecord.read(path):
                self._count += 1
                yield serialized
        except ScriptError as error:
            problems.append(str(error))

    def __call__(self, number):
        told = list(self._starts.items())  # at once, for the thread that reads adds to it
        path, start = next((path, start) for path, start in reversed(told) if start <= number)
        return f"{path}, record {number - start}"


def _judge_here(ensemble, flags, paths, problems, places):
    """Yields what _judge() does, of all files. No batch is of two, so that it does not matter who has which file."""
    batches = (_batches(places.read(path, problems), flags.batch_size) for path in paths)
    return _judge(ensemble, _scorer(ensemble), itertools.chain.from_iterable(batches), places)


def _judge_on_cluster(ensemble, flags, paths, problems, places):
    """The same by workers of a cluster, to each a file at a time."""
    # They have another working directory.
    found = {name: os.path.abspath(checkpoint) for name, checkpoint in ensemble.checkpoints.items()}
    models = workers.OncePerProcess(_with_scorer, dataclasses.replace(ensemble, checkpoints=found))
    work = functools.partial(_judge_file, models, flags.batch_size)
    with workers.open_executor(flags.cluster, None) as executor:
        for path, (calibrated, told) in zip(paths, workers.in_order(executor, work, map(os.path.abspath, paths))):
            end = 0
            for serialized in _batches(places.read(path, problems), flags.batch_size):
                start, end = end, end + len(serialized)
                yield serialized, calibrated[start:end], told[start:end]
            if end != len(calibrated):
                raise ScriptError(f"{path} has changed meanwhile: run this again")


def _with_scorer(ensemble):
    return ensemble, _scorer(ensemble)


def _judge_file(models, batch_size, path):
    """Worker: what _judge() says about all records of a file that can be read, but for these."""
    ensemble, score = models()
    places = _Places()
    judged = list(_judge(ensemble, score, _batches(places.read(path, []), batch_size), places))
    _, calibrated, told = zip(*judged) if judged else ((), [()], [[]])
    return np.concatenate(calibrated), list(itertools.chain.from_iterable(told))


def report(problems):
    """Tells the problems of predict_files on stderr; returns the exit code."""
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _batches(items, size):
    iterator = iter(items)
    return iter(lambda: list(itertools.islice(iterator, size)), [])


def members(model_dir):
    """Returns the subdirectories that hold models, 2 before 10."""
    directories = [
        directory
        for directory in glob.glob(os.path.join(glob.escape(model_dir), "*"))
        if holds_model(directory) and os.path.basename(directory) != checkpoints.BEST
    ]
    return sorted(directories, key=lambda path: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", path)])


def holds_model(directory):
    """Returns whether a directory holds a model itself, trained, begun or exported."""
    return _holds(directory, "config.json", *_WEIGHTS)


def _holds(directory, *names):
    return any(os.path.exists(os.path.join(directory, name)) for name in names)


def _require_finished(directory, spec):
    if not checkpoints.is_finished(directory, spec.train_steps):
        raise ScriptError(
            f"{directory} has {checkpoints.last_step(directory)} of {spec.train_steps} training steps done: "
            "run ensemble_train.sh again, which takes it up where it stopped, or move it away"
        )
