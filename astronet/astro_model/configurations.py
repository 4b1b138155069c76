"""The inputs and recipes that all models have under the same names, and the configurations of the linear model."""

from typing import Any

from astronet.config.schema import Config, Feature, Hparams, Inputs, Scalar


def _views(*more: Any, **lengths: int) -> Inputs:
    return Inputs({name: Feature(length, is_time_series=True) for name, length in lengths.items()}, *more)


# Sector, camera, ccd, row_id and toi_id must never be scalars: they tell where a row came from, not what the TCE is.
_SCALARS = {
    "camera_event_density": Scalar({"Camera_Event_Density": 1.0}),
    "depth": Scalar({"Transit_Depth": 1.0}),
    "duration": Scalar({"Duration": 1.0}),
    "event_density": Scalar({"Event_Density": 1.0}),
    "period": Scalar({"Period": 1.0}),
    "sn": Scalar({"SN": 1.0}),
}
_CHANGE = Scalar({"depth_change": 1.0}, symlog_unit=0.2)
_VETTING_SCALARS = {
    "companion_radius": Scalar({"Transit_Depth": 0.5, "star_rad": 1.0}),
    "depth": Scalar({"Transit_Depth": 1.0}),
    "depth_change": _CHANGE,
    "duration": Scalar({"Duration": 1.0}),
    "duration_ratio": Scalar({"Duration": 1.0, "Period": -1 / 3, "star_mass": 1 / 3, "star_rad": -1.0}),
    "duty_cycle": Scalar({"Duration": 1.0, "Period": -1.0}),
    "ingress": Scalar({"Qingress": 1.0}),
    "magnitude": Scalar({"Tmag": 1.0}),
    "period": Scalar({"Period": 1.0}),
    "sn": Scalar({"SN": 1.0}),
    "star_gravity": Scalar({"logg": 1.0}),
    "star_mass": Scalar({"star_mass": 1.0}),
    "star_radius": Scalar({"star_rad": 1.0}),
    "star_temperature": Scalar({"teff": 1.0}),
}
# In training, planets and binaries are two classes, which improves the network. The probability is the sum of both.
_LABEL = ("Disposition", {"PC": 1, "EB": 2, "J": 0, "V": 0, "IS": 0, "O": 0})
_VETTING_LABEL = ("Disposition", {"PC": 1, "EB": 0, "J": 0, "V": 0, "IS": 0, "O": 0})
_FLARE_LABEL = ("Disposition", {"flare": 1, "quiet": 0})

_VETTING_VIEWS = {"global_view": 201, "local_view": 61, "secondary_view": 61}  # those of the published records

INPUTS = {
    "base": _views(global_view=201),
    "local_global": _views(global_view=201, local_view=81),
    "yu2019": _views(global_view=201, local_view=61),  # the views of the published records
    "triage": _views(_SCALARS, *_LABEL, global_view=201, local_view=61),
    "triage_views": _views({}, *_LABEL, global_view=201, local_view=61),
    "vetting_yu2019": _views({"depth_change": _CHANGE}, *_VETTING_LABEL, **_VETTING_VIEWS),
    "vetting": _views(_VETTING_SCALARS, *_VETTING_LABEL, **_VETTING_VIEWS),
    "triage_classes": _views(_VETTING_SCALARS, *_LABEL, **_VETTING_VIEWS),
    "stella": _views({}, *_FLARE_LABEL, flare_window=200),  # of one light curve, not folded
    "flares": _views({}, *_FLARE_LABEL, flare_window=200),
}

_TRIAGE = {
    "output_dim": 3,
    "batch_size": 128,
    "num_pre_logits_hidden_layers": 2,
    "pre_logits_hidden_layer_size": 256,
    "learning_rate": 1e-3,
    "learning_rate_schedule": "cosine",
    "average_decay": 0.998,
    "train_epochs": 20,
    "dropout_rate": 0.3,
    "scalar_drop_probability": 0.1,
    "score_both_directions": True,
}
_VETTING = {
    "batch_size": 128,
    "num_pre_logits_hidden_layers": 2,
    "pre_logits_hidden_layer_size": 64,
    "learning_rate": 1e-3,
    "learning_rate_schedule": "cosine",
    "average_decay": 0.998,
    "train_epochs": 20,
    "dropout_rate": 0.3,
    "scalar_drop_probability": 0.05,
    "half_drop_probability": 0.2,
    "reversal_probability": 0.0,
}
# Feinstein et al. 2020 (AJ 160, 219), section 3. A flare rises fast and decays slowly: time has a direction.
_STELLA = {
    "num_pre_logits_hidden_layers": 1,
    "pre_logits_hidden_layer_size": 32,
    "learning_rate": 1e-3,
    "adam_epsilon": 1e-7,
    "train_epochs": 350,
    "dropout_rate": 0.1,
    "reversal_probability": 0.0,
}
_FLARES = {
    **_STELLA,
    "learning_rate_schedule": "cosine",
    "average_decay": 0.998,
    "train_epochs": 20,
    "max_padded_bins": 100,
}
RECIPES: dict[str, dict[str, Any]] = {
    "triage": _TRIAGE,
    "triage_views": _TRIAGE,
    "vetting": _VETTING,
    "triage_classes": {**_VETTING, "output_dim": 3},
    "stella": _STELLA,
    "flares": _FLARES,
}  # differences from the published recipe, which all other configurations use

CONFIGURATIONS = {
    "AstroModel": {name: Config(inputs, Hparams(**RECIPES.get(name, {}))) for name, inputs in INPUTS.items()}
}
