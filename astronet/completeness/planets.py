"""Draws planets over a range of period and radius, and computes their transits with batman for the disc of a star."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from astronet.data.simulation import signals
from light_curve_util.array_types import Floats
from light_curve_util.constants import EARTH_RADII_IN_SUN

_CLOSEST = 1.5  # semi-major axis over stellar radius; a closer planet would be torn apart


@dataclasses.dataclass(frozen=True)
class Planet:
    """A planet on a circular orbit.

    Attributes:
      period: days.
      radius_earth: Earth radii.
      impact: impact parameter, in stellar radii.
      phase: time from the beginning of the light curve to the first transit, divided by the period, 0 to 1.
    """

    period: float
    radius_earth: float
    impact: float
    phase: float


@dataclasses.dataclass(frozen=True)
class StarDisc:
    """The star that a planet transits.

    Attributes:
      radius, mass: in solar radii and solar masses.
      limb_darkening: the two coefficients of the quadratic law.
    """

    radius: float = 1.0
    mass: float = 1.0
    limb_darkening: Sequence[float] = (0.35, 0.22)


def draw(random: np.random.Generator, periods: Sequence[float], radii: Sequence[float]) -> Planet:
    """Draws a planet, uniform in log period, in log radius, and in impact parameter from 0 to 1.

    Args:
      random: random generator.
      periods: shortest and longest period, days.
      radii: smallest and largest radius, Earth radii.
    """
    period, radius = (float(np.exp(random.uniform(*np.log(limits)))) for limits in (periods, radii))
    return Planet(period, radius, float(random.uniform(0, 1)), float(random.uniform(0, 1)))


def t0(planet: Planet, time: Floats) -> float:
    """Returns the middle of the first transit of a light curve, in the time system of `time`, days."""
    return float(np.min(time)) + planet.phase * planet.period


def duration_days(planet: Planet, star: StarDisc) -> float:
    """Returns the full duration of a transit, days; if it grazes, at least that of moving by the planet's diameter.

    Source: Winn 2010, arXiv:1001.2010, equation 14.
    """
    axis, ratio = _axis(planet, star), _ratio(planet, star)
    chord = np.sqrt(max((1 + ratio) ** 2 - planet.impact**2, ratio**2))
    return float(planet.period / np.pi * np.arcsin(min(1.0, chord / axis)))


def transits(planet: Planet, star: StarDisc, time: Floats, exposure_days: float) -> Floats:
    """Returns the flux of the star divided by the flux out of transit, [n].

    Args:
      planet: the planet that transits.
      star: its star.
      time: days, [n].
      exposure_days: length of the exposure that each cadence is an average of.
    """
    flux: Floats = signals.transit_flux(
        time,
        t0(planet, time),
        planet.period,
        _ratio(planet, star),
        _axis(planet, star),
        planet.impact,
        list(star.limb_darkening),
        exposure_days=exposure_days,
    )
    return flux


def depth(planet: Planet, star: StarDisc) -> float:
    """Returns the fraction of the area of the stellar disc that the planet covers."""
    return _ratio(planet, star) ** 2


def _ratio(planet, star):
    return planet.radius_earth / EARTH_RADII_IN_SUN / star.radius


def _axis(planet, star):
    return max(_CLOSEST, signals.scaled_semi_major_axis(planet.period, star.mass / star.radius**3))
