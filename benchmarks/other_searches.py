"""Runs several transit searches in turn on the same light curves, injected planets and none, and compares them.

The planets are those of transit_search.py, in detrended simulated light curves. The searches:

  ours      transit_search.search
  before    the search of another checkout, --before=DIR, such as one of an earlier commit
  tls       transitleastsquares (Hippke & Heller 2019), one thread, all else as it is by default
  biweight  ours, after wotan's biweight of 0.75 d (not among those that run by default)
  astropy   BoxLeastSquares.autopower of four durations, at least two transits, periods from 0.4 d

What passes: of ours, what is a threshold crossing event; of tls, SDE > 9; of astropy, a depth of more than 9 times its
error.
"""

import collections
import itertools
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import transit_search as injections  # noqa: E402

from astronet.base.arguments import positive_integer  # noqa: E402
from astronet.base.script import Parser, run  # noqa: E402
from astronet.data.catalog import transit_search  # noqa: E402

Period = collections.namedtuple("Period", "period t0 duration_hours is_tce")

_CHILD = """
import json, sys, time
import numpy as np
try:
    from astronet.data.catalog import transit_search
except ImportError:  # where it was until November 2026
    from astronet.data import transit_search
for line in sys.stdin:
    given = json.loads(line)
    times, flux = np.array(given["time"]), np.array(given["flux"])
    start = time.process_time()
    peaks = transit_search.search(times, flux, given["magnitude"])
    seconds = time.process_time() - start
    told = [[float(p.period), float(p.t0), float(p.duration_hours), not p.why_not_tce()] for p in peaks]
    print(json.dumps([told, seconds]), flush=True)
"""


class Before:
    """The search of another checkout, in a process of its own."""

    def __init__(self, directory):
        self._child = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, times, flux, magnitude):
        given = {"time": times.tolist(), "flux": flux.tolist(), "magnitude": magnitude}
        self._child.stdin.write(json.dumps(given) + "\n")
        self._child.stdin.flush()
        told, seconds = json.loads(self._child.stdout.readline())
        return [Period(*one) for one in told], seconds

    def close(self):
        self._child.stdin.close()
        self._child.wait()


def timed(search):
    """The same search with the CPU seconds that it took."""

    def call(times, flux, magnitude):
        start = time.process_time()
        found = search(times, flux, magnitude)
        return found, time.process_time() - start

    return call


def ours(times, flux, magnitude):
    peaks = transit_search.search(times, flux, magnitude)
    return [Period(peak.period, peak.t0, peak.duration_hours, not peak.why_not_tce()) for peak in peaks]


def tls(times, flux, magnitude):
    del magnitude
    from transitleastsquares import transitleastsquares

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transitleastsquares(times, flux, verbose=False)
        result = model.power(use_threads=1, show_progress_bar=False)
    if not np.isfinite(result.period):
        return []
    return [Period(float(result.period), float(result.T0), 24 * float(result.duration), bool(result.SDE > 9))]


def astropy_bls(times, flux, magnitude):
    del magnitude
    from astropy.timeseries import BoxLeastSquares

    power = BoxLeastSquares(times, flux, np.std(flux)).autopower(
        [0.05, 0.1, 0.2, 0.3], minimum_n_transit=2, minimum_period=0.4
    )
    best = int(np.argmax(power.power))
    is_deep = bool(power.depth_snr[best] > 9)
    time_of = float(power.transit_time[best])
    return [Period(float(power.period[best]), time_of, 24 * float(power.duration[best]), is_deep)]


def biweight(times, flux, magnitude):
    """Ours, after wotan's biweight of 0.75 d (Hippke et al. 2019) has removed slow variation."""
    from wotan import flatten

    flat = flatten(times, flux, method="biweight", window_length=0.75, edge_cutoff=0.3, break_tolerance=0.5)
    good = np.isfinite(flat)
    return ours(times[good], flat[good], magnitude)


def _injected(number, cells, flags):
    """(time, flux, magnitude, planet) of an injected planet."""
    signal_to_noise, period = cells[number % len(cells)]
    rng = np.random.default_rng([flags.seed, number])
    star = injections._Star(rng, flags.seed, flags.raw)
    planet, transit = injections._draw_planet(rng, star, period, np.exp(rng.uniform(*np.log(signal_to_noise))))
    return (*star.observe(transit), star.star.tmag, planet)


