"""A convolutional LSTM layer with the weights and values of Keras', in fewer and larger convolutions.

Source: Shi et al. 2015 (arXiv:1506.04214), without the peephole connections, as Keras has it.
"""

from typing import Any

from astronet.ops.tensorflow import keras, tf


class ConvLSTM2D(keras.layers.ConvLSTM2D):
    """A convolutional LSTM layer for a known number of steps, from [batch, steps, height, width, channels] to as many.

    Weights and values are those of Keras' layer (to rounding). It convolves the inputs of all steps at once, and all
    four gates together; Keras makes eight convolutions a step. Training takes less CPU time (benchmarks/conv_lstm.py).
    """

    def __init__(self, num_filters: int, kernel_size: int, **kwargs: Any) -> None:
        super().__init__(num_filters, kernel_size, padding="same", return_sequences=True, **kwargs)

    def call(self, inputs: Any) -> Any:
        cell = self.cell
        _, num_steps, *image = inputs.shape
        from_inputs = tf.nn.conv2d(tf.reshape(inputs, [-1, *image]), cell.kernel, 1, "SAME") + cell.bias
        from_inputs = tf.reshape(from_inputs, [-1, num_steps, *image[:2], 4 * cell.filters])
        hidden = memory = tf.zeros_like(from_inputs[:, 0, :, :, : cell.filters])
        outputs = []
        for gates in tf.unstack(from_inputs, axis=1):
            gates += tf.nn.conv2d(hidden, cell.recurrent_kernel, 1, "SAME")
            add, keep, new, show = tf.split(gates, 4, axis=-1)  # input, forget, candidate and output, in Keras' order
            memory = cell.recurrent_activation(keep) * memory + cell.recurrent_activation(add) * cell.activation(new)
            hidden = cell.recurrent_activation(show) * cell.activation(memory)
            outputs.append(hidden)
        return tf.stack(outputs, axis=1)
