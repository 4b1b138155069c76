"""Configurations of the convolutional model."""

import dataclasses

from astronet.astro_model.configurations import INPUTS, RECIPES
from astronet.util.config_schema import Config, Hparams


@dataclasses.dataclass(frozen=True)
class ConvColumn:
    """Blocks of convolutions and a max-pooling that one time series passes through.

    Each block has `block_factor` times the filters of the block before it.
    """

    num_blocks: int
    pool_size: int
    pool_stride: int = 2
    convs_per_block: int = 2
    kernel_size: int = 5
    num_filters: int = 16
    block_factor: int = 2


@dataclasses.dataclass(frozen=True)
class CNNHparams(Hparams):
    columns: dict[str, ConvColumn] = dataclasses.field(default_factory=dict)
    column_dropout_rate: float = 0.0  # of whole channels, after each pooling


_COLUMNS = {
    "global_view": ConvColumn(num_blocks=5, pool_size=5),
    "local_view": ConvColumn(num_blocks=2, pool_size=7),
}

_PUBLISHED = {"num_pre_logits_hidden_layers": 4}

CONFIGURATIONS = {
    name: Config(
        inputs,
        CNNHparams(
            **{**_PUBLISHED, **RECIPES.get(name, {})}, columns={view: _COLUMNS[view] for view in inputs.features}
        ),
    )
    for name, inputs in INPUTS.items()
}
