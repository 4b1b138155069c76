"""Times the C++ views against light_curve_util/reference.py: global and local view of one TCE, from unsorted times.

One process, one thread. Rounds of the two alternate, so that a busy machine slows both; medians are compared. Every TCE
of a round is another one: the processor learns to predict a light curve that it sees again, and is then twice as fast.
"""

import argparse
import os
import statistics
import sys
import time

import numpy as np

from light_curve_util import reference
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.view_generator import ViewGenerator

NUM_CADENCES = (1200, 11800)
NUM_LIGHT_CURVES = 40
EVENT = (2.5, 3.7, 0.12)


def light_curve(num_cadences, seed):
    """A TESS sector with one transit of 1 % every period, in random order."""
    rng = np.random.default_rng(seed)
    times = rng.permutation(np.linspace(0, 27.4, num_cadences))
    event = PeriodicEvent(*EVENT)
    in_transit = np.abs(reference.phase_fold(times, event.period, event.t0)) < event.duration_days / 2
    return times, 1 + rng.normal(0, 1e-3, num_cadences) - 0.01 * in_transit


def seconds_a_tce(generator, light_curves):
    """Mean seconds to make both views of a TCE, event and folding included."""
    start = time.perf_counter()
    for times, flux in light_curves:
        views = generator(times, flux, PeriodicEvent(*EVENT))
        views.view("global_view", 201)
        views.view("local_view", 61)
    return (time.perf_counter() - start) / len(light_curves)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args(argv)

    print(
        f"{os.cpu_count()} cores, one used; seeds from {flags.seed}; "
        f"medians of {flags.rounds} rounds of {NUM_LIGHT_CURVES} TCEs"
    )
    for num_cadences in NUM_CADENCES:
        light_curves = [light_curve(num_cadences, flags.seed + i) for i in range(NUM_LIGHT_CURVES)]
        rounds = [
            (seconds_a_tce(reference.ViewGenerator, light_curves), seconds_a_tce(ViewGenerator, light_curves))
            for _ in range(flags.rounds)
        ]
        slow, fast = (statistics.median(column) for column in zip(*rounds))
        print(
            f"{num_cadences:6d} cadences: reference {slow * 1e3:6.2f} ms, C++ {fast * 1e6:6.1f} us, {slow / fast:.0f} x"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
