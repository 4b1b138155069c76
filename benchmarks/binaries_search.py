"""Judges the transit search on simulated eclipsing binaries.

They are of two main-sequence stars (radius as mass^0.8, luminosity as mass^3.5) in one sector of the
simulated survey: periods of 0.5 to 20 d, mass ratios of 0.3 to 1, eccentric orbits above 3 d, spots, tides, and third
light in every second. Light curves are as taken, or detrended, by turns. The primary is the deeper eclipse. A binary
whose primaries cannot reach an S/N of 12 together is drawn again.
"""

import collections
import dataclasses
import functools
import sys
import time

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.base.workers import map_in_order
from astronet.data.catalog import transit_search
from astronet.data.simulation import photometry as simulated_photometry
from astronet.data.simulation import signals, sky
from light_curve_util.flux_scale import to_flux
from light_curve_util.phase_fold import phase_fold

OUTCOMES = ("period", "half, equal", "half", "wrong", "no TCE")
KINDS = ("circular, unequal", "circular, equal", "eccentric, unequal", "eccentric, equal", "one eclipse")
_EQUAL = 0.1  # relative difference of depths
_COVERED = 0.6  # of the cadences of an eclipse
_FLAT = 0.1  # of the depth that a TCE predicts
_HALF_HOUR = 1 / 48
_SHORTEST_PERIOD, _LONGEST_PERIOD = 0.5, 20.0  # days


@dataclasses.dataclass(frozen=True)
class Binary:
    """A binary that eclipses.

    Attributes:
      period: days.
      t_primary, t_secondary: a mid-time of each, as the times; the primary is the deeper.
      durations: of both, days.
      depths: of both, relative flux, third light included; 0 where there is no eclipse.
      ecc: eccentricity.
      flux: function of time -> relative flux without noise.
    """

    period: float
    t_primary: float
    t_secondary: float
    durations: tuple
    depths: tuple
    ecc: float
    flux: object

    @property
    def is_equal(self):
        return self.depths[1] > (1 - _EQUAL) * self.depths[0]

    @property
    def kind(self):
        if self.depths[1] < 0.02 * self.depths[0]:
            return KINDS[4]
        return f"{'eccentric' if self.ecc > 0.03 else 'circular'}, {'equal' if self.is_equal else 'unequal'}"

    def dip(self, times):
        """How much of the star's light is eclipsed at some times. [n]"""
        inside = np.zeros(len(times))
        for t0, duration, depth in zip((self.t_primary, self.t_secondary), self.durations, self.depths):
            near = np.abs(phase_fold(times, self.period, t0)) < max(duration, _HALF_HOUR) / 2
            inside = np.maximum(inside, depth * near)
        return inside


def _time_of_conjunction(ecc, omega, true_anomaly):
    """Days since periastron over the period, at a true anomaly (radians)."""
    eccentric = 2 * np.arctan(np.sqrt((1 - ecc) / (1 + ecc)) * np.tan(true_anomaly / 2))
    return (eccentric - ecc * np.sin(eccentric)) / (2 * np.pi)


