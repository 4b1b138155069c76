"""Joins the light curves of several sectors of a star, to fold or search them together."""

from collections.abc import Sequence

import numpy as np

from light_curve_util.tess_io import LightCurve


def join(light_curves: Sequence[LightCurve]) -> LightCurve:
    """Joins light curves in the order of time. The gaps between them stay.

    Each light curve stays relative to its own median, because sectors differ in aperture and zero point.

    Args:
      light_curves: list of at least one LightCurve.

    Returns:
      LightCurve. Its path consists of all paths, separated by ", ". A single light curve is returned unchanged.
    """
    if len(light_curves) == 1:
        return light_curves[0]
    in_order = sorted(light_curves, key=lambda light_curve: light_curve.time.min() if len(light_curve.time) else 0.0)
    time, flux = (np.concatenate([getattr(one, name) for one in in_order]) for name in ("time", "flux"))
    return LightCurve(time, flux, ", ".join(one.path for one in in_order))
