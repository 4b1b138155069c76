"""Applies a convolutional network to every window of a long series, in NumPy; ops/sliding.py explains the method."""

import dataclasses
from typing import Optional

import numpy as np

from astronet.inference import threads
from astronet.inference.columns import ConvColumn
from astronet.inference.network import Architecture, Networks

_SERIES = 512  # number of series that pass through a column together


@dataclasses.dataclass(frozen=True)
class Sliding:
    """How the windows of a series share their convolutions (see ops/sliding.py).

    Attributes:
      column: the convolutional column.
      margin: number of positions after the last pooling, at each end of a window, that depend on its zero padding.
      step: number of values of the series from one position to the next.
      num_positions: number of positions of a window.
    """

    column: ConvColumn
    margin: int
    step: int

    @property
    def num_positions(self) -> int:
        return self.column.length // self.step


def plan(architecture: Architecture) -> Optional[Sliding]:
    """Returns how the windows of an architecture share their convolutions; None if they cannot share them.

    They cannot if the model has several inputs, normalizes each window, scores both directions, or has overlapping
    poolings, poolings that do not divide the window, or kernels of even size.
    """
    if len(architecture.columns) != 1 or architecture.others or architecture.num_scalars:
        return None
    (column,) = architecture.columns.values()
    is_plain = isinstance(column, ConvColumn) and column.num_channels == 1
    if not is_plain or architecture.config.hparams.score_both_directions:
        return None
    margin, step = 0, 1
    for block in column.blocks:
        if block.kernel_size % 2 == 0 or block.pool_stride != block.pool_size:
            return None
        margin = -(-(margin + len(block.filters) * (block.kernel_size // 2)) // block.pool_size)
        step *= block.pool_size
    sliding = Sliding(column, margin, step)
    return sliding if column.length % step == 0 and 0 < 2 * margin < sliding.num_positions else None


def logits(networks: Networks, sliding: Sliding, series: np.ndarray) -> np.ndarray:
    """Computes the logits of all windows of a series.

    Args:
      networks: Networks.
      sliding: plan() of their architecture.
      series: float32 [n], n >= length of a window.

    Returns:
      float32 [n - length + 1, num_networks, output_dim].
    """
    series = np.ascontiguousarray(series, np.float32)
    num_windows = len(series) - sliding.column.length + 1
    pieces = np.lib.stride_tricks.sliding_window_view(series, 2 * sliding.margin * sliding.step)
    num_aligned = -(-num_windows // sliding.step)
    num_values = sliding.step * (num_aligned + sliding.num_positions - 1)
    padded = np.pad(series, (0, num_values + sliding.step - 1 - len(series)))  # no window uses the added values
    aligned = np.stack([padded[start : start + num_values] for start in range(sliding.step)])

    def of_member(member):
        (kernel, bias), *others = member.layers
        kernel = kernel.reshape(sliding.num_positions, -1, len(bias))
        begin, middle, end = np.split(kernel, [sliding.margin, sliding.num_positions - sliding.margin])
        ends = _convolved(sliding.column, member.weights, pieces)
        net = _product(ends[:num_windows, : sliding.margin], begin)
        net += _product(ends[-num_windows:, sliding.margin :], end)
        shared = _convolved(sliding.column, member.weights, aligned)[:, sliding.margin :]
        products = sum(shared[:, start : start + num_aligned] @ taps for start, taps in enumerate(middle))
        net += products.transpose(1, 0, 2).reshape(-1, len(bias))[:num_windows]
        return member.after_first_layer(net)

    return np.stack(threads.parallel_map(of_member, networks.members), axis=1)


def _product(ends, kernel):
    """Multiplies [n, positions, channels] by [positions, channels, units] -> [n, units]."""
    return ends.reshape(len(ends), -1) @ kernel.reshape(-1, kernel.shape[2])


def _convolved(column, weights, series):
    """Returns the output of a column for series of any length: [n, length] -> [n, positions, channels]."""
    column = column.of_length(series.shape[1])
    features = np.empty([len(series), column.num_features], np.float32)
    prepared = column.prepare(weights)
    for start in range(0, len(series), _SERIES):
        part = series[start : start + _SERIES]
        desk = column.desk(len(part))
        desk.put(part)
        desk.features(prepared, features[start : start + _SERIES])
    return features.reshape(len(series), -1, column.num_channels_after)