def draw_binary(rng, start):
    """A Binary whose eclipses are seen, whatever the noise."""
    while True:
        period = float(np.exp(rng.uniform(*np.log([_SHORTEST_PERIOD, _LONGEST_PERIOD]))))
        mass, mass_ratio = rng.uniform(0.6, 2.2), rng.uniform(0.3, 1.0) if rng.random() < 0.7 else rng.uniform(0.9, 1.0)
        radius = mass**0.8 * (rng.uniform(1, 2.5) if rng.random() < 0.3 else 1)
        axis = 4.206 * (mass * (1 + mass_ratio)) ** (1 / 3) * period ** (2 / 3) / radius
        radius_ratio = min(0.98, mass_ratio**0.8 * mass**0.8 / radius)
        surface = mass_ratio**1.9
        ecc = float(rng.beta(0.9, 3.0)) if period > 3 and rng.random() < 0.75 else 0.0
        omega = rng.uniform(0, 360)
        sine = np.sin(np.radians(omega))
        cosine = rng.uniform(0, 1.3 * (1 + radius_ratio) / axis)
        impacts = [cosine * axis * (1 - ecc**2) / (1 + sign * ecc * sine) for sign in (1, -1)]
        if axis * (1 - ecc) < 1.4 * (1 + radius_ratio) or impacts[0] > 0.95 + radius_ratio:
            continue
        break
    t0 = start + rng.uniform(0, period)
    phases = [_time_of_conjunction(ecc, omega, np.pi / 2 * sign - np.radians(omega)) for sign in (1, -1)]
    t_second = t0 + period * ((phases[1] - phases[0]) % 1)
    third = rng.uniform(0.05, 0.7) if rng.random() < 0.5 else 0.0
    tides = rng.uniform(0.5, 1.5) * mass_ratio / axis**3
    spots = signals.starspots(rng, period * rng.normal(1, 0.03), rng.lognormal(np.log(4e-3), 1.0))
    light = surface * radius_ratio**2

    def eclipsed(times):
        shape = (period, radius_ratio, axis)
        first = signals.transit_flux(times, t0, *shape, impacts[0], [0.35, 0.22], ecc, omega)
        second = signals.transit_flux(times, t_second, *shape, impacts[1], [0.35, 0.22], ecc, omega + 180)
        # A disc in front of a smaller one hides as much of it as the smaller one would hide of the disc.
        return 1 - (1 - third) * ((1 - first) + surface * (1 - second)) / (1 + light)

    def flux(times):
        ellipsoidal = -tides * (1 - third) * np.cos(4 * np.pi * (times - t0) / period)
        return eclipsed(times) * (1 + ellipsoidal) * (1 + (1 - third) * (spots(times) - 1))

    fine = np.linspace(-0.5, 0.5, 20001) * period
    depths, durations = [], []
    for middle in (t0, t_second):
        near = fine[np.abs(fine) < 0.2 * period]
        dip = 1 - eclipsed(middle + near)
        inside = dip > 0.02 * max(dip.max(), 1e-9)
        depths.append(float(dip.max()))
        durations.append(float(inside.sum() * (near[1] - near[0])) if dip.max() > 1e-6 else 0.0)
    middles = [t0, t_second]
    if depths[1] > depths[0]:
        middles, durations, depths = middles[::-1], durations[::-1], depths[::-1]
    return Binary(period, *middles, tuple(durations), tuple(depths), ecc, flux)


class _Observed:
    """A simulated binary in one sector: its light curve, and how many of its primaries have their cadences."""

    def __init__(self, number, seed):
        rng = np.random.default_rng([seed, 3, number])
        self.sector = int(rng.integers(1, 4))
        star = sky.draw_star(rng, 0, self.sector)
        camera, _ = sky.camera_and_ccd(star.ra, star.dec, self.sector)
        cadences = simulated_photometry.cadences(self.sector)
        self.magnitude = star.tmag
        while True:
            self.binary = draw_binary(rng, cadences.time[0])
            photometry = simulated_photometry.observe(
                rng, seed, star.tmag, self.binary.flux(cadences.time), rng.uniform(0.2, 1.0), self.sector, camera
            )
            magnitudes = (photometry.raw if number % 2 else photometry.detrended)[simulated_photometry.BEST_APERTURE]
            usable = (photometry.qflag == 0) & np.isfinite(magnitudes)
            self.time, self.flux = to_flux(photometry.time[usable], magnitudes[usable])
            self.num_primaries = num_covered(
                self.time, self.binary.period, self.binary.t_primary, self.binary.durations[0]
            )
            noise = simulated_photometry.scatter(star.tmag)
            cadences_inside = max(1, self.binary.durations[0] / _HALF_HOUR)
            if self.num_primaries and self.binary.depths[0] / 2 > 12 * noise / np.sqrt(cadences_inside):
                return


def num_covered(times, period, t0, duration):
    """How many events have most of their cadences."""
    duration = max(duration, _HALF_HOUR)
    phase_days = phase_fold(times, period, t0)
    inside = np.abs(phase_days) < duration / 2
    counts = np.unique(np.round((times - t0 - phase_days)[inside] / period), return_counts=True)[1]
    return int(np.count_nonzero(counts >= _COVERED * duration / np.median(np.diff(times))))


def predicts_flat(peak, binary, times):
    """Whether a peak predicts an event where there are cadences, and hardly any of its depth is eclipsed."""
    duration = max(peak.duration_hours / 24, _HALF_HOUR)
    phase_days = phase_fold(times, peak.period, peak.t0)
    core = np.abs(phase_days) < duration / 2
    numbers = np.round((times - peak.t0 - phase_days)[core] / peak.period)
    dip = binary.dip(times[core])
    needed = _COVERED * duration / np.median(np.diff(times))
    return any(
        (numbers == number).sum() >= needed and dip[numbers == number].max() < _FLAT * peak.depth
        for number in np.unique(numbers)
    )


