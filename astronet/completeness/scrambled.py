"""Light curves without planets, which look like real ones: turned upside down, or with their parts in another order.

Sources: Thompson et al. 2018, ApJS 235, 38, section 2.3 (inversion and season scrambling in Kepler's DR25). TESS has no
seasons of 90 days: a sector's light curve is cut into blocks instead, whose order is drawn at random, so that noise on
the scale of transits stays and nothing periodic does.
"""

import contextlib
import dataclasses

import numpy as np

from light_curve_util.detrend import detrend
from light_curve_util.errors import LightCurveError
from light_curve_util.tess_io import LightCurve

BLOCK_DAYS = 3.0  # longer than any transit, shorter than a few periods of most planets


def control(light_curve: LightCurve, kind: str, seed: int, number: int) -> LightCurve:
    """Returns a light curve that holds no planet's transits, or (kind "original") the light curve itself.

    Args:
      light_curve: flux relative to its median.
      kind: "original", "inverted" or "scrambled".
      seed, number: of the order of the blocks.
    """
    if kind == "original":
        return light_curve
    if kind == "inverted":
        return dataclasses.replace(light_curve, flux=2 - light_curve.flux)
    if kind == "scrambled":
        return _scrambled(light_curve, np.random.default_rng([seed, 13, number]))
    raise ValueError(f"unknown kind {kind!r} of control")


def _scrambled(light_curve, random):
    """Cuts the fluxes, in order of time, into blocks; shuffles these; keeps the times.

    Slow variation is divided out before, or it would make steps at the seams.
    """
    with contextlib.suppress(LightCurveError):  # too short for a spline: there is nothing slow in it
        light_curve = detrend(light_curve, "spline")
    order = np.argsort(light_curve.time, kind="stable")
    time, flux = light_curve.time[order], light_curve.flux[order]
    block_of = ((time - time[0]) // BLOCK_DAYS).astype(int)
    blocks = [flux[block_of == block] for block in np.unique(block_of)]
    random.shuffle(blocks)
    return dataclasses.replace(light_curve, time=time, flux=np.concatenate(blocks))
