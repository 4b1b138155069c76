"""What tells an eclipsing binary from a planet: a secondary eclipse, and a depth that changes with the aperture."""

import numpy as np

from light_curve_util.array_types import ArrayLike
from light_curve_util.errors import FlatViewError, SparseLightCurveError
from light_curve_util.native import core, finite_array
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import fold_and_sort


def find_secondary(time: ArrayLike, flux: ArrayLike, event: PeriodicEvent) -> float:
    """Phase of the most likely secondary eclipse.

    A box of the event's duration is moved over the folded light curve away from the event itself; the deepest dip for
    its number of points wins.

    Args:
      time: [n] BTJD (days), in any order.
      flux: [n] relative flux.
      event: PeriodicEvent.

    Returns:
      t2: days after the event, in (0, period); half a period when nothing dips.

    Raises:
      SparseLightCurveError: fewer than 5 points lie away from the event.
      ValueError: a value is not finite, or the lengths differ.

    Source: box least squares, Kovacs et al. 2002, A&A 391, 369.
    """
    return core.find_secondary(
        finite_array("time", time), finite_array("flux", flux), event.t0, event.period, event.duration_days
    )


def depth_change(
    time: ArrayLike, flux_small: ArrayLike, flux_large: ArrayLike, event: PeriodicEvent, q_ingress: float
) -> float:
    """Change of the depth from a smaller to a larger aperture, over the scatter of one point of the difference.

    A positive change means that the dip is deeper with more of the surroundings in the aperture: it may be that of a
    neighbor. Depth is mean(out of transit) - mean(in full transit), the middle 1 - 2 q_ingress of the duration.

    Args:
      time: [n] BTJD (days), in any order.
      flux_small: [n] relative flux in the smaller aperture (QLP: 2).
      flux_large: [n] relative flux in the larger aperture (QLP: 3), at the same times.
      event: PeriodicEvent.
      q_ingress: duration of the ingress / duration of the event, 0 to 0.5.

    Returns:
      (depth in the larger - depth in the smaller aperture) / scatter, where scatter is the standard deviation out of
      transit of flux_large - flux_small.

    Raises:
      SparseLightCurveError: no point in full transit, or fewer than 2 out of transit.
      FlatViewError: no scatter out of transit.
      ValueError: a value is not finite, or the lengths differ.
    """
    difference = finite_array("flux_large", flux_large) - finite_array("flux_small", flux_small)
    phase, difference = fold_and_sort(time, difference, event.period, event.t0)
    in_full_transit = difference[np.abs(phase) < event.duration_days * (1 - 2 * q_ingress) / 2]
    out_of_transit = difference[np.abs(phase) > event.duration_days / 2]
    if len(in_full_transit) < 1 or len(out_of_transit) < 2:
        raise SparseLightCurveError(
            f"{len(in_full_transit)} points in full transit, {len(out_of_transit)} out of transit: 1 and 2 are needed"
        )
    scatter = np.std(out_of_transit)
    if scatter == 0:
        raise FlatViewError("the apertures do not differ out of transit: there is no scatter to compare a change with")
    change: float = (np.mean(out_of_transit) - np.mean(in_full_transit)) / scatter
    return change
