"""Makes the views of a TCE that networks read."""

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.errors import FlatViewError, LightCurveError, SparseLightCurveError
from light_curve_util.native import core, finite_array
from light_curve_util.periodic_event import PeriodicEvent

VIEW_NAMES = (
    *("global_view", "local_view", "twice_global_view", "secondary_view"),
    *("odd_view", "even_view", "half_global_view", "global_scatter_view", "local_scatter_view"),
)


_ADVICE = {
    SparseLightCurveError: (
        " (days of phase): the light curve does not cover the event; check the period, the epoch, the duration and "
        "their units, or give another light curve"
    ),
    FlatViewError: "; check whether the light curve is constant, or give another flux_key",
}


class ViewGenerator:
    """Folds a light curve once and makes any number of views of it.

    global_view: the whole orbit. local_view: two durations to either side of the event. twice_global_view: two orbits,
    which shows whether odd and even events differ. secondary_view: four durations to either side of the most likely
    secondary eclipse. odd_view, even_view: the local view of every other event, on the scale of the local view of all
    (even is the event at t0; where one of the two has too few points, its view is that of all). half_global_view: half
    an orbit, on the scale of the global view: a dip there as deep means that the period is twice the true one.
    global_scatter_view, local_scatter_view: the robust standard deviation in each bin of a view, over its depth.

    Args:
      time: [n] BTJD (days), in any order. The arrays are not copied: do not change them while views are made.
      flux: [n] relative flux.
      event: PeriodicEvent.

    Raises:
      ValueError: a value is not finite, or the lengths differ.

    Source: Shallue & Vanderburg 2018, AJ 155, 94, section 3; Yu et al. 2019, AJ 158, 25, section 3.
    """

    def __init__(self, time: ArrayLike, flux: ArrayLike, event: PeriodicEvent) -> None:
        self._views = core.ViewGenerator(
            finite_array("time", time), finite_array("flux", flux), event.t0, event.period, event.duration_days
        )

    def view(self, name: str, num_bins: int) -> Floats:
        """Returns a view: medians (or the scatter) in overlapping bins, normalized to a depth of 1.

        Args:
          name: one of VIEW_NAMES.
          num_bins: length of the view, 2 to 100,000.

        Returns:
          [num_bins].

        Raises:
          SparseLightCurveError: there are too few points, or they cover too short a range.
          FlatViewError: no value is below the median.
          ValueError: the name is unknown, or the number of bins is out of bounds.
        """
        if name not in VIEW_NAMES:
            raise ValueError(f"unknown view {name!r}; the views are {', '.join(VIEW_NAMES)}")
        try:
            view: Floats = getattr(self._views, name)(num_bins)
        except LightCurveError as error:
            raise type(error)(f"{name}: {error}{_ADVICE.get(type(error), '')}") from None
        return view
