"""CPU time of batch_predict.py by an ensemble: against the network alone, and against one example at a time.

The network alone scores one constant batch, again and again, in a session that does nothing else. One example and one
member at a time is how the published system predicted: each member reads all records, and runs its session on each
example. All begin from the same checkpoints, in turn, in one process; CPU time counts all threads. What
batch_predict.py takes to restore the members and to build their graph is counted too; --large adds what a TCE costs
beyond that, and how much more memory a longer run needs.
"""

import contextlib
import io
import os
import statistics
import sys
import tempfile
import time

import child
import numpy as np
import simulated_records

from astronet import batch_predict, models
from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from astronet.ops.tensorflow import keras, tf

_SPEC = configuration.resolve("AstroCNNModel", "yu2019")
_BATCH_SIZE = 1024  # of the network alone: what batch_predict.py takes


class Member:
    """An untrained model in a session of its own, its weights saved as a checkpoint in `model_dir`."""

    def __init__(self, model_dir, seed):
        with tf.Graph().as_default():
            keras.utils.set_random_seed(seed)
            lengths = configuration.view_lengths(_SPEC.config)
            self._views = {name: tf.compat.v1.placeholder(tf.float32, [None, n]) for name, n in lengths.items()}
            self._probability = tf.sigmoid(models.build(_SPEC.model, _SPEC.config)(self._views))
            tf.compat.v1.train.create_global_step()
            self._session = tf.compat.v1.Session()
            self._session.run(tf.compat.v1.global_variables_initializer())
            configuration.save(model_dir, _SPEC)
            tf.compat.v1.train.Saver().save(self._session, os.path.join(model_dir, "model.ckpt"))

    def predict(self, views):
        """Returns the probabilities of a batch: dictionary of name -> [batch, length]."""
        return self._session.run(self._probability, {self._views[name]: view for name, view in views.items()})[:, 0]


def _batch_predict(model_dir, tfrecord_dir, pattern, output_dir):
    """Runs batch_predict.py; returns the CPU and the wall seconds it takes, and its probabilities [num_tces]."""
    start, wall_start = time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        flags = [f"--model_dir={model_dir}", "--average", f"--tfrecord_dir={tfrecord_dir}", f"--pattern={pattern}"]
        assert batch_predict.main([*flags, f"--output_dir={output_dir}"]) == 0
    seconds, wall_seconds = time.process_time() - start, time.perf_counter() - wall_start
    probabilities = np.loadtxt(f"{output_dir}/prediction.csv", delimiter=",", skiprows=1, usecols=5, ndmin=1)
    return seconds, wall_seconds, probabilities


def _network_alone(members, num_batches):
    """CPU and wall seconds of a TCE when all members score a constant batch, num_batches times."""
    random = np.random.default_rng(0)
    lengths = configuration.view_lengths(_SPEC.config)
    batch = {name: random.normal(0, 1, (_BATCH_SIZE, length)) for name, length in lengths.items()}
    for member in members:
        member.predict(batch)  # the first time, the session prepares itself
    start, wall_start = time.process_time(), time.perf_counter()
    for _ in range(num_batches):
        for member in members:
            member.predict(batch)
    num_tces = num_batches * _BATCH_SIZE
    return (time.process_time() - start) / num_tces, (time.perf_counter() - wall_start) / num_tces


def _one_at_a_time(members, path, num_tces):
    """Predicts the first TCEs of a file the published way; returns CPU seconds and probabilities [num_tces]."""
    start = time.process_time()
    serialized = [record for record, _ in zip(tfrecord.read(path), range(num_tces))]
    probabilities = [[_predict_one(member, record) for record in serialized] for member in members]
    return time.process_time() - start, np.mean(probabilities, axis=0)


def _predict_one(member, serialized):
    example = tf_example.from_serialized(serialized)
    names = configuration.view_lengths(_SPEC.config)
    return member.predict({name: [tf_example.series(example, name)] for name in names})[0]


