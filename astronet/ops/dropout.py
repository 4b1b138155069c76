"""Dropout that a resumed training repeats."""

import zlib

from astronet.ops.tensorflow import keras, tf


class Dropout(keras.layers.Layer):
    """Drops inputs in training, those that the training's seed, the step and the layer's name alone decide.

    Keras's own layer draws from a state that no checkpoint holds: a resumed training would drop others than an unbroken
    one.

    Args:
      rate: share of the inputs that is dropped.
      whole_channels: whether inputs are [batch, length, channels] and a channel is dropped at all its bins or at none
        (Tompson et al. 2015, CVPR, 648: neighbors are too alike to drop one without the other).
    """

    def __init__(self, rate, whole_channels=False, **kwargs):
        super().__init__(**kwargs)
        self._rate = rate
        self._whole_channels = whole_channels

    def call(self, inputs, training=False):
        if not training:
            return inputs
        seed, _ = tf.compat.v1.get_seed(0)
        step = tf.compat.v1.train.get_global_step()
        layer_seed = tf.constant((seed or 0) + zlib.crc32(self.name.encode()), tf.int64)
        noise_shape = [tf.shape(inputs)[0], 1, inputs.shape[2]] if self._whole_channels else None
        return tf.nn.experimental.stateless_dropout(
            inputs, self._rate, seed=tf.stack([layer_seed, step]), noise_shape=noise_shape
        )
