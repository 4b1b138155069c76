"""Simulates the photometry of a TESS-like camera and the QLP pipeline: noise, trends, flags, gaps and detrending."""

import dataclasses
import functools
from typing import Any

import numpy as np

from light_curve_util.array_types import Bools, Floats
from light_curve_util.constants import MAD_TO_SIGMA

_FIRST_SECTOR_START, _DAYS_PER_SECTOR = 1325.3, 27.3  # BTJD, days; gives every sector a start
_CADENCE_DAYS = 1 / 48
_DAYS_BETWEEN_DUMPS = 2.5
# Relative scatter of five concentric apertures, and the fraction of light from neighbors that each adds.
_APERTURE_SCATTER = np.array([1.25, 1.0, 1.05, 1.2, 1.4])
_APERTURE_DILUTION = np.array([0.0, 0.01, 0.02, 0.04, 0.07])
BEST_APERTURE = 1


@dataclasses.dataclass(frozen=True)
class Cadences:
    """The times of one sector, in BTJD.

    Attributes:
      time: middles of the cadences. [n]
      dumps: times of the momentum dumps.
      orbits: (start, end) of each of the two orbits.
    """

    time: np.ndarray
    dumps: np.ndarray
    orbits: tuple


@dataclasses.dataclass(frozen=True)
class Photometry:
    """The light curve of a star in a sector.

    Attributes:
      time: BTJD. [n]
      qflag: quality flags, 0 for a good cadence. [n]
      raw: magnitudes. [aperture, n]
      detrended: magnitudes without slow trends. [aperture, n]
    """

    time: np.ndarray
    qflag: np.ndarray
    raw: np.ndarray
    detrended: np.ndarray


@functools.cache
def cadences(sector: int) -> Cadences:
    """Returns the Cadences of a sector: half-hour exposures over 27 days, with the downlink gap in the middle."""
    start = _FIRST_SECTOR_START + _DAYS_PER_SECTOR * (sector - 1)
    gap = np.random.default_rng(sector).uniform(0.9, 1.3)
    orbits = ((start, start + 13.3 - gap / 2), (start + 13.3 + gap / 2, start + 26.8))
    grid = start + _CADENCE_DAYS * np.arange(round(26.8 / _CADENCE_DAYS))
    time = np.concatenate([grid[(grid >= begin) & (grid < end)] for begin, end in orbits])
    dumps = np.concatenate([np.arange(begin, end, _DAYS_BETWEEN_DUMPS)[1:] for begin, end in orbits])
    return Cadences(time, dumps, orbits)


def scatter(tmag: float) -> float:
    """Returns the white noise of one half-hour cadence, as a fraction of the flux: photon noise, sky and a floor."""
    return 1e-6 * np.sqrt(120**2 + 330**2 * 10 ** (0.4 * (tmag - 10)) + 110**2 * 10 ** (0.8 * (tmag - 10)))


def _red_noise(rng: np.random.Generator, num_cadences: int, timescale_days: float, steepness: float = 1) -> Floats:
    """Returns correlated noise with a standard deviation of 1; a higher steepness makes it smoother. [n]"""
    frequencies = np.fft.rfftfreq(2 * num_cadences, _CADENCE_DAYS)
    power = 1 + (2 * np.pi * frequencies * timescale_days) ** 2
    spectrum = np.fft.rfft(rng.normal(size=2 * num_cadences)) / power ** (steepness / 2)
    noise = np.fft.irfft(spectrum)[:num_cadences]
    return noise / noise.std()


def _camera_trend(seed: int, sector: int, camera: int) -> tuple[Floats, Floats]:
    """Returns what all stars of a camera share: a trend from focus and pointing, and scattered light. [n], [n]"""
    times, rng = cadences(sector), np.random.default_rng([seed, 1, sector, camera])
    trend = _red_noise(rng, len(times.time), 2.0, steepness=2)
    glare = np.zeros_like(times.time)
    for start, end in times.orbits:
        trend += (
            rng.normal(1.0, 0.5) * np.exp(-(times.time - start) / 0.6) * (times.time >= start) * (times.time <= end)
        )
        if rng.random() < 0.5:
            spell = end - rng.uniform(0.4, 1.2)
            glare += np.where((times.time > spell) & (times.time < end), times.time - spell, 0.0)
    return trend, glare


