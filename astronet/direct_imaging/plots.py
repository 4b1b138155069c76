"""Draws the figures of the direct imaging scripts."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from astronet.base.files import write_aside
from astronet.direct_imaging.configurations import NUM_LEVELS
from astronet.direct_imaging.cube import AdiCube
from astronet.direct_imaging.roc import Curve
from astronet.figures.style import COLORS, DPI, ORANGE
from astronet.stats import intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_SNR = 10.0  # greatest S/N of the color scale
_NOT_SEARCHED = "0.6"  # color of pixels without a probability
_LINES = ("-", "--", "-.", ":")
_LINEAR_RATE = 0.1  # false positives per map up to which the axis is linear


def draw_patch(axes: "Axes", patch: np.ndarray, style: Mapping[str, Any]) -> None:
    """Draws the levels of a patch of residuals, row by row; or a curve, if the number of levels is not NUM_LEVELS.

    Args:
      axes: matplotlib Axes.
      patch: flattened, [NUM_LEVELS * size * size].
      style: arguments of Axes.plot.
    """
    size = math.isqrt(len(patch) // NUM_LEVELS)
    if NUM_LEVELS * size**2 != len(patch):
        axes.plot(patch, **style)
        return
    levels = np.pad(patch.reshape(NUM_LEVELS, size, size), [(0, 0), (0, 1), (0, 1)], constant_values=np.nan)
    num_columns = math.isqrt(NUM_LEVELS - 1) + 1
    axes.imshow(
        np.vstack([np.hstack([*levels[i : i + num_columns][:, ::-1]]) for i in range(0, NUM_LEVELS, num_columns)])
    )
    axes.set_axis_off()
    axes.set_title("Residuals: the fewest components top left, the most bottom right", fontsize="medium")


def plot_detections(
    path: str,
    cube: AdiCube,
    images: Mapping[str, np.ndarray],
    num_components: int,
    places: Sequence[tuple[float, float]],
    threshold: float,
) -> None:
    """Draws the PCA image and its S/N map, the probability map, and the probabilities above the threshold.

    Args:
      path: PNG file to write.
      cube: the cube.
      images: "image", "snr", "probability" and "above", each [size, size].
      num_components: number of components of the PCA.
      places: pixels (x, y) of the detections.
      threshold: probability from which a companion is detected.
    """
    reach = cube.center
    extent = [-reach - 0.5, reach + 0.5, -reach - 0.5, reach + 0.5]
    noise = np.nanpercentile(np.abs(images["image"]), 99.5)
    drawn = (
        ("image", f"PCA, {num_components} components", "gray", -noise, noise, "flux"),
        ("snr", "signal-to-noise ratio in that image", "viridis", 0, min(_MOST_SNR, np.nanmax(images["snr"])), "S/N"),
        ("probability", "probability of a companion (gray: not searched)", "viridis", 0, 1, "probability"),
        (
            "above",
            f"probability of {threshold:g} or more ({_number_of_detections(len(places))})",
            "viridis",
            0,
            1,
            "probability",
        ),
    )
    figure = Figure(figsize=(10.5, 9.2), layout="constrained")
    for axes, (name, title, colors, least, most, label) in zip(figure.subplots(2, 2).flat, drawn):
        shown = axes.imshow(images[name], origin="lower", extent=extent, cmap=colors, vmin=least, vmax=most)
        figure.colorbar(shown, ax=axes, label=label, shrink=0.85)
        axes.set_facecolor(_NOT_SEARCHED)
        axes.plot(0, 0, "+", color="white", markersize=7)
        for number, (x, y) in enumerate(places, 1):
            x, y = x - cube.center, y - cube.center
            axes.plot(x, y, "o", markersize=17, markerfacecolor="none", markeredgecolor=ORANGE, markeredgewidth=1.3)
            axes.annotate(str(number), (x, y), (9, 7), textcoords="offset points", color=ORANGE)
        axes.set(title=title, xlabel="x from the star (px; east is left)", ylabel="y from the star (px; north is up)")
    with write_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=DPI)


def _number_of_detections(number: int) -> str:
    return f"{number or 'no'} detection{'' if number == 1 else 's'}"


def plot_companion_roc(
    path: str, curves: Mapping[tuple[int, str], Curve], num_maps: int, snr_range: Sequence[float], z: float
) -> None:
    """Draws, for each separation, the share of injected companions found against the false positives per map.

    Args:
      path: PNG file to write.
      curves: ROC by separation [FWHM] and method.
      num_maps: number of injections at each separation.
      snr_range: least and greatest S/N of the companions.
      z: half the width of the intervals, in standard deviations.
    """
    separations, methods = list(dict.fromkeys(key[0] for key in curves)), list(dict.fromkeys(key[1] for key in curves))
    num_columns = min(2, len(separations))
    num_rows = -(-len(separations) // num_columns)
    figure = Figure(figsize=(1 + 4.6 * num_columns, 1.1 + 3.5 * num_rows), layout="constrained")
    panels = figure.subplots(num_rows, num_columns, sharex=True, sharey=True, squeeze=False).ravel()
    most = max(points[2].max(initial=1.0) for points in curves.values())
    for number, (axes, separation) in enumerate(zip(panels, separations)):
        for method, color, line in zip(methods, itertools.cycle(COLORS), itertools.cycle(_LINES)):
            detected, rates = curves[separation, method].num_found, curves[separation, method].false_positives
            # From the point where no candidate counts as a companion to the point where all do.
            detected, rates = np.concatenate([[0], detected, detected[-1:]]), np.concatenate([[0], rates, [most]])
            low, high = np.transpose([intervals.wilson(count, num_maps, z) for count in detected])
            axes.step(
                rates, detected / num_maps, where="post", color=color, linestyle=line, linewidth=1.6, label=method
            )
            axes.fill_between(rates, low, high, step="post", color=color, alpha=0.13, linewidth=0)
        axes.set_xscale("symlog", linthresh=_LINEAR_RATE, linscale=0.5)
        axes.set(title=f"{separation} FWHM from the star", xlim=(0, most), ylim=(0, 1.02))
        axes.set_ylabel("share of companions found")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.label_outer()
        if number + num_columns >= len(separations):  # no panel stands below
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("false positives per map (of the whole frame)")
        axes.grid(color="0.92")
    for axes in panels[len(separations) :]:
        axes.set_visible(False)
    companions = f"S/N {snr_range[0]:g} to {snr_range[1]:g} by PCA; shaded: intervals of {z:g} sigma"
    figure.suptitle(f"{num_maps} companions at each separation, {companions}")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(methods), frameon=False)
    with write_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=DPI)
