"""CPU time of prediction by an ensemble: batch_predict.py --average against one example and one member at a time.

The latter is how the published system predicted: each member in turn reads all records, and runs its session on each
example alone. Both begin from the same record files and checkpoints, alternately, in one process. CPU time counts all
threads; what batch_predict.py spends on restoring the members is counted too.
"""

import contextlib
import io
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf

from astronet import batch_predict, models
from astronet.util import configuration, example_util, records
from astronet.util.script import Parser, run

_SPEC = configuration.resolve("AstroCNNModel", "yu2019")


class Member:
    """An untrained model in a session of its own, its weights saved as a checkpoint in `model_dir`."""

    def __init__(self, model_dir, seed):
        with tf.Graph().as_default():
            tf.keras.utils.set_random_seed(seed)
            lengths = configuration.view_lengths(_SPEC.config)
            self._views = {name: tf.compat.v1.placeholder(tf.float32, [None, n]) for name, n in lengths.items()}
            self._probability = tf.sigmoid(models.build(_SPEC.model, _SPEC.config)(self._views))
            tf.compat.v1.train.create_global_step()
            self._session = tf.compat.v1.Session()
            self._session.run(tf.compat.v1.global_variables_initializer())
            configuration.save(model_dir, _SPEC)
            tf.compat.v1.train.Saver().save(self._session, os.path.join(model_dir, "model.ckpt"))

    def predict(self, serialized):
        """Returns the probability of one record."""
        example = example_util.from_serialized(serialized)
        views = {view: [example_util.series(example, name)] for name, view in self._views.items()}
        return self._session.run(self._probability, views).item()


def _write_records(directory, num_tces):
    random = np.random.default_rng(0)
    lengths = configuration.view_lengths(_SPEC.config)
    examples = (
        example_util.to_example(
            {
                "row_id": i,
                "tic_id": i,
                "toi_id": ".01",
                "Disposition": "J",
                "Sectors": 1,
                "Period": 2.0,
                "Duration": 0.1,
            },
            {name: random.normal(0, 1, length) for name, length in lengths.items()},
        ).SerializeToString()
        for i in range(num_tces)
    )
    records.write_shard(os.path.join(directory, "test-00000-of-00001"), examples)


def _batch_predict(model_dir, tfrecord_dir, pattern, output_dir):
    """Runs batch_predict.py; returns the CPU seconds it takes, and its probabilities [num_tces]."""
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        flags = [f"--model_dir={model_dir}", "--average", f"--tfrecord_dir={tfrecord_dir}", f"--pattern={pattern}"]
        assert batch_predict.main([*flags, f"--output_dir={output_dir}"]) == 0
    seconds = time.process_time() - start
    return seconds, np.loadtxt(f"{output_dir}/prediction.csv", delimiter=",", skiprows=1, usecols=5, ndmin=1)


def _one_at_a_time(members, path, num_tces):
    """Predicts the first TCEs of a file the published way; returns CPU seconds and probabilities [num_tces]."""
    start = time.process_time()
    probabilities = [[m.predict(record) for record, _ in zip(records.read(path), range(num_tces))] for m in members]
    return time.process_time() - start, np.mean(probabilities, axis=0)


def _measure(flags):
    with tempfile.TemporaryDirectory() as directory:
        model_dir = os.path.join(directory, "model")
        members = [Member(os.path.join(model_dir, str(n)), seed=n) for n in range(1, flags.num_models + 1)]
        if not flags.tfrecord_dir:
            _write_records(directory, flags.num_tces)
        tfrecord_dir = flags.tfrecord_dir or directory
        path = records.expand(os.path.join(tfrecord_dir, flags.pattern))[0]
        rates = []
        for _ in range(flags.rounds):
            seconds, probabilities = _batch_predict(model_dir, tfrecord_dir, flags.pattern, directory)
            single_seconds, single = _one_at_a_time(members, path, flags.num_single)
            np.testing.assert_allclose(probabilities[: len(single)], single, rtol=0, atol=1e-6)
            rates.append((len(probabilities) / seconds, len(single) / single_seconds))
            print(f"TCE per CPU second: batch_predict {rates[-1][0]:.1f}, one at a time {rates[-1][1]:.1f}", flush=True)
    batched, single = (statistics.median(column) for column in zip(*rates))
    print(
        f"{flags.num_models} members, {len(probabilities)} TCEs, median of {flags.rounds} rounds: batch_predict "
        f"{batched:.1f}, one at a time {single:.1f} TCE per CPU second; ratio {batched / single:.1f}"
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--tfrecord_dir", help="records with the views of yu2019; simulated ones if not given")
    parser.add_argument("--pattern", default="test-*", help="which files of tfrecord_dir to read")
    parser.add_argument("--num_tces", type=int, default=10000, help="TCEs to simulate")
    parser.add_argument("--num_single", type=int, default=100, help="TCEs of the first file to predict one at a time")
    parser.add_argument("--num_models", type=int, default=10, help="members of the ensemble")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure both")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
