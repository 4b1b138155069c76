"""Finds flares in light curves, and gives every cadence the probability that a flare peaks there.

--model_dir=pretrained:flares is the network that comes with the package. Writes flares.csv (a line for each flare),
LIGHT_CURVE_probability.csv (a line for each cadence), searched.csv (how much of each light curve was searched),
unsearched.csv (bright cadences that the network could not judge) and skipped.csv (files that could not be read, with
the reason).
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run, tell_problems
from astronet.estimator import ensemble
from astronet.flares import light_curves, search, search_files


def _find(flags: argparse.Namespace) -> int:
    reading = arguments.from_flags(light_curves.LightCurveReading, flags)
    files = arguments.from_flags(search_files.FlareSearch, flags, reading=reading)
    summary = search_files.find(ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags)), files)
    print(summary)
    return tell_problems([reason for _, reason in summary.skips])


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    search.add_flags(
        parser, "significance, in standard deviations of the noise, below which a flare is flagged: is_significant is 0"
    )
    parser.input.add_argument(
        "--star_catalog",
        type=arguments.input_file,
        help="table with the columns tic_id, teff [K] and star_rad [solar radii]: its values serve instead of those in "
        "the headers of the light curves, for the energies of flares",
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the tables and plots"
    )
    parser.output.add_argument("--plot", action="store_true", help="plot each light curve with its flares marked")
    parser.rename("--stars", "--star_catalog")
    return run(locks.holding(_find, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
