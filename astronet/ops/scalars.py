"""Scalars of a TCE as a model reads them: logarithms of products of record columns, normalized."""

import dataclasses

import numpy as np

from astronet.ops.tensorflow import keras, tf

_MAX_DEVIATIONS = 5.0  # beyond, a value says no more than that it is extreme


class NormalizedScalars(keras.layers.Layer):
    """From record columns to the normalized scalars of a configuration, [batch, num_scalars]; never NaN.

    The mean and scale are weights, so that a checkpoint holds them.
    """

    def __init__(self, scalars, **kwargs):
        super().__init__(**kwargs)
        self._scalars = [scalars[name] for name in sorted(scalars)]

    def build(self, input_shape):
        means = [scalar.mean or 0.0 for scalar in self._scalars]
        scales = [scalar.scale or 1.0 for scalar in self._scalars]
        for name, values in (("mean", means), ("scale", scales)):
            initializer = tf.constant_initializer(values)
            setattr(self, name, self.add_weight(name, [len(values)], initializer=initializer, trainable=False))

    def call(self, columns):
        values = tf.concat([logarithm(scalar, columns) for scalar in self._scalars], axis=1)
        deviations = tf.clip_by_value((values - self.mean) / self.scale, -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
        return tf.where(tf.math.is_finite(values), deviations, 0.0)


def logarithm(scalar, columns):
    """Returns the value of a Scalar before its normalization, not finite where a column is missing or not positive.

    Args:
      scalar: Scalar.
      columns: dictionary of float tensors [batch, 1].
    """
    return tf.add_n([power * tf.math.log(columns[column]) for column, power in scalar.powers.items()])


def measure(scalars, columns):
    """Returns the scalars with the mean and scale that they lack taken from the columns of the training set.

    Args:
      scalars: dictionary of Scalar by name.
      columns: dictionary of float arrays [num_examples, 1].
    """
    return {name: _measure(scalar, columns) for name, scalar in scalars.items()}


def _measure(scalar, columns):
    values = logarithm(scalar, columns).numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    mean, scale = (values.mean(), values.std()) if len(values) else (0.0, 1.0)
    mean, scale = (float(f"{value:.6g}") for value in (mean, scale or 1.0))  # the order of the sum must not show
    return dataclasses.replace(
        scalar,
        mean=mean if scalar.mean is None else scalar.mean,
        scale=scale if scalar.scale is None else scalar.scale,
    )
