"""Joins the light curves of several sectors of one star, so that they are folded, or searched, together."""

from collections.abc import Sequence

import numpy as np

from light_curve_util.tess_io import LightCurve


def join(light_curves: Sequence[LightCurve]) -> LightCurve:
    """One light curve of several, in order of time; the gaps between them stay.

    Each is relative to its own median, as tess_io.read gives it: sectors differ in aperture and zero point.

    Args:
      light_curves: at least one.

    Returns:
      LightCurve whose path is that of each, parted by ", "; a single light curve comes back as it is.
    """
    if len(light_curves) == 1:
        return light_curves[0]
    in_order = sorted(light_curves, key=lambda light_curve: light_curve.time.min() if len(light_curve.time) else 0.0)
    time, flux = (np.concatenate([getattr(one, name) for one in in_order]) for name in ("time", "flux"))
    return LightCurve(time, flux, ", ".join(one.path for one in in_order))
