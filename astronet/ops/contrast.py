"""Layers that add a second channel to each time series: the series divided by its scatter."""

from astronet.ops.tensorflow import keras, tf
from light_curve_util.constants import MAD_TO_SIGMA

_LEAST_SCATTER = 1e-3  # of a view, whose depth is 1: less is rounding and interpolation
_LEAST_DEVIATION = 1e-6  # of a flux about 1, in single precision
_STEP_TO_SIGMA = 0.8862  # standard deviation of Gaussian noise / mean absolute difference of neighbors
_SCALE = 3.0  # brings most of the second channel to between -1 and 1


class ScatterChannel(keras.layers.Layer):
    """From series about zero, [batch, length], to [batch, length, 2]: as they are, and how significant each bin is.

    A normalized view has depth 1 however faint the event. The second channel is the inverse hyperbolic sine of the
    series over its scatter, which is linear within the noise and logarithmic far above it.
    """

    def call(self, series):
        middle = series.shape[1] // 2
        scatter = MAD_TO_SIGMA * tf.sort(tf.abs(series), axis=1)[:, middle, tf.newaxis] + _LEAST_SCATTER
        return tf.stack([series, tf.asinh(series / scatter) / _SCALE], axis=2)


class DeviationChannel(keras.layers.Layer):
    """From series of any level, [batch, length], to [batch, length, 2]: deviations from the mean, plain and in noise.

    The second channel is the inverse hyperbolic sine of the deviations over the mean step between neighbors, which a
    slow variation of the star hardly raises. Medians would be less moved by a great flare, but sorting each of the
    windows of a light curve takes longer than all else.
    """

    def call(self, series):
        deviations = series - tf.reduce_mean(series, axis=1, keepdims=True)
        # The mean of fluxes about 1 is rounded to 1e-7, which is a few 1e-4 of a bright star's noise, and otherwise on
        # another processor: what it leaves is taken away as well.
        deviations -= tf.reduce_mean(deviations, axis=1, keepdims=True)
        steps = tf.reduce_mean(tf.abs(series[:, 1:] - series[:, :-1]), axis=1, keepdims=True)
        significances = deviations / (_STEP_TO_SIGMA * steps + _LEAST_DEVIATION)
        return tf.stack([deviations, tf.asinh(significances) / _SCALE], axis=2)