def _measure(flags):
    with tempfile.TemporaryDirectory() as directory:
        model_dir = os.path.join(directory, "model")
        members = [Member(os.path.join(model_dir, str(n)), seed=n) for n in range(1, flags.num_models + 1)]
        if not flags.tfrecord_dir:
            simulated_records.write(directory, flags.num_tces, _SPEC.config)
        tfrecord_dir = flags.tfrecord_dir or directory
        path = tfrecord.expand(os.path.join(tfrecord_dir, flags.pattern))[0]
        rounds = []
        for _ in range(flags.rounds):
            alone, wall_alone = _network_alone(members, flags.num_batches)
            seconds, wall_seconds, probabilities = _batch_predict(model_dir, tfrecord_dir, flags.pattern, directory)
            single_seconds, single = _one_at_a_time(members, path, flags.num_single)
            np.testing.assert_allclose(probabilities[: len(single)], single, rtol=0, atol=1e-6)
            num_tces = len(probabilities)
            rates = num_tces / seconds, 1 / alone, len(single) / single_seconds
            rounds.append((*rates, rates[0] / rates[1], num_tces / wall_seconds * wall_alone))
            print("TCE per CPU second: batch_predict {:.1f}, network alone {:.1f}, one at a time {:.1f}".format(*rates))
        batched, median_alone, single, _, _ = (statistics.median(column) for column in zip(*rounds))
        if flags.large:
            _compare_large(model_dir, directory, flags.large, 1 / median_alone)
    print(
        f"{os.cpu_count()} cores, {flags.num_models} members, {num_tces} TCEs, median of {flags.rounds} rounds: "
        f"batch_predict {batched:.1f}, network alone {median_alone:.1f}, one at a time {single:.1f} TCE per CPU second"
    )
    for what, column in (("CPU", 3), ("wall", 4)):
        ratios = [of_round[column] for of_round in rounds]
        print(
            f"batch_predict has {statistics.median(ratios):.2f} of the network's own rate by {what} time (least "
            f"{min(ratios):.2f})"
        )
    print(f"and {batched / single:.1f} times that of one at a time")


def _compare_large(model_dir, directory, num_tces, alone):
    """Runs batch_predict.py as processes of their own on 1,000 and on many TCEs, which repeat one file."""
    small, many = (os.path.join(directory, name) for name in ("small", "many"))
    os.mkdir(small)
    os.mkdir(many)
    simulated_records.write(small, 1000, _SPEC.config)
    for number in range(num_tces // 1000):
        os.symlink(os.path.join(small, "test-00000-of-00001"), os.path.join(many, f"test-{number:07d}"))
    costs = {}
    for number, tfrecord_dir in ((1000, small), (num_tces // 1000 * 1000, many)):
        flags = [f"--model_dir={model_dir}", "--average", f"--tfrecord_dir={tfrecord_dir}", f"--output_dir={directory}"]
        costs[number] = cost = child.run("-m", "astronet.batch_predict", *flags)
        print(f"{number} TCEs: {cost.cpu:.1f} s of CPU, {cost.wall:.1f} s, peak {cost.peak_megabytes:.0f} MB")
    (few, least), (number, most) = costs.items()
    seconds = (most.cpu - least.cpu) / (number - few)
    print(
        f"a TCE more: {seconds * 1e6:.0f} us of CPU, {alone / seconds:.2f} of the network's own rate; "
        f"{most.peak_megabytes - least.peak_megabytes:.0f} MB more memory than for {few} TCEs"
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--tfrecord_dir", help="records with the views of yu2019; simulated ones if not given")
    parser.add_argument("--pattern", default="test-*", help="which files of tfrecord_dir to read")
    parser.add_argument("--num_tces", type=positive_integer, default=10000, help="TCEs to simulate")
    parser.add_argument("--num_single", type=positive_integer, default=100, help="TCEs to predict one at a time")
    parser.add_argument("--num_batches", type=positive_integer, default=3, help="batches of the network alone")
    parser.add_argument("--num_models", type=positive_integer, default=10, help="members of the ensemble")
    parser.add_argument("--rounds", type=positive_integer, default=3, help="how often to measure all")
    parser.add_argument("--large", type=positive_integer, help="also compare so many TCEs with 1,000: time and memory")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
