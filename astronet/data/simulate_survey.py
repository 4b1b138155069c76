"""Makes a small simulated survey in the layout of MIT's Quick-Look Pipeline: light curves, TEV tables, catalogue.

Every star is drawn from a population (planets, eclipsing binaries, variables, instrumental and chance dips), observed
with noise, trends, gaps and flags, detrended, and searched: its row of the tables holds what the search measured.
"""

import collections
import functools
import os
import sqlite3
import sys

import numpy as np
from tqdm import tqdm

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_aside
from astronet.base.script import Parser, run
from astronet.base.workers import add_cluster_flag, map_in_order
from astronet.data import make_catalog
from astronet.data.catalog import blsanal, box_search, events, tev
from astronet.data.simulation import photometry as simulated_photometry
from astronet.data.simulation import signals as simulated_signals
from astronet.data.simulation import sky
from light_curve_util import tess_io
from light_curve_util.phase_fold import phase_fold

_MAX_DRAWS = 60
_SECOND_SIGNAL_SHARE = 0.1
_REOBSERVED_SHARE = 0.4  # of the sectors beyond the first that see a star

# A light curve that was searched: its peaks belong to the star's signals, in the signals' order (None: not a TCE).
_Observation = collections.namedtuple("_Observation", "sector camera ccd photometry peaks")


def _cleaned(photometry):
    """(time, flux) of the usable cadences of the best aperture, as the transit search sees them."""
    magnitude = photometry.detrended[simulated_photometry.BEST_APERTURE]
    usable = (photometry.qflag == 0) & np.isfinite(magnitude)
    return tess_io.to_flux(photometry.time[usable], magnitude[usable])


def _deserves_its_label(signal, peak, cadences):
    """Whether a vetter would call this dip a planet or binary.

    The signal itself, without noise, makes at least half of the dip; a binary varies between its eclipses by less than
    half of their depth (Yu et al. 2019, section 2).
    """
    flux = signal.flux(cadences)
    phase_days = np.abs(phase_fold(cadences.time, peak.period, peak.t0))
    inside = phase_days < peak.duration_hours / 24 / 2
    outside = phase_days > peak.duration_hours / 24
    if not (inside.any() and outside.any()):
        return False
    depth = np.median(flux[~inside]) - flux[inside].mean()
    low, high = np.percentile(flux[outside], [10, 90])
    return depth > 0.5 * peak.depth and (signal.disposition == "PC" or high - low < 0.5 * depth)


def _search(photometry, signals, cadences, tmag):
    """One Peak a signal, None where the search would not list it as a TCE."""
    time, flux = _cleaned(photometry)
    peaks = []
    for signal in signals:
        peak = box_search.measure(time, flux, tmag, signal.periods) if len(time) > 200 else None
        if peak is None or peak.why_not_tce():
            peaks.append(None)
            continue
        real = signal.disposition in ("PC", "EB")
        peaks.append(peak if not real or _deserves_its_label(signal, peak, cadences) else None)
        phase_days = np.abs(phase_fold(time, peak.period, peak.t0))
        outside = phase_days > 0.75 * peak.duration_hours / 24
        time, flux = time[outside], flux[outside]
    return peaks


def _observe(star, signals, sector, seed, rng):
    camera, ccd = sky.camera_and_ccd(star.ra, star.dec, sector)
    cadences = simulated_photometry.cadences(sector)
    flux = np.prod([signal.flux(cadences) for signal in signals], axis=0)
    red_noise = max(signal.red_noise for signal in signals)
    photometry = simulated_photometry.observe(rng, seed, star.tmag, flux, red_noise, sector, camera)
    return _Observation(sector, camera, ccd, photometry, _search(photometry, signals, cadences, star.tmag))


def simulate_star(tic_id, sectors, seed):
    """Draws a star of which the search finds at least one TCE.

    Args:
      tic_id: TIC ID; with the seed it decides everything.
      sectors: sector numbers of the survey.
      seed: seed of the survey.

    Returns:
      (simulated_sky.Star, signals, observations, one a sector).
    """
    rng = np.random.default_rng([seed, 2, tic_id])
    home = int(rng.choice(sectors))
    star = sky.draw_star(rng, tic_id, home)
    scatter = simulated_photometry.scatter(star.tmag)
    disposition = simulated_signals.draw_disposition(rng)
    for _ in range(_MAX_DRAWS):
        signals = [simulated_signals.draw_signal(rng, disposition, star, scatter)]
        if disposition != "EB" and rng.random() < _SECOND_SIGNAL_SHARE:
            second = "PC" if disposition == "PC" else "J"
            signals.append(simulated_signals.draw_signal(rng, second, star, scatter))
        observations = [_observe(star, signals, home, seed, rng)]
        if observations[0].peaks[0]:
            break
    for sector in sectors:
        seen = sky.camera_and_ccd(star.ra, star.dec, sector) != (0, 0)
        if sector != home and seen and rng.random() < _REOBSERVED_SHARE:
            observations.append(_observe(star, signals, sector, seed, rng))
    return star, signals, observations


def _write_light_curve(path, photometry):
    import h5py

    with write_aside(path) as aside, h5py.File(aside, "w") as file:
        group = file.create_group("LightCurve")
        group["BJD"], group["QFLAG"] = photometry.time, photometry.qflag
        apertures = group.create_group("AperturePhotometry")
        apertures.attrs["bestap"] = simulated_photometry.BEST_APERTURE
        for number, (raw, detrended) in enumerate(zip(photometry.raw, photometry.detrended)):
            aperture = apertures.create_group(f"Aperture_{number:03d}")
            aperture["RawMagnitude"], aperture["KSPMagnitude"] = raw, detrended


