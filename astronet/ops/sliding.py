"""A convolutional network on every window of a long series, at much less cost than on one window after the other.

Neighboring windows overlap in all but one value, and their convolutions with them: those are computed once for the
series and shared. It is the same arithmetic in another order, the same but for rounding.
"""

from astronet.ops.dropout import Dropout
from astronet.ops.tensorflow import keras, tf

_CONVOLUTIONAL = (keras.layers.Reshape, keras.layers.Conv1D, keras.layers.MaxPool1D)


def logits_function(model):
    """Returns what computes a model's logits of all windows of a series.

    What the convolutions and poolings make of a window depends on how its start is aligned with the poolings, and
    within `margin` positions of its ends on the zeros that pad it. So the series passes through them once for each
    alignment, and each short piece of it, padded, once for the window that it begins and for the one that it ends. The
    first dense layer is a convolution over the shared positions, and a product for the ends.

    Args:
      model: Keras model of astro_cnn_model.

    Returns:
      Function from a series [n], n >= length, to logits [n - length + 1, output_dim] of the windows of `length` values,
      or None where windows share nothing that way: the model has several inputs, normalizes a window by itself, or has
      poolings that overlap or do not divide its window, kernels of even size, or no dense layer before the logits.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, (keras.layers.InputLayer, Dropout))]
    flatten = next((i for i, layer in enumerate(layers) if isinstance(layer, keras.layers.Flatten)), len(layers))
    column, dense = layers[:flatten], layers[flatten + 1 :]
    if len(model.inputs) > 1 or not dense or not all(isinstance(layer, _CONVOLUTIONAL) for layer in column):
        return None
    margin, step = 0, 1  # positions at each end that padding reaches; values from one position to the next
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
    piece = 2 * margin * step  # the shortest of which half is as in the window that it begins, half as in that it ends
    first, *others = dense

    def convolve(series):
        """[batch, any] -> [batch, any / step, channels]."""
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
        filled = tf.pad(series, [[0, num_values + step - 1 - tf.shape(series)[0]]])  # read by no window of the series
        shared = convolve(tf.stack([filled[start : start + num_values] for start in range(step)]))
        shared = tf.nn.conv1d(shared[:, margin:-margin], middle, stride=1, padding="VALID")
        net += tf.reshape(tf.transpose(shared, [1, 0, 2]), [-1, first.units])[:num_windows]

        net = first.activation(net + first.bias)
        for layer in others:
            net = layer(net)
        return net

    return logits
