"""SODINN: two convolutional LSTM layers over the levels of a patch, each pooled, and a dense layer.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 3.2.
"""

from astronet.astro_model import astro_model
from astronet.direct_imaging.configurations import FEATURE, patch_shape
from astronet.direct_imaging.conv_lstm import ConvLSTM2D
from astronet.ops.dropout import Dropout
from astronet.ops.tensorflow import keras


def build(config, convolution=ConvLSTM2D):
    """Builds the untrained Keras model of a Config; see astro_model.build.

    Args:
      config: Config.
      convolution: function (number of filters, kernel size, name=) -> layer from [batch, levels, size, size, channels]
        to as many levels of the same size.
    """
    hparams, shape = config.hparams, patch_shape(config)
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
