"""Computes convolutional columns by matrix products, without copying the windows of a convolution.

A series with C channels is stored as rows, one row for each position. All series of a batch are stored one after the
other, with rows of zeros between them, which pad both neighbors:

    0 0 [series 0] 0 0 [series 1] 0 0 [series 2] 0 0

A filter reads a window of `size` rows, which is contiguous in memory. Windows that start `size` rows apart do not
overlap, so the memory can be viewed as a matrix [num_windows, size * C] of such windows. A convolution is then `size`
matrix products, one for each start of the first window, all with the same filters [size * C, num_filters].
light_curve_util/cc/layers.h does the steps between these products (bias, ReLU, max-pooling).
"""

import dataclasses
from typing import Any

import numpy as np

from light_curve_util.native import core, require

_SHORT = 32  # the windows of series up to this length are copied


@dataclasses.dataclass(frozen=True)
class Block:
    """Convolutions ('same', ReLU) with one kernel size, followed by a max-pooling ('valid')."""

    length: int  # of the series before the block, bins
    kernel_size: int
    filters: tuple[int, ...]  # number of filters of each convolution
    pool_size: int
    pool_stride: int

    @property
    def pooled_length(self) -> int:
        """Length after the pooling; below 1 if the series is too short for the pooling."""
        return (self.length - self.pool_size) // self.pool_stride + 1

    @property
    def left(self) -> int:
        """Number of zeros before a series."""
        return (self.kernel_size - 1) // 2

    @property
    def num_rows(self) -> int:
        """Number of rows from the start of a series to the start of the next: its length and the zeros between them."""
        return self.length + self.kernel_size - 1 - self.left


def blocks(column: Any, length: int) -> list[Block]:
    """Returns the blocks of a ConvColumn, in order."""
    result = []
    for number in range(column.num_blocks):
        filters = column.num_filters * column.block_factor**number
        filters = min(filters, column.max_num_filters or filters)
        size = column.kernel_size if number == 0 else column.later_kernel_size or column.kernel_size
        block = Block(length, size, (filters,) * column.convs_per_block, column.pool_size, column.pool_stride)
        result.append(block)
        length = block.pooled_length
    return result


