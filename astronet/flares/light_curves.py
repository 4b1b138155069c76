"""Reads light curves for flare searches (bright outliers kept, one cadence), and what their files say of the star."""

import dataclasses
import os
from typing import Any, Optional, Union

import numpy as np

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError
from astronet.flares.windows import cadence_days
from light_curve_util import identity, tess_io
from light_curve_util.constants import SECONDS_PER_DAY
from light_curve_util.errors import LongCadenceError, SparseLightCurveError, UnreadableLightCurveError
from light_curve_util.products.quality import QUALITIES

FLARE_QUALITY = "flares"
PROBABILITY_SUFFIX, PROBABILITY_COLUMNS = "_probability.csv", ("time", "flux", "probability")  # of find_flares.py
PLAUSIBLE = {"TEFF": (500, 100_000, "K"), "RADIUS": (0.001, 3000, "solar radii")}  # header keyword -> least, most
_LONGEST = 1.5  # times the cadence of the model; longer cadences do not resolve the flares that the model learned from
DEFAULT_CADENCE_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class LightCurveReading:
    """How light curves are read: the flags of add_flags().

    Attributes:
      flux_key: column of the flux; None is the product's own detrended flux.
      quality: name of the quality mask, one of products.quality.QUALITIES.
      cadence_seconds: cadence that the model was trained at.
    """

    flux_key: Optional[str] = None
    quality: str = FLARE_QUALITY
    cadence_seconds: float = DEFAULT_CADENCE_SECONDS


@dataclasses.dataclass(frozen=True)
class Star:
    """The star of a light curve file, and the sector; None where the file does not say.

    Attributes:
      tic_id: TIC ID.
      sector: TESS sector.
      teff: effective temperature [K].
      radius: radius [solar radii].
      notes: header values that cannot be right, in words.
    """

    tic_id: Optional[int] = None
    sector: Optional[int] = None
    teff: Optional[float] = None
    radius: Optional[float] = None
    notes: tuple[str, ...] = ()


def add_flags(parser: Parser) -> None:
    """Adds the flags of LightCurveReading."""
    parser.input.add_argument(
        "--flux_key",
        metavar="COLUMN",
        help="column of the flux in the light curve files (default: the detrended flux of each product)",
    )
    parser.input.add_argument(
        "--quality",
        choices=QUALITIES,
        default=FLARE_QUALITY,
        help="which flagged cadences to drop; 'flares' drops what 'default' drops, except impulsive outliers, which "
        "may be the peaks of flares (docs/light_curves.md)",
    )
    parser.input.add_argument(
        "--cadence_seconds",
        type=arguments.number(least=1, most=1800, unit="seconds"),
        default=DEFAULT_CADENCE_SECONDS,
        help="cadence that the model was trained at; light curves of a shorter cadence are averaged to it, those of a "
        "longer cadence are refused",
    )


def search_quality(quality: str) -> str:
    """Returns the quality mask for a flare search in a light curve that is folded with the mask `quality`."""
    return FLARE_QUALITY if quality == "default" else quality


def read(path: Union[str, os.PathLike[str]], reading: LightCurveReading) -> tess_io.LightCurve:
    """Returns a light curve with its bright outliers, at the cadence of the model.

    Args:
      path: light curve file.
      reading: column, quality mask and cadence.

    Raises:
      LongCadenceError: the cadence is too long.
      LightCurveError: the file cannot be read, or has too few cadences.
      ScriptError: the file is an output of find_flares.py.
    """
    refuse_own_output(path)
    light_curve = tess_io.read(path, reading.flux_key, quality=reading.quality, clip=False)
    return at_cadence(light_curve, reading.cadence_seconds)


def at_cadence(light_curve: tess_io.LightCurve, cadence_seconds: float) -> tess_io.LightCurve:
    """Returns a light curve in order of time, averaged to a longer cadence.

    Args:
      light_curve: as it was read, with its bright outliers.
      cadence_seconds: cadence that the model was trained at.

    Raises:
      LongCadenceError: the cadence is too long.
      LightCurveError: it has too few cadences.
    """
    path = light_curve.path
    order = np.argsort(light_curve.time, kind="stable")
    time, flux = light_curve.time[order], light_curve.flux[order]
    if len(time) < 2:
        raise SparseLightCurveError(f"{path} has a single usable cadence: leave it out")
    seconds = cadence_days(time) * SECONDS_PER_DAY
    if not seconds > 0:
        raise UnreadableLightCurveError(f"{path} has most of its cadences at the same time: fetch it again")
    if seconds > _LONGEST * cadence_seconds:
        raise LongCadenceError(
            f"{path} has a cadence of {seconds:.0f} s, longer than --cadence_seconds={cadence_seconds:g}: find "
            "the star's light curve of 2 min or 20 s, or give a model that was trained at this cadence, and its cadence"
        )
    if cadence_seconds > _LONGEST * seconds:
        time, flux = average(time, flux, cadence_seconds / SECONDS_PER_DAY)
    return tess_io.LightCurve(time, flux, light_curve.path, light_curve.notes)


def average(time: np.ndarray, flux: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean time and the mean flux in bins of equal length; bins without a cadence are left out.

    Args:
      time: [n] days, increasing; the first bin begins at the first cadence.
      flux: [n].
      step: length of a bin [days].
    """
    bins = np.floor((time - time[0] + 0.5 * cadence_days(time)) / step)
    bin_index = np.concatenate([[0], np.cumsum(np.diff(bins) > 0)])  # counts filled bins alone: gaps take no memory
    counts = np.bincount(bin_index)
    means = [np.bincount(bin_index, values) / counts for values in (time - time[0], flux)]
    return means[0] + time[0], means[1]


def star(path: Union[str, os.PathLike[str]]) -> Star:
    """Returns the Star of a light curve file, from its FITS header, its name and its directory.

    A temperature or radius that no star can have is noted, and left out.

    Raises:
      LightCurveError: header and file name contradict each other.
      OSError: there is no such file.
    """
    return star_of(tess_io.identity(path), identity.primary_header(os.fspath(path)), os.fspath(path))


def star_of(identified: identity.Identity, header: Any, name: str) -> Star:
    """Returns the Star of a light curve.

    Args:
      identified: star and sector.
      header: mapping with TEFF and RADIUS; None: there is none.
      name: of the light curve, for notes.
    """
    values, notes = {}, []
    for key, (least, most, unit) in PLAUSIBLE.items():
        header_value = None if header is None else header.get(key)
        values[key] = _number(header_value, least, most)
        if values[key] is None and isinstance(header_value, (str, int, float)):
            notes.append(
                f"{name}: {key} in its header is {header_value!r}, not a number of {least:g} to {most:g} {unit}: no "
                "energies, unless --star_catalog tells temperature and radius"
            )
    return Star(identified.tic_id, identified.sector, values["TEFF"], values["RADIUS"], tuple(notes))


def _number(value: Any, least: float, most: float) -> Optional[float]:
    """Returns a header value as a float; None if it is not a number within the limits."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    return None


def refuse_own_output(path: Union[str, os.PathLike[str]]) -> None:
    """Raises ScriptError if a file is a table of probabilities, which looks like a light curve in a CSV file."""
    if is_own_output(path):
        raise ScriptError(f"{path} is an output of find_flares.py, not a light curve: leave it out")


def is_own_output(path: Union[str, os.PathLike[str]]) -> bool:
    """Returns whether a file is a table of probabilities that find_flares.py has written, by its name and header."""
    if not os.fspath(path).endswith(PROBABILITY_SUFFIX):
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline(100).strip() == ",".join(PROBABILITY_COLUMNS)
