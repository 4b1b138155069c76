"""CPU time of a training step of train.py, against that of the bare model and optimizer on one constant batch.

Both run in turn in one process, with one TensorFlow thread. train.py trains twice, the second time longer: what both
have in common (reading, building the graph, evaluating at the beginning and the end, saving) drops out of the
difference. CPU time counts all threads, those that make batches among them.
"""

import contextlib
import functools
import io
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import simulated_records

from astronet import models, train
from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.ops import training
from astronet.ops.tensorflow import keras, tf

_MODEL = "AstroCNNModel"
_FIRST_STEPS = 20  # of the shorter training


class Bare:
    """A model and its training operation, fed with nothing but a constant; build(config) makes the model."""

    def __init__(self, config, build):
        hparams = config.hparams
        random = np.random.default_rng(0)
        with tf.Graph().as_default():
            keras.utils.set_random_seed(0)
            tf.compat.v1.train.create_global_step()
            shapes = {name: [hparams.batch_size, n] for name, n in configuration.input_lengths(config).items()}
            values = {name: random.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in shapes.items()}
            # Variables, not constants, which TensorFlow would compute with before the first step.
            batch = {name: tf.Variable(value, trainable=False) for name, value in values.items()}
            labels = tf.constant(np.arange(hparams.batch_size) % max(2, hparams.output_dim), tf.int32)
            model = build(config)
            loss = training.loss(labels, model(batch, training=True), hparams.label_smoothing)
            self._step, _ = training.train_op(loss, model.trainable_weights, 10**6, hparams)
            threads = {"intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": -1}  # as train.py has them
            self._session = tf.compat.v1.Session(config=tf.compat.v1.ConfigProto(**threads))
            self._session.run(tf.compat.v1.global_variables_initializer())

    def seconds_a_step(self, num_steps):
        self._session.run(self._step)
        start = time.process_time()
        for _ in range(num_steps):
            self._session.run(self._step)
        return (time.process_time() - start) / num_steps


def _train(directory, config_name, num_steps):
    """Runs train.py; returns the CPU seconds."""
    with tempfile.TemporaryDirectory(dir=directory) as model_dir:
        files = [f"--{use}_files={directory}/{use}-*" for use in ("train", "eval")]
        model = [f"--model={_MODEL}", f"--config_name={config_name}", f"--model_dir={model_dir}"]
        start = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            assert train.main([*model, *files, f"--train_steps={num_steps}", "--num_threads=1"]) == 0
        return time.process_time() - start


def _measure(flags):
    config = configuration.get(_MODEL, flags.config_name)
    batch_size = config.hparams.batch_size
    with tempfile.TemporaryDirectory() as directory:
        # More than are trained on: an epoch that ends brings an evaluation.
        num_tces = (_FIRST_STEPS + flags.num_steps + 1) * batch_size
        simulated_records.write(directory, num_tces, config, "train")
        simulated_records.write(directory, 100, config, "eval", seed=1)
        bare, rounds = Bare(config, functools.partial(models.build, _MODEL)), []
        for _ in range(flags.rounds):
            reference = bare.seconds_a_step(flags.num_steps)
            short, long = (_train(directory, flags.config_name, _FIRST_STEPS + more) for more in (0, flags.num_steps))
            rounds.append((reference, (long - short) / flags.num_steps))
            print(
                "ms of CPU a step: bare model {:.2f}, train.py {:.2f}".format(*np.multiply(rounds[-1], 1e3)), flush=True
            )
    ratios = [reference / step for reference, step in rounds]
    print(
        f"{os.cpu_count()} cores, one thread, {flags.config_name}, batches of {batch_size}, {flags.rounds} rounds of "
        f"{flags.num_steps} steps: train.py has {statistics.median(ratios):.2f} of the bare model's rate (least "
        f"{min(ratios):.2f})"
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--config_name", default="yu2019", help="configuration of AstroCNNModel")
    parser.add_argument("--num_steps", type=positive_integer, default=300, help="steps to time")
    parser.add_argument("--rounds", type=positive_integer, default=3, help="how often to measure both")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
