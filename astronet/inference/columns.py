"""The columns of the models: the layers that one time series passes through, before all columns are joined."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from astronet.config.schema import Hparams
from astronet.inference import channels, convolution
from light_curve_util import view_summary

Shapes = dict[str, tuple[int, ...]]
Weights = Mapping[str, np.ndarray]


class Desk(Protocol):
    """The working memory of a column for a number of series. Only one thread may use it at a time."""

    def put(self, series: np.ndarray) -> None:
        """Copies in the series to work on, float32 [num_series, length]."""

    def features(self, weights: Any, out: np.ndarray) -> None:
        """Computes the column's output for these series, and writes it to `out`, float32 [num_series, num_features].

        Args:
          weights: the weights, in the form that the column's prepare() returns.
          out: the array to write to.
        """


class DenseColumn:
    """Fully connected ReLU layers. Without layers, the output is the series."""

    def __init__(self, scope: str, length: int, num_layers: int, layer_size: int) -> None:
        sizes = [length] + [layer_size] * num_layers
        self.num_features = sizes[-1]
        self.shapes = dense_shapes(scope, sizes)
        self.num_multiplications = sum(math.prod(shape) for shape in self.shapes.values())
        self._scope, self._num_layers = scope, num_layers

    def prepare(self, weights: Weights) -> Any:
        return [
            tuple(weights[f"{self._scope}/fully_connected_{number}/{part}"] for part in ("kernel", "bias"))
            for number in range(1, self._num_layers + 1)
        ]

    def desk(self, num_series: int) -> Desk:
        return _DenseDesk()


class _DenseDesk:
    def put(self, series):
        self._series = series

    def features(self, weights, out):
        out[...] = relu_layers(self._series, weights)


def dense_shapes(scope: str, sizes: list[int]) -> Shapes:
    """Returns the shapes of the weights of fully connected layers: sizes[0] inputs, sizes[1] units, sizes[2] units, ...

    >>> dense_shapes("hidden", [201, 128])
    {'hidden/fully_connected_1/kernel': (201, 128), 'hidden/fully_connected_1/bias': (128,)}
    """
    shapes: Shapes = {}
    for number, (num_inputs, num_units) in enumerate(zip(sizes, sizes[1:]), 1):
        shapes[f"{scope}/fully_connected_{number}/kernel"] = (num_inputs, num_units)
        shapes[f"{scope}/fully_connected_{number}/bias"] = (num_units,)
    return shapes


def relu_layers(net: np.ndarray, weights: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Passes an array [num, any] through fully connected ReLU layers, each with a kernel and a bias."""
    for kernel, bias in weights:
        net = net @ kernel
        net += bias
        np.maximum(net, 0, out=net)
    return net


class ConvColumn:
    """Blocks of convolutions and a pooling, for series with one or two channels, and the summary of the series."""

    def __init__(self, scope: str, length: int, column: Any, hparams: Hparams) -> None:
        self.length = length
        self._made_of = scope, column, hparams
        self._channels, self.num_channels = channels.plain, 1
        if getattr(hparams, "scatter_channel", False):
            self._channels, self.num_channels = channels.with_scatter, 2
        elif getattr(hparams, "deviation_channel", False):
            self._channels, self.num_channels = channels.with_deviations, 2
        self.blocks = convolution.blocks(column, length)
        self._names: list[list[str]] = []
        self.shapes: Shapes = {}
        num_channels = self.num_channels
        self.num_multiplications = 0
        for number, block in enumerate(self.blocks, 1):
            names = [f"{scope}/block_{number}/conv_{conv}" for conv in range(1, len(block.filters) + 1)]
            self._names.append(names)
            for name, num_filters in zip(names, block.filters):
                self.shapes[f"{name}/kernel"] = (block.kernel_size, num_channels, num_filters)
                self.shapes[f"{name}/bias"] = (num_filters,)
                self.num_multiplications += length * block.kernel_size * num_channels * num_filters
                num_channels = num_filters
            length = block.pooled_length
        self.num_channels_after = num_channels
        half_width = getattr(column, "summary_half_width", None)
        self._bins = None if half_width is None else view_summary.geometry(self.length, half_width)
        self.num_convolved = 0 if self._bins and not self.blocks else length * num_channels
        self.num_features = self.num_convolved + (self._bins.num_numbers if self._bins else 0)

    def of_length(self, length: int) -> "ConvColumn":
        """Returns the same column for series of another length."""
        scope, column, hparams = self._made_of
        return ConvColumn(scope, length, column, hparams)

    def prepare(self, weights: Weights) -> Any:
        return [
            convolution.prepare(*([weights[f"{name}/{part}"] for name in names] for part in ("kernel", "bias")))
            for names in self._names
        ]

    def desk(self, num_series: int) -> Desk:
        memory = convolution.Column(self.blocks, self.length, self.num_channels, num_series)
        desk = _ConvDesk(memory, self._channels)
        return desk if self._bins is None else _SummaryDesk(desk, self.num_convolved, self._bins)


class _SummaryDesk:
    """What a _ConvDesk does, and the summary of the series beside it."""

    def __init__(self, convolved, num_convolved, bins) -> None:
        self._convolved, self._num_convolved, self._bins = convolved, num_convolved, bins

    def put(self, series):
        self._summary = view_summary.summarize(series, self._bins)
        if self._num_convolved:
            self._convolved.put(series)

    def features(self, weights, out):
        if self._num_convolved:
            convolved = np.empty([len(out), self._num_convolved], np.float32)
            self._convolved.features(weights, convolved)
            out[:, : self._num_convolved] = convolved
        out[:, self._num_convolved :] = self._summary


class _ConvDesk:
    def __init__(self, memory, to_channels) -> None:
        self._memory, self._to_channels = memory, to_channels

    def put(self, series):
        self._memory.input[...] = self._to_channels(series).reshape(len(series), -1)

    def features(self, weights, out):
        self._memory.features(weights, out)
