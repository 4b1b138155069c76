"""SODINN with 3-D convolutions, over levels as over pixels, in place of its convolutional LSTM layers."""

from astronet.direct_imaging import sodinn_model
from astronet.ops.tensorflow import keras


def _conv3d(num_filters, kernel_size, name):
    return keras.layers.Conv3D(num_filters, kernel_size, padding="same", activation="relu", name=name)


def build(config):
    """Builds the untrained Keras model of a Config; see sodinn_model.build."""
    return sodinn_model.build(config, _conv3d)
