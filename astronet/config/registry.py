"""The one list of models: the modules of each, imported when they are needed. The builders need TensorFlow."""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from astronet.config.schema import Config, choose


class Entry(NamedTuple):
    """Where a model is defined.

    Attributes:
      builder: module with `build(config) -> keras.Model`, and with `fit(...)` for a model that is fitted at once.
      configurations: module whose CONFIGURATIONS has the model's named configurations under the model's name.
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
    """Returns the configurations of a model by name.

    Raises:
      ScriptError: there is no such model; it names the nearest.
    """
    entry = choose(MODELS, model, "model")
    by_name: Mapping[str, Config] = importlib.import_module(entry.configurations).CONFIGURATIONS[model]
    return by_name


def builder(model: str) -> ModuleType:
    """Returns the module that builds a model.

    Raises:
      ScriptError: there is no such model; it names the nearest.
    """
    return importlib.import_module(choose(MODELS, model, "model").builder)
