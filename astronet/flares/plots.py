"""Draws the figures of the flare scripts."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from astronet.figures.page import Page
from astronet.figures.style import BLUE, ORANGE, TIME_LABEL
from astronet.figures.tce import save
from astronet.flares.light_curves import Star
from light_curve_util.tess_io import LightCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_window(axes: "Axes", window: np.ndarray, style: Mapping[str, Any]) -> None:
    """Draws a window of a light curve and marks its central cadence, at which a flare may peak.

    Args:
      axes: matplotlib Axes.
      window: [length] flux over the median of the light curve.
      style: arguments of Axes.plot.
    """
    cadences = np.arange(len(window)) - len(window) // 2
    axes.axvline(0, color=ORANGE, alpha=0.3, linewidth=2.5, zorder=0)
    axes.plot(cadences, window, **style)
    axes.ticklabel_format(useOffset=False)
    axes.set(
        title="Window: the cadence that is judged, and its neighbors",
        xlabel="Cadences from the middle",
        ylabel="Flux / median",
    )


def flares_page(
    light_curve: LightCurve,
    probability: np.ndarray,
    flares: Sequence[Mapping[str, Any]],
    star: Star,
    threshold: float,
    unsearched: Sequence[Mapping[str, Any]] = (),
) -> Figure:
    """Draws a light curve, colored by probability, with its flares marked, above close-ups of the three highest flares.

    Args:
      light_curve: light curve of n cadences.
      probability: [n]; cadences of NaN are gray.
      flares: rows of flares.csv, as search.collect() makes them; hollow marks show flares that are not significant.
      star: star of the light curve.
      threshold: probability from which a cadence belongs to a flare.
      unsearched: rows of unsearched.csv, drawn as gray crosses.
    """
    time, flux = light_curve.time, light_curve.flux
    nearest = sorted(flares, key=lambda row: -float(row.get("amplitude") or 0))[:3]
    figure = Page(figsize=(11, 7.5 if nearest else 4), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False).ravel() if nearest else [figure]
    axes = parts[0].subplots()
    _scatter(axes, time, flux, probability, 2)
    for row in flares:
        peak = float(row["peak_time"])
        face = ORANGE if row["is_significant"] else "none"
        axes.plot(peak, 0.97, "v", color=ORANGE, mfc=face, markersize=5, transform=axes.get_xaxis_transform())
    for row in unsearched:
        transform = axes.get_xaxis_transform()
        axes.plot(float(row["peak_time"]), 0.97, "x", color="0.5", markersize=5, transform=transform)
    axes.set(xlabel=TIME_LABEL, ylabel="Flux / median")
    name = " ".join(
        part for part in (star.tic_id and f"TIC {star.tic_id}", star.sector and f"sector {star.sector}") if part
    )
    num_faint = sum(not row["is_significant"] for row in flares)
    axes.set_title(
        f"{name or os.path.basename(light_curve.path)}: {len(flares)} flares from a probability of {threshold:.3g}"
        + (f", {num_faint} of them not significant (hollow marks)" if num_faint else "")
        + ("; crosses: not searched" if unsearched else ""),
        parse_math=False,
    )
    axes.ticklabel_format(useOffset=False)
    figure.colorbar(axes.collections[-1], ax=axes, label="Probability of a flare", pad=0.01)
    if nearest:
        for axes, row in zip(np.ravel(parts[1].subplots(1, len(nearest), squeeze=False)), nearest):
            peak = float(row["peak_time"])
            near = np.abs(time - peak) < 0.1
            _scatter(axes, (time[near] - peak) * 24, flux[near], probability[near], 9)
            axes.set(xlabel="Time from the peak (hours)", ylabel="Flux / median", title=f"flare {row['flare']}")
            axes.ticklabel_format(useOffset=False)
    return figure


def plot_completeness(
    path: str, table: Sequence[Sequence[float]], amplitude_edges: np.ndarray, minute_edges: np.ndarray
) -> None:
    """Draws the share of injected flares that is found, by amplitude and duration.

    Args:
      path: PNG file to write.
      table: rows of completeness.shares_by_bin().
      amplitude_edges, minute_edges: edges of the bins.
    """
    num_amplitudes, num_durations = len(amplitude_edges) - 1, len(minute_edges) - 1
    shares = np.array([row[6] for row in table]).reshape(num_amplitudes, num_durations)
    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh(minute_edges, amplitude_edges, shares, vmin=0, vmax=1, cmap="viridis")
    for row in table:
        share, number = row[6], row[4]
        text = f"{share:.2f}\nof {number}" if number else "none"
        color = "black" if share > 0.6 else "white" if number else "black"
        center = np.sqrt(row[2] * row[3]), np.sqrt(row[0] * row[1])
        axes.text(*center, text, ha="center", va="center", fontsize=7, color=color)
    axes.set(xscale="log", yscale="log", xlabel="Full width at half maximum (minutes)", ylabel="Relative amplitude")
    axes.set_title("Share of injected flares that is found")
    figure.colorbar(mesh, ax=axes, label="Completeness")
    save(figure, path)


_SIZES = {"equivalent_duration": "Equivalent duration (s)", "energy_erg": "Energy (erg)"}


def plot_frequency(
    path: str,
    by: str,
    sizes: np.ndarray,
    weights: np.ndarray,
    days: float,
    power_law: tuple[float, float, float],
) -> None:
    """Draws the cumulative rate of flares, as found and corrected, and a power law.

    Args:
      path: PNG file to write.
      by: column of the sizes.
      sizes: [n].
      weights: [n] 1 / completeness; 0 for flares that are too small to correct for.
      days: length of the searched light curves.
      power_law: slope, size from which the power law holds, and rate of flares of at least that size [1/day].
    """
    order = np.argsort(-sizes)
    figure = Figure(figsize=(6.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.step(sizes[order], np.arange(1, len(sizes) + 1) / days, where="post", color="0.5", label="as found")
    usable = weights[order] > 0
    corrected = np.cumsum(weights[order])[usable] / days
    axes.step(sizes[order][usable], corrected, where="post", color=BLUE, label="corrected for completeness")
    slope, least, rate = power_law
    if np.isfinite(slope):
        line = np.geomspace(least, sizes.max())
        axes.plot(line, rate * (line / least) ** -slope, "--", color=ORANGE, label=f"power -{slope:.2f}")
    axes.set(xscale="log", yscale="log", xlabel=_SIZES[by], ylabel="Flares a day of at least this size")
    axes.grid(color="0.92")
    axes.legend(frameon=False)
    save(figure, path)


def plot_windows(path: str, views: Sequence[np.ndarray], dispositions: Sequence[str]) -> None:
    """Draws windows: flares in orange, quiet ones in black.

    Args:
      path: PNG file to write.
      views: [n, length] relative flux, at most 16 of them.
      dispositions: [n], "flare" or "quiet".
    """
    figure = Figure(figsize=(10, 8), layout="constrained")
    panels = figure.subplots(4, 4)
    for axes, view, disposition in zip(panels.flat, views, dispositions):
        axes.plot(view, color=ORANGE if disposition == "flare" else "black", linewidth=0.8)
        axes.set_title(disposition, fontsize="small")
        axes.ticklabel_format(useOffset=False)
        axes.tick_params(labelsize="x-small")
    for axes in panels.flat[len(views) :]:
        axes.set_axis_off()
    figure.supxlabel("Cadence")
    figure.supylabel("Flux / median")
    save(figure, path)


def _scatter(axes, time, flux, probability, size):
    unknown = np.isnan(probability)
    axes.scatter(time[unknown], flux[unknown], s=size, color="0.75", linewidths=0)
    order = np.argsort(probability[~unknown], kind="stable")  # the most probable on top
    values = probability[~unknown][order]
    axes.scatter(
        time[~unknown][order], flux[~unknown][order], size, values, cmap="viridis", vmin=0, vmax=1, linewidths=0
    )
