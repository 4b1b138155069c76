"""What an ensemble predicts for records: the probability of each TCE (or window, or patch) by each member."""

import dataclasses
import functools
import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from typing import Optional

import numpy as np

from astronet.base import arguments, workers
from astronet.base.script import Parser, ScriptError
from astronet.data.records import tf_example, tfrecord
from astronet.data.records.tf_example import TceIdentity
from astronet.estimator import engines
from astronet.estimator.ensemble import Ensemble
from astronet.stats.calibration import Calibration

BATCH_SIZE = 1024


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the members of an ensemble say about one TCE.

    Attributes:
      example: the record of the TCE.
      probabilities: the calibrated probability by each member, [num_members].
      mean, standard_deviation: of these probabilities; the standard deviation of a single model is 0.
      unlike_training: says which views and scalars of the TCE are unlike all of training; "" where none is, or where
        no limits are known.
      later: what the next models say (stages.judge), by the name of the stage; empty where there is none, or where the
        TCE did not reach it.
    """

    example: tf_example.Example
    probabilities: np.ndarray
    mean: float
    standard_deviation: float
    unlike_training: str = ""
    later: Mapping[str, "Prediction"] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def identity(self) -> TceIdentity:
        return TceIdentity.from_example(self.example)

    @property
    def duration_days(self) -> float:
        return tf_example.value(self.example, "Duration")

    @property
    def views(self) -> dict[str, np.ndarray]:
        """The views that the record holds, by name, [num_bins] each."""
        held = self.example.features.feature
        return {name: tf_example.series(self.example, name) for name in tf_example.SERIES_NAMES if name in held}


@dataclasses.dataclass(frozen=True)
class RecordChoice:
    """Says which records to predict, and where.

    Attributes:
      tfrecord_dir: directory of the record files.
      pattern: which files of the directory to read, such as "test-*".
      batch_size: how many records are scored at a time; twice as many are in memory.
      cluster: None for this process, or a Dask cluster, as workers.open_executor() takes it.
    """

    tfrecord_dir: str
    pattern: str = "test-*"
    batch_size: int = BATCH_SIZE
    cluster: Optional[str] = None

    @property
    def path_pattern(self) -> str:
        """The pattern of the paths of the record files."""
        return os.path.join(glob.escape(self.tfrecord_dir), self.pattern)


def add_record_flags(parser: Parser) -> None:
    """Adds the flags that say which records to predict (those of RecordChoice), and where to write."""
    parser.input.add_argument(
        "--tfrecord_dir", type=arguments.input_directory, required=True, help="directory of the record files"
    )
    parser.input.add_argument(
        "--pattern", default="test-*", metavar="PATTERN", help="which files of --tfrecord_dir to read"
    )
    parser.machine.add_argument(
        "--batch_size", type=arguments.batch_size, default=BATCH_SIZE, help="how many records are in memory at a time"
    )
    workers.add_cluster_flag(parser)
    parser.output.add_argument(
        "--suffix", type=arguments.suffix, default="", help="ending of the names of the files to write"
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, default=".", help="directory of the files to write"
    )


def refuse_overwriting_records(paths: Iterable[str], records: RecordChoice) -> None:
    """Raises a ScriptError where paths that will be written are among the record files that will be read."""
    read = tfrecord.matches(records.path_pattern)
    arguments.refuse_overwriting_inputs({"--output_dir": paths}, {"--tfrecord_dir": read})


def predict_records(
    ensemble: Ensemble,
    serialized_examples: Iterable[bytes],
    batch_size: int = BATCH_SIZE,
    restored: Optional[dict[str, engines.Scorer]] = None,
) -> Iterator[Prediction]:
    """Yields the Prediction of each record, in order. A record is read and parsed once for all members.

    Args:
      ensemble: as ensemble.load() returns it.
      serialized_examples: serialized tf.train.Examples, such as tfrecord.read() yields.
      batch_size: how many records are scored at a time; twice as many are in memory.
      restored: dictionary that keeps the restored networks of this ensemble, by engine, from call to call.
    """
    number = len(serialized_examples) if isinstance(serialized_examples, Sized) else None
    ensemble = ensemble.with_engine_for(number)
    restored = {} if restored is None else restored
    if ensemble.engine not in restored:
        restored[ensemble.engine] = _scorer(ensemble)
    for judged in _judge(ensemble, restored[ensemble.engine], _batches(serialized_examples, batch_size)):
        yield from _predictions(*judged)


def predict_files(ensemble: Ensemble, records: RecordChoice, problems: list[str]) -> Iterator[Prediction]:
    """Yields the Prediction of each record in record files, in order.

    Args:
      ensemble: as ensemble.load() returns it.
      records: which files.
      problems: list that gets a line for each file that cannot be read to its end; the records before that place are
        predicted.

    Raises:
      ScriptError: no record can be read, or one is not a TCE that the models can predict; it names file and record.
    """
    paths = tfrecord.expand([records.path_pattern])
    ensemble = ensemble.with_engine_for(tfrecord.count_roughly(paths))
    judge_files = _judge_on_cluster if records.cluster else _judge_here
    where = _Places()
    judged = judge_files(ensemble, records, paths, problems, where)
    number = -1
    for number, prediction in enumerate(itertools.chain.from_iterable(itertools.starmap(_predictions, judged))):
        try:
            prediction.identity  # noqa: B018 (it is read from the record once, here)
        except (ScriptError, TypeError, ValueError, OverflowError) as error:
            raise ScriptError(f"{where(number)} does not say which TCE it is of ({error}): make it again") from error
        yield prediction
    if number < 0:
        raise ScriptError("; ".join(problems))


def unlike_training(examples: Sequence[tf_example.Example], fitted: Calibration) -> list[str]:
    """Says which inputs of each record lie beyond the limits of a Calibration.

    Returns:
      A text for each record; "" where no input does, or where the Calibration has no limits.
    """
    features = {
        **stack_views(examples, fitted.view_limits or ()),
        **stack_scalars(examples, fitted.scalar_limits or ()),
    }
    return fitted.unlike_training(features) or [""] * len(examples)


def stack_views(examples: Iterable[tf_example.Example], names: Iterable[str]) -> dict[str, np.ndarray]:
    """Returns views of many records, by name, [num_tces, num_bins] each."""
    return {name: np.stack([tf_example.series(example, name) for example in examples]) for name in names}


def stack_scalars(examples: Iterable[tf_example.Example], names: Iterable[str]) -> dict[str, np.ndarray]:
    """Returns scalar columns of many records, by name, float [num_tces] each; NaN where a record lacks the column."""
    return {name: np.array([tf_example.value(example, name, np.nan) for example in examples], float) for name in names}


def _scorer(ensemble):
    return engines.scorer(ensemble.engine, ensemble.spec, list(ensemble.checkpoints.values()))


def _judge(ensemble, score, batches, where=lambda number: "a record"):
    """Yields serialized records, calibrated probabilities [batch, num_members] and unlike_training of each batch.

    Args:
      ensemble: Ensemble whose engine is chosen.
      score: its _scorer().
      batches: iterable of lists of serialized tf.train.Examples.
      where: function from the number of a record, counted from 0, to the words by which messages name it.
    """
    batches = engines.feature_batches(ensemble.engine, batches, ensemble.spec.config, where)
    for features, probabilities in _one_ahead((features, score(features)) for features in batches):
        serialized = features["serialized"]
        unlike = ensemble.calibration.unlike_training(features) or [""] * len(serialized)
        yield serialized, ensemble.calibration.apply(probabilities), unlike


def _predictions(serialized, calibrated, unlike):
    examples = map(tf_example.from_serialized, serialized)
    means, deviations = calibrated.mean(axis=1).tolist(), calibrated.std(axis=1).tolist()
    return map(Prediction, examples, calibrated, means, deviations, unlike)


def _one_ahead(items):
    """Yields the items of an iterable; a thread works on the next one meanwhile."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield item


