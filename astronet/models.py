"""Models by name."""

from astronet.astro_cnn_model import astro_cnn_model
from astronet.astro_fc_model import astro_fc_model
from astronet.astro_model import astro_model
from astronet.util.config_schema import choose

BUILDERS = {
    "AstroModel": astro_model.build,
    "AstroFCModel": astro_fc_model.build,
    "AstroCNNModel": astro_cnn_model.build,
}


def build(model, config):
    """Builds the untrained Keras model of a name and a Config; see astro_model.build."""
    return choose(BUILDERS, model, "model")(config)
