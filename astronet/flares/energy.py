"""Computes the bolometric energy of a flare: a black body of 9,000 K whose light in the TESS band adds to the star's.

Source: Shibayama et al. 2013 (ApJS 209, 5), equations 1 to 6, and Guenther et al. 2020 (AJ 159, 60), section 3.
"""

import numpy as np

FLARE_TEMPERATURE = 9000.0  # K
_BAND = 600e-9, 1000e-9  # m; TESS's response is nearly flat in between and small outside
_SOLAR_RADIUS = 6.957e8  # m
_STEFAN_BOLTZMANN = 5.670374e-8  # W / m2 / K4
_PLANCK_RATIO = 1.438777e-2  # m K, h c / k
_ERG_PER_JOULE = 1e7


def energy(equivalent_duration: float, teff: float, radius: float) -> float:
    """Returns the energy of a flare [erg].

    Args:
      equivalent_duration: time in which the star radiates as much as the flare, in the TESS band [s].
      teff: effective temperature of the star [K].
      radius: radius of the star [solar radii].

    >>> f"{energy(equivalent_duration=10, teff=3200, radius=0.3):.1e} erg"
    '1.0e+32 erg'
    """
    area_per_contrast = np.pi * (radius * _SOLAR_RADIUS) ** 2 * _in_band(teff) / _in_band(FLARE_TEMPERATURE)  # m2
    return _STEFAN_BOLTZMANN * FLARE_TEMPERATURE**4 * area_per_contrast * equivalent_duration * _ERG_PER_JOULE


def _in_band(temperature: float) -> float:
    """Returns the mean radiance of a black body in the band, up to a factor that is the same for all temperatures."""
    wavelength = np.linspace(*_BAND, 200)
    radiance = wavelength**-5 / np.expm1(_PLANCK_RATIO / (wavelength * temperature))
    return float(radiance.mean())
