"""Judges the transit search: planets injected into the simulated survey's noise, light curves without any signal, and
real light curves of stars with TOIs.

S/N of an injected planet: its mean depth over its in-transit cadences, divided by
sqrt(white^2 / cadences in transit + red^2 / events). White and red noise are those of the same star's detrended light
curve without the planet: the robust scatter of a cadence, and what the robust scatter of means over one transit
duration has beyond it. At least two events have at least half of their cadences; all else is as it falls.
"""

import collections
import csv
import functools
import itertools
import os
import re
import sys
import time

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, ScriptError, run
from astronet.base.workers import map_in_order
from astronet.data.catalog import transit_fit, transit_search
from astronet.data.simulation import photometry as simulated_photometry
from astronet.data.simulation import signals, sky
from light_curve_util import tess_io
from light_curve_util.constants import BTJD_ZERO
from light_curve_util.flux_scale import to_flux
from light_curve_util.phase_fold import phase_fold

RATIOS = {"period": 1, "P/2": 1 / 2, "2P": 2, "P/3": 1 / 3, "3P": 3, "2P/3": 2 / 3, "3P/2": 3 / 2}
OUTCOMES = (*RATIOS, "later peak", "not found")
_MAX_DRAWS = 200

Planet = collections.namedtuple("Planet", "period t0 duration")
Outcome = collections.namedtuple("Outcome", "name is_tce seconds")


class _Star:
    """A quiet simulated star in one sector: the same noise with and without a planet."""

    def __init__(self, rng, seed, raw):
        self.sector, self.seed, self.raw = int(rng.integers(1, 4)), seed, raw
        self.star = sky.draw_star(rng, 0, self.sector)
        self.camera, _ = sky.camera_and_ccd(self.star.ra, self.star.dec, self.sector)
        self.cadences = simulated_photometry.cadences(self.sector)
        spots = signals.starspots(rng, rng.uniform(4, 20), rng.lognormal(np.log(1e-3), 1.0))
        self.quiet = spots(self.cadences.time)
        self.red_noise, self.noise_seed = rng.uniform(0.2, 1.0), int(rng.integers(2**32))

    def observe(self, transit=1.0, raw=None):
        """(time, flux) of the usable cadences."""
        rng = np.random.default_rng(self.noise_seed)
        photometry = simulated_photometry.observe(
            rng, self.seed, self.star.tmag, self.quiet * transit, self.red_noise, self.sector, self.camera
        )
        magnitudes = photometry.raw if (self.raw if raw is None else raw) else photometry.detrended
        magnitude = magnitudes[simulated_photometry.BEST_APERTURE]
        usable = (photometry.qflag == 0) & np.isfinite(magnitude)
        return to_flux(photometry.time[usable], magnitude[usable])


def _draw_planet(rng, star, period_range, signal_to_noise):
    """(Planet, relative flux with its transits [n]) with a given S/N."""
    time, flux = star.observe(raw=False)
    for _ in range(_MAX_DRAWS):
        period = np.exp(rng.uniform(*np.log(period_range)))
        axis = max(2.5, signals.scaled_semi_major_axis(period, star.star.density))
        impact, t0 = rng.uniform(0, 0.85), time[0] + rng.uniform(0, period)
        transit = functools.partial(
            signals.transit_flux,
            t0=t0,
            period=period,
            scaled_axis=axis,
            impact=impact,
            limb_darkening=[0.35, 0.22],
        )
        ratio = 0.03
        for _ in range(4):
            duration = period / np.pi * np.arcsin(min(1, np.sqrt((1 + ratio) ** 2 - impact**2) / axis))
            phase_days = phase_fold(time, period, t0)
            inside = np.abs(phase_days) < duration / 2
            event, counts = np.unique(np.round((time - t0 - phase_days)[inside] / period), return_counts=True)
            if np.count_nonzero(counts >= 0.5 * duration * 48) < 2:
                break
            white = transit_fit.white_scatter(flux)
            red = transit_fit.red_variance(time - time[0], flux, duration, white)
            noise = np.sqrt(white**2 / inside.sum() + red / len(event))
            depth = 1 - transit(time[inside], radius_ratio=ratio).mean()
            reached = depth / noise
            ratio *= np.sqrt(signal_to_noise / reached)
        else:
            if ratio < 0.3 and abs(reached / signal_to_noise - 1) < 0.05:
                return Planet(period, t0, duration), transit(star.cadences.time, radius_ratio=ratio)
    raise ScriptError(
        f"no planet of {period_range} d with S/N {signal_to_noise:.1f} in {_MAX_DRAWS} draws: change the seed"
    )


