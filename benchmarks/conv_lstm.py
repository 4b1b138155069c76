"""CPU time of a training step of SODINN with Keras' convolutional LSTM layers, over that with this project's.

Both are trained in turn on one constant batch, with one TensorFlow thread.
"""

import functools
import statistics
import sys

import training_step

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.direct_imaging import configurations, sodinn_model
from astronet.ops.tensorflow import keras


def _compare(flags):
    config = configurations.CONFIGURATIONS["sodinn"]["sodinn"]
    layer = functools.partial(keras.layers.ConvLSTM2D, padding="same", return_sequences=True)
    theirs = training_step.Bare(config, functools.partial(sodinn_model.build, convolution=layer))
    ours = training_step.Bare(config, sodinn_model.build)
    rounds = [[each.seconds_a_step(flags.num_steps) for each in (theirs, ours)] for _ in range(flags.rounds)]
    ratios = [of_keras / of_ours for of_keras, of_ours in rounds]
    told = ", ".join(f"{of_keras:.3f} and {of_ours:.3f}" for of_keras, of_ours in rounds)
    print(f"CPU seconds a step, Keras' layers and ours: {told}; ratio {statistics.median(ratios):.2f}")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_steps", type=positive_integer, default=10, help="training steps of a round")
    parser.add_argument("--rounds", type=positive_integer, default=5, help="rounds, of which the median ratio counts")
    return run(_compare, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
