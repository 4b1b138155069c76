"""SODINN: two convolutional LSTM layers over the levels of a patch, with pooling, and a dense layer.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 3.2.
"""

from collections.abc import Callable
from typing import Any

from astronet.astro_model import astro_model
from astronet.config.schema import Config
from astronet.direct_imaging.configurations import FEATURE, SodinnHparams, hparams_of, patch_shape
from astronet.direct_imaging.conv_lstm import ConvLSTM2D
from astronet.ops.dropout import Dropout
from astronet.ops.tensorflow import keras


def build(config: Config, convolution: Callable[..., Any] = ConvLSTM2D) -> "keras.Model":
    """Returns the untrained Keras model of a configuration; see astro_model.build().

    Args:
      config: the configuration.
      convolution: function (number of filters, kernel size, name=) that returns a layer; the layer keeps the number of
        levels and the size of [batch, levels, size, size, channels].
    """
    hparams, shape = hparams_of(config, SodinnHparams), patch_shape(config)
    patches = keras.Input([config.inputs.features[FEATURE].length], name=FEATURE)
    net = keras.layers.Reshape([*shape, 1])(patches)
    for number, kernel_size in ((1, 3), (2, 2)):
        scope = f"{FEATURE}_hidden/block_{number}"
        net = convolution(hparams.num_filters * number, kernel_size, name=f"{scope}/conv")(net)
        net = keras.layers.MaxPool3D(2, padding="same")(net)
        if hparams.column_dropout_rate:
            net = Dropout(hparams.column_dropout_rate, name=f"{scope}/dropout")(net)
    net = astro_model.dense_layers(
        keras.layers.Flatten()(net),
        "pre_logits_hidden",
        hparams.num_pre_logits_hidden_layers,
        hparams.pre_logits_hidden_layer_size,
        hparams.dropout_rate,
    )
    return keras.Model({FEATURE: patches}, keras.layers.Dense(hparams.output_dim, name="logits")(net))
