"""Configurations of the convolutional model."""

import dataclasses
from typing import Annotated, Any, Optional

from astronet.astro_model.configurations import INPUTS, RECIPES
from astronet.config.schema import Bounds, Config, Hparams, Inputs, Share


@dataclasses.dataclass(frozen=True)
class ConvColumn:
    """The blocks of convolutions and a max-pooling that one time series passes through.

    Each block has `block_factor` times as many filters as the block before it, up to max_num_filters. With
    summary_half_width, a summary of the series in some thirty numbers (light_curve_util/view_summary.py) follows the
    output of the blocks. With num_blocks 0, the summary is the only output.
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
    # Share of the series, to either side of its middle, that the event may cover; None: no summary.
    summary_half_width: Optional[Annotated[float, Bounds(0, 0.45)]] = None


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

# Yu et al. 2019, section 4: the secondary view passes through a column like that of the local view.
_VETTING_YU2019_COLUMNS = {**_COLUMNS, "secondary_view": _COLUMNS["local_view"]}
# The event covers a fifth of the orbit at most, half of the local view (two durations to either side), and less of the
# secondary view (four durations to either side of the secondary).
_VETTING_COLUMNS = {
    name: ConvColumn(num_blocks=0, pool_size=1, summary_half_width=half_width)
    for name, half_width in (("global_view", 0.1), ("local_view", 0.3), ("secondary_view", 0.15))
}

_FLARE_COLUMNS = {
    "flare_window": ConvColumn(
        num_blocks=2, pool_size=2, convs_per_block=1, kernel_size=7, later_kernel_size=3, block_factor=4
    )
}

_Recipe = tuple[dict[str, ConvColumn], dict[str, Any]]  # the columns of views, and the other hyperparameters

_PUBLISHED: _Recipe = _COLUMNS, {"num_pre_logits_hidden_layers": 4}
_TRIAGE: _Recipe = _TRIAGE_COLUMNS, {"scatter_channel": True}
_VETTING: _Recipe = _VETTING_COLUMNS, {}
_STELLA: _Recipe = _FLARE_COLUMNS, {"column_dropout_rate": 0.1, "drop_whole_channels": False}
_FLARES: _Recipe = _FLARE_COLUMNS, {**_STELLA[1], "deviation_channel": True}
_OWN = {
    "triage": _TRIAGE,
    "triage_views": _TRIAGE,
    "vetting_yu2019": (_VETTING_YU2019_COLUMNS, _PUBLISHED[1]),
    "vetting": _VETTING,
    "triage_classes": _VETTING,
    "stella": _STELLA,
    "flares": _FLARES,
}


def _config(name: str, inputs: Inputs) -> Config:
    columns, overrides = _OWN.get(name, _PUBLISHED)
    hparams = {**overrides, **RECIPES.get(name, {}), "columns": {view: columns[view] for view in inputs.features}}
    return Config(inputs, CNNHparams(**hparams))


CONFIGURATIONS = {"AstroCNNModel": {name: _config(name, inputs) for name, inputs in INPUTS.items()}}