def matching_ratio(peak, planet, time):
    """The name in RATIOS of a peak's period over a planet's, None where the events do not meet.

    Events meet when, at the first and last of the light curve, those of the longer period are within a transit duration
    of one of the shorter.
    """
    for name, ratio in RATIOS.items():
        if abs(peak.period / (ratio * planet.period) - 1) > 0.02:
            continue
        long, short = (peak, planet) if ratio >= 1 else (planet, peak)
        numbers = np.round((time[[0, -1]] - long.t0) / long.period)
        events = long.t0 + numbers * long.period
        # Two periods of 3:2 share every second or third event only.
        spacing = short.period if ratio in (1, 2, 3, 1 / 2, 1 / 3) else short.period / 2
        if np.all(np.abs(phase_fold(events, spacing, short.t0)) < max(planet.duration, 1 / 48)):
            return name
    return None


def _search(times, flux, magnitude):
    start = time.process_time()
    peaks = transit_search.search(times, flux, magnitude)
    return peaks, time.process_time() - start


def _inject(task, seed, raw):
    """Worker: Outcome of one injected planet."""
    number, period_range, signal_to_noise_range = task
    rng = np.random.default_rng([seed, number])
    star = _Star(rng, seed, raw)
    planet, transit = _draw_planet(rng, star, period_range, np.exp(rng.uniform(*np.log(signal_to_noise_range))))
    times, flux = star.observe(transit)
    peaks, seconds = _search(times, flux, star.star.tmag)
    for rank, peak in enumerate(peaks):
        name = matching_ratio(peak, planet, times)
        if name:
            return Outcome(name if rank == 0 else "later peak", not peak.why_not_tce(), seconds)
    return Outcome("not found", False, seconds)


def _search_nothing(number, seed, raw):
    """Worker: the best peak of a star without a signal that is a threshold crossing event all the same, or None."""
    star = _Star(np.random.default_rng([seed, 1, number]), seed, raw)
    peaks, _ = _search(*star.observe(), star.star.tmag)
    return next((peak for peak in peaks if not peak.why_not_tce()), None)


def _told(peak):
    return (
        f"{peak.period:.5f} d, {peak.duration_hours:.2f} h, {peak.depth_ppm:.0f} ppm, "
        f"S/N {peak.pink_signal_to_noise:.1f}, {peak.num_points_in_transit} half hours in transit"
    )


def _row(label, outcomes):
    counts = collections.Counter(outcome.name for outcome in outcomes)
    share = 1 - counts["not found"] / len(outcomes)
    tces = np.mean([outcome.is_tce for outcome in outcomes])
    cells = "".join(f"{counts[name] or '.':>11}" for name in OUTCOMES)
    print(f"{label:<22}{len(outcomes):>5}{cells}{100 * share:>9.1f} %{100 * tces:>7.1f} %")


def _judge_by_injection(flags):
    cells = list(itertools.product(flags.signal_to_noise, flags.periods))
    tasks = [(i, cells[i % len(cells)][1], cells[i % len(cells)][0]) for i in range(flags.num_a_bin * len(cells))]
    work = functools.partial(_inject, seed=flags.seed, raw=flags.raw)
    outcomes = list(map_in_order(work, tasks, flags.num_worker_processes))
    print(f"{'S/N, period (d)':<22}{'n':>5}{''.join(f'{name:>11}' for name in OUTCOMES)}{'recovered':>11}{'TCE':>9}")
    of_cell = collections.defaultdict(list)
    for task, outcome in zip(tasks, outcomes):
        of_cell[task[2], task[1]].append(outcome)
    for (low, high), (short, long) in cells:
        _row(f"{low:g}-{high:g}, {short:g}-{long:g}", of_cell[(low, high), (short, long)])
    for low, high in flags.signal_to_noise:
        _row(f"{low:g}-{high:g}", [o for cell, found in of_cell.items() if cell[0] == (low, high) for o in found])
    _row("all", outcomes)
    seconds = [outcome.seconds for outcome in outcomes]
    print(f"CPU seconds a light curve: median {np.median(seconds):.2f}, greatest {max(seconds):.2f}")
    work = functools.partial(_search_nothing, seed=flags.seed, raw=flags.raw)
    alarms = [peak for peak in map_in_order(work, list(range(flags.num_quiet)), flags.num_worker_processes) if peak]
    print(f"without a signal: {len(alarms)} of {flags.num_quiet} light curves have a threshold crossing event")
    for peak in alarms:
        print(f"  {_told(peak)}")


