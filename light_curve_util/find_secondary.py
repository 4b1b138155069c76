"""Measures signs of an eclipsing binary: a secondary eclipse, and a depth that changes with the aperture."""

import numpy as np

from light_curve_util.array_types import ArrayLike
from light_curve_util.errors import FlatViewError, SparseLightCurveError
from light_curve_util.native import core, finite_array
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import fold_and_sort


def find_secondary(time: ArrayLike, flux: ArrayLike, event: PeriodicEvent) -> float:
    """Returns the phase of the most likely secondary eclipse.

    A box of the event's duration is moved over the folded light curve, outside the event. The box with the most
    significant dip wins.

    Args:
      time: [n] BTJD (days), in any order.
      flux: [n] relative flux.
      event: PeriodicEvent.

    Returns:
      t2: days after the event, in (0, period); half a period if there is no dip.

    Raises:
      SparseLightCurveError: there are fewer than 5 points outside the event.
      ValueError: a value is not finite, or the lengths differ.

    Source: box least squares, Kovacs et al. 2002, A&A 391, 369.
    """
    return core.find_secondary(
        finite_array("time", time), finite_array("flux", flux), event.t0, event.period, event.duration_days
    )


def depth_change(
    time: ArrayLike, flux_small: ArrayLike, flux_large: ArrayLike, event: PeriodicEvent, q_ingress: float
) -> float:
    """Returns the change of the depth from a smaller to a larger aperture, divided by the scatter of one point.

    If the change is positive, the dip is deeper in the larger aperture, and may come from a neighboring star. The depth
    is mean(out of transit) - mean(in full transit). Full transit is the central fraction 1 - 2 q_ingress of the
    duration.

    Args:
      time: [n] BTJD (days), in any order.
      flux_small: [n] relative flux in the smaller aperture (QLP: 2).
      flux_large: [n] relative flux in the larger aperture (QLP: 3), at the same times.
      event: PeriodicEvent.
      q_ingress: duration of the ingress divided by duration of the event, 0 to 0.5.

    Returns:
      (depth in the larger - depth in the smaller aperture) / scatter. The scatter is the standard deviation of
      flux_large - flux_small out of transit.

    Raises:
      SparseLightCurveError: there is no point in full transit, or fewer than 2 points are out of transit.
      FlatViewError: there is no scatter out of transit.
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
