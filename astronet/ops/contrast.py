"""Time series beside themselves in units of their own scatter."""

import tensorflow as tf

_MAD_TO_SIGMA = 1.4826
_LEAST_SCATTER = 1e-3  # of a view, whose depth is 1: less is rounding and interpolation
_LEAST_DEVIATION = 1e-6  # of a flux about 1, in single precision
_QUARTILE_TO_SIGMA = 0.6147  # standard deviation of Gaussian noise / upper quartile of its neighbors' differences
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


class DeviationChannel(tf.keras.layers.Layer):
    """From series of any level, [batch, length], to [batch, length, 2]: deviations from the median, plain and in noise.

    The second channel is the inverse hyperbolic sine of the deviations over the scatter of neighbors, which a slow
    variation of the star hardly raises. Its quartile, not its median, measures it: a padded end has no scatter.
    """

    def call(self, series):
        length = series.shape[1]
        deviations = series - tf.sort(series, axis=1)[:, length // 2, tf.newaxis]
        differences = tf.sort(tf.abs(series[:, 1:] - series[:, :-1]), axis=1)
        scatter = _QUARTILE_TO_SIGMA * differences[:, 3 * length // 4, tf.newaxis] + _LEAST_DEVIATION
        return tf.stack([deviations, tf.asinh(deviations / scatter) / _SCALE], axis=2)