def outcome(peak, binary, times):
    """The name in OUTCOMES of a TCE."""
    baseline = times[-1] - times[0]
    duration = max(binary.durations[0], peak.duration_hours / 24, 2 * _HALF_HOUR)
    for name, ratio in (("period", 1), ("half", 0.5)):
        drift = abs(peak.period - ratio * binary.period) * baseline / peak.period
        at_eclipse = min(
            abs(phase_fold(np.array([peak.t0]), ratio * binary.period, t0)[0])
            for t0 in (binary.t_primary, binary.t_secondary)
        )
        if drift < duration and at_eclipse < duration / 2:
            return "half, equal" if name == "half" and binary.is_equal else name
    return "wrong"


Judged = collections.namedtuple("Judged", "kind num_primaries outcomes is_flat seconds told")


def _judge(number, seed):
    """Worker: what the search says of a binary, a Judged."""
    observed = _Observed(number, seed)
    begin = time.process_time()
    peaks = transit_search.search(observed.time, observed.flux, observed.magnitude)
    seconds = time.process_time() - begin
    tces = [peak for peak in peaks if not peak.why_not_tce()]
    outcomes = [outcome(peak, observed.binary, observed.time) for peak in tces]
    is_flat = [predicts_flat(peak, observed.binary, observed.time) for peak in tces]
    told = _told(number, observed, zip(tces, outcomes, is_flat))
    return Judged(observed.binary.kind, observed.num_primaries, outcomes, any(is_flat), seconds, told)


def _told(number, observed, results):
    binary = observed.binary
    phase = (binary.t_secondary - binary.t_primary) / binary.period % 1
    lines = [
        f"{number}: {binary.period:.4f} d, e {binary.ecc:.2f}, "
        f"depths {binary.depths[0]:.4f} and {binary.depths[1]:.4f}, "
        f"{24 * binary.durations[0]:.1f} and {24 * binary.durations[1]:.1f} h, secondary at {phase:.3f}, "
        f"{observed.num_primaries} primaries"
    ]
    for peak, name, is_flat in results:
        lines.append(
            f"  {peak.period:.4f} d, depth {peak.depth:.4f}, {peak.duration_hours:.1f} h, "
            f"S/N {peak.pink_signal_to_noise:.0f}: {name}{', an event on flat data' if is_flat else ''}"
        )
    return "\n".join(lines)


def _print_table(judged):
    outcomes = "".join(f"{name:>13}" for name in OUTCOMES)
    print(f"{'kind':<20}{'n':>5}{outcomes}{'right':>8}{'on flat data':>14}{'others wrong':>14}")
    for kind in (*KINDS, "all"):
        of_kind = [one for one in judged if kind in (one.kind, "all")]
        counts = collections.Counter((*one.outcomes, "no TCE")[0] for one in of_kind)
        right = 100 * (counts["period"] + counts["half, equal"]) / max(1, len(of_kind))
        num_flat = sum(one.is_flat for one in of_kind)
        num_others = sum("wrong" in one.outcomes[1:] for one in of_kind)
        cells = "".join(f"{counts[name] or '.':>13}" for name in OUTCOMES)
        print(f"{kind:<20}{len(of_kind):>5}{cells}{right:>6.0f} %{num_flat or '.':>14}{num_others or '.':>14}")


def _is_right(one):
    first_is_right = (*one.outcomes, "no TCE")[0] in ("period", "half, equal")
    return first_is_right and not one.is_flat and "wrong" not in one.outcomes


def _main(flags):
    work = functools.partial(_judge, seed=flags.seed)
    judged = list(map_in_order(work, list(range(flags.num_binaries)), flags.num_worker_processes))
    print(f"seed {flags.seed}")
    print("two primaries or more in the light curve")
    _print_table([one for one in judged if one.num_primaries > 1])
    print("one primary")
    _print_table([one for one in judged if one.num_primaries == 1])
    seconds = [one.seconds for one in judged]
    print(f"CPU seconds a light curve: median {np.median(seconds):.2f}, greatest {max(seconds):.2f}")
    for one in judged:
        if flags.tell and not _is_right(one):
            print(one.told)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_binaries", type=positive_integer, default=300, help="simulated binaries")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same binaries and noise")
    parser.add_argument("--tell", action="store_true", help="lists the binaries of which something is told wrongly")
    parser.add_argument("--num_worker_processes", type=positive_integer, default=1, help="1 works in this process")
    return run(_main, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
