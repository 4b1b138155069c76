"""How many units of the last dense layer are dead, zero for every sample, in each network of an ensemble for patches.

And how many of the others speak for a companion: where none does, no patch is ever more probable than one without any.
"""

import sys

import numpy as np

from astronet.base.script import Parser, run
from astronet.data.records import tfrecord
from astronet.direct_imaging import detection
from astronet.estimator import checkpoints
from astronet.ops import dataset
from astronet.ops.tensorflow import keras


def _count(flags):
    detectors = detection.load(flags.model_dir)
    patches = dataset.read(tfrecord.expand(flags.files), detectors.spec.config).features
    for name, checkpoint in detectors.checkpoints.items():
        model = checkpoints.restore(detectors.spec, checkpoint)
        logits = model.get_layer("logits")
        values = keras.Model(model.input, logits.input).predict(patches, batch_size=256, verbose=0)
        is_alive, weights = (values > 0).any(axis=0), logits.kernel.numpy()[:, 0]
        number = np.count_nonzero(is_alive & (weights > 0))
        print(
            f"{name}: {np.count_nonzero(~is_alive)} of {len(weights)} dead, {number} alive that speak for a companion"
        )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--model_dir", required=True, help="of a sodinn or sodinn_conv3d, or an ensemble of them")
    parser.add_argument("--files", nargs="+", required=True, help="record files of patches, or patterns")
    return run(_count, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
