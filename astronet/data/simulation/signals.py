"""Draws the signals of simulated stars: planets, eclipsing binaries, variables, instrumental dips, and noise.

Each `draw_*` function takes a random generator, a Star and the relative scatter of one cadence. It returns a Signal.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Optional

import numpy as np

from astronet.data.simulation.sky import Star
from light_curve_util.array_types import Floats

_EXPOSURE_DAYS = 1 / 48
_EARTH_RADIUS = 0.009168  # solar radii


@dataclasses.dataclass(frozen=True)
class Signal:
    """A source of periodic dips, real or not.

    Attributes:
      disposition: PC, EB, V, IS or J.
      flux: function from Cadences to relative flux [n].
      periods: periods at which the transit search may find it, days.
      red_noise: correlated noise of the star's light curve, in units of the scatter of one cadence.
    """

    disposition: str
    flux: Callable
    periods: np.ndarray
    red_noise: float = 0.25


def scaled_semi_major_axis(period: float, density: float) -> float:
    """Returns the semi-major axis in stellar radii, by Kepler's third law.

    >>> round(scaled_semi_major_axis(period=365.25, density=1.0))
    215

    Args:
      period: days.
      density: density of the star, in solar densities.
    """
    return 4.206 * density ** (1 / 3) * period ** (2 / 3)


def transit_flux(
    time: Floats,
    t0: float,
    period: float,
    radius_ratio: float,
    scaled_axis: float,
    impact: float,
    limb_darkening: Optional[Sequence[float]],
    ecc: float = 0.0,
    omega: float = 90.0,
    exposure_days: float = _EXPOSURE_DAYS,
) -> Floats:
    """Returns the relative flux of a star with a transiting dark disk, averaged over each exposure (by batman). [n]"""
    import batman

    orbit = batman.TransitParams()
    orbit.t0, orbit.per, orbit.rp, orbit.a = t0, period, radius_ratio, scaled_axis
    orbit.ecc, orbit.w = ecc, omega
    separation = scaled_axis * (1 - ecc**2) / (1 + ecc * np.sin(np.radians(omega)))
    orbit.inc = np.degrees(np.arccos(min(1.0, impact / separation)))
    orbit.limb_dark, orbit.u = ("quadratic", limb_darkening) if limb_darkening else ("uniform", [])
    return batman.TransitModel(orbit, time, supersample_factor=7, exp_time=exposure_days).light_curve(orbit)


def starspots(rng: np.random.Generator, period: float, amplitude: float) -> Callable[[Floats], Floats]:
    """Returns a function from time (days) to the relative flux of a star with spots that appear and disappear."""
    phases, sizes, drifts = rng.uniform(0, 1, 3), rng.dirichlet([1, 1, 1]), rng.normal(0, 0.01, 3)
    birth, lifetime = rng.uniform(0, 200, 3), rng.uniform(60, 200, 3)

    def flux(time):
        total = np.zeros_like(time)
        for phase, size, drift, born, life in zip(phases, sizes, drifts, birth, lifetime):
            age = 0.7 + 0.3 * np.sin(2 * np.pi * (time - born) / life)
            total += size * age * np.maximum(0, np.cos(2 * np.pi * (time / (period * (1 + drift)) - phase)))
        return 1 - amplitude * total

    return flux


def draw_planet(rng: np.random.Generator, star: Star, scatter: float) -> Signal:
    """Draws a transiting planet of 2.2 to 16 Earth radii. Some transits are grazing; most stars are quiet."""
    del scatter
    period = float(np.clip(rng.lognormal(np.log(4.2), 0.8), 0.6, 20))
    radius_ratio = min(0.2, np.exp(rng.uniform(np.log(2.2), np.log(16))) * _EARTH_RADIUS / star.radius)
    scaled_axis = max(2.0, scaled_semi_major_axis(period, star.density))
    grazing = rng.random() < 0.12
    impact = rng.uniform(0.9, 1 + 0.5 * radius_ratio) if grazing else rng.uniform(0, 0.9)
    limb_darkening = [rng.normal(0.35, 0.05), rng.normal(0.22, 0.05)]
    t0 = rng.uniform(0, period)
    spots = starspots(rng, rng.uniform(4, 20), rng.lognormal(np.log(1e-3), 1.0))

    def flux(cadences):
        transit = transit_flux(cadences.time, t0, period, radius_ratio, scaled_axis, impact, limb_darkening)
        return transit * spots(cadences.time)

    return Signal("PC", flux, np.array([period]))


def draw_eclipsing_binary(rng: np.random.Generator, star: Star, scatter: float) -> Signal:
    """Draws an eclipsing binary. Close ones are tidally distorted, wide ones often eccentric, and some are diluted."""
    del scatter
    contact = rng.random() < 0.12
    period = rng.uniform(0.25, 0.5) if contact else float(np.clip(rng.lognormal(np.log(2.6), 0.9), 0.4, 20))
    radius_ratio = rng.uniform(0.6, 0.99) if contact else rng.uniform(0.15, 0.95)
    brightness_ratio = rng.uniform(0.7, 1.0) if contact else rng.beta(0.7, 0.8)  # of the surfaces
    scaled_axis = rng.uniform(2.1, 2.8) if contact else max(2.6, scaled_semi_major_axis(period, 1.5 * star.density))
    ecc = rng.uniform(0, 0.45) if scaled_axis > 8 and rng.random() < 0.5 else 0.0
    omega = rng.uniform(0, 360)
    impact = rng.uniform(0, 0.9 + 0.6 * radius_ratio) if not contact else rng.uniform(0, 0.6)
    t0 = rng.uniform(0, period)
    # The time of superior conjunction to first order in the eccentricity: accurate enough for a simulation.
    t_secondary = t0 + period * (0.5 + 2 / np.pi * ecc * np.cos(np.radians(omega)))
    tides = rng.uniform(0.5, 1.5) / scaled_axis**3
    dilution = np.exp(rng.uniform(np.log(0.01), 0)) if rng.random() < 0.6 else 1.0
    spots = starspots(rng, period * rng.normal(1, 0.02), rng.lognormal(np.log(4e-3), 1.0))

    def flux(cadences):
        time, second_light = cadences.time, brightness_ratio * radius_ratio**2
        shape = (period, radius_ratio, scaled_axis, impact)
        first = transit_flux(time, t0, *shape, [0.35, 0.22], ecc, omega)
        # The bigger disk hides the same area of the smaller one as the smaller one would hide of the bigger.
        second = transit_flux(time, t_secondary, *shape, None, ecc, omega + 180)
        eclipsed = (first - brightness_ratio * (1 - second) + second_light) / (1 + second_light)
        ellipsoidal = -tides * np.cos(4 * np.pi * (time - t0) / period)
        return 1 + dilution * (eclipsed * (1 + ellipsoidal) * spots(time) - 1)

    return Signal("EB", flux, np.array([period, period / 2]))


def draw_variable(rng: np.random.Generator, star: Star, scatter: float, amplitude: Optional[float] = None) -> Signal:
    """Draws a variable star: rotating spots, a pulsator with harmonics, or several modes that beat."""
    del star
    kind = rng.choice(["spots", "harmonics", "modes"], p=[0.35, 0.35, 0.3])
    amplitude = amplitude or max(rng.lognormal(np.log(4e-3), 1.0), 1.5 * scatter)
    if kind == "spots":
        period = rng.lognormal(np.log(1.5), 0.7)
        spots = starspots(rng, period, 2 * amplitude)
        return Signal("V", lambda cadences: spots(cadences.time), period * np.array([0.5, 1, 2]))
    period = rng.lognormal(np.log(0.7 if kind == "harmonics" else 0.25), 0.7)
    if kind == "harmonics":
        frequencies = np.arange(1, 5) / period
        amplitudes = amplitude * rng.uniform(0.3, 0.6) ** np.arange(4)
    else:
        frequencies = rng.normal(1, 0.12, 5) / period
        amplitudes = amplitude * rng.dirichlet(np.ones(5))
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))

    def flux(cadences):
        angles = 2 * np.pi * cadences.time[:, np.newaxis] * frequencies + phases  # [n, mode]
        return 1 + np.cos(angles) @ amplitudes

    return Signal("V", flux, period * np.array([0.5, 1, 2, 3]))


def draw_instrumental(rng: np.random.Generator, star: Star, scatter: float) -> Signal:
    """Draws dips caused by the spacecraft: after momentum dumps, at the ends of orbits, or jumps."""
    del star
    kind = rng.choice(["dumps", "ramps", "jumps", "scattered light"])
    depth = scatter * rng.lognormal(np.log(3.0), 0.6)
    timescale = rng.uniform(0.03, 0.2)
    weights = rng.lognormal(0, 0.35, 64)
    jitter = rng.normal(0, 0.3, 64)

    def recovery(time, start, scale):
        since = time - start
        return np.where(since >= 0, np.exp(-np.maximum(since, 0) / scale), 0.0)

    def flux(cadences):
        time, dip = cadences.time, np.zeros_like(cadences.time)
        if kind == "dumps":
            for weight, dump in zip(weights, cadences.dumps):
                dip += weight * recovery(time, dump, timescale)
        elif kind == "ramps":
            for weight, (start, _) in zip(weights, cadences.orbits):
                dip += 2 * weight * recovery(time, start, 2 * timescale)
        elif kind == "jumps":
            for weight, sign, dump in zip(weights, jitter, cadences.dumps):
                dip += 3 * np.sign(sign) * weight * (abs(sign) > 0.3) * recovery(time, dump, 12 * timescale)
        else:
            for weight, shift, (_, end) in zip(weights, jitter, cadences.orbits):
                dip += 2 * weight * np.exp(-(((time - end + 1.2 + shift) / timescale) ** 2) / 2)
        return 1 - depth * dip

    # Momentum dumps and orbits repeat at regular intervals, which the search mistakes for periods.
    spacings = {"dumps": 2.5 * np.arange(1, 6), "ramps": 13.65 + 0.05 * np.arange(-4, 5)}
    periods = spacings.get(kind, np.exp(rng.uniform(np.log(2), np.log(15), 25)))
    return Signal("IS", flux, periods * rng.normal(1, 0.002, len(periods)), red_noise=rng.uniform(0.2, 0.8))


def draw_junk(rng: np.random.Generator, star: Star, scatter: float) -> Signal:
    """Draws junk: red noise, a few unrelated dips, or variability not far above the noise."""
    kind = rng.choice(["red noise", "dips", "weak variable"], p=[0.4, 0.3, 0.3])
    if kind == "weak variable":
        return dataclasses.replace(draw_variable(rng, star, scatter, scatter * rng.uniform(0.4, 1.5)), disposition="J")
    if kind == "red noise":
        periods = np.exp(rng.uniform(np.log(0.3), np.log(15), 40))
        return Signal("J", lambda cadences: np.ones_like(cadences.time), periods, red_noise=rng.uniform(0.7, 2.5))
    count = rng.integers(2, 5)
    fractions = np.sort(rng.uniform(0.02, 0.98, count))
    depths, widths = scatter * rng.lognormal(np.log(6), 0.6, count), rng.lognormal(np.log(0.07), 0.5, count)
    sharpness = rng.choice([1, 2, 4], count)
    span = 27.0

    def flux(cadences):
        since = cadences.time - cadences.time[0]
        dip = np.zeros_like(since)
        for fraction, depth, width, power in zip(fractions, depths, widths, sharpness):
            dip += depth * np.exp(-(np.abs((since - fraction * span) / width) ** power))
        return 1 - dip

    gaps = np.abs(fractions[:, np.newaxis] - fractions)[np.triu_indices(count, 1)] * span
    periods = (gaps[:, np.newaxis] / np.arange(1, 5)).ravel()
    return Signal("J", flux, periods[(periods > 0.5) & (periods < 20)], red_noise=rng.uniform(0.2, 1.0))


POPULATIONS = {  # disposition -> (fraction of the stars, function that draws a signal)
    "PC": (0.13, draw_planet),
    "EB": (0.15, draw_eclipsing_binary),
    "V": (0.18, draw_variable),
    "IS": (0.2, draw_instrumental),
    "J": (0.34, draw_junk),
}


def draw_disposition(rng: np.random.Generator) -> str:
    """Draws the disposition of a star by the fractions in POPULATIONS."""
    return str(rng.choice(list(POPULATIONS), p=[share for share, _ in POPULATIONS.values()]))


def draw_signal(rng: np.random.Generator, disposition: str, star: Star, scatter: float) -> Signal:
    """Draws a Signal of a population.

    Args:
      rng: random generator.
      disposition: a key of POPULATIONS.
      star: sky.Star.
      scatter: relative scatter of one cadence.
    """
    return POPULATIONS[disposition][1](rng, star, scatter)