def _tev_row(star, signal, number, observation, peak):
    return {
        "src": "simulated",
        "tic_id": star.tic_id,
        "toi_id": f".{number:02d}",
        "Disposition": signal.disposition,
        "RA": round(star.ra, 6),
        "Dec": round(star.dec, 6),
        "Tmag": round(star.tmag, 3),
        "Epoc": round(peak.t0, 6),
        "Period": round(peak.period, 6),
        "Duration": round(peak.duration_hours, 6),
        "Transit Depth": round(peak.depth_ppm, 2),
        "Sectors": observation.sector,
    }


def _make_star(tic_id, output_dir, sectors, seed):
    """Worker: writes one star's light curves and .blsanal files; returns the star and its TEV rows."""
    star, signals, observations = simulate_star(tic_id, sectors, seed)
    rows = []
    for observation in observations:
        sector = observation.sector
        _write_light_curve(os.path.join(output_dir, "tess", f"sector-{sector}", f"{tic_id}.h5"), observation.photometry)
        found = [(peak, signal) for peak, signal in zip(observation.peaks, signals) if peak]
        found.sort(key=lambda pair: -pair[0].pink_signal_to_noise)
        if found:
            path = blsanal.path(
                os.path.join(output_dir, "qlp-data"), sector, observation.camera, observation.ccd, tic_id
            )
            blsanal.write(path, [peak for peak, _ in found])
        for number, (peak, signal) in enumerate(found, start=1):
            rows.append(_tev_row(star, signal, number, observation, peak))
    return star, rows


def _write_tic(path, stars, seed):
    """Writes the local TIC extract; some parameters of some stars are unknown, as in the true one."""
    rng = np.random.default_rng([seed, 3])
    columns = ("id", "ra", "dec", "tmag", "rad", "mass", "teff", "logg", "gaia_rad", "gaia_teff")
    rows = []
    for star in sorted(stars, key=lambda star: star.tic_id):
        errors = rng.normal(1, [0.08, 0.06, 0.02, 0.01, 0.03, 0.015])
        values = [star.radius, star.mass, star.teff, star.logg, star.radius, star.teff] * errors
        unknown = rng.random(6) < [0.15, 0.25, 0.05, 0.25, 0.12, 0.05]
        cells = [None if absent else round(float(value), 4) for value, absent in zip(values, unknown)]
        rows.append((star.tic_id, round(star.ra, 6), round(star.dec, 6), round(star.tmag, 3), *cells))
    with write_aside(path) as aside:
        connection = sqlite3.connect(aside)
        with connection:
            connection.execute(
                f"CREATE TABLE tic ({columns[0]} INTEGER PRIMARY KEY, {' REAL, '.join(columns[1:])} REAL)"
            )
            connection.executemany(f"INSERT INTO tic VALUES ({', '.join('?' * len(columns))})", rows)
        connection.close()


def _run(flags):
    make_directory(flags.output_dir)
    for sector in flags.sectors:
        make_directory(os.path.join(flags.output_dir, "tess", f"sector-{sector}"))
    rng = np.random.default_rng([flags.seed, 0])
    tic_ids = rng.choice(470_000_000, flags.num_stars, replace=False) + 1_000_000
    output_dir = os.path.abspath(flags.output_dir)  # for workers that have another working directory
    work = functools.partial(_make_star, output_dir=output_dir, sectors=flags.sectors, seed=flags.seed)
    stars, rows_of_sector = [], {sector: [] for sector in flags.sectors}
    results = map_in_order(work, tic_ids.tolist(), flags.num_worker_processes, cluster=flags.cluster)
    for star, rows in tqdm(results, total=len(tic_ids), unit="star", disable=None):
        stars.append(star)
        for row in rows:
            rows_of_sector[row["Sectors"]].append(row)
    _write_tic(os.path.join(flags.output_dir, "tic.sqlite"), stars, flags.seed)
    tables = []
    for sector, rows in rows_of_sector.items():
        tables.append(os.path.join(flags.output_dir, f"sector-{sector}-simulated.csv"))
        tev.write(tables[-1], [rows[index] for index in rng.permutation(len(rows))])
    make_catalog.make_catalog(
        tables,
        os.path.join(flags.output_dir, "tces.csv"),
        catalog="local:" + os.path.join(flags.output_dir, "tic.sqlite"),
        searches=events.Searches(os.path.join(flags.output_dir, "qlp-data")),
    )
    counts = collections.Counter(row["Disposition"] for rows in rows_of_sector.values() for row in rows)
    print(f"SIMULATED data, not observations: {len(stars)} stars in {flags.output_dir}, seed {flags.seed}")
    print("  " + ", ".join(f"{count} {disposition}" for disposition, count in sorted(counts.items())) + " in tces.csv")
    return 0


def _sectors(text):
    return sorted({arguments.positive_sector(sector) for sector in text.split(",")})


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="gets tess/, qlp-data/, tic.sqlite, sector-*.csv, tces.csv",
    )
    parser.add_argument(
        "--num_stars",
        type=arguments.whole_number(1, 1_000_000, "stars"),
        default=600,
        help="stars; some in several sectors or with two TCEs",
    )
    parser.add_argument("--sectors", type=_sectors, default="1,2,3", help="sector numbers, with commas")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="the same seed makes the same survey")
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="1 works in this process"
    )
    add_cluster_flag(parser)
    return run(locks.holding(_run, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    from astronet.data.simulate_survey import main  # noqa: F811 (workers of a cluster have another __main__, and can import that)

    sys.exit(main())