@functools.cache
def _spline_basis(sector: int, spacing_days: float) -> Any:
    """Returns cubic B-splines with one knot every spacing_days, separate for each orbit. Sparse, [n, splines]"""
    from scipy import sparse
    from scipy.interpolate import BSpline

    times = cadences(sector)
    blocks = []
    for start, end in times.orbits:
        inside = (times.time >= start) & (times.time < end)
        inner = np.linspace(start, end, max(2, round((end - start) / spacing_days)) + 1)
        knots = np.concatenate([[start] * 3, inner, [end] * 3])
        blocks.append(BSpline.design_matrix(times.time[inside], knots, 3))
    return sparse.block_diag(blocks, format="csr")


def _spline_trend(magnitude: Floats, good: Bools, sector: int) -> Floats:
    """Returns the slow trend of a light curve by a Kepler spline: outliers clipped, knot spacing chosen by BIC. [n]"""
    from scipy.linalg import solveh_banded

    best_bic, best_trend = np.inf, np.zeros_like(magnitude)
    for spacing_days in (1.0, 2.5):
        basis, kept = _spline_basis(sector, spacing_days), good
        for _ in range(3):
            used = basis[kept]
            normal = used.T @ used
            bands = np.array([np.pad(normal.diagonal(offset), (offset, 0)) for offset in (3, 2, 1, 0)])
            bands[-1] += 1e-9  # keeps the matrix regular where a spline has no cadences
            trend = basis @ solveh_banded(bands, used.T @ magnitude[kept])
            residual = magnitude - trend
            sigma = MAD_TO_SIGMA * np.median(np.abs(residual[kept]))
            kept = good & (np.abs(residual) < 3 * sigma)
        bic = kept.sum() * np.log(np.mean(residual[kept] ** 2)) + basis.shape[1] * np.log(kept.sum())
        if bic < best_bic:
            best_bic, best_trend = bic, trend
    return best_trend


def observe(
    rng: np.random.Generator, seed: int, star_tmag: float, flux: Floats, red_noise: float, sector: int, camera: int
) -> Photometry:
    """Simulates the photometry of a star in a sector.

    Args:
      rng: random generator of this star and sector.
      seed: seed of the survey. It decides the trends that the stars of a camera share.
      star_tmag: TESS magnitude.
      flux: relative flux without noise, [n].
      red_noise: correlated noise in units of the white scatter.
      sector: sector number.
      camera: camera number.

    Returns:
      Photometry.
    """
    times = cadences(sector)
    num_cadences, noise = len(times.time), scatter(star_tmag)
    trend, glare = _camera_trend(seed, sector, camera)
    after_dump = times.time - times.dumps[np.maximum(np.searchsorted(times.dumps, times.time, side="right") - 1, 0)]
    dumping = np.abs(times.time[:, np.newaxis] - times.dumps).min(axis=1) < 0.75 * _CADENCE_DAYS

    systematics = rng.lognormal(np.log(1.5e-3), 0.7) * rng.choice([-1, 1]) * trend
    systematics += rng.lognormal(np.log(2e-3), 0.7) * _red_noise(rng, num_cadences, 2.0, steepness=2)
    systematics += noise * rng.normal(0, 0.4) * np.exp(-np.abs(after_dump) / 0.1)
    systematics += noise * rng.lognormal(np.log(8), 0.8) * glare
    systematics += 30 * noise * dumping * rng.normal(size=num_cadences)
    shared = red_noise * _red_noise(rng, num_cadences, rng.uniform(0.03, 0.25)) + rng.normal(size=num_cadences)
    aperture_noise = rng.normal(size=(len(_APERTURE_SCATTER), num_cadences))
    white = noise * _APERTURE_SCATTER[:, np.newaxis] * (0.95 * shared + 0.3 * aperture_noise)

    qflag = (dumping | (rng.random(num_cadences) < 0.01)).astype(np.int32)
    qflag[(glare > 0) & (rng.random() < 0.85)] = 1
    outliers = rng.random(num_cadences) < 0.002
    white[:, outliers] += 10 * noise * rng.standard_exponential(outliers.sum())

    light = 1 + (flux - 1) * (1 - _APERTURE_DILUTION[:, np.newaxis]) + systematics + white  # [aperture, n]
    raw = star_tmag - 2.5 * np.log10(np.maximum(light, 1e-3))
    spline = _spline_trend(raw[BEST_APERTURE], qflag == 0, sector)
    detrended = raw - spline + np.median(raw[:, qflag == 0], axis=1, keepdims=True)
    raw[:, rng.random(num_cadences) < 0.004] = np.nan
    detrended[np.isnan(raw) | (rng.random(num_cadences) < 0.003)] = np.nan
    return Photometry(times.time, qflag, raw, detrended)
