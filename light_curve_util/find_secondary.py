"""The secondary eclipse of an event."""

from light_curve_util.native import core, finite_array


def find_secondary(time, flux, event):
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
