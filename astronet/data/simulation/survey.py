"""Simulates a survey in the layout of MIT's Quick-Look Pipeline: light curves, TEV tables, TIC extract and catalog.

Each star is drawn from a population (planets, eclipsing binaries, variables, instrumental dips, noise). Its light curve
gets noise, trends, gaps and flags, is detrended, and is searched for transits. The tables hold the search's results.
"""

import collections
import dataclasses
import functools
import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base import locks, messages
from astronet.base.files import make_directory, write_aside
from astronet.base.workers import map_in_order
from astronet.data.catalog import blsanal, box_search, build, events, tev
from astronet.data.simulation import photometry as tess_photometry
from astronet.data.simulation import qlp_files, sky
from astronet.data.simulation import signals as populations
from light_curve_util.flux_scale import to_flux
from light_curve_util.phase_fold import phase_fold

_MAX_DRAWS = 60
_SECOND_SIGNAL_SHARE = 0.1
_REOBSERVED_SHARE = 0.4  # probability that another sector that sees the star has a light curve

# A searched light curve. It has one peak for each signal of the star, in the same order (None: not a TCE).
_Observation = collections.namedtuple("_Observation", "sector camera ccd photometry peaks")


def _cleaned(photometry):
    """Returns (time, flux) of the usable cadences of the best aperture, the input of the transit search."""
    magnitude = photometry.detrended[tess_photometry.BEST_APERTURE]
    usable = (photometry.qflag == 0) & np.isfinite(magnitude)
    return to_flux(photometry.time[usable], magnitude[usable])


