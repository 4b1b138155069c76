"""The figures on flares."""

import os

import numpy as np
from matplotlib.figure import Figure

from astronet.util.files import write_aside

_ORANGE = "#D55E00"
_TIME = "Time (BJD - 2457000, days)"


def plot_flares(path, light_curve, probability, flares, star, threshold):
    """Draws a light curve colored by probability, its flares marked, above its three surest flares from near.

    Args:
      path: PNG file to write.
      light_curve: tess_io.LightCurve.
      probability: [n]; NaN is drawn in gray.
      flares: list of rows of flares.csv.
      star: light_curves.Star.
      threshold: probability from which a cadence belongs to a flare.
    """
    time, flux = light_curve.time, light_curve.flux
    nearest = sorted(flares, key=lambda row: -float(row.get("amplitude") or 0))[:3]
    figure = Figure(figsize=(11, 7.5 if nearest else 4), layout="constrained")
    parts = figure.subfigures(2, 1) if nearest else [figure]
    axes = parts[0].subplots()
    _scatter(axes, time, flux, probability, 2)
    for row in flares:
        peak = float(row["peak_time"])
        axes.plot(peak, 0.97, "v", color=_ORANGE, markersize=5, transform=axes.get_xaxis_transform())
    axes.set(xlabel=_TIME, ylabel="Flux / median")
    name = " ".join(
        part for part in (star.tic_id and f"TIC {star.tic_id}", star.sector and f"sector {star.sector}") if part
    )
    axes.set_title(f"{name or os.path.basename(light_curve.path)}: {len(flares)} flares, probability {threshold:g} on")
    axes.ticklabel_format(useOffset=False)
    figure.colorbar(axes.collections[-1], ax=axes, label="Probability of a flare", pad=0.01)
    if nearest:
        for axes, row in zip(np.ravel(parts[1].subplots(1, len(nearest), squeeze=False)), nearest):
            peak = float(row["peak_time"])
            near = np.abs(time - peak) < 0.1
            _scatter(axes, (time[near] - peak) * 24, flux[near], probability[near], 9)
            axes.set(xlabel="Time from the peak (hours)", ylabel="Flux / median", title=f"flare {row['flare']}")
            axes.ticklabel_format(useOffset=False)
    _save(figure, path)


def _scatter(axes, time, flux, probability, size):
    unknown = np.isnan(probability)
    axes.scatter(time[unknown], flux[unknown], s=size, color="0.75", linewidths=0)
    order = np.argsort(probability[~unknown], kind="stable")  # the probable on top
    values = probability[~unknown][order]
    axes.scatter(
        time[~unknown][order], flux[~unknown][order], size, values, cmap="viridis", vmin=0, vmax=1, linewidths=0
    )


def _save(figure, path):
    with write_aside(path) as aside:
        figure.savefig(aside, dpi=110, format="png")
