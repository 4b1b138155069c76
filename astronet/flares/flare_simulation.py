"""Simulates light curves of flaring stars: rotation, slow bumps, noise, gaps, flagged cadences and flares."""

import dataclasses
import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from astronet.base import messages
from astronet.base.files import make_directory, write_aside, write_csv
from astronet.flares import flare_fit, injection
from light_curve_util.array_types import Floats
from light_curve_util.constants import BTJD_ZERO, SECONDS_PER_DAY

SECTOR_START = 1325.3  # BTJD, of sector 1
SECTOR_DAYS = 27.4
_FIRST_TIC_ID = 1001
_GAP_DAYS = 1.0  # between the two orbits of a sector
_FLAGGED = 0.002  # share of cadences that are flagged
_RATES = 0.3, 3.0  # flares per day of the stars that flare
_AMPLITUDES = 3.0, 300.0  # in units of the noise; faint flares are more frequent
_SLOPE = 1.8  # of the distribution of amplitudes, as of flare energies
_WIDTHS = 1.5, 30.0  # full width at half maximum [minutes]
_BUMP_DAYS = 0.05, 0.2  # width of slow bumps, which are no flares
_FLAG = 1 << 7  # manual exclusion


class Flare(NamedTuple):
    """A simulated flare: peak time [BTJD], amplitude [of the star's flux], rise and decay [days]."""

    peak_time: float
    amplitude: float
    rise: float
    decay: float


class Simulated(NamedTuple):
    """A simulated light curve.

    Attributes:
      time: [n] BTJD.
      flux: [n] electrons per second.
      quality: [n] quality flags.
      flares: the flares in it, by time.
      header: header values of the star: TEFF [K], RADIUS [solar radii].
    """

    time: np.ndarray
    flux: np.ndarray
    quality: np.ndarray
    flares: list[Flare]
    header: dict[str, float]


@dataclasses.dataclass(frozen=True)
class StarChoice:
    """Which stars are simulated.

    Attributes:
      output_dir: directory of the light curves and of flares.csv.
      num_stars: number of stars; half of them flare.
      days: length of the light curves, a sector at most.
      cadence_seconds: time between cadences.
      seed: seed of all random numbers.
    """

    output_dir: str
    num_stars: int = 40
    days: float = SECTOR_DAYS
    cadence_seconds: float = 120
    seed: int = 0


def write(choice: StarChoice) -> str:
    """Writes the light curves, and flares.csv with the flares in them; returns a line that says so."""
    make_directory(choice.output_dir)
    rows, step = [], choice.cadence_seconds / SECONDS_PER_DAY
    tic_ids = range(_FIRST_TIC_ID, _FIRST_TIC_ID + choice.num_stars)
    for tic_id in messages.bar(tic_ids, unit=" stars", delay=3):
        simulated = simulate(tic_id, 1, choice.days, choice.cadence_seconds, choice.seed)
        name = f"tess2018206045859-s0001-{tic_id:016d}-0120-s_lc.fits"
        _write_light_curve(os.path.join(choice.output_dir, name), tic_id, 1, simulated)
        for peak_time, amplitude, rise, decay in simulated.flares:
            # A catalog has the time of the peak, and no width shorter than a cadence.
            width = max(injection.width(rise, decay), step)
            duration = flare_fit.equivalent_duration(amplitude, rise, decay)
            rows.append((tic_id, 1, f"{peak_time:.6f}", f"{width:.6f}", f"{amplitude:.6f}", f"{duration:.4f}"))
    path = os.path.join(choice.output_dir, "flares.csv")
    write_csv(path, ("tic_id", "sector", "peak_time", "duration", "amplitude", "equivalent_duration"), rows)
    return f"{choice.output_dir}: light curves of {choice.num_stars} stars; {path}: their {len(rows)} flares"


def simulate(tic_id: int, sector: int, days: float, cadence_seconds: float, seed: int) -> Simulated:
    """Returns the simulated light curve of a star; the same arguments give the same light curve."""
    random = np.random.default_rng([seed, tic_id, sector])
    start, step = SECTOR_START + SECTOR_DAYS * (sector - 1), cadence_seconds / SECONDS_PER_DAY
    time = start + np.arange(0, days, step)
    time = time[np.abs(time - start - days / 2) > min(_GAP_DAYS, days / 8) / 2]
    noise = np.exp(random.uniform(np.log(5e-4), np.log(1e-2)))
    star = 1.0 + _rotation(time, random)
    for _ in range(random.poisson(days / 4)):
        width = random.uniform(*_BUMP_DAYS)
        star += 5 * noise * random.uniform(-1, 1) * np.exp(-0.5 * ((time - random.choice(time)) / width) ** 2)
    flares = _draw_flares(time, days, step, noise, random) if random.random() < 0.5 else []
    for peak_time, amplitude, rise, decay in flares:
        star += amplitude * flare_fit.shape(time, peak_time, rise, decay, step)
    flux = star + noise * np.sqrt(120 / cadence_seconds) * random.normal(size=len(time))
    quality = np.where(random.random(len(time)) < _FLAGGED, _FLAG, 0)
    header = {"TEFF": float(random.integers(2900, 4000)), "RADIUS": round(random.uniform(0.15, 0.6), 3)}
    return Simulated(time, 1000 * flux, quality, flares, header)


def _draw_flares(time: np.ndarray, days: float, step: float, noise: float, random: np.random.Generator) -> list[Flare]:
    number = random.poisson(days * np.exp(random.uniform(*np.log(_RATES))))
    _, rise, decay = injection.draw(random, number, widths=np.array(_WIDTHS) / (24 * 60))
    # Draws from a power law between two limits, by the inverse of its cumulative distribution.
    low, high = (limit ** (1 - _SLOPE) for limit in _AMPLITUDES)
    amplitude = noise * (low + random.random(number) * (high - low)) ** (1 / (1 - _SLOPE))
    peaks = random.choice(time, number) + random.uniform(-0.5, 0.5, number) * step
    return sorted(map(Flare, peaks, amplitude, rise, decay))


def _rotation(time: np.ndarray, random: np.random.Generator) -> Floats:
    period = np.exp(random.uniform(np.log(0.3), np.log(15)))
    amplitude = np.exp(random.uniform(np.log(1e-3), np.log(3e-2)))
    phase = 2 * np.pi * (time / period + random.random())
    return amplitude * (np.sin(phase) + random.uniform(0, 0.5) * np.sin(2 * phase + random.uniform(0, 6)))


def _write_light_curve(path: str, tic_id: int, sector: int, simulated: Simulated) -> None:
    from astropy.io import fits

    header: Mapping[str, object] = {"OBJECT": f"TIC {tic_id}", "TICID": tic_id, "SECTOR": sector, **simulated.header}
    primary = fits.PrimaryHDU()
    primary.header.update(header)
    columns = [
        fits.Column("TIME", "D", array=simulated.time),
        fits.Column("SAP_FLUX", "E", array=simulated.flux),
        fits.Column("PDCSAP_FLUX", "E", array=simulated.flux),
        fits.Column("QUALITY", "J", array=simulated.quality),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    table.header.update({"BJDREFI": BTJD_ZERO, "BJDREFF": 0.0})
    with write_aside(path) as aside:
        fits.HDUList([primary, table]).writeto(aside, overwrite=True)
