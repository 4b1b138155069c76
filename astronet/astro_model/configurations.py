"""Inputs and recipes that all models share by name, and the configurations of the linear model."""

from astronet.util.config_schema import Config, Feature, Hparams, Inputs, Scalar


def _views(scalars=None, **lengths):
    features = {name: Feature(length, is_time_series=True) for name, length in lengths.items()}
    return Inputs(features, scalars or {})


# Sector, camera, ccd, row_id and toi_id must never be among them: they say where a row came from, not what it is.
_SCALARS = {
    "depth": Scalar({"Transit_Depth": 1.0}),
    "duration": Scalar({"Duration": 1.0}),
    "period": Scalar({"Period": 1.0}),
    "sn": Scalar({"SN": 1.0}),
}

INPUTS = {
    "base": _views(global_view=201),
    "local_global": _views(global_view=201, local_view=81),
    "yu2019": _views(global_view=201, local_view=61),  # the views of the published records
    "triage": _views(_SCALARS, global_view=201, local_view=61),
    "triage_views": _views(global_view=201, local_view=61),
}

_TRIAGE = {
    "batch_size": 128,
    "num_pre_logits_hidden_layers": 2,
    "pre_logits_hidden_layer_size": 256,
    "learning_rate": 1e-3,
    "learning_rate_schedule": "cosine",
    "train_epochs": 20,
    "dropout_rate": 0.3,
    "scalar_drop_probability": 0.1,
    "score_both_directions": True,
}
RECIPES = {"triage": _TRIAGE, "triage_views": _TRIAGE}  # what differs from the published recipe, which the others have

CONFIGURATIONS = {name: Config(inputs, Hparams(**RECIPES.get(name, {}))) for name, inputs in INPUTS.items()}
