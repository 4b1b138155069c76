"""Draws the positions and parameters of simulated stars, and finds the TESS cameras and CCDs that see them."""

import dataclasses

import numpy as np

from astronet.data.catalog import focal_plane
from light_curve_util.constants import LOGG_OF_SUN


@dataclasses.dataclass(frozen=True)
class Star:
    """A simulated star.

    Attributes:
      tic_id: TIC ID.
      ra, dec: position, degrees.
      tmag: TESS magnitude.
      radius: solar radii.
      mass: solar masses.
      teff: effective temperature, K.
      logg: surface gravity, log10(cm/s2).
      density: solar densities.
    """

    tic_id: int
    ra: float
    dec: float
    tmag: float
    radius: float
    mass: float
    teff: float
    logg: float

    @property
    def density(self) -> float:
        return self.mass / self.radius**3


def camera_and_ccd(ra: float, dec: float, sector: int) -> tuple[int, int]:
    """Returns (camera, ccd) that see a position (degrees) in a sector; (0, 0) if none does."""
    camera, ccd = focal_plane.TessPoint().locate([ra], [dec], sector)
    return int(camera[0]), int(ccd[0])


def draw_position(rng: np.random.Generator, sector: int) -> tuple[float, float]:
    """Draws (ra, dec) in degrees, uniform over the four cameras of a sector, and well inside a CCD."""
    camera = rng.integers(1, focal_plane.NUM_CAMERAS + 1)
    right, up = rng.choice([-1, 1], 2) > 0
    column, row = rng.uniform(0.06, 0.94, 2) * focal_plane.CCD_PIXELS
    ra, dec = focal_plane.TessPoint().sky(camera, 1 + right + 2 * up, column, row, sector)
    return float(ra), float(dec)


def draw_star(rng: np.random.Generator, tic_id: int, sector: int) -> Star:
    """Draws a Star in a sector: mostly FGK dwarfs and subgiants, with the magnitudes of stars in triage tables."""
    ra, dec = draw_position(rng, sector)
    tmag = max(6.5, 11.99 - rng.exponential(1.5))
    teff = float(np.clip(rng.normal(5800, 850), 3200, 9500))
    mass = (teff / 5772) ** 1.4 * rng.normal(1, 0.05)
    evolved = 10 ** rng.exponential(0.15) if rng.random() < 0.35 else 1.0
    radius = mass**0.9 * evolved * rng.normal(1, 0.05)
    logg = LOGG_OF_SUN + np.log10(mass / radius**2)
    return Star(tic_id, ra, dec, float(tmag), float(radius), float(mass), teff, float(logg))
