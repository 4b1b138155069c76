"""The layer that summarizes views: light_curve_util/view_summary.py in TensorFlow."""

from typing import Any

from astronet.ops.tensorflow import keras, tf
from light_curve_util import view_summary
from light_curve_util.constants import MAD_TO_SIGMA


class Summary(keras.layers.Layer):
    """From views [batch, length] to the numbers that view_summary.summarize() makes of them, [batch, num_numbers].

    Args:
      bins: view_summary.Geometry of the views.
    """

    def __init__(self, bins: view_summary.Geometry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._bins = bins

    def call(self, views: Any) -> Any:
        bins = self._bins
        in_order = tf.sort(views, axis=1)
        outside = tf.gather(views, bins.outside, axis=1)
        level, lowest = tf.reduce_mean(outside, axis=1), tf.reduce_min(outside, axis=1)
        scatter, scatter_outside = _mad(views), _mad(outside - _middle(outside)[:, tf.newaxis])
        gained = [
            *(in_order[:, rank] for rank in bins.ranks),
            scatter,
            tf.reduce_mean(tf.abs(views[:, 1:] - views[:, :-1]), axis=1),
            tf.reduce_mean(tf.abs(views - tf.reverse(views, axis=[1])), axis=1),
            lowest,
            tf.reduce_max(outside, axis=1),
            tf.math.reduce_std(outside, axis=1),
            scatter_outside,
            level,
            *(tf.reduce_mean(tf.gather(views, ring, axis=1), axis=1) for ring in bins.rings),
        ]
        shares = [4 * tf.reduce_mean(tf.cast(views < -depth, tf.float32), axis=1) for depth in view_summary.DEPTHS]
        significance = (lowest - level) / (scatter_outside + view_summary.LEAST_SCATTER)
        contrast = 1 / (scatter + view_summary.LEAST_SCATTER)
        others = [
            *shares,
            tf.gather(bins.distances, tf.argmin(outside, axis=1)),
            tf.asinh(significance) / view_summary.GAIN,
            tf.asinh(contrast) / view_summary.GAIN,
        ]
        return tf.stack([*(tf.asinh(view_summary.GAIN * value) for value in gained), *others], axis=1)


def _middle(values):
    return tf.sort(values, axis=1)[:, values.shape[1] // 2]


def _mad(deviations):
    return MAD_TO_SIGMA * _middle(tf.abs(deviations))
