"""Box least squares over a grid of periods, in the C++ core."""

from typing import NamedTuple

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.native import core, finite_array


class Boxes(NamedTuple):
    """The best box at each period; `power` is 0 if there is no dip.

    Attributes:
      power: number of cadences in the box times depth squared. [num_periods]
      depth: mean flux outside the box less mean flux inside. [num_periods]
      points: number of cadences in the box. [num_periods]
      mid_time: middle of the first box at a time of at least 0, days. [num_periods]
      duration: width of the box, days; a whole number of bins. [num_periods]
    """

    power: Floats
    depth: Floats
    points: Floats
    mid_time: Floats
    duration: Floats


def box_search(
    time: ArrayLike, flux: ArrayLike, periods: ArrayLike, durations: ArrayLike, oversample: int = 4
) -> Boxes:
    """Returns the best box at each of many periods.

    The light curve is folded into bins of at most the shortest duration / oversample. A box of each duration is tried
    at every bin; it may wrap around the end of the phase. All cadences have the same weight.

    Args:
      time: [n] days, 0 or more, in any order.
      flux: [n] in any unit.
      periods: [num_periods] days.
      durations: [num_durations] days.
      oversample: bins in the shortest duration.

    Returns:
      Boxes.

    Raises:
      ValueError: a value is not finite or out of bounds, or the lengths differ.

    Source: Kovacs, Zucker & Mazeh 2002, A&A 391, 369.
    """
    flux = finite_array("flux", flux)
    columns = core.box_search(
        finite_array("time", time),
        flux - flux.mean() if len(flux) else flux,
        finite_array("periods", periods),
        finite_array("durations", durations),
        int(oversample),
    )
    return Boxes(*columns)
