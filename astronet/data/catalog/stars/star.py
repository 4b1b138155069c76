"""The parameters of a star, as all star catalogs return them."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from astronet.base.script import ScriptError

TIC_COLUMNS = ("ra", "dec", "tmag", "rad", "mass", "teff", "logg")
GAIA_COLUMNS = ("gaia_rad", "gaia_teff")


class CatalogUnreachableError(ScriptError):
    """The service of a star catalog does not answer. `stars` holds the stars of the batch found before that."""

    def __init__(self, message: str, stars: "Mapping[int, Star]") -> None:
        super().__init__(message)
        self.stars = stars


@dataclasses.dataclass(frozen=True)
class Star:
    """Parameters of a star; NaN where unknown.

    Attributes:
      ra, dec: position, degrees.
      tmag: TESS magnitude.
      rad: radius, solar radii.
      mass: solar masses.
      teff: effective temperature, K.
      logg: surface gravity, log10(cm/s2).
    """

    ra: float = math.nan
    dec: float = math.nan
    tmag: float = math.nan
    rad: float = math.nan
    mass: float = math.nan
    teff: float = math.nan
    logg: float = math.nan


def number(value: Any) -> float:
    """Returns a value as a finite float; NaN for None, text, masked and infinite values."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def make_star(tic_values: Iterable[Any], gaia_values: Iterable[Any] = (None, None)) -> Star:
    """Returns a Star from the values of TIC_COLUMNS. Gaia's radius and temperature, if known, replace the TIC's.

    >>> make_star([120.5, -30.0, 9.8, 1.1, 1.0, 5800, 4.4], gaia_values=[1.2, None])
    Star(ra=120.5, dec=-30.0, tmag=9.8, rad=1.2, mass=1.0, teff=5800.0, logg=4.4)
    """
    star = Star(*map(number, tic_values))
    gaia = dict(zip(("rad", "teff"), map(number, gaia_values)))
    return dataclasses.replace(star, **{name: value for name, value in gaia.items() if not math.isnan(value)})
