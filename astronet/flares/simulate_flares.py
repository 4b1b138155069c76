"""Simulates 2-minute light curves of flaring stars, as SPOC files, and the catalog of their flares: flares.csv.

Half of the stars flare. All rotate, some fast, and have noise, a gap in the middle of the sector and a few flagged
cadences. What this shows of a network holds for the simulation alone.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.flares import flare_simulation


def _simulate(flags: argparse.Namespace) -> None:
    print(flare_simulation.write(arguments.from_flags(flare_simulation.StarChoice, flags)))


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of the light curves and of flares.csv",
    )
    parser.settings.add_argument(
        "--num_stars", type=arguments.whole_number(1, 100_000), default=40, help="number of stars; half of them flare"
    )
    parser.settings.add_argument(
        "--days",
        type=arguments.number(least=0.1, most=flare_simulation.SECTOR_DAYS, unit="days"),
        default=flare_simulation.SECTOR_DAYS,
        help="length of the light curves, at most a sector",
    )
    parser.settings.add_argument(
        "--cadence_seconds",
        type=arguments.number(least=1, most=1800, unit="seconds"),
        default=120,
        help="time between cadences",
    )
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of all random numbers")
    return run(locks.holding(_simulate, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
