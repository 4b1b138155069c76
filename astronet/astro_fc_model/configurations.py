"""Configurations of the fully connected model."""

import dataclasses
from typing import Any

from astronet.astro_model.configurations import INPUTS, RECIPES
from astronet.config.schema import Config, Hparams, LayerCount


@dataclasses.dataclass(frozen=True)
class DenseColumn:
    """Fully connected ReLU layers that one time series passes through."""

    num_layers: LayerCount = 2
    layer_size: int = 128


@dataclasses.dataclass(frozen=True)
class FCHparams(Hparams):
    columns: dict[str, DenseColumn] = dataclasses.field(default_factory=dict)


_PUBLISHED: dict[str, Any] = {"num_pre_logits_hidden_layers": 2}

CONFIGURATIONS = {
    "AstroFCModel": {
        name: Config(
            inputs,
            FCHparams(
                **{**_PUBLISHED, **RECIPES.get(name, {})}, columns={view: DenseColumn() for view in inputs.features}
            ),
        )
        for name, inputs in INPUTS.items()
    }
}
