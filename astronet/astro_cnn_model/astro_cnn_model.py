"""The model with convolutional columns (Yu et al. 2019, figure 5)."""

from typing import Any

from astronet.astro_cnn_model.configurations import CNNHparams
from astronet.astro_model import astro_model
from astronet.config.schema import Config
from astronet.ops.contrast import DeviationChannel, ScatterChannel
from astronet.ops.dropout import Dropout
from astronet.ops.summary import Summary
from astronet.ops.tensorflow import keras
from light_curve_util import view_summary


def build(config: Config) -> "keras.Model":
    """Builds the untrained Keras model of a Config; see astro_model.build."""
    return astro_model.build(config, _conv_column)


def _conv_column(series: Any, name: str, hparams: CNNHparams) -> Any:
    column = hparams.columns[name]
    if column.summary_half_width is None:
        return _convolved(series, name, hparams)
    bins = view_summary.geometry(series.shape[1], column.summary_half_width)
    summary = Summary(bins, name=f"{name}_summary")(series)
    if not column.num_blocks:
        return summary
    return keras.layers.concatenate([_convolved(series, name, hparams), summary])


def _convolved(series: Any, name: str, hparams: CNNHparams) -> Any:
    column = hparams.columns[name]
    if hparams.scatter_channel:
        net = ScatterChannel()(series)  # [batch, length, channels]
    elif hparams.deviation_channel:
        net = DeviationChannel()(series)
    else:
        net = keras.layers.Reshape([-1, 1])(series)
    for block in range(1, column.num_blocks + 1):
        num_filters = column.num_filters * column.block_factor ** (block - 1)
        num_filters = min(num_filters, column.max_num_filters or num_filters)
        for conv in range(1, column.convs_per_block + 1):
            net = keras.layers.Conv1D(
                num_filters,
                column.kernel_size if block == 1 else column.later_kernel_size or column.kernel_size,
                padding="same",
                activation="relu",
                name=f"{name}_hidden/block_{block}/conv_{conv}",
            )(net)
        net = keras.layers.MaxPool1D(column.pool_size, column.pool_stride, padding="valid")(net)
        if hparams.column_dropout_rate:
            dropout_name = f"{name}_hidden/block_{block}/dropout"
            net = Dropout(hparams.column_dropout_rate, hparams.drop_whole_channels, name=dropout_name)(net)
    return keras.layers.Flatten()(net)
