"""Light curves as flares need them, bright outliers kept and at one cadence, and what their files tell of the star."""

import dataclasses
import os
from typing import Optional, Union

import numpy as np

from astronet.base import arguments
from astronet.base.script import ScriptError
from astronet.flares.windows import cadence_days
from light_curve_util import identity, tess_io
from light_curve_util.products.quality import QUALITIES

FLARE_QUALITY = "flares"
_SECONDS_PER_DAY = 86400
PROBABILITY_SUFFIX, PROBABILITY_COLUMNS = "_probability.csv", ("time", "flux", "probability")  # of find_flares.py
PLAUSIBLE = {"TEFF": (500, 100_000, "K"), "RADIUS": (0.001, 3000, "solar radii")}  # header keyword -> least, most
_LONGEST = 1.5  # times the cadence that is asked for: what is longer has not resolved the flares that training had


@dataclasses.dataclass(frozen=True)
class Star:
    """What a file tells of the star and of when it was seen; None where it does not."""

    tic_id: Optional[int] = None
    sector: Optional[int] = None
    teff: Optional[float] = None  # K
    radius: Optional[float] = None  # of the Sun
    notes: tuple = ()  # what is wrong with what the file tells


def add_flags(parser):
    """Adds the flags that say how light curves are read."""
    parser.add_argument(
        "--flux_key", help="column of the flux in the light curve files (default: the product's own detrended flux)"
    )
    parser.add_argument(
        "--quality",
        choices=QUALITIES,
        default=FLARE_QUALITY,
        help="which flagged cadences to drop; flares drops what default does, but not impulsive outliers, which may be "
        "the peaks of flares (docs/light_curves.md)",
    )
    parser.add_argument(
        "--cadence_seconds",
        type=arguments.number(least=1, most=1800, unit="seconds"),
        default=120,
        help="cadence that the model was trained at: light curves of a shorter one are averaged to it, of a longer one "
        "refused",
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
      ScriptError: its cadence is too long, or it is an output of find_flares.py.
    """
    refuse_own_output(path)
    light_curve = tess_io.read(path, flags.flux_key, quality=flags.quality, clip=False)
    order = np.argsort(light_curve.time, kind="stable")
    time, flux = light_curve.time[order], light_curve.flux[order]
    if len(time) < 2:
        raise ScriptError(f"{path} has a single usable cadence: leave it out")
    seconds = cadence_days(time) * _SECONDS_PER_DAY
    if not seconds > 0:
        raise ScriptError(f"{path} has most of its cadences at the same time: fetch it again")
    if seconds > _LONGEST * flags.cadence_seconds:
        raise ScriptError(
            f"{path} has a cadence of {seconds:.0f} s, longer than --cadence_seconds={flags.cadence_seconds:g}: find "
            "the star's light curve of 2 min or 20 s, or give a model that was trained at this cadence, and its cadence"
        )
    if flags.cadence_seconds > _LONGEST * seconds:
        time, flux = average(time, flux, flags.cadence_seconds / _SECONDS_PER_DAY)
    return tess_io.LightCurve(time, flux, light_curve.path, light_curve.notes)


def average(time, flux, step):
    """Averages cadences in bins of a step [days] that begin at the first cadence.

    Args:
      time: [n] days, increasing.
      flux: [n].
      step: days.

    Returns:
      Mean time and mean flux of the bins that hold cadences.
    """
    bins = np.floor((time - time[0] + 0.5 * cadence_days(time)) / step)
    which = np.concatenate([[0], np.cumsum(np.diff(bins) > 0)])  # of the bins that hold cadences: gaps take no memory
    counts = np.bincount(which)
    means = [np.bincount(which, values) / counts for values in (time - time[0], flux)]
    return means[0] + time[0], means[1]


def star(path: Union[str, os.PathLike]) -> Star:
    """Returns the Star of a light curve file: from its FITS header, its name and its directory.

    A temperature or radius that is no number of a star counts as not told, and is noted.

    Raises:
      LightCurveError: header and name contradict each other.
      OSError: there is no such file.
    """
    told = tess_io.identity(path)
    header = identity.primary_header(os.fspath(path))
    values, notes = {}, []
    for key, (least, most, unit) in PLAUSIBLE.items():
        held = None if header is None else header.get(key)
        values[key] = _number(held, least, most)
        if values[key] is None and isinstance(held, (str, int, float)):
            notes.append(
                f"{path}: {key} in its header is {held!r}, not a number of {least:g} to {most:g} {unit}: no energies, "
                "unless --stars tells temperature and radius"
            )
    return Star(told.tic_id, told.sector, values["TEFF"], values["RADIUS"], tuple(notes))


def _number(held, least, most):
    """The value of a header as a float; None where it is no number within the limits."""
    if isinstance(held, (int, float)) and not isinstance(held, bool) and least <= held <= most:
        return float(held)
    return None


def refuse_own_output(path: str) -> None:
    """Raises ScriptError for a table of probabilities, which looks like a light curve in a CSV file."""
    if os.fspath(path).endswith(PROBABILITY_SUFFIX):
        with open(path, encoding="utf-8", errors="replace") as file:
            header = file.readline(100).strip()
        if header == ",".join(PROBABILITY_COLUMNS):
            raise ScriptError(f"{path} is an output of find_flares.py, not a light curve: leave it out")
