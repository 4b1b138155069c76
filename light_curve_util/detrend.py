"""Removes the slow variation of a star from its light curve."""

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

    The spline must not follow the dips. Therefore, cadences within one duration of mid-event are left out of the fit,
    and knots are at least two durations apart. If these cadences are most of the light curve, as for contact binaries,
    they are used.

    Args:
      light_curve: LightCurve.
      method: one of METHODS; "none" returns the light curve unchanged.
      event: PeriodicEvent whose dips must stay; None if no event is known.

    Returns:
      A LightCurve, without stretches that have too few cadences for a spline.

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
    """Returns arguments for fit_spline with which the spline does not follow the dips of the event."""
    if event is None:
        return {}
    masked = np.abs(phase_fold(time, event.period, event.t0)) <= event.duration_days
    return {
        "mask": masked if masked.mean() <= _MAX_MASKED_FRACTION else None,
        # With closer knots, the spline would follow the dip, or would not be determined where the dip is masked.
        "spacings_days": [s for s in SPACINGS_DAYS if s >= 2 * event.duration_days] or SPACINGS_DAYS[-1:],
    }
