"""The figures on direct images."""

import numpy as np
from matplotlib.figure import Figure

from astronet.util.files import write_aside

_MOST_SNR = 10.0  # beyond which the S/N map is not told apart


def plot_detections(path, cube, images, num_components, found, threshold):
    """Draws PCA's image and its S/N map, the probability map, and what of it is above the threshold.

    Args:
      path: PNG file to write.
      cube: AdiCube.
      images: dictionary of "image", "snr", "probability", "above", each [size, size].
      num_components: of the PCA.
      found: list of (x, y) of the detections.
      threshold: of the probability.
    """
    reach = cube.center
    extent = [-reach - 0.5, reach + 0.5, -reach - 0.5, reach + 0.5]
    noise = np.nanpercentile(np.abs(images["image"]), 99.5)
    drawn = (
        ("image", f"PCA, {num_components} components", "gray", -noise, noise, "flux"),
        ("snr", "its signal-to-noise ratio", "viridis", 0, min(_MOST_SNR, np.nanmax(images["snr"])), "S/N"),
        ("probability", "probability of a companion", "viridis", 0, 1, "probability"),
        ("above", f"probability of {threshold:g} or more", "viridis", 0, 1, "probability"),
    )
    figure = Figure(figsize=(10.5, 9.2), layout="constrained")
    for axes, (name, title, colors, least, most, label) in zip(figure.subplots(2, 2).flat, drawn):
        shown = axes.imshow(images[name], origin="lower", extent=extent, cmap=colors, vmin=least, vmax=most)
        figure.colorbar(shown, ax=axes, label=label, shrink=0.85)
        axes.plot(0, 0, "+", color="white", markersize=7)
        for number, (x, y) in enumerate(found, 1):
            x, y = x - cube.center, y - cube.center
            axes.plot(x, y, "o", markersize=17, markerfacecolor="none", markeredgecolor="#D55E00", markeredgewidth=1.3)
            axes.annotate(str(number), (x, y), (9, 7), textcoords="offset points", color="#D55E00")
        axes.set(title=title, xlabel="x from the star (px; east is left)", ylabel="y from the star (px; north is up)")
    with write_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=110)
