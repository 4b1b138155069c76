"""Bolometric energy of a flare: a black body of 9,000 K that outshines the star in the TESS band.

Source: Shibayama et al. 2013 (ApJS 209, 5), equations 1 to 6, and Guenther et al. 2020 (AJ 159, 60), section 3.
"""

import numpy as np

FLARE_TEMPERATURE = 9000.0  # K
_BAND = 600e-9, 1000e-9  # m; TESS's response is all but flat between these and small beyond them
_SOLAR_RADIUS = 6.957e8  # m
_STEFAN_BOLTZMANN = 5.670374e-8  # W / m2 / K4
_PLANCK_RATIO = 1.438777e-2  # m K, h c / k
_ERG_PER_JOULE = 1e7


def energy(equivalent_duration, teff, radius):
    """Returns the energy of a flare [erg].

    Args:
      equivalent_duration: seconds, in the TESS band.
      teff: effective temperature of the star [K].
      radius: of the star [solar radii].
    """
    area_per_contrast = np.pi * (radius * _SOLAR_RADIUS) ** 2 * _in_band(teff) / _in_band(FLARE_TEMPERATURE)  # m2
    return _STEFAN_BOLTZMANN * FLARE_TEMPERATURE**4 * area_per_contrast * equivalent_duration * _ERG_PER_JOULE


def _in_band(temperature):
    """Radiance of a black body within the band, up to a factor that all temperatures share."""
    wavelength = np.linspace(*_BAND, 200)
    radiance = wavelength**-5 / np.expm1(_PLANCK_RATIO / (wavelength * temperature))
    return float(radiance.mean())
