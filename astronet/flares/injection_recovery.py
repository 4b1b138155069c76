"""Injects artificial flares into light curves and says which of them a network finds: the completeness of a search.

injections.csv has each flare, completeness.csv the share that is found by amplitude and duration, completeness.png a
picture of it. flare_frequency.py corrects by injections.csv. A flare is found if the probability of a cadence at its
peak reaches the threshold and its fit reaches the least significance, as in find_flares.py. Cadences at its peak that
SPOC would flag as impulsive outliers are dropped if --quality drops such cadences.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run, tell_problems
from astronet.estimator import ensemble
from astronet.flares import completeness, light_curves, search
from light_curve_util.constants import MINUTES_PER_DAY

_MOST_FLARES = 100_000  # in each light curve


def _measure(flags: argparse.Namespace) -> int:
    reading = arguments.from_flags(light_curves.LightCurveReading, flags)
    trial = arguments.from_flags(completeness.InjectionTrial, flags, reading=reading)
    measured = completeness.measure(ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags)), trial)
    print(*measured.summary, sep="\n")
    return tell_problems([reason for _, reason in measured.skips])


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    search.add_flags(parser, "significance below which a flare is not found; give the same value as to find_flares.py")
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the tables and the figure"
    )
    parser.settings.add_argument(
        "--num_flares",
        type=arguments.whole_number(1, _MOST_FLARES),
        default=200,
        help="number of flares to inject into each light curve",
    )
    limits: dict[str, Any] = {"nargs": 2, "metavar": ("LEAST", "GREATEST")}
    parser.settings.add_argument(
        "--amplitudes",
        type=arguments.positive_number,
        default=(0.002, 1.0),
        help="range of their amplitudes, relative to the median flux of the light curve",
        **limits,
    )
    parser.settings.add_argument(
        "--durations",
        type=arguments.number(above=0, most=MINUTES_PER_DAY, unit="minutes"),
        default=(1.0, 60.0),
        help="range of their full widths at half maximum [minutes]",
        **limits,
    )
    parser.settings.add_argument(
        "--num_bins", type=arguments.whole_number(1, 50), default=6, help="number of bins in amplitude and in duration"
    )
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of the flares and their times")
    return run(locks.holding(_measure, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