class _Places:
    """Reads files one after the other, and tells in which file a record is.

    Called with the number of a record, counted from 0 over all files, it returns the file and the number there.
    """

    def __init__(self):
        self._starts, self._count = {}, 0  # path -> number of records in the files before it

    def read(self, path, problems):
        """Yields the records of a file, up to the first that cannot be read; that is added to the problems."""
        self._starts[path] = self._count
        try:
            for serialized in tfrecord.read(path):
                self._count += 1
                yield serialized
        except ScriptError as error:
            problems.append(str(error))

    def __call__(self, number):
        starts = list(self._starts.items())  # a copy at once: the thread that reads adds to it
        path, start = next((path, start) for path, start in reversed(starts) if start <= number)
        return f"{path}, record {number - start}"


def _judge_here(ensemble, records, paths, problems, places):
    """Yields what _judge() does, for all files. Batches never span two files, as they do not on a cluster."""
    batches = (_batches(places.read(path, problems), records.batch_size) for path in paths)
    return _judge(ensemble, _scorer(ensemble), itertools.chain.from_iterable(batches), places)


def _judge_on_cluster(ensemble, records, paths, problems, places):
    """Yields the same as _judge_here(); the workers of a cluster judge a file at a time."""
    # Workers have another working directory.
    absolute = {name: os.path.abspath(checkpoint) for name, checkpoint in ensemble.checkpoints.items()}
    models = workers.OncePerProcess(_with_scorer, dataclasses.replace(ensemble, checkpoints=absolute))
    work = functools.partial(_judge_file, models, records.batch_size)
    with workers.open_executor(records.cluster, None) as executor:
        for path, (calibrated, unlike) in zip(paths, workers.in_order(executor, work, map(os.path.abspath, paths))):
            end = 0
            for serialized in _batches(places.read(path, problems), records.batch_size):
                start, end = end, end + len(serialized)
                yield serialized, calibrated[start:end], unlike[start:end]
            if end != len(calibrated):
                raise ScriptError(f"{path} has changed meanwhile: run this again")


def _with_scorer(ensemble):
    return ensemble, _scorer(ensemble)


def _judge_file(models, batch_size, path):
    """Worker: judges a file. Returns the probabilities and unlike_training of all its records that can be read."""
    ensemble, score = models()
    places = _Places()
    judged = list(_judge(ensemble, score, _batches(places.read(path, []), batch_size), places))
    if not judged:
        return np.empty(0), []
    calibrated = np.concatenate([probabilities for _, probabilities, _ in judged])
    return calibrated, list(itertools.chain.from_iterable(unlike for _, _, unlike in judged))


def _batches(items, size):
    iterator = iter(items)
    return iter(lambda: list(itertools.islice(iterator, size)), [])
