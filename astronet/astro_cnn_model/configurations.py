"""Configurations of the convolutional model."""

import dataclasses
from typing import Optional

from astronet.astro_model.configurations import INPUTS, RECIPES
from astronet.util.config_schema import Config, Hparams


@dataclasses.dataclass(frozen=True)
class ConvColumn:
    """Blocks of convolutions and a max-pooling that one time series passes through.

    Each block has `block_factor` times the filters of the block before it, up to max_num_filters.
    """

    num_blocks: int
    pool_size: int
    pool_stride: int = 2
    convs_per_block: int = 2
    kernel_size: int = 5
    num_filters: int = 16
    block_factor: int = 2
    max_num_filters: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class CNNHparams(Hparams):
    columns: dict[str, ConvColumn] = dataclasses.field(default_factory=dict)
    column_dropout_rate: float = 0.0  # of whole channels, after each pooling
    scatter_channel: bool = False  # whether columns also see each series in units of its own scatter


_COLUMNS = {
    "global_view": ConvColumn(num_blocks=5, pool_size=5),
    "local_view": ConvColumn(num_blocks=2, pool_size=7),
}

_TRIAGE_COLUMNS = {name: dataclasses.replace(column, max_num_filters=64) for name, column in _COLUMNS.items()}

_PUBLISHED = {"num_pre_logits_hidden_layers": 4}
_TRIAGE = {"scatter_channel": True}


def _config(name, inputs):
    columns, recipe = (_TRIAGE_COLUMNS, {**RECIPES[name], **_TRIAGE}) if name in RECIPES else (_COLUMNS, _PUBLISHED)
    return Config(inputs, CNNHparams(**recipe, columns={view: columns[view] for view in inputs.features}))


CONFIGURATIONS = {name: _config(name, inputs) for name, inputs in INPUTS.items()}
