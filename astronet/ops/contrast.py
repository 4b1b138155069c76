"""Layers that add a second channel to each time series: the series divided by its scatter."""

from typing import Any

from astronet.ops.tensorflow import keras, tf
from light_curve_util.constants import MAD_TO_SIGMA

_LEAST_SCATTER = 1e-3  # of a view with depth 1; a smaller scatter comes from rounding and interpolation
_LEAST_DEVIATION = 1e-6  # precision of a flux of about 1 in single precision
_STEP_TO_SIGMA = 0.8862  # standard deviation of Gaussian noise over the mean absolute difference of neighbors
_SCALE = 3.0  # brings most of the second channel to between -1 and 1


class ScatterChannel(keras.layers.Layer):
    """Adds a second channel with the significance of each bin: views [batch, length] -> [batch, length, 2].

    A normalized view has depth 1 even if the event is faint. The second channel is the inverse hyperbolic sine of the
    series divided by its scatter: linear within the noise, and logarithmic far above it.
    """

    def call(self, series: Any) -> Any:
        middle = series.shape[1] // 2
        scatter = MAD_TO_SIGMA * tf.sort(tf.abs(series), axis=1)[:, middle, tf.newaxis] + _LEAST_SCATTER
        return tf.stack([series, tf.asinh(series / scatter) / _SCALE], axis=2)


class DeviationChannel(keras.layers.Layer):
    """Computes deviations from the mean, and their significance: fluxes [batch, length] -> [batch, length, 2].

    The second channel is the inverse hyperbolic sine of the deviations divided by the noise. The noise is measured by
    the mean step between neighbors, which slow variations of the star hardly change. A median would be more robust
    against large flares, but sorting every window of a light curve would take longer than everything else.
    """

    def call(self, series: Any) -> Any:
        deviations = series - tf.reduce_mean(series, axis=1, keepdims=True)
        # The mean of fluxes of about 1 has a rounding error of 1e-7, a few 1e-4 of the noise of a bright star, which
        # differs between processors. Subtracting the mean of the deviations removes it.
        deviations -= tf.reduce_mean(deviations, axis=1, keepdims=True)
        steps = tf.reduce_mean(tf.abs(series[:, 1:] - series[:, :-1]), axis=1, keepdims=True)
        significances = deviations / (_STEP_TO_SIGMA * steps + _LEAST_DEVIATION)
        return tf.stack([deviations, tf.asinh(significances) / _SCALE], axis=2)
