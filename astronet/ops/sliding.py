"""Applies a convolutional network to every window of a long series, much faster than to one window after the other.

Neighboring windows differ in one value only, so most of their convolutions are the same. They are computed once for the
whole series, and shared. The result is the same except for rounding.
"""

from collections.abc import Callable
from typing import Any, Optional

from astronet.ops.dropout import Dropout
from astronet.ops.tensorflow import keras, tf

_CONVOLUTIONAL = (keras.layers.Reshape, keras.layers.Conv1D, keras.layers.MaxPool1D)


def logits_function(model: "keras.Model") -> Optional[Callable[[Any], Any]]:
    """Returns a function that computes a model's logits of all windows of a series.

    The convolutional features of a window depend on the alignment of its start with the poolings. Within `margin`
    positions of its ends, they also depend on the zeros that pad the window. Therefore:
    - the whole series passes through the convolutions once for each alignment;
    - every short piece of the series passes through them with padding, as the beginning of one window and the end of
      another;
    - the first dense layer becomes a convolution over the shared positions, and a matrix product for the ends.

    Args:
      model: Keras model of astro_cnn_model.

    Returns:
      Function from a series [n], n >= length, to logits [n - length + 1, output_dim] of the windows of `length` values.
      None if windows cannot share convolutions: the model has several inputs, normalizes each window, or has
      overlapping poolings, poolings that do not divide the window, kernels of even size, or no dense layer before the
      logits.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, (keras.layers.InputLayer, Dropout))]
    flatten = next((i for i, layer in enumerate(layers) if isinstance(layer, keras.layers.Flatten)), len(layers))
    column, dense = layers[:flatten], layers[flatten + 1 :]
    if len(model.inputs) > 1 or not dense or not all(isinstance(layer, _CONVOLUTIONAL) for layer in column):
        return None
    margin, step = 0, 1  # positions at each end that depend on padding; values from one position to the next
    for layer in column:
        if isinstance(layer, keras.layers.Conv1D):
            (size,) = layer.kernel_size
            if size % 2 == 0:
                return None
            margin += size // 2
        elif isinstance(layer, keras.layers.MaxPool1D):
            (size,) = layer.pool_size
            if layer.strides != layer.pool_size:
                return None
            margin = -(-margin // size)
            step *= size
    length = model.inputs[0].shape[1]
    num_positions = length // step
    if length % step or not 0 < 2 * margin < num_positions:
        return None
    piece = 2 * margin * step  # shortest length whose first half is that of the window that begins with the piece
    first, *others = dense

    def convolve(series):
        """Returns the convolutional features of series: [batch, any] -> [batch, any / step, channels]."""
        for layer in column:
            series = layer(series)
        return series

    def logits(series):
        num_windows = tf.shape(series)[0] - length + 1
        kernel = tf.reshape(first.kernel, [num_positions, -1, first.units])
        begin, middle, end = tf.split(kernel, [margin, num_positions - 2 * margin, margin])

        ends = convolve(tf.signal.frame(series, piece, 1))  # [n - piece + 1, 2 * margin, channels]
        net = tf.tensordot(ends[:num_windows, :margin], begin, 2) + tf.tensordot(ends[-num_windows:, margin:], end, 2)

        num_aligned = -(-num_windows // step)
        num_values = step * (num_aligned + num_positions - 1)
        filled = tf.pad(series, [[0, num_values + step - 1 - tf.shape(series)[0]]])  # no window uses the added values
        shared = convolve(tf.stack([filled[start : start + num_values] for start in range(step)]))
        shared = tf.nn.conv1d(shared[:, margin:-margin], middle, stride=1, padding="VALID")
        net += tf.reshape(tf.transpose(shared, [1, 0, 2]), [-1, first.units])[:num_windows]

        net = first.activation(net + first.bias)
        for layer in others:
            net = layer(net)
        return net

    return logits
