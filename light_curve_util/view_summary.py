"""A view in some thirty numbers: its depth, width, symmetry and scatter, and what lies outside the event.

Networks that have few planets to learn from read a view better so than bin by bin. None of the numbers changes when
the view is reversed.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from light_curve_util.constants import MAD_TO_SIGMA

QUANTILES = (0.0, 0.02, 0.1, 0.25, 0.75, 0.9, 0.98, 1.0)
DEPTHS = (0.9, 0.5, 0.2)  # of the view's; how many bins lie deeper tells a V from a U
LEAST_SCATTER = 1e-3  # of a view, whose depth is 1: less is rounding and interpolation
GAIN = 3.0  # values well below 1 / GAIN enter as they are, times GAIN; larger ones as their logarithm
_RING_EDGES = (0.0, 0.0175, 0.05, 0.1, 0.15, 0.225, 0.35, 0.51)  # distances from the middle, in lengths of the view

_Singles = NDArray[np.float32]
_Indices = NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Which bins of a view each number is made of.

    Attributes:
      length: number of bins.
      ranks: of QUANTILES, among the sorted bins.
      outside: indices of the bins outside the event.
      distances: of these, from the middle of the view, float32; -1 in the middle to 1 at the ends.
      rings: for each ring about the middle, the indices of its bins.
    """

    length: int
    ranks: tuple[int, ...]
    outside: _Indices
    distances: _Singles
    rings: tuple[_Indices, ...]

    @property
    def num_numbers(self) -> int:
        """How many numbers summarize() gives a view."""
        return len(self.ranks) + 2 + len(DEPTHS) + 1 + 8 + len(self.rings)


def geometry(length: int, half_width: float) -> Geometry:
    """Returns the Geometry of a view.

    Args:
      length: number of bins, 5 or more.
      half_width: share of the view, to either side of its middle, that the event may cover, 0 to 0.45.

    Raises:
      ValueError: the view is too short.
    """
    if length < 5:
        raise ValueError(f"a view of {length} bins has no summary: 5 are needed")
    distance = np.abs(np.arange(length) - (length - 1) / 2) / length
    rings = [np.flatnonzero((low <= distance) & (distance < high)) for low, high in zip(_RING_EDGES, _RING_EDGES[1:])]
    outside = np.flatnonzero(distance > half_width)
    return Geometry(
        length,
        tuple(round(quantile * (length - 1)) for quantile in QUANTILES),
        outside,
        (4 * distance[outside] - 1).astype(np.float32),
        tuple(ring for ring in rings if len(ring)),
    )


def summarize(views: _Singles, bins: Geometry) -> _Singles:
    """Returns the numbers of views, [num_views, bins.num_numbers].

    Args:
      views: float32 [num_views, length], normalized to median 0 and depth 1.
      bins: Geometry of views of this length.
    """
    in_order = np.sort(views, axis=1)
    outside = views[:, bins.outside]
    level, lowest = outside.mean(axis=1), outside.min(axis=1)
    scatter, scatter_outside = _mad(views), _mad(outside - _middle(outside)[:, np.newaxis])
    gained = [
        *(in_order[:, rank] for rank in bins.ranks),
        scatter,
        np.abs(np.diff(views, axis=1)).mean(axis=1),
        np.abs(views - views[:, ::-1]).mean(axis=1),
        lowest,
        outside.max(axis=1),
        outside.std(axis=1),
        scatter_outside,
        level,
        *(views[:, ring].mean(axis=1) for ring in bins.rings),
    ]
    shares = [4 * np.mean(views < -np.float32(depth), axis=1, dtype=np.float32) for depth in DEPTHS]
    significance = (lowest - level) / (scatter_outside + np.float32(LEAST_SCATTER))
    contrast = 1 / (scatter + np.float32(LEAST_SCATTER))
    others = [
        *shares,
        bins.distances[outside.argmin(axis=1)],
        np.arcsinh(significance) / np.float32(GAIN),
        np.arcsinh(contrast) / np.float32(GAIN),
    ]
    numbers: _Singles = np.stack([*(np.arcsinh(np.float32(GAIN) * value) for value in gained), *others], axis=1)
    return numbers


def _middle(values: _Singles) -> _Singles:
    """The upper median of each row."""
    rank = values.shape[1] // 2
    middle: _Singles = np.partition(values, rank, axis=1)[:, rank]
    return middle


def _mad(deviations: _Singles) -> _Singles:
    scatter: _Singles = np.float32(MAD_TO_SIGMA) * _middle(np.abs(deviations))
    return scatter
