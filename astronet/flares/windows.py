"""Cuts windows out of a light curve: the input of a flare network. A window is centered on a cadence.

Source: Feinstein et al. 2020 (AJ 160, 219), section 3: 200 cadences of flux over the light curve's median.
"""

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np

NAME = "flare_window"  # of the time series in records and configurations
LENGTH = 200
HALF = LENGTH // 2
MAX_STEP_CADENCES = (
    10  # between neighbors; shorter gaps, of flagged cadences, are closed up, as in the published windows
)


def cadence_days(time: np.ndarray) -> float:
    """Returns the median step between cadences [days].

    Args:
      time: [n], n >= 2, increasing.
    """
    return float(np.median(np.diff(time)))


def segments(time: np.ndarray) -> list[slice]:
    """Returns the parts of a light curve between its gaps, as slices of n.

    Args:
      time: [n] days, increasing.
    """
    if len(time) < 2:
        return [slice(0, len(time))]
    breaks = np.flatnonzero(np.diff(time) > (MAX_STEP_CADENCES + 0.5) * cadence_days(time)) + 1
    edges = [0, *breaks.tolist(), len(time)]
    return [slice(start, end) for start, end in zip(edges, edges[1:])]


def stretches(time: np.ndarray, flux: np.ndarray, padded: bool = False) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields the flux that the windows of a segment cover, for segments of at least LENGTH cadences.

    The window of cadence i is [i - HALF, i + HALF).

    Args:
      time: [n] days, increasing.
      flux: [n] relative to its median.
      padded: whether windows may reach beyond their segment, where its first or last flux is repeated; otherwise such
        cadences have no window.

    Yields:
      (cadences, stretch): the cadences that have a window, a slice of n; and float32 [num_cadences + LENGTH - 1], in
      which the window of the i-th of these cadences is stretch[i : i + LENGTH].
    """
    for segment in segments(time):
        inside = np.asarray(flux[segment], dtype=np.float32)
        if len(inside) < LENGTH:
            continue
        if padded:
            inside, cadences = np.pad(inside, (HALF, HALF - 1), mode="edge"), segment
        else:
            cadences = slice(segment.start + HALF, segment.stop - HALF + 1)
        yield cadences, inside


def strided(time: np.ndarray, flux: np.ndarray, padded: bool = False) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields the windows of each segment of at least LENGTH cadences.

    Args:
      time, flux, padded: see stretches().

    Yields:
      (cadences, windows): the cadences that have a window, a slice of n; float32 view [num_cadences, LENGTH].
    """
    for cadences, stretch in stretches(time, flux, padded):
        yield cadences, np.lib.stride_tricks.sliding_window_view(stretch, LENGTH)


def centered(
    time: np.ndarray, flux: np.ndarray, positions: Union[Sequence[int], np.ndarray], padded: bool = False
) -> np.ndarray:
    """Returns the windows of some cadences, float32 [m, LENGTH]; NaN for a cadence that has no window.

    Args:
      time, flux, padded: see stretches().
      positions: [m], indices of cadences.
    """
    indices = np.asarray(positions, dtype=int)
    chosen = np.full([len(indices), LENGTH], np.nan, dtype=np.float32)
    for cadences, windows in strided(time, flux, padded):
        inside = (cadences.start <= indices) & (indices < cadences.stop)
        chosen[inside] = windows[indices[inside] - cadences.start]
    return chosen
