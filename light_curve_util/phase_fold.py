"""Folds times at a period."""

from light_curve_util.array_types import ArrayLike, Floats
from light_curve_util.native import core, finite_array


def phase_fold(time: ArrayLike, period: float, t0: float) -> Floats:
    """Folds times at a period. The event is at phase 0.

    >>> phase_fold([10.0, 11.0, 12.5], period=2.0, t0=10.0).tolist()
    [0.0, -1.0, 0.5]

    Args:
      time: [n] days, in any order.
      period: days.
      t0: mid-time of an event, in the units and zero point of `time`.

    Returns:
      [n] phase in days, mod(time + (period / 2 - t0), period) - period / 2, in [-period / 2, period / 2).

    Raises:
      ValueError: a value is not finite, or the period is not positive (1e-30 to 1e30).
    """
    return core.phase_fold(finite_array("time", time), period, t0)


def fold_and_sort(time: ArrayLike, flux: ArrayLike, period: float, t0: float) -> tuple[Floats, Floats]:
    """Folds a light curve and sorts it by phase. Points with equal phases keep their order.

    Args:
      time: [n] days, in any order.
      flux: [n].
      period: days.
      t0: mid-time of an event, in the units and zero point of `time`.

    Returns:
      folded_time [n] (days, ascending) and folded_flux [n].

    Raises:
      ValueError: a value is not finite, the lengths differ, or the period is not positive (1e-30 to 1e30).
    """
    return core.fold_and_sort(finite_array("time", time), finite_array("flux", flux), period, t0)
