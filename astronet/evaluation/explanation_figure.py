"""Draws the page that shows why a model gives a TCE its probability."""

from typing import TYPE_CHECKING, Any

import numpy as np

from astronet.config import nouns
from astronet.evaluation.explanation import Explanation
from astronet.figures import tce as tces
from astronet.figures.style import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRONG = 1.0  # change of log odds that is drawn in full color; a larger one sets the scale


def page(explanation: Explanation) -> "Figure":
    """Draws an explanation: each view colored by the effect of its parts, effects of inputs, and similar examples."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9.5), layout="constrained")
    tce = explanation.identity
    words = nouns.of(explanation.occlusions)
    title = tces.tce_title(tce.tic_id, tce.sector, tce.period, tce.disposition, explanation.probability, words)
    figure.suptitle(title, parse_math=False)
    has_neighbors = bool(explanation.neighbors)
    rows: Any = figure.subfigures(3 if has_neighbors else 2, 1)
    changes = [change.mean for item in explanation.occlusions.values() for change in item.changes]
    scale = max([_STRONG, *map(abs, changes)])
    if explanation.occlusions:
        panels = np.ravel(rows[0].subplots(1, len(explanation.occlusions), squeeze=False))
        for axes, (name, occlusion) in zip(panels, explanation.occlusions.items()):
            _draw_view(axes, name, occlusion, scale)
    _draw_left_out(rows[1].subplots(), explanation.left_out)
    if has_neighbors:
        _draw_neighbors(rows[2], explanation)
    return figure


def _draw_view(axes, name, occlusion, scale):
    """Draws a view over stripes: blue for parts that are evidence for a positive, orange for evidence against it."""
    effects = -np.array([change.mean for change in occlusion.changes])
    shown = np.interp(np.arange(len(occlusion.view)), occlusion.centers, effects)
    extent = (-0.5, len(occlusion.view) - 0.5, 0, 1)
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("for_and_against", [ORANGE, "white", BLUE])
    axes.imshow(
        shown[np.newaxis],
        cmap=colors,
        vmin=-scale,
        vmax=scale,
        aspect="auto",
        extent=extent,
        transform=axes.get_xaxis_transform(),
        alpha=0.55,
        interpolation="nearest",
    )
    axes.plot(occlusion.view, color="black", linewidth=1.1)
    axes.set_xlim(-0.5, len(occlusion.view) - 0.5)
    axes.set(
        title=f"{name}: blue speaks for, orange against\n(full color: {scale:.1f} in log odds)",
        xlabel=f"Bin (window of {occlusion.width})",
        ylabel="Normalized flux",
    )


def _draw_left_out(axes, left_out):
    """Draws bars of the change of log odds without each input, with the range over the members."""
    names = sorted(left_out, key=lambda name: -abs(left_out[name].mean))
    means = np.array([left_out[name].mean for name in names])
    colors = [BLUE if mean < 0 else ORANGE for mean in means]
    axes.barh(names, means, color=colors, height=0.6)
    for row, name in enumerate(names):
        axes.plot([left_out[name].low, left_out[name].high], [row, row], color="black", linewidth=1, marker="|")
        axes.annotate(
            f"p = {left_out[name].probability:.3f}",
            (1.005, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize="small",
        )
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.invert_yaxis()
    axes.set(
        title="Without this input (lines: from the lowest to the highest member; right: the probability that is left)",
        xlabel="Change of log odds",
    )


def _draw_neighbors(figure, explanation):
    name = min(explanation.neighbors[0].views, key=lambda view: len(explanation.neighbors[0].views[view]))
    panels = np.ravel(figure.subplots(1, len(explanation.neighbors), sharey=True, squeeze=False))
    figure.suptitle(f"Training examples with the most similar views ({name}; gray: this TCE)", fontsize="medium")
    for axes, neighbor in zip(panels, explanation.neighbors):
        axes.plot(explanation.occlusions[name].view, color="0.75", linewidth=1)
        axes.plot(neighbor.views[name], color=BLUE, linewidth=1.1)
        axes.set_title(f"{neighbor.disposition}  TIC {neighbor.identity.tic_id}", fontsize="small", parse_math=False)
        axes.set_xlabel(f"distance {neighbor.distance:.3f}", fontsize="small")