def _tois(path):
    """{TIC ID: (magnitude, [(TOI, period or NaN, epoch in BTJD, duration in days)])} of an ExoFOP TOI table."""
    tois = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            period, epoch, hours = (
                float(row[name] or "nan") for name in ("Period (days)", "Epoch (BJD)", "Duration (hours)")
            )
            planet = Planet(period or np.nan, epoch - BTJD_ZERO, hours / 24)
            tois.setdefault(int(row["TIC ID"]), (float(row["TESS Mag"] or "nan"), []))[1].append((row["TOI"], planet))
    return tois


def _num_transits(planet, times):
    """How many transits have cadences."""
    phase_days = phase_fold(times, planet.period, planet.t0)
    inside = np.abs(phase_days) < planet.duration / 2
    return len(np.unique(np.round((times - planet.t0 - phase_days)[inside] / planet.period)))


def _judge_by_tois(flags):
    tois = _tois(flags.tois)
    for path in flags.light_curves:
        found = re.search(r"(?:tic|[-_])0*(\d{5,})(?=[-_])", os.path.basename(path), re.IGNORECASE)
        if not found:
            raise ScriptError(f"{path}: no TIC ID in the file's name")
        magnitude, planets = tois.get(int(found[1]), (np.nan, []))
        if not planets:
            continue
        light_curve = tess_io.read(path)
        peaks, seconds = _search(light_curve.time, light_curve.flux, magnitude)
        print(f"TIC {found[1]} ({os.path.basename(path)}), {seconds:.1f} CPU seconds")
        for toi, planet in planets:
            if np.isnan(planet.period):
                print(f"  TOI {toi}: the table has no period")
                continue
            transits = _num_transits(planet, light_curve.time)
            names = [matching_ratio(peak, planet, light_curve.time) for peak in peaks]
            result = next((f"found, {name}, peak {rank}" for rank, name in enumerate(names, 1) if name), "not found")
            print(f"  TOI {toi}: {planet.period:.5f} d, {transits} of its transits have cadences: {result}")
        for rank, peak in enumerate(peaks, 1):
            print(f"  peak {rank}: {_told(peak)}: {peak.why_not_tce() or 'TCE'}")


def _main(flags):
    if bool(flags.light_curves) != bool(flags.tois):
        raise ScriptError("--light_curves and --tois go together: give both or neither")
    if flags.tois:
        _judge_by_tois(flags)
        return
    print(f"{os.cpu_count()} cores; seed {flags.seed}; {'raw' if flags.raw else 'detrended'} simulated light curves")
    _judge_by_injection(flags)


def _bins(text):
    """Pairs of neighbors among numbers with commas."""
    edges = [float(edge) for edge in text.split(",")]
    return list(zip(edges[:-1], edges[1:]))


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--num_a_bin", type=positive_integer, default=10, help="planets injected for each S/N and period"
    )
    parser.add_argument(
        "--signal_to_noise", type=_bins, default="8,12,16,30,100", help="edges of the bins, with commas"
    )
    parser.add_argument("--periods", type=_bins, default="0.5,1,3,6,13", help="edges of the bins in days, with commas")
    parser.add_argument("--num_quiet", type=int, default=100, help="light curves without a signal")
    parser.add_argument("--raw", action="store_true", help="simulated light curves as taken, not detrended")
    parser.add_argument("--light_curves", nargs="+", help="real light curves, the TIC ID in their names; needs --tois")
    parser.add_argument("--tois", help="ExoFOP TOI table as CSV")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same planets and noise")
    parser.add_argument("--num_worker_processes", type=positive_integer, default=1, help="1 works in this process")
    return run(_main, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
