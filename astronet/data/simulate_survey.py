"""Simulates a small survey in the layout of MIT's Quick-Look Pipeline: light curves, TEV tables, catalog.

Each star is drawn from a population (planets, eclipsing binaries, variables, instrumental dips, noise). Its light curve
gets noise, trends, gaps and flags, is detrended, and is searched for transits. The tables hold the search's results.
"""

import sys

from astronet.base import arguments
from astronet.base.script import Parser, run
from astronet.base.workers import add_cluster_flag


def _simulate(flags):
    from astronet.data.simulation import survey

    counts = survey.simulate(arguments.from_flags(survey.SurveyChoice, flags))
    print(f"SIMULATED data, not observations: {flags.num_stars} stars in {flags.output_dir}, seed {flags.seed}")
    print("  " + ", ".join(f"{count} {disposition}" for disposition, count in sorted(counts.items())) + " in tces.csv")


def _sectors(text):
    return sorted({arguments.positive_sector(sector) for sector in text.split(",")})


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="gets tess/, qlp-data/, tic.sqlite, sector-*.csv, tces.csv",
    )
    parser.add_argument(
        "--num_stars",
        type=arguments.whole_number(1, 1_000_000, "stars"),
        default=600,
        help="stars; some in several sectors or with two TCEs",
    )
    parser.add_argument("--sectors", type=_sectors, default="1,2,3", help="sector numbers, with commas")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="the same seed makes the same survey")
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="1 works in this process"
    )
    add_cluster_flag(parser)
    return run(_simulate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
