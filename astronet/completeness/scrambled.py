"""Makes light curves without planets that look like real ones: inverted, or with their parts in another order.

Sources: Thompson et al. 2018, ApJS 235, 38, section 2.3 (inversion and season scrambling in Kepler's DR25). TESS has no
seasons of 90 days, so the light curve of a sector is cut into blocks, which are put in random order. This keeps noise
on the time scale of transits, and no periodic signal.
"""

import contextlib
import dataclasses

import numpy as np

from light_curve_util.detrend import detrend
from light_curve_util.errors import LightCurveError
from light_curve_util.tess_io import LightCurve

BLOCK_DAYS = 3.0  # longer than any transit, shorter than a few periods of most planets


def control(light_curve: LightCurve, kind: str, seed: int, number: int) -> LightCurve:
    """Returns a light curve without transits of planets, or the light curve itself (kind "original").

    Args:
      light_curve: flux relative to its median.
      kind: "original", "inverted" or "scrambled".
      seed, number: seeds of the random order of the blocks.
    """
    if kind == "original":
        return light_curve
    if kind == "inverted":
        return dataclasses.replace(light_curve, flux=2 - light_curve.flux)
    if kind == "scrambled":
        return _scrambled(light_curve, np.random.default_rng([seed, 13, number]))
    raise ValueError(f"unknown kind {kind!r} of control")


def _scrambled(light_curve, random):
    """Cuts the fluxes, in order of time, into blocks and puts these in random order. The times stay.

    Slow variation is divided out first; otherwise it would make steps between the blocks.
    """
    with contextlib.suppress(LightCurveError):  # too short for a spline, and so for slow variation
        light_curve = detrend(light_curve, "spline")
    order = np.argsort(light_curve.time, kind="stable")
    time, flux = light_curve.time[order], light_curve.flux[order]
    block_of = ((time - time[0]) // BLOCK_DAYS).astype(int)
    blocks = [flux[block_of == block] for block in np.unique(block_of)]
    random.shuffle(blocks)
    return dataclasses.replace(light_curve, time=time, flux=np.concatenate(blocks))
