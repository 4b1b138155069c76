"""Configurations of the convolutional model."""

import dataclasses
from typing import Annotated, Any, Optional

from astronet.astro_model.configurations import INPUTS, RECIPES
from astronet.config.schema import Bounds, Config, Hparams, Inputs, Share


@dataclasses.dataclass(frozen=True)
class ConvColumn:
    """The blocks of convolutions and a max-pooling that one time series passes through.

    Each block has `block_factor` times as many filters as the block before it, up to max_num_filters.
    """

    num_blocks: Annotated[int, Bounds(most=100)]
    pool_size: int
    pool_stride: int = 2
    convs_per_block: Annotated[int, Bounds(most=10)] = 2
    kernel_size: int = 5
    later_kernel_size: Optional[int] = None  # kernel size of all blocks except the first; None: kernel_size
    num_filters: int = 16
    block_factor: int = 2
    max_num_filters: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class CNNHparams(Hparams):
    columns: dict[str, ConvColumn] = dataclasses.field(default_factory=dict)
    column_dropout_rate: Share = 0.0  # after each pooling
    drop_whole_channels: bool = True  # false: drops single values
    scatter_channel: bool = False  # adds a second channel, the series divided by its scatter
    deviation_channel: bool = False  # replaces the series by deviations from its mean, plain and divided by the noise


_COLUMNS = {
    "global_view": ConvColumn(num_blocks=5, pool_size=5),
    "local_view": ConvColumn(num_blocks=2, pool_size=7),
}

_TRIAGE_COLUMNS = {name: dataclasses.replace(column, max_num_filters=64) for name, column in _COLUMNS.items()}

_FLARE_COLUMNS = {
    "flare_window": ConvColumn(
        num_blocks=2, pool_size=2, convs_per_block=1, kernel_size=7, later_kernel_size=3, block_factor=4
    )
}

_Recipe = tuple[dict[str, ConvColumn], dict[str, Any]]  # the columns of views, and the other hyperparameters

_PUBLISHED: _Recipe = _COLUMNS, {"num_pre_logits_hidden_layers": 4}
_TRIAGE: _Recipe = _TRIAGE_COLUMNS, {"scatter_channel": True}
_STELLA: _Recipe = _FLARE_COLUMNS, {"column_dropout_rate": 0.1, "drop_whole_channels": False}
_FLARES: _Recipe = _FLARE_COLUMNS, {**_STELLA[1], "deviation_channel": True}
_OWN = {"triage": _TRIAGE, "triage_views": _TRIAGE, "stella": _STELLA, "flares": _FLARES}


def _config(name: str, inputs: Inputs) -> Config:
    columns, overrides = _OWN.get(name, _PUBLISHED)
    hparams = {**overrides, **RECIPES.get(name, {}), "columns": {view: columns[view] for view in inputs.features}}
    return Config(inputs, CNNHparams(**hparams))


CONFIGURATIONS = {"AstroCNNModel": {name: _config(name, inputs) for name, inputs in INPUTS.items()}}
