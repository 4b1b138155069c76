"""Simulates 2-minute light curves of flaring stars, as SPOC files, and the catalog of their flares: flares.csv.

Half of the stars flare. All rotate, some fast, and have noise, a gap in the middle of the sector and a few flagged
cadences. What this shows of a network holds for the simulation alone.
"""

import os
import sys

import numpy as np

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_aside, write_csv
from astronet.base.script import Parser, run
from astronet.flares import flare_fit, injection
from light_curve_util.constants import BTJD_ZERO

SECTOR_START = 1325.3  # BTJD
SECTOR_DAYS = 27.4
_SECONDS_PER_DAY = 86400
_GAP_DAYS = 1.0  # between the two orbits of a sector
_FLAGGED = 0.002  # share of single cadences
_RATES = 0.3, 3.0  # flares a day of the stars that flare
_AMPLITUDES = 3.0, 300.0  # in units of the noise; the fainter, the more
_SLOPE = 1.8  # of their distribution, as of flare energies
_WIDTHS = 1.5, 30.0  # full width at half maximum [minutes]
_BUMP_DAYS = 0.05, 0.2  # what is slow and no flare
_FLAG = 1 << 7  # manual exclusion


def simulate(tic_id, sector, days, cadence_seconds, seed):
    """Simulates the light curve of a star.

    Returns:
      time [n] BTJD, flux [n] electrons per second, quality [n]; list of (peak_time, amplitude, rise, decay), in days
      and relative to the star's flux; dictionary of header values.
    """
    random = np.random.default_rng([seed, tic_id, sector])
    start, step = SECTOR_START + SECTOR_DAYS * (sector - 1), cadence_seconds / _SECONDS_PER_DAY
    time = start + np.arange(0, days, step)
    time = time[np.abs(time - start - days / 2) > min(_GAP_DAYS, days / 8) / 2]
    noise = np.exp(random.uniform(np.log(5e-4), np.log(1e-2)))
    star = 1 + _rotation(time, random)
    for _ in range(random.poisson(days / 4)):
        width = random.uniform(*_BUMP_DAYS)
        star += 5 * noise * random.uniform(-1, 1) * np.exp(-0.5 * ((time - random.choice(time)) / width) ** 2)
    flares = []
    if random.random() < 0.5:
        number = random.poisson(days * np.exp(random.uniform(*np.log(_RATES))))
        _, rise, decay = injection.draw(random, number, widths=np.array(_WIDTHS) / (24 * 60))
        # A power law between two limits, by the inverse of its cumulative distribution.
        low, high = (limit ** (1 - _SLOPE) for limit in _AMPLITUDES)
        amplitude = noise * (low + random.random(number) * (high - low)) ** (1 / (1 - _SLOPE))
        peaks = random.choice(time, number) + random.uniform(-0.5, 0.5, number) * step
        flares = sorted(zip(peaks, amplitude, rise, decay))
    for peak_time, amplitude, rise, decay in flares:
        star += amplitude * flare_fit.shape(time, peak_time, rise, decay, step)
    flux = star + noise * np.sqrt(120 / cadence_seconds) * random.normal(size=len(time))
    quality = np.where(random.random(len(time)) < _FLAGGED, _FLAG, 0)
    header = {"TEFF": float(random.integers(2900, 4000)), "RADIUS": round(random.uniform(0.15, 0.6), 3)}
    return time, 1000 * flux, quality, flares, header


def _rotation(time, random):
    period = np.exp(random.uniform(np.log(0.3), np.log(15)))
    amplitude = np.exp(random.uniform(np.log(1e-3), np.log(3e-2)))
    phase = 2 * np.pi * (time / period + random.random())
    return amplitude * (np.sin(phase) + random.uniform(0, 0.5) * np.sin(2 * phase + random.uniform(0, 6)))


def _write_light_curve(path, tic_id, sector, time, flux, quality, header):
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    primary.header.update({"OBJECT": f"TIC {tic_id}", "TICID": tic_id, "SECTOR": sector, **header})
    columns = [
        fits.Column("TIME", "D", array=time),
        fits.Column("SAP_FLUX", "E", array=flux),
        fits.Column("PDCSAP_FLUX", "E", array=flux),
        fits.Column("QUALITY", "J", array=quality),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    table.header.update({"BJDREFI": BTJD_ZERO, "BJDREFF": 0.0})
    with write_aside(path) as aside:
        fits.HDUList([primary, table]).writeto(aside, overwrite=True)


def _simulate(flags):
    from tqdm import tqdm

    make_directory(flags.output_dir)
    rows, step = [], flags.cadence_seconds / _SECONDS_PER_DAY
    for tic_id in tqdm(range(1001, 1001 + flags.num_stars), unit=" stars", delay=3, disable=None):
        time, flux, quality, flares, header = simulate(tic_id, 1, flags.days, flags.cadence_seconds, flags.seed)
        name = f"tess2018206045859-s0001-{tic_id:016d}-0120-s_lc.fits"
        _write_light_curve(os.path.join(flags.output_dir, name), tic_id, 1, time, flux, quality, header)
        for peak_time, amplitude, rise, decay in flares:
            # The catalogd time is that of the peak; no width is shorter than a cadence.
            width = max(injection.width(rise, decay), step)
            duration = flare_fit.equivalent_duration(amplitude, rise, decay)
            rows.append((tic_id, 1, f"{peak_time:.6f}", f"{width:.6f}", f"{amplitude:.6f}", f"{duration:.4f}"))
    path = os.path.join(flags.output_dir, "flares.csv")
    write_csv(path, ("tic_id", "sector", "peak_time", "duration", "amplitude", "equivalent_duration"), rows)
    print(f"{flags.output_dir}: light curves of {flags.num_stars} stars; {path}: their {len(rows)} flares")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of the light curves and of flares.csv",
    )
    parser.add_argument(
        "--num_stars", type=arguments.whole_number(1, 100_000), default=40, help="stars, half of which flare"
    )
    parser.add_argument(
        "--days",
        type=arguments.number(least=0.1, most=SECTOR_DAYS, unit="days"),
        default=SECTOR_DAYS,
        help="length of the light curves, up to a sector",
    )
    parser.add_argument(
        "--cadence_seconds",
        type=arguments.number(least=1, most=1800, unit="seconds"),
        default=120,
        help="time between cadences",
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of all that is random")
    return run(locks.holding(_simulate, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