def prepare(kernels: list[np.ndarray], biases: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Converts the weights of a block to the form that Column.features() takes.

    Args:
      kernels: the kernel of each convolution, float32 [kernel_size, channels, num_filters].
      biases: the bias of each convolution, float32 [num_filters].

    Returns:
      List of (kernel [kernel_size * channels, num_filters], bias [num_filters]).
    """
    flat = [np.ascontiguousarray(kernel.reshape(-1, kernel.shape[2])) for kernel in kernels]
    return list(zip(flat, map(np.ascontiguousarray, biases)))


class Column:
    """The working memory of a column for a number of series, and the operations on it.

    features() allocates no memory. Only one thread may use an instance at a time.
    """

    def __init__(self, column_blocks: list[Block], length: int, num_channels: int, num_series: int) -> None:
        """Allocates the memory.

        Args:
          column_blocks: Blocks; if there are none, the features are the series.
          length: length of the series, bins.
          num_channels: number of channels of the series.
          num_series: number of series that features() processes at a time.
        """
        require("bias_relu", "pool_bias_relu")
        self._stages = []
        for block in column_blocks:
            self._stages.append(_Stage(block, num_channels, num_series))
            length, num_channels = block.pooled_length, self._stages[-1].num_channels
        # The caller writes the series here, [num_series, length * num_channels]. They are not changed.
        self.input = self._stages[0].input if self._stages else np.zeros([num_series, length * num_channels], "f")
        self.num_features = length * num_channels

    def features(self, weights: list[list[tuple[np.ndarray, np.ndarray]]], out: np.ndarray) -> None:
        """Passes the series of `input` through the column.

        Args:
          weights: the result of prepare() for each Block.
          out: array to write to, float32 [num_series, num_features].
        """
        if not self._stages:
            out[...] = self.input
        outputs = [*(stage.input for stage in self._stages[1:]), out]
        for stage, stage_weights, output in zip(self._stages, weights, outputs):
            stage.run(stage_weights, output)


class _Stage:
    """A Block with its memory.

    Attributes:
      input: float32 [num_series, length * channels]. In memory, there are rows of zeros before and after each series.
      num_channels: number of channels after the convolutions.
    """

    def __init__(self, block: Block, num_channels: int, num_series: int) -> None:
        self._block, self._num_series = block, num_series
        rows = self._rows(num_channels)
        self.input = self._series(rows)
        layer = _CopiedWindows if block.length <= _SHORT else _SharedWindows
        self._convolutions, self._following = [], []
        for number, num_filters in enumerate(block.filters, 1):
            self._convolutions.append(layer(block, rows, num_filters, num_series))
            if number < len(block.filters):
                rows = self._rows(num_filters)
                self._following.append(self._series(rows))
        self.num_channels = block.filters[-1] if block.filters else num_channels

    def _rows(self, num_channels):
        """Returns zeros for the rows of all series, for the rows between them, and for windows beyond the last one."""
        block = self._block
        return np.zeros([self._num_series * block.num_rows + 2 * block.kernel_size, num_channels], np.float32)

    def _series(self, rows):
        block = self._block
        rows_of_series = rows[block.left : block.left + self._num_series * block.num_rows]
        return rows_of_series.reshape(self._num_series, -1)[:, : block.length * rows.shape[1]]

    def run(self, weights, output):
        """Passes the series of `input` through the block.

        Args:
          weights: kernel [kernel_size * channels, num_filters] and bias [num_filters] of each convolution.
          output: array to write to, [num_series, pooled_length * num_channels].
        """
        block = self._block
        if not weights:
            _max_pool(self.input, block, output)
            return
        *inner, last = zip(self._convolutions, weights)
        for (convolution, (kernel, bias)), following in zip(inner, self._following):
            core.bias_relu(convolution.products(kernel), block.length, bias, following)
        convolution, (kernel, bias) = last
        products = convolution.products(kernel)
        core.pool_bias_relu(products, block.length, bias, block.pool_size, block.pool_stride, output)


class _SharedWindows:
    """A convolution without bias and ReLU. Its windows are not copied."""

    def __init__(self, block, rows, num_filters, num_series) -> None:
        size, channels, item = block.kernel_size, rows.shape[1], rows.itemsize
        number = -(-num_series * block.num_rows // size)
        strides = channels * item, size * channels * item, item
        self._windows = np.lib.stride_tricks.as_strided(rows, (size, number, size * channels), strides)
        all_products = np.zeros([number * size, num_filters], np.float32)
        self._apart = all_products.reshape(number, size, num_filters).transpose(1, 0, 2)
        self._products = all_products[: num_series * block.num_rows].reshape(num_series, -1)

    def products(self, kernel):
        """Returns [num_series, num_rows * num_filters]. The values of rows beyond `length` have no meaning."""
        np.matmul(self._windows, kernel, out=self._apart)
        return self._products


class _CopiedWindows:
    """The same for short series, for which copying the windows is faster than products of matrices with few rows."""

    def __init__(self, block, rows, num_filters, num_series) -> None:
        width = block.kernel_size * rows.shape[1]
        padded = rows[: num_series * block.num_rows + block.kernel_size]
        windows = np.lib.stride_tricks.as_strided(
            padded,
            (num_series, block.length, width),
            (block.num_rows * padded.strides[0], padded.strides[0], padded.itemsize),
        )
        self._windows, self._copied = windows, np.empty(windows.shape, np.float32)
        self._matrix = self._copied.reshape(-1, width)
        self._products = np.empty([num_series * block.length, num_filters], np.float32)
        self._by_series = self._products.reshape(num_series, -1)

    def products(self, kernel):
        """Returns [num_series, length * num_filters]."""
        np.copyto(self._copied, self._windows)
        np.matmul(self._matrix, kernel, out=self._products)
        return self._by_series


def _max_pool(series, block, output):
    """Max-pooling of a block without convolutions."""
    by_position = series.reshape(len(series), block.length, -1)
    pooled = output.reshape(len(series), block.pooled_length, -1)
    for i in range(block.pool_size):
        positions = by_position[:, i :: block.pool_stride][:, : block.pooled_length]
        np.maximum(positions, pooled if i else positions, out=pooled)
