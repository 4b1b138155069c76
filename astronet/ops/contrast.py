"""A time series beside itself in units of its own scatter."""

import tensorflow as tf

_MAD_TO_SIGMA = 1.4826
_LEAST_SCATTER = 1e-3  # of a view, whose depth is 1: less is rounding and interpolation
_SCALE = 3.0  # brings most of the second channel to between -1 and 1


class ScatterChannel(tf.keras.layers.Layer):
    """From series about zero, [batch, length], to [batch, length, 2]: as they are, and how significant each bin is.

    A normalized view has depth 1 however faint the event. The second channel is the inverse hyperbolic sine of the
    series over its scatter, which is linear within the noise and logarithmic far above it.
    """

    def call(self, series):
        middle = series.shape[1] // 2
        scatter = _MAD_TO_SIGMA * tf.sort(tf.abs(series), axis=1)[:, middle, tf.newaxis] + _LEAST_SCATTER
        return tf.stack([series, tf.asinh(series / scatter) / _SCALE], axis=2)
