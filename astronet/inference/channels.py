"""The second channel of a time series, as ops/contrast.py computes it with TensorFlow."""

import numpy as np

from light_curve_util.constants import MAD_TO_SIGMA

# The same values as in ops/contrast.py, which cannot be imported without TensorFlow; a test compares the results.
_MAD_TO_SIGMA = np.float32(MAD_TO_SIGMA)
_LEAST_SCATTER = np.float32(1e-3)
_LEAST_DEVIATION = np.float32(1e-6)
_STEP_TO_SIGMA = np.float32(0.8862)
_SCALE = np.float32(3.0)


def plain(series: np.ndarray) -> np.ndarray:
    """Returns series with one channel: [num_series, length] -> [num_series, length, 1]."""
    return series[:, :, np.newaxis]


def with_scatter(series: np.ndarray) -> np.ndarray:
    """Adds a channel, the series divided by its scatter: float32 [num_series, length] -> [num_series, length, 2]."""
    middle = series.shape[1] // 2
    medians = np.partition(np.abs(series), middle, axis=1)[:, middle, np.newaxis]
    scatter = _MAD_TO_SIGMA * medians + _LEAST_SCATTER
    return np.stack([series, np.arcsinh(series / scatter) / _SCALE], axis=2)


def with_deviations(series: np.ndarray) -> np.ndarray:
    """Returns deviations from the mean, and these divided by the noise: [num_series, length] -> [..., length, 2]."""
    deviations = series - series.mean(axis=1, keepdims=True)
    deviations -= deviations.mean(axis=1, keepdims=True)
    steps = np.abs(np.diff(series, axis=1)).mean(axis=1, keepdims=True)
    significances = deviations / (_STEP_TO_SIGMA * steps + _LEAST_DEVIATION)
    return np.stack([deviations, np.arcsinh(significances) / _SCALE], axis=2)