def _quiet(number, flags):
    star = injections._Star(np.random.default_rng([flags.seed, 1, number]), flags.seed, flags.raw)
    return (*star.observe(), star.star.tmag)


def _print_injected(name, rows, bins):
    for low, high in bins:
        of_bin = [row for row in rows if row["search"] == name and row["bin"] == [low, high]]
        counts = collections.Counter(row["outcome"] for row in of_bin)
        tces = sum(row["is_tce"] for row in of_bin)
        aliases = len(of_bin) - counts["period"] - counts["not found"] - counts["later peak"]
        print(
            f"{name:<10}{f'{low:g} to {high:g}':<12}{len(of_bin):>4}{counts['period']:>9}{aliases:>8}"
            f"{counts['later peak']:>12}{counts['not found']:>11}{tces:>8}"
        )


def _main(flags):
    every = {"ours": timed(ours), "tls": timed(tls), "astropy": timed(astropy_bls), "biweight": timed(biweight)}
    searches = {name: every[name] for name in flags.searches.split(",")}
    before = Before(flags.before) if flags.before else None
    if before:
        searches["before"] = before
    cells = list(itertools.product(flags.signal_to_noise, flags.periods))
    rows = []

    def keep(row):
        rows.append(row)
        if flags.out:
            with open(flags.out, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    for search in searches.values():  # the first call of each compiles and imports
        search(*_quiet(10**6, flags))
    for number in range(flags.num_a_bin * len(cells)):
        times, flux, magnitude, planet = _injected(number, cells, flags)
        for name, search in searches.items():
            found, seconds = search(times, flux, magnitude)
            names = [injections.matching_ratio(one, planet, times) for one in found]
            rank = next((i for i, ratio in enumerate(names) if ratio), None)
            outcome = "not found" if rank is None else names[0] if rank == 0 else "later peak"
            is_tce = rank is not None and found[rank].is_tce
            keep(
                {
                    "search": name,
                    "bin": list(cells[number % len(cells)][0]),
                    "outcome": outcome,
                    "is_tce": is_tce,
                    "seconds": seconds,
                }
            )
    for number in range(flags.num_quiet):
        light_curve = _quiet(number, flags)
        for name, search in searches.items():
            found, seconds = search(*light_curve)
            keep({"search": name, "bin": None, "is_tce": any(one.is_tce for one in found), "seconds": seconds})
    if before:
        before.close()
    print(f"seed {flags.seed}, {'raw' if flags.raw else 'detrended'} light curves")
    print(f"{'search':<10}{'S/N':<12}{'n':>4}{'period':>9}{'alias':>8}{'later peak':>12}{'not found':>11}{'passes':>8}")
    for name in searches:
        _print_injected(name, rows, flags.signal_to_noise)
    for name in searches:
        quiet = [row for row in rows if row["search"] == name and row["bin"] is None]
        seconds = [row["seconds"] for row in rows if row["search"] == name]
        print(
            f"{name:<10}without a signal: {sum(row['is_tce'] for row in quiet)} of {len(quiet)} pass; "
            f"CPU seconds: median {np.median(seconds):.3f}, mean {np.mean(seconds):.3f}"
        )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_a_bin", type=positive_integer, default=5, help="planets for each S/N and period")
    parser.add_argument(
        "--signal_to_noise", type=injections._bins, default="4,6,8,12,16,30,100", help="edges of the bins, with commas"
    )
    parser.add_argument(
        "--periods", type=injections._bins, default="0.5,1,3,6,13", help="edges of the bins in days, with commas"
    )
    parser.add_argument("--num_quiet", type=int, default=100, help="light curves without a signal")
    parser.add_argument("--searches", default="ours,tls,astropy", help="with commas")
    parser.add_argument("--raw", action="store_true", help="simulated light curves as taken, not detrended")
    parser.add_argument("--before", help="directory of another checkout, built")
    parser.add_argument("--out", help="file for the result of each search, a line of JSON")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same planets and noise")
    return run(_main, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
