"""Simulates a small survey in the layout of MIT's Quick-Look Pipeline: light curves, TEV tables, catalog.

Each star is drawn from a population (planets, eclipsing binaries, variables, instrumental dips, noise). Its light curve
gets noise, trends, gaps and flags, is detrended, and is searched for transits. The tables hold the search's results.
"""

import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, workers
from astronet.base.script import Parser, run


def _simulate(flags):
    from astronet.data.simulation import survey

    counts = survey.simulate(arguments.from_flags(survey.SurveyChoice, flags))
    print(f"SIMULATED data, not observations: {flags.num_stars} stars in {flags.output_dir}, seed {flags.seed}")
    print("  " + ", ".join(f"{count} {disposition}" for disposition, count in sorted(counts.items())) + " in tces.csv")


def _sectors(text):
    return sorted({arguments.positive_sector(sector) for sector in text.split(",")})


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of tess/, qlp-data/, tic.sqlite, sector-*.csv and tces.csv",
    )
    parser.settings.add_argument(
        "--num_stars",
        type=arguments.whole_number(1, 1_000_000, "stars"),
        default=600,
        help="number of stars; some are in several sectors or have two TCEs",
    )
    parser.settings.add_argument(
        "--sectors", type=_sectors, default="1,2,3", metavar="SECTORS", help="numbers of the sectors, with commas"
    )
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="the same seed makes the same survey")
    workers.add_flags(parser)
    return run(_simulate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
