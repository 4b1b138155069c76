"""Models by name."""

import importlib

from astronet.util.config_schema import choose

BUILDERS = {  # modules, which are imported when a model of theirs is built: they need TensorFlow
    "AstroModel": "astronet.astro_model.astro_model",
    "AstroFCModel": "astronet.astro_fc_model.astro_fc_model",
    "AstroCNNModel": "astronet.astro_cnn_model.astro_cnn_model",
}


def build(model, config):
    """Builds the untrained Keras model of a name and a Config; see astro_model.build."""
    return importlib.import_module(choose(BUILDERS, model, "model")).build(config)
