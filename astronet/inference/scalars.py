"""Computes the scalars of TCEs in NumPy; ops/scalars.py computes the same with TensorFlow."""

from collections.abc import Mapping

import numpy as np

from astronet.config.schema import Scalar

_MAX_DEVIATIONS = np.float32(5.0)  # as in ops/scalars.py


def normalized(
    scalars: Mapping[str, Scalar], columns: Mapping[str, np.ndarray], mean: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Returns the normalized scalars of a configuration. A scalar is 0 if a column is missing or not positive.

    Args:
      scalars: Scalar by name.
      columns: record columns by name, float32 [batch, 1].
      mean, scale: float32 [num_scalars], in the order of the sorted names.

    Returns:
      float32 [batch, num_scalars]; never NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logarithms = [_logarithm(scalars[name], columns) for name in sorted(scalars)]
        values = np.concatenate(logarithms, axis=1)
        deviations = np.clip((values - mean) / scale, -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
    return np.where(np.isfinite(values), deviations, np.float32(0))


def _logarithm(scalar: Scalar, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the value of a scalar before normalization, [batch, 1]; not finite if a column is missing.

    Without symlog_unit, it is not finite either if a column is 0 or below.
    """
    if scalar.symlog_unit is not None:
        factors = [columns[column] ** np.float32(power) for column, power in scalar.powers.items()]
        product = np.prod(factors, axis=0)
        return np.sign(product) * np.log1p(np.abs(product) / np.float32(scalar.symlog_unit))
    terms = [np.float32(power) * np.log(columns[column]) for column, power in scalar.powers.items()]
    return sum(terms[1:], start=terms[0])
