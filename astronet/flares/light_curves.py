"""Light curves as flares need them, bright outliers kept and at one cadence, and what their files tell of the star."""

import dataclasses
import os
from typing import Optional

import numpy as np

from astronet.flares.windows import cadence_days
from astronet.util.script import ScriptError
from light_curve_util import identity, tess_io
from light_curve_util.products.quality import QUALITIES

FLARE_QUALITY = "flares"
_SECONDS_PER_DAY = 86400
_LONGEST = 1.5  # times the cadence that is asked for: what is longer has not resolved the flares that training had


@dataclasses.dataclass(frozen=True)
class Star:
    """What a file tells of the star and of when it was seen; None where it does not."""

    tic_id: Optional[int] = None
    sector: Optional[int] = None
    teff: Optional[float] = None  # K
    radius: Optional[float] = None  # of the Sun


def add_flags(parser):
    """Adds the flags that say how light curves are read."""
    parser.add_argument("--flux_key", help="flux to read in a light curve file; None: the product's own detrended one")
    parser.add_argument(
        "--quality",
        choices=QUALITIES,
        default=FLARE_QUALITY,
        help="which flagged cadences are dropped; flares keeps those that are flagged as impulsive outliers alone, for "
        "they may be the peaks of flares; default, which serves transits, drops them",
    )
    parser.add_argument(
        "--cadence_seconds",
        type=float,
        default=120,
        help="light curves of a shorter cadence are averaged to this one; those of a longer one are refused",
    )


def search_quality(quality: str) -> str:
    """Returns the quality mask to search for flares by, where a light curve is folded by another one."""
    return FLARE_QUALITY if quality == "default" else quality


def read(path, flags):
    """Reads a light curve, bright outliers included.

    Args:
      path: file name.
      flags: those of add_flags.

    Returns:
      tess_io.LightCurve at the cadence that is asked for.

    Raises:
      LightCurveError: it cannot be read.
      ScriptError: its cadence is too long.
    """
    light_curve = tess_io.read(path, flags.flux_key, quality=flags.quality, clip=False)
    order = np.argsort(light_curve.time, kind="stable")
    time, flux = light_curve.time[order], light_curve.flux[order]
    if len(time) < 2:
        raise ScriptError(f"{path} has a single usable cadence: leave it out")
    seconds = cadence_days(time) * _SECONDS_PER_DAY
    if seconds > _LONGEST * flags.cadence_seconds:
        raise ScriptError(
            f"{path} has a cadence of {seconds:.0f} s, longer than --cadence_seconds={flags.cadence_seconds:g}: find "
            "the star's light curve of 2 min or 20 s, or give a model that was trained at this cadence, and its cadence"
        )
    if flags.cadence_seconds > _LONGEST * seconds:
        time, flux = average(time, flux, flags.cadence_seconds / _SECONDS_PER_DAY)
    return tess_io.LightCurve(time, flux, light_curve.path)


def average(time, flux, step):
    """Averages cadences in bins of a step [days] that begin at the first cadence.

    Args:
      time: [n] days, increasing.
      flux: [n].
      step: days.

    Returns:
      Mean time and mean flux of the bins that hold cadences.
    """
    which = np.floor((time - time[0] + 0.5 * cadence_days(time)) / step).astype(int)
    counts = np.bincount(which)
    filled = counts > 0
    means = [np.bincount(which, values)[filled] / counts[filled] for values in (time - time[0], flux)]
    return means[0] + time[0], means[1]


def star(path):
    """Returns the Star of a light curve file, from its FITS header where it is FITS, else from its name."""
    told = tess_io.identity(path)
    header = identity.primary_header(os.fspath(path))
    teff, radius = (header.get(key) if header is not None else None for key in ("TEFF", "RADIUS"))
    return Star(told.tic_id, told.sector, teff, radius)
