"""The model whose columns are fully connected layers (Shallue & Vanderburg 2018, section 4.1)."""

from typing import Any

from astronet.astro_fc_model.configurations import FCHparams
from astronet.astro_model import astro_model
from astronet.config.schema import Config
from astronet.ops.tensorflow import keras


def build(config: Config) -> "keras.Model":
    """Builds the untrained Keras model of a Config; see astro_model.build."""
    return astro_model.build(config, _dense_column)


def _dense_column(series: Any, name: str, hparams: FCHparams) -> Any:
    column = hparams.columns[name]
    return astro_model.dense_layers(
        series, f"{name}_hidden", column.num_layers, column.layer_size, hparams.dropout_rate
    )
