"""What vetters measure of an event: odd against even depths, the secondary eclipse, and how much it looks like a V."""

from typing import NamedTuple

from light_curve_util.array_types import ArrayLike
from light_curve_util.native import core, finite_array, require
from light_curve_util.periodic_event import PeriodicEvent


class EventMeasures(NamedTuple):
    """Measures of an event; NaN where the light curve does not tell.

    Attributes:
      depth: mean flux about the event less the mean within it.
      odd_even_difference: depth of odd events less depth of even events, over the depth. The event at t0 is even.
      odd_even_significance: absolute difference over its error.
      secondary_depth: depth of the most likely secondary eclipse, over the depth of the event.
      secondary_phase: its phase, 0 to 1 of the period.
      secondary_significance: its depth over the error.
      v_shape: ingress over duration of the trapezoid that fits best, 0 (a box) to 0.5 (a V).
    """

    depth: float
    odd_even_difference: float
    odd_even_significance: float
    secondary_depth: float
    secondary_phase: float
    secondary_significance: float
    v_shape: float


def measure_event(time: ArrayLike, flux: ArrayLike, event: PeriodicEvent) -> EventMeasures:
    """Measures an event of a light curve.

    The flux about the event is taken from one duration to three durations from its middle, and at most to half a
    period. Errors are those of means, for points that scatter as they do there: they take noise to be white.

    Args:
      time: [n] BTJD (days), in any order.
      flux: [n] relative flux.
      event: PeriodicEvent.

    Returns:
      EventMeasures.

    Raises:
      ValueError: a value is not finite, or the lengths differ.
    """
    require("measure_event")
    times, fluxes = finite_array("time", time), finite_array("flux", flux)
    return EventMeasures(*core.measure_event(times, fluxes, event.t0, event.period, event.duration_days))