def _deserves_its_label(signal, peak, cadences):
    """Returns whether a human vetter would label this dip a planet or a binary.

    The signal without noise must cause at least half of the depth. Between its eclipses, a binary must vary by less
    than half of their depth (Yu et al. 2019, section 2).
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
    """Returns one Peak for each signal; None for a signal that the search would not list as a TCE."""
    time, flux = _cleaned(photometry)
    peaks: list[Optional[blsanal.Peak]] = []
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
    cadences = tess_photometry.cadences(sector)
    flux = np.prod([signal.flux(cadences) for signal in signals], axis=0)
    red_noise = max(signal.red_noise for signal in signals)
    photometry = tess_photometry.observe(rng, seed, star.tmag, flux, red_noise, sector, camera)
    return _Observation(sector, camera, ccd, photometry, _search(photometry, signals, cadences, star.tmag))


def simulate_star(
    tic_id: int, sectors: Sequence[int], seed: int
) -> tuple[sky.Star, list[populations.Signal], list[_Observation]]:
    """Draws a star with at least one TCE.

    Args:
      tic_id: TIC ID. It decides everything, together with the seed.
      sectors: sector numbers of the survey.
      seed: seed of the survey.

    Returns:
      (sky.Star, list of populations.Signal, list of observations, one for each sector that sees the star).
    """
    rng = np.random.default_rng([seed, 2, tic_id])
    home = int(rng.choice(sectors))
    star = sky.draw_star(rng, tic_id, home)
    scatter = tess_photometry.scatter(star.tmag)
    disposition = populations.draw_disposition(rng)
    for _ in range(_MAX_DRAWS):
        signals = [populations.draw_signal(rng, disposition, star, scatter)]
        if disposition != "EB" and rng.random() < _SECOND_SIGNAL_SHARE:
            second = "PC" if disposition == "PC" else "J"
            signals.append(populations.draw_signal(rng, second, star, scatter))
        observations = [_observe(star, signals, home, seed, rng)]
        if observations[0].peaks[0]:
            break
    for sector in sectors:
        seen = sky.camera_and_ccd(star.ra, star.dec, sector) != (0, 0)
        if sector != home and seen and rng.random() < _REOBSERVED_SHARE:
            observations.append(_observe(star, signals, sector, seed, rng))
    return star, signals, observations


def _write_light_curve(path, photometry):
    apertures = list(zip(photometry.raw, photometry.detrended))
    qlp_files.write(path, photometry.time, photometry.qflag, apertures, tess_photometry.BEST_APERTURE)


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
    """Writes the light curves and .blsanal files of a star, in a worker process. Returns the star and its TEV rows."""
    star, signals, observations = simulate_star(tic_id, sectors, seed)
    rows = []
    for observation in observations:
        sector = observation.sector
        _write_light_curve(os.path.join(output_dir, "tess", f"sector-{sector}", f"{tic_id}.h5"), observation.photometry)
        tces = [(peak, signal) for peak, signal in zip(observation.peaks, signals) if peak]
        tces.sort(key=lambda tce: -tce[0].pink_signal_to_noise)
        if tces:
            path = blsanal.path(
                os.path.join(output_dir, "qlp-data"), sector, observation.camera, observation.ccd, tic_id
            )
            blsanal.write(path, [peak for peak, _ in tces])
        for number, (peak, signal) in enumerate(tces, start=1):
            rows.append(_tev_row(star, signal, number, observation, peak))
    return star, rows


def _write_tic(path, stars, seed):
    """Writes the TIC extract. Some parameters of some stars are unknown, as in the real TIC."""
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


@dataclasses.dataclass(frozen=True)
class SurveyChoice:
    """The settings of a simulated survey.

    Attributes:
      output_dir: directory of the outputs tess/, qlp-data/, tic.sqlite, sector-*-simulated.csv and tces.csv.
      num_stars: number of stars. Some are in several sectors; some have two TCEs.
      sectors: numbers of the sectors, sorted.
      seed: seed of the random numbers.
      num_worker_processes: number of processes; 1 works in this process.
      cluster: a cluster to work on, as --cluster names it.
    """

    output_dir: str
    num_stars: int = 600
    sectors: Sequence[int] = (1, 2, 3)
    seed: int = 0
    num_worker_processes: int = 1
    cluster: Any = None


def simulate(choice: SurveyChoice) -> Mapping[str, int]:
    """Simulates a survey and writes its files. Returns the number of TCEs of each disposition.

    Raises:
      ScriptError: another run writes to the same directory, or the cluster cannot be used.
      OSError: the directory cannot be written.
    """
    with locks.exclusive(choice.output_dir):
        make_directory(choice.output_dir)
        for sector in choice.sectors:
            make_directory(os.path.join(choice.output_dir, "tess", f"sector-{sector}"))
        rng = np.random.default_rng([choice.seed, 0])
        tic_ids = rng.choice(470_000_000, choice.num_stars, replace=False) + 1_000_000
        stars, rows_of_sector = _make_stars(tic_ids.tolist(), choice)
        tic_path = os.path.join(choice.output_dir, "tic.sqlite")
        _write_tic(tic_path, stars, choice.seed)
        tables = []
        for sector, rows in rows_of_sector.items():
            tables.append(os.path.join(choice.output_dir, f"sector-{sector}-simulated.csv"))
            tev.write(tables[-1], [rows[index] for index in rng.permutation(len(rows))])
        searches = events.Searches(os.path.join(choice.output_dir, "qlp-data"))
        catalog_path = os.path.join(choice.output_dir, "tces.csv")
        build.build(build.CatalogChoice(tables, catalog_path, f"local:{tic_path}", searches))
        return collections.Counter(row["Disposition"] for rows in rows_of_sector.values() for row in rows)


def _make_stars(tic_ids, choice):
    """Simulates the stars and writes their light curves and searches. Returns the stars, and {sector: TEV rows}."""
    output_dir = os.path.abspath(choice.output_dir)  # workers may have another working directory
    work = functools.partial(_make_star, output_dir=output_dir, sectors=choice.sectors, seed=choice.seed)
    stars = []
    rows_of_sector: dict[int, list[dict[str, Any]]] = {sector: [] for sector in choice.sectors}
    results = map_in_order(work, tic_ids, choice.num_worker_processes, cluster=choice.cluster)
    for star, rows in messages.bar(results, total=len(tic_ids), unit="star"):
        stars.append(star)
        for row in rows:
            rows_of_sector[row["Sectors"]].append(row)
    return stars, rows_of_sector
