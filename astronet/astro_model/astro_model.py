"""Builds models: a column for each time series, concatenated with the scalars, then dense layers and logits.

Source: Shallue & Vanderburg 2018 (AJ 155, 94), section 4.1, and Yu et al. 2019 (AJ 158, 25), section 4.
"""

from collections.abc import Callable
from typing import Any

from astronet.config import configuration
from astronet.config.schema import Config
from astronet.ops.dropout import Dropout
from astronet.ops.scalars import NormalizedScalars
from astronet.ops.tensorflow import keras


def build(
    config: Config, column: Callable[[Any, str, Any], Any] = lambda series, name, hparams: series
) -> "keras.Model":
    """Builds an untrained Keras model. Without columns and hidden layers (AstroModel), it is linear.

    Args:
      config: Config.
      column: function of a series [batch, length], the name of its feature, and hparams, that returns the output of
        the column, [batch, any]. The default returns the series.

    Returns:
      A Keras model from a dictionary of features, each [batch, length], to logits [batch, output_dim]. The layers have
      the same names as in published checkpoints.
    """
    hparams = config.hparams
    inputs = {name: keras.Input([length], name=name) for name, length in configuration.input_lengths(config).items()}
    features = sorted(config.inputs.features.items(), key=lambda item: (not item[1].is_time_series, item[0]))
    parts = [
        column(inputs[name], name, hparams) if feature.is_time_series else inputs[name] for name, feature in features
    ]
    if config.inputs.scalars:
        columns = {name: inputs[name] for name in configuration.scalar_columns(config)}
        parts.append(NormalizedScalars(config.inputs.scalars, name="scalars")(columns))
    net = keras.layers.concatenate(parts) if len(parts) > 1 else parts[0]
    net = dense_layers(
        net,
        "pre_logits_hidden",
        hparams.num_pre_logits_hidden_layers,
        hparams.pre_logits_hidden_layer_size,
        hparams.dropout_rate,
    )
    logits = keras.layers.Dense(hparams.output_dim, name="logits")(net)
    return keras.Model(inputs, logits)


def dense_layers(net: Any, scope: str, num_layers: int, layer_size: int, dropout_rate: float) -> Any:
    """Adds fully connected ReLU layers, named scope/fully_connected_1, _2, ..., with dropout, to a net [batch, any]."""
    for i in range(1, num_layers + 1):
        net = keras.layers.Dense(layer_size, activation="relu", name=f"{scope}/fully_connected_{i}")(net)
        if dropout_rate:
            net = Dropout(dropout_rate, name=f"{scope}/dropout_{i}")(net)
    return net
