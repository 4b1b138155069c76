"""The convolutional column of a time series by matrix products, without copying the windows of a convolution.

A series of C channels is kept as rows, one a position, and all series of a block lie one below the other with rows of
zeros between them, which pad both neighbors:

    0 0 [series 0] 0 0 [series 1] 0 0 [series 2] 0 0

The window of `size` rows that a filter reads is contiguous in memory. Windows that begin `size` rows apart do not
overlap: they are the rows of a matrix [num_windows, size * C] that exists already. So a convolution is `size` matrix
products, one for each remainder of a position by `size`, each with the same filters [size * C, num_filters]; where
the product of the rows between two series falls, it is set to zero again.

Before a pooling, the products stay apart by their remainder: then its maxima are of whole blocks of memory.
"""

import dataclasses
from typing import Any

import numpy as np

_SHORT = 32  # length of series whose windows are copied
_NOTHING = np.float32(np.finfo(np.float32).min)  # what ReLU makes zero, whatever is added to it


@dataclasses.dataclass(frozen=True)
class Block:
    """Convolutions ('same', ReLU) of one kernel size and a max-pooling ('valid'), and the length [bins] before it."""

    length: int
    kernel_size: int
    filters: tuple[int, ...]  # number of each convolution
    pool_size: int
    pool_stride: int

    @property
    def pooled_length(self) -> int:
        """Length after the pooling; below 1 where the series is too short for it."""
        return (self.length - self.pool_size) // self.pool_stride + 1

    @property
    def left(self) -> int:
        """Number of zeros before a series."""
        return (self.kernel_size - 1) // 2

    @property
    def num_rows(self) -> int:
        """From the beginning of a series to that of the next: its length and the zeros that both share."""
        rows = self.length + self.kernel_size - 1 - self.left
        return _round_up(rows, self.pool_stride)


def blocks(column: Any, length: int) -> list[Block]:
    """Returns the blocks of a ConvColumn, in order."""
    found = []
    for number in range(column.num_blocks):
        filters = column.num_filters * column.block_factor**number
        filters = min(filters, column.max_num_filters or filters)
        size = column.kernel_size if number == 0 else column.later_kernel_size or column.kernel_size
        block = Block(length, size, (filters,) * column.convs_per_block, column.pool_size, column.pool_stride)
        found.append(block)
        length = block.pooled_length
    return found


