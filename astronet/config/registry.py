"""The list of models. Their modules are imported when they are needed, because builders import TensorFlow."""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from astronet.config.schema import Config, choose


class Entry(NamedTuple):
    """The modules that define a model.

    Attributes:
      builder: module with `build(config) -> keras.Model`. A model that is not trained by gradient steps (a random
        forest) also has `fit(...)`.
      configurations: module with CONFIGURATIONS, a dict of the model's name to its configurations by name.
    """

    builder: str
    configurations: str


MODELS = {
    "AstroModel": Entry("astronet.astro_model.astro_model", "astronet.astro_model.configurations"),
    "AstroFCModel": Entry("astronet.astro_fc_model.astro_fc_model", "astronet.astro_fc_model.configurations"),
    "AstroCNNModel": Entry("astronet.astro_cnn_model.astro_cnn_model", "astronet.astro_cnn_model.configurations"),
    "sodinn": Entry("astronet.direct_imaging.sodinn_model", "astronet.direct_imaging.configurations"),
    "sodinn_conv3d": Entry("astronet.direct_imaging.sodinn_conv3d_model", "astronet.direct_imaging.configurations"),
    "sodirf": Entry("astronet.direct_imaging.sodirf_model", "astronet.direct_imaging.configurations"),
}


def configurations(model: str) -> Mapping[str, Config]:
    """Returns the configurations of a model, by name.

    >>> list(configurations("sodinn"))
    ['sodinn']

    Raises:
      ScriptError: there is no such model; the message names the most similar one.
    """
    entry = choose(MODELS, model, "model")
    by_name: Mapping[str, Config] = importlib.import_module(entry.configurations).CONFIGURATIONS[model]
    return by_name


def builder(model: str) -> ModuleType:
    """Returns the module that builds a model.

    Raises:
      ScriptError: there is no such model; the message names the most similar one.
    """
    return importlib.import_module(choose(MODELS, model, "model").builder)
