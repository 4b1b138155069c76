"""SODINN with 3-D convolutions over levels and pixels, instead of convolutional LSTM layers."""

from typing import Any

from astronet.config.schema import Config
from astronet.direct_imaging import sodinn_model
from astronet.ops.tensorflow import keras


def _conv3d(num_filters: int, kernel_size: int, name: str) -> Any:
    return keras.layers.Conv3D(num_filters, kernel_size, padding="same", activation="relu", name=name)


def build(config: Config) -> "keras.Model":
    """Returns the untrained Keras model of a configuration; see sodinn_model.build()."""
    return sodinn_model.build(config, _conv3d)
