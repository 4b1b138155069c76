"""Measures the transit search on several sectors of a star: its cost, and the planets that it loses by a short cut.

Above three sectors, the search looks for short periods in blocks first, and in the whole light curve only where the
blocks have peaks. Here the same light curves are searched with and without that. They have white noise, red noise of
0.4 of it, a slow variation, and a planet.
"""

import sys
import time

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.data.catalog import folding, transit_fit, transit_search
from light_curve_util.phase_fold import phase_fold

_SCATTER, _RED = 4e-4, 0.4  # of half an hour; in units of it
_SECTOR_DAYS = 27.3
_BLOCKS = folding.LEAST_BLOCKS


def observe(rng, num_sectors, cadence_days, planet):
    """(time, flux) of a planet (period, t0, duration, depth) in adjacent sectors with their gaps."""
    since = np.arange(0, _SECTOR_DAYS * num_sectors, cadence_days)
    in_sector = since % _SECTOR_DAYS
    since = since[(np.abs(in_sector - 13.4) > 0.6) & (in_sector < 26.6)]
    white = _SCATTER * np.sqrt(1 / 48 / cadence_days)
    kernel = np.exp(-np.arange(round(0.6 / cadence_days)) * cadence_days * 12)
    red = np.convolve(rng.normal(size=len(since)), kernel / np.sqrt(np.sum(kernel**2)), "same")
    flux = 1 + rng.normal(0, white, len(since)) + _RED * _SCATTER * red + 2e-3 * np.sin(2 * np.pi * since / 9)
    period, t0, duration, depth = planet
    return 1325.3 + since, flux - depth * transit_fit.trapezoid(phase_fold(since, period, t0), duration, 0.2 * duration)


def timed(light_curve, in_blocks):
    """(peaks, CPU seconds) of a search."""
    folding.LEAST_BLOCKS = _BLOCKS if in_blocks else np.inf
    start = time.process_time()
    peaks = transit_search.search(*light_curve, 10.0)
    return peaks, time.process_time() - start


def _costs(flags):
    """List of (cadence in minutes, sectors, cadences, CPU seconds whole, CPU seconds in blocks)."""
    rows = []
    print(f"{'cadence':<10}{'sectors':>8}{'cadences':>10}{'whole (s)':>11}{'blocks (s)':>11}")
    for minutes in (30, 10, 2):
        for num_sectors in flags.num_sectors if minutes > 2 else (1,):
            rng = np.random.default_rng(flags.seed)
            light_curve = observe(rng, num_sectors, minutes / 1440, (5.3, 1, 0.12, 0.003))
            seconds = [timed(light_curve, in_blocks)[1] for in_blocks in (False, True)]
            rows.append((minutes, num_sectors, len(light_curve[0]), *seconds))
            print(f"{f'{minutes} min':<10}{num_sectors:>8}{rows[-1][2]:>10}{seconds[0]:>11.2f}{seconds[1]:>11.2f}")
    return rows


def _draw(rows, path):
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for minutes, color in ((30, "C0"), (10, "C1"), (2, "C2")):
        of_cadence = [row for row in rows if row[0] == minutes]
        cadences = [row[2] for row in of_cadence]
        axes.loglog(cadences, [row[4] for row in of_cadence], "o-", color=color, label=f"{minutes} min")
        axes.loglog(cadences, [row[3] for row in of_cadence], "o:", color=color, alpha=0.6)
    axes.xaxis.set_minor_formatter(NullFormatter())
    title = f"1 to {max(row[1] for row in rows)} sectors; dotted: without blocks"
    axes.set(xlabel="cadences", ylabel="CPU seconds", title=title)
    axes.legend(title="cadence")
    figure.savefig(path, dpi=100)


def _main(flags):
    rows = _costs(flags)
    if flags.figure:
        _draw(rows, flags.figure)
    found = []
    for number in range(flags.num_planets):
        rng = np.random.default_rng([flags.seed, number])
        period, signal_to_noise = np.exp(rng.uniform(*np.log([[0.7, 8], [12, 16]])))
        duration = 13 / 24 * (period / 365.25) ** (1 / 3) * rng.uniform(0.5, 1)
        events = 0.9 * _SECTOR_DAYS * flags.planets_in / period
        depth = signal_to_noise * _SCATTER * np.sqrt(1 / (events * duration * 48) + _RED**2 / events)
        planet = period, rng.uniform(0, period), duration, depth
        light_curve = observe(rng, flags.planets_in, 1 / 48, planet)
        baseline = _SECTOR_DAYS * flags.planets_in
        found.append(
            [
                any(
                    abs(peak.period - period) * baseline / period < duration
                    for peak in timed(light_curve, in_blocks)[0]
                )
                for in_blocks in (False, True)
            ]
        )
    if found:
        whole, blocks = np.sum(found, axis=0)
        print(f"{len(found)} planets of S/N 8 to 16 in {flags.planets_in} sectors")
        print(f"found {whole} in the whole light curve, {blocks} in blocks")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--num_sectors", type=positive_integer, nargs="+", default=[1, 2, 4, 8, 13], help="for the cost"
    )
    parser.add_argument(
        "--num_planets", type=int, default=40, help="planets that are looked for with and without blocks"
    )
    parser.add_argument("--planets_in", type=positive_integer, default=6, help="sectors of those planets' light curves")
    parser.add_argument("--figure", help="PNG to draw the cost to")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same planets and noise")
    return run(_main, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
