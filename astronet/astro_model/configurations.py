"""Inputs that all models share by name, and the configurations of the linear model."""

from astronet.util.config_schema import Config, Feature, Hparams, Inputs


def _views(**lengths):
    return Inputs({name: Feature(length, is_time_series=True) for name, length in lengths.items()})


INPUTS = {
    "base": _views(global_view=201),
    "local_global": _views(global_view=201, local_view=81),
    "yu2019": _views(global_view=201, local_view=61),  # the views of the published records
}

CONFIGURATIONS = {name: Config(inputs, Hparams()) for name, inputs in INPUTS.items()}
