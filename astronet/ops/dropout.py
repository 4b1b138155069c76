"""Dropout with reproducible random numbers, so that a resumed training equals an uninterrupted one."""

import zlib
from typing import Any

from astronet.ops.tensorflow import keras, tf


class Dropout(keras.layers.Layer):
    """Drops inputs in training. Seed, training step and name of the layer decide which.

    Keras's own layer has a random state that checkpoints do not contain, so a resumed training would drop other inputs
    than an uninterrupted one.

    Args:
      rate: fraction of the inputs that is dropped.
      whole_channels: drops whole channels of inputs [batch, length, channels] instead of single values, because
        neighboring values are very similar (Tompson et al. 2015, CVPR, 648).
    """

    def __init__(self, rate: float, whole_channels: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rate = rate
        self._whole_channels = whole_channels

    def call(self, inputs: Any, training: Any = False) -> Any:
        if not training:
            return inputs
        seed, _ = tf.compat.v1.get_seed(0)
        step = tf.compat.v1.train.get_global_step()
        layer_seed = tf.constant((seed or 0) + zlib.crc32(self.name.encode()), tf.int64)
        noise_shape = [tf.shape(inputs)[0], 1, inputs.shape[2]] if self._whole_channels else None
        return tf.nn.experimental.stateless_dropout(
            inputs, self._rate, seed=tf.stack([layer_seed, step]), noise_shape=noise_shape
        )
