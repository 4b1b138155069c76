"""Reads or simulates the light curves that planets are injected into."""

import dataclasses
import functools
import math
from typing import Any, Optional, Union

import numpy as np

from astronet.completeness.planets import StarDisc
from astronet.data.catalog import stars
from astronet.data.simulation import photometry, signals, sky
from light_curve_util import flux_scale, tess_io
from light_curve_util import identity as identities
from light_curve_util.constants import LOGG_OF_SUN
from light_curve_util.identity import Identity
from light_curve_util.tess_io import LightCurve

_HEADER_NAMES = {"rad": "RADIUS", "teff": "TEFF", "logg": "LOGG", "tmag": "TESSMAG"}


@dataclasses.dataclass(frozen=True)
class SimulatedStar:
    """A quiet star of the simulated survey: its number, sector, and the seed of the survey."""

    number: int
    sector: int
    seed: int


@dataclasses.dataclass(frozen=True)
class RealStar:
    """A light curve file, and how it is read.

    Attributes:
      path: name of the file.
      flux_key, quality: as in tess_io.read().
      star_catalog: result of stars.resolve(); "none" uses the header of the file.
    """

    path: str
    flux_key: Optional[str] = None
    quality: str = "default"
    star_catalog: str = "none"


StarChoice = Union[SimulatedStar, RealStar]


@dataclasses.dataclass(frozen=True)
class StarCurve:
    """A light curve, and what is known of its star.

    Attributes:
      light_curve: as read, not detrended by this project.
      identity: star, sector and detector.
      header: mapping with the position of the star (RA_OBJ, DEC_OBJ); None if there is none.
      is_of_tess: False for another mission.
      tmag: TESS magnitude; NaN if it is not known.
      disc: radius, mass and limb darkening.
      is_solar: whether the disc is that of the Sun, because the radius of the star is not known.
    """

    light_curve: LightCurve
    identity: Identity
    header: Any
    is_of_tess: bool
    tmag: float
    disc: StarDisc
    is_solar: bool


def load(choice: StarChoice) -> StarCurve:
    """Reads or simulates a light curve.

    Raises:
      LightCurveError: the file cannot be read.
    """
    return _simulated(choice) if isinstance(choice, SimulatedStar) else _real(choice)


def _simulated(choice):
    """Returns the light curve of a spotted star without dips, from raw magnitudes of the simulated pipeline."""
    random = np.random.default_rng([choice.seed, 31, choice.number])
    star = sky.draw_star(random, choice.number, choice.sector)
    spots = signals.starspots(random, random.uniform(4, 20), random.lognormal(np.log(1e-3), 1.0))
    cadences = photometry.cadences(choice.sector)
    camera, ccd = sky.camera_and_ccd(star.ra, star.dec, choice.sector)
    observed = photometry.observe(random, choice.seed, star.tmag, spots(cadences.time), 0.25, choice.sector, camera)
    magnitude = observed.raw[photometry.BEST_APERTURE]
    good = (observed.qflag == 0) & np.isfinite(magnitude)
    time, flux = flux_scale.to_flux(observed.time[good], magnitude[good])
    light_curve = LightCurve(time, flux, f"simulated star {choice.number}")
    disc = StarDisc(star.radius, star.mass)
    return StarCurve(
        light_curve, Identity(choice.number, choice.sector, camera, ccd), None, True, star.tmag, disc, False
    )


def _real(choice):
    light_curve = tess_io.read(choice.path, choice.flux_key, quality=choice.quality)
    star = tess_io.identity(choice.path)
    header = identities.primary_header(choice.path)
    values = _of_catalog(choice.star_catalog, star.tic_id) or _of_header(header)
    is_solar = not values.rad > 0
    return StarCurve(
        light_curve,
        star,
        header,
        tess_io.is_of_tess(choice.path),
        values.tmag,
        StarDisc() if is_solar else StarDisc(values.rad, _mass(values)),
        is_solar,
    )


@functools.lru_cache(maxsize=1)
def _open_catalog(resolved):
    return stars.open_catalog(resolved)


def _of_catalog(resolved, tic_id):
    if resolved == "none" or tic_id is None:
        return None
    return _open_catalog(resolved).stars([tic_id]).get(tic_id)


def _of_header(header):
    names = {} if header is None else header
    return stars.Star(**{field: _number(names.get(name)) for field, name in _HEADER_NAMES.items()})


def _number(value):
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else math.nan


def _mass(star):
    """Returns the mass in solar masses: of the catalog, else from radius and log g, else for the density of the Sun."""
    if star.mass > 0:
        return star.mass
    if math.isfinite(star.logg):
        return 10 ** (star.logg - LOGG_OF_SUN) * star.rad**2
    return star.rad**3
