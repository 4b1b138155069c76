"""Flare frequency distribution of the flares in find_flares.py's output, corrected for those that a search misses.

flare_frequency.csv has the cumulative rate, as found and corrected; flare_frequency.png shows it with a power law.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.flares import frequency


def _measure(flags: argparse.Namespace) -> None:
    choice = arguments.from_flags(frequency.FrequencyChoice, flags)
    print(*frequency.summary(frequency.measure(choice), choice), sep="\n")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "flares_dir", metavar="FLARES_DIR", type=arguments.input_directory, help="output directory of find_flares.py"
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the table and the figure"
    )
    parser.settings.add_argument(
        "--by",
        choices=frequency.SIZES,
        default=frequency.EQUIVALENT_DURATION,
        help="size of a flare; energies need the temperature and radius of the star",
    )
    parser.input.add_argument(
        "--injections",
        type=arguments.input_file,
        help="injections.csv of injection_recovery.py, for the correction; made with the same threshold and least "
        "significance as the search",
    )
    parser.settings.add_argument(
        "--least_completeness",
        type=arguments.positive_fraction,
        default=0.2,
        help="completeness below which flares of that size are left out, because too few are found to correct for",
    )
    parser.settings.add_argument(
        "--least",
        type=arguments.positive_number,
        help="least size of the power law, in seconds or erg (default: the size of the smallest flare that is "
        "corrected)",
    )
    return run(locks.holding(_measure, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
