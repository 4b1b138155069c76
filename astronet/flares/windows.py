"""Windows of a light curve, each centered on a cadence: what a flare network reads.

Source: Feinstein et al. 2020 (AJ 160, 219), section 3: 200 cadences of flux over the light curve's median.
"""

import numpy as np

NAME = "flare_window"  # of the time series in records and configurations
LENGTH = 200
HALF = LENGTH // 2
MAX_STEP_CADENCES = 10  # between neighbors; single cadences that are flagged are closed up, as in the published windows


def cadence_days(time):
    """Returns the usual step between cadences [days].

    Args:
      time: [n], n >= 2, increasing.
    """
    return float(np.median(np.diff(time)))


def segments(time):
    """Returns the slices of a light curve between its gaps.

    Args:
      time: [n] days, increasing.
    """
    if len(time) < 2:
        return [slice(0, len(time))]
    breaks = np.flatnonzero(np.diff(time) > (MAX_STEP_CADENCES + 0.5) * cadence_days(time)) + 1
    edges = [0, *breaks.tolist(), len(time)]
    return [slice(start, end) for start, end in zip(edges, edges[1:])]


def stretches(time, flux, padded=False):
    """Yields the flux of all windows of each segment that is at least LENGTH cadences long.

    Cadence i has the window [i - HALF, i + HALF).

    Args:
      time: [n] days, increasing.
      flux: [n] relative to its median.
      padded: whether a window that would reach beyond its segment repeats the segment's last flux there; else such a
        cadence has none.

    Yields:
      (cadences, stretch): slice of n, float32 [num_cadences + LENGTH - 1], of which the LENGTH values from i on are the
        window of the slice's i-th cadence.
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


def strided(time, flux, padded=False):
    """Yields the windows of each segment that is at least LENGTH cadences long.

    Args:
      time, flux, padded: as those of stretches().

    Yields:
      (cadences, windows): slice of n, float32 view [num_cadences, LENGTH] that copies nothing.
    """
    for cadences, stretch in stretches(time, flux, padded):
        yield cadences, np.lib.stride_tricks.sliding_window_view(stretch, LENGTH)


def centered(time, flux, positions, padded=False):
    """Returns the windows of some cadences.

    Args:
      time, flux, padded: as those of stretches().
      positions: int [m], cadences.

    Returns:
      float32 [m, LENGTH]; NaN for a cadence that has no window.
    """
    positions = np.asarray(positions, dtype=int)
    found = np.full([len(positions), LENGTH], np.nan, dtype=np.float32)
    for cadences, windows in strided(time, flux, padded):
        inside = (cadences.start <= positions) & (positions < cadences.stop)
        found[inside] = windows[positions[inside] - cadences.start]
    return found