def prepare(block: Block, kernels: list[np.ndarray], biases: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Brings the weights of a block into the form that Column.features() takes.

    Args:
      block: Block.
      kernels: float32 [kernel_size, channels, num_filters] of each convolution.
      biases: float32 [num_filters] of each.

    Returns:
      For each convolution, the kernel [kernel_size * channels, num_filters] and the biases of a whole series, one after
      the other, so that adding them is a single operation on contiguous memory.
    """
    prepared = []
    for number, (kernel, bias) in enumerate(zip(kernels, biases), 1):
        if number < len(kernels):
            tiled = np.full([block.num_rows, len(bias)], _NOTHING)
            tiled[: block.length] = bias
        else:
            tiled = np.tile(bias, [block.pooled_length, 1])
        prepared.append((np.ascontiguousarray(kernel.reshape(-1, kernel.shape[2])), tiled.ravel()))
    return prepared


class Column:
    """The memory that a column needs for a number of series, and the operations on it, for any weights.

    Nothing is allocated while features() runs. An instance serves one thread at a time.
    """

    def __init__(self, column_blocks: list[Block], length: int, num_channels: int, num_series: int):
        """Allocates the memory.

        Args:
          column_blocks: Blocks; without any, the features are the series.
          length, num_channels: of the series.
          num_series: how many series features() takes at a time.
        """
        self._stages = []
        for block in column_blocks:
            kind = _ShortStage if block.length <= _SHORT else _Stage
            self._stages.append(kind(block, num_channels, num_series))
            length, num_channels = block.pooled_length, self._stages[-1].num_channels
        # Where the series have to be put, [num_series, length * num_channels]; they stay there.
        self.input = self._stages[0].input if self._stages else np.zeros([num_series, length * num_channels], "f")
        self.num_features = length * num_channels

    def features(self, weights: list[list[tuple[np.ndarray, np.ndarray]]], out: np.ndarray) -> None:
        """Passes the series of `input` through the column.

        Args:
          weights: of each Block, what prepare() returns.
          out: float32 [num_series, num_features], which is written.
        """
        if not self._stages:
            out[...] = self.input
        outputs = [*(stage.input for stage in self._stages[1:]), out]
        for stage, stage_weights, output in zip(self._stages, weights, outputs):
            stage.run(stage_weights, output)


class _ShortStage:
    """A Block of short series with its memory: here copying all windows takes less time than matrices of few rows do.

    Attributes:
      input: float32 [num_series, length * channels]; in memory, zeros lie before and after each series.
      num_channels: after the convolutions.
    """

    def __init__(self, block: Block, num_channels: int, num_series: int):
        self._block, self._num_series = block, num_series
        rows = self._padded(num_channels)
        self.input = self._series(rows)
        self._convolutions = []  # of each: windows, a copy of them, products, and where these go on to
        for num_filters in block.filters:
            size, series = block.kernel_size, num_series * block.length
            windows = np.lib.stride_tricks.sliding_window_view(
                rows.reshape(num_series, -1), size * num_channels, axis=1
            )
            copied = np.empty([num_series, block.length, size * num_channels], np.float32)
            products = np.empty([series, num_filters], np.float32)
            rows = self._padded(num_filters)
            copy = windows[:, ::num_channels], copied, copied.reshape(series, -1)
            self._convolutions.append((copy, products, self._series(rows)))
            num_channels = num_filters
        self.num_channels = num_channels
        last = self._convolutions[-1][1] if block.filters else rows[:, block.left : block.left + block.length]
        pooled = np.empty([num_series, block.pooled_length, num_channels], np.float32)
        self._terms = [
            last.reshape(num_series, block.length, num_channels)[:, i :: block.pool_stride][:, : block.pooled_length]
            for i in range(block.pool_size)
        ]
        self._pooled = pooled

    def _padded(self, num_channels):
        block = self._block
        return np.zeros([self._num_series, block.length + block.kernel_size - 1, num_channels], np.float32)

    def _series(self, rows):
        """[num_series, length * channels]"""
        left, channels = self._block.left, rows.shape[2]
        return rows.reshape(self._num_series, -1)[:, left * channels : (left + self._block.length) * channels]

    def run(self, weights, output):
        """As that of _Stage."""
        for number, (((windows, copied, matrix), products, series), (kernel, bias)) in enumerate(
            zip(self._convolutions, weights), 1
        ):
            np.copyto(copied, windows)
            np.matmul(matrix, kernel, out=products)
            if number < len(weights):
                by_series = products.reshape(self._num_series, -1)
                np.add(by_series, bias[: by_series.shape[1]], out=by_series)
                np.maximum(by_series, 0, out=series)
        np.maximum(self._terms[0], self._terms[-1], out=self._pooled)
        for term in self._terms[1:-1]:
            np.maximum(self._pooled, term, out=self._pooled)
        pooled = self._pooled.reshape(output.shape)
        if not weights:
            output[...] = pooled
            return
        np.add(pooled, weights[-1][1], out=pooled)
        np.maximum(pooled, 0, out=output)


class _Stage:
    """A Block with its memory. Attributes:

    input: float32 [num_series, length * channels], with rows of zeros between the series in memory.
    num_channels: after the convolutions.
    """

    def __init__(self, block: Block, num_channels: int, num_series: int):
        self._block, self._num_series = block, num_series
        self._step = _round_up(block.kernel_size, block.pool_stride)  # between windows whose products are pooled
        rows = self._zeros(num_channels)
        self.input = self._series(rows, block.length)
        self._inner = []  # of each convolution but the last: windows, products, the same by series, what follows these
        for num_filters in block.filters[:-1]:
            size, end = block.kernel_size, block.left + self._num_rows
            windows, rows = _windows(rows, size, size, self._num_rows), self._zeros(num_filters)
            products = _every(rows[block.left :], size, windows.shape[1])
            self._inner.append((windows, products, self._series(rows, block.num_rows), rows[end : end + size]))
        self.num_channels = block.filters[-1] if block.filters else num_channels
        num_windows = -(-self._num_rows // self._step)
        more = (self._step - block.pool_stride + block.pool_size - 1) // self._step  # windows, which poolings reach
        if block.filters:
            self._windows = _windows(rows, self._step, block.kernel_size, self._num_rows)
            apart = np.zeros([self._step, num_windows + more, self.num_channels], np.float32)
            self._products = apart[:, :num_windows]
        else:
            apart = _every(rows[block.left :], self._step, num_windows + more)
        self._maxima, self._pooled = self._pooling(apart, num_windows)

    @property
    def _num_rows(self):
        return self._num_series * self._block.num_rows

    def _zeros(self, num_channels):
        """Rows of all series, of zeros before and after each, and of what is computed beyond the last one."""
        block = self._block
        beyond = 2 * (block.kernel_size + self._step) + block.pool_size
        return np.zeros([self._num_rows + beyond, num_channels], np.float32)

    def _series(self, rows, length):
        """The first `length` rows of each series, [num_series, length * channels]."""
        block = self._block
        own = rows[block.left : block.left + self._num_rows]
        return own.reshape(self._num_series, -1)[:, : length * rows.shape[1]]

    def _pooling(self, apart, num_windows):
        """The maxima to take, (one, other, where to), and where the pooled series will be.

        Args:
          apart: [step, num_windows and more, channels], of which [i, j] is at position j * step + i.
          num_windows: int.

        Returns:
          List of triples; array [num_series, pooled_length * channels].
        """
        block, channels = self._block, self.num_channels
        num_apart = self._step // block.pool_stride
        pooled = np.zeros([num_windows * num_apart, channels], np.float32)
        scratch = np.zeros([num_windows, channels], np.float32)
        maxima = []
        if block.pool_stride == 2 and block.pool_size > 3:  # neighbors in pairs first, which two poolings share
            pairs = np.zeros([num_apart, *apart.shape[1:]], np.float32)
            maxima.append((apart[0::2], apart[1::2], pairs))
        else:
            pairs = None
        for first in range(num_apart):
            begin = first * block.pool_stride
            if pairs is None:
                terms = [_at(apart, begin + i, num_windows) for i in range(block.pool_size)]
            else:
                terms = [_at(pairs, first + i, num_windows) for i in range(block.pool_size // 2)]
                if block.pool_size % 2:
                    terms.append(_at(apart, begin + block.pool_size - 1, num_windows))
            terms = terms if len(terms) > 1 else terms * 2
            for number, (one, other) in enumerate(zip([terms[0], *[scratch] * len(terms)], terms[1:]), 2):
                maxima.append((one, other, pooled[first::num_apart] if number == len(terms) else scratch))
        rows = pooled[: self._num_rows // block.pool_stride].reshape(self._num_series, -1)
        return maxima, rows[:, : block.pooled_length * channels]

    def run(self, weights, output):
        """Passes the series of `input` through the block.

        Args:
          weights: what prepare() returns.
          output: [num_series, pooled_length * num_channels], which is written.
        """
        for (windows, products, series, beyond), (kernel, bias) in zip(self._inner, weights):
            np.matmul(windows, kernel, out=products)
            np.add(series, bias, out=series)
            np.maximum(series, 0, out=series)
            beyond.fill(0)
        if weights:
            np.matmul(self._windows, weights[-1][0], out=self._products)
        for one, other, out in self._maxima:
            np.maximum(one, other, out=out)
        if not weights:
            output[...] = self._pooled
            return
        # Adding a bias and ReLU change no order: after the pooling there is less to do, and the result is the same.
        np.add(self._pooled, weights[-1][1], out=self._pooled)
        np.maximum(self._pooled, 0, out=output)


def _round_up(number, multiple):
    return -(-number // multiple) * multiple


def _windows(rows, step, size, num_positions):
    """The windows of `size` rows at all positions and a few more, [step, num_windows, size * channels], not copied.

    [i, j] is at position j * step + i.
    """
    channels, item = rows.shape[1], rows.itemsize
    shape = step, -(-num_positions // step), size * channels
    return np.lib.stride_tricks.as_strided(rows, shape, (channels * item, step * channels * item, item))


def _every(rows, step, number):
    """View [step, number, channels] of rows, of which [i, j] is row j * step + i."""
    return rows[: number * step].reshape(number, step, -1).transpose(1, 0, 2)


def _at(apart, position, number):
    """What is at a position, at the one a step later, and so on. [number, channels]"""
    windows, remainder = divmod(position, len(apart))
    return apart[remainder, windows : windows + number]
