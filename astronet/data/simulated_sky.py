"""Where simulated stars stand, which camera and CCD see them in a sector, and what stars they are.

The pointing is a plain rule (four cameras stacked from the ecliptic to its south pole, 27.4 degrees of longitude a
sector), close to the true one of the first southern year and good for this survey only.
"""

import dataclasses

import numpy as np

NUM_CAMERAS, NUM_CCDS = 4, 4
_OBLIQUITY = np.radians(23.4393)
_HALF_FIELD = np.tan(np.radians(12.0))
# Quadrant of (x > 0, y > 0) -> CCD; cameras 3 and 4 are mounted upside down with respect to 1 and 2.
_CCD_OF_QUADRANT = {(False, False): 1, (True, False): 2, (True, True): 3, (False, True): 4}


@dataclasses.dataclass(frozen=True)
class Star:
    """A simulated star. Degrees, TESS magnitude, solar radii and masses, kelvin, log10(cm/s2), solar densities."""

    tic_id: int
    ra: float
    dec: float
    tmag: float
    radius: float
    mass: float
    teff: float
    logg: float

    @property
    def density(self):
        return self.mass / self.radius**3


def _boresight(sector, camera):
    """Unit vectors (east, north, forward) of a camera, in ecliptic coordinates. [3, 3]"""
    lon, lat = np.radians(315.0 + 27.4 * (sector - 1)), np.radians(-18.0 - 24.0 * (camera - 1))
    east = [-np.sin(lon), np.cos(lon), 0.0]
    north = [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)]
    forward = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    return np.array([east, north, forward])


def _ecliptic_to_equatorial(vector):
    _, y, z = vector
    cos, sin = np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)
    return np.array([vector[0], y * cos - z * sin, y * sin + z * cos])


def camera_and_ccd(ra, dec, sector):
    """(camera, ccd) that sees a position (degrees) in a sector, (0, 0) where none does."""
    ra, dec = np.radians(ra), np.radians(dec)
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    cos, sin = np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)
    direction = np.array([x, y * cos + z * sin, -y * sin + z * cos])
    for camera in range(1, NUM_CAMERAS + 1):
        east, north, forward = _boresight(sector, camera) @ direction
        if forward > 0 and max(abs(east), abs(north)) < _HALF_FIELD * forward:
            upright = camera <= 2
            return camera, _CCD_OF_QUADRANT[(bool(east > 0) == upright, bool(north > 0) == upright)]
    return 0, 0


def draw_position(rng, sector):
    """(ra, dec) in degrees, uniform over a sector's four cameras and well inside a CCD."""
    camera = rng.integers(1, NUM_CAMERAS + 1)
    x, y = rng.choice([-1, 1], 2) * rng.uniform(0.06, 0.94, 2) * _HALF_FIELD
    vector = np.array([x, y, 1.0]) @ _boresight(sector, camera)
    x, y, z = _ecliptic_to_equatorial(vector / np.linalg.norm(vector))
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arcsin(z)))


def draw_star(rng, tic_id, sector):
    """A Star in the field of a sector: mostly FGK dwarfs and subgiants, magnitudes as bright as triage lists are."""
    ra, dec = draw_position(rng, sector)
    tmag = max(6.5, 11.99 - rng.exponential(1.5))
    teff = float(np.clip(rng.normal(5800, 850), 3200, 9500))
    mass = (teff / 5772) ** 1.4 * rng.normal(1, 0.05)
    evolved = 10 ** rng.exponential(0.15) if rng.random() < 0.35 else 1.0
    radius = mass**0.9 * evolved * rng.normal(1, 0.05)
    logg = 4.438 + np.log10(mass / radius**2)
    return Star(tic_id, ra, dec, float(tmag), float(radius), float(mass), teff, float(logg))
