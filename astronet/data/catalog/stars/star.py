"""What every star catalog answers with."""

import dataclasses
import math

from astronet.base.script import ScriptError

TIC_COLUMNS = ("ra", "dec", "tmag", "rad", "mass", "teff", "logg")
GAIA_COLUMNS = ("gaia_rad", "gaia_teff")


class CatalogUnreachableError(ScriptError):
    """A catalog's service does not answer; `stars` holds those of the batch that were found all the same."""

    def __init__(self, message, stars):
        super().__init__(message)
        self.stars = stars


@dataclasses.dataclass(frozen=True)
class Star:
    """Degrees, TESS magnitude, solar radii, solar masses, kelvin, log10(cm/s2); NaN where unknown."""

    ra: float = math.nan
    dec: float = math.nan
    tmag: float = math.nan
    rad: float = math.nan
    mass: float = math.nan
    teff: float = math.nan
    logg: float = math.nan


def number(value):
    """A finite float, else NaN: for None, text, masked and infinite values."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def make_star(tic_values, gaia_values=(None, None)):
    """A Star of the values of TIC_COLUMNS, with Gaia's radius and temperature where they are numbers."""
    star = Star(*map(number, tic_values))
    gaia = dict(zip(("rad", "teff"), map(number, gaia_values)))
    return dataclasses.replace(star, **{name: value for name, value in gaia.items() if not math.isnan(value)})
