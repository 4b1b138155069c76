"""Removes the slow variation of a star, so that what is left is its events."""

import dataclasses
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from light_curve_util.array_types import Floats
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold
from light_curve_util.third_party.kepler_spline.kepler_spline import SPACINGS_DAYS, fit_spline

if TYPE_CHECKING:
    from light_curve_util.tess_io import LightCurve

METHODS = ("none", "spline")

_MAX_MASKED_FRACTION = 0.5


def detrend(light_curve: "LightCurve", method: str, event: Optional[PeriodicEvent] = None) -> "LightCurve":
    """Divides a light curve by its slow variation.

    So that the spline does not follow the dips, cadences within one duration of an event's middle are left out of the
    fit, unless they are most of the light curve, as for contact binaries; and knots are at least two durations apart.

    Args:
      light_curve: LightCurve.
      method: one of METHODS; "none" returns the light curve as it is.
      event: PeriodicEvent whose dips are to stay; None where none is known.

    Returns:
      A LightCurve, without stretches that have too few cadences to fit a spline to.

    Raises:
      LightCurveError: no stretch of the light curve has enough cadences.

    Source: Shallue & Vanderburg 2018, AJ 155, 94, section 3.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r} of detrending; the methods are {', '.join(METHODS)}")
    if method == "none":
        return light_curve
    time, flux = light_curve.time, light_curve.flux
    try:
        spline, _ = fit_spline(time, flux, **_sparing(event, time))
    except ValueError as error:
        raise LightCurveError(f"{light_curve.path}: {error}: leave this TCE out, or do not detrend it") from error
    fitted = spline > 0  # neither NaN, where there was no fit, nor run below zero
    return dataclasses.replace(light_curve, time=time[fitted], flux=flux[fitted] / spline[fitted])


def _sparing(event: Optional[PeriodicEvent], time: Floats) -> dict[str, Any]:
    """Arguments of fit_spline that keep the spline from following the event's dips."""
    if event is None:
        return {}
    masked = np.abs(phase_fold(time, event.period, event.t0)) <= event.duration_days
    return {
        "mask": masked if masked.mean() <= _MAX_MASKED_FRACTION else None,
        # Knots closer than this would bend the spline into the dip, or leave it free where the dip is masked.
        "spacings_days": [s for s in SPACINGS_DAYS if s >= 2 * event.duration_days] or SPACINGS_DAYS[-1:],
    }
