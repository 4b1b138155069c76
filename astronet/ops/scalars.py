"""Computes the scalar inputs of a model: normalized logarithms of products of record columns."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from astronet.config.schema import Scalar
from astronet.ops.tensorflow import keras, tf

_MAX_DEVIATIONS = 5.0  # normalized values are limited to this many standard deviations


class NormalizedScalars(keras.layers.Layer):
    """Computes the normalized scalars of a configuration from record columns: [batch, num_scalars], never NaN.

    The mean and scale are weights of the layer, so that checkpoints contain them.
    """

    def __init__(self, scalars: Mapping[str, Scalar], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._scalars = [scalars[name] for name in sorted(scalars)]

    def build(self, input_shape: Any) -> None:
        means = [scalar.mean or 0.0 for scalar in self._scalars]
        scales = [scalar.scale or 1.0 for scalar in self._scalars]
        for name, values in (("mean", means), ("scale", scales)):
            initializer = tf.constant_initializer(values)
            setattr(self, name, self.add_weight(name, [len(values)], initializer=initializer, trainable=False))

    def call(self, columns: Any) -> Any:
        values = tf.concat([logarithm(scalar, columns) for scalar in self._scalars], axis=1)
        deviations = tf.clip_by_value((values - self.mean) / self.scale, -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
        return tf.where(tf.math.is_finite(values), deviations, 0.0)


def logarithm(scalar: Scalar, columns: Mapping[str, Any]) -> Any:
    """Returns the value of a Scalar before normalization. It is not finite if a column is missing or not positive.

    With symlog_unit, columns may be negative.

    Args:
      scalar: Scalar.
      columns: dictionary of float tensors [batch, 1].
    """
    if scalar.symlog_unit is not None:
        factors = [columns[column] ** power for column, power in scalar.powers.items()]
        product = tf.reduce_prod(tf.stack(factors), axis=0)
        return tf.sign(product) * tf.math.log1p(tf.abs(product) / scalar.symlog_unit)
    return tf.add_n([power * tf.math.log(columns[column]) for column, power in scalar.powers.items()])


def measure(scalars: Mapping[str, Scalar], columns: Mapping[str, np.ndarray]) -> dict[str, Scalar]:
    """Returns scalars with missing means and scales filled in from the columns of the training set.

    Args:
      scalars: dictionary of Scalar by name.
      columns: dictionary of float arrays [num_examples, 1].
    """
    return {name: _measure(scalar, columns) for name, scalar in scalars.items()}


def _measure(scalar, columns):
    values = logarithm(scalar, columns).numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    mean, scale = (values.mean(), values.std()) if len(values) else (0.0, 1.0)
    mean, scale = (float(f"{value:.6g}") for value in (mean, scale or 1.0))  # rounding hides the order of summation
    return dataclasses.replace(
        scalar,
        mean=mean if scalar.mean is None else scalar.mean,
        scale=scale if scalar.scale is None else scalar.scale,
    )
