"""Makes the record files of flare networks: windows of light curves, on cataloged flares and on quiet times.

Writes train-*, val-* and test-* (split by star), windows.csv (a line for each window), and what was left out, with the
reason: skipped_windows.csv (light curves and windows) and skipped_flares.csv (rows of the catalog).

Source: Feinstein et al. 2020 (AJ 160, 219), section 3.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.flares import flare_records, light_curves


def _generate(flags: argparse.Namespace) -> None:
    reading = arguments.from_flags(light_curves.LightCurveReading, flags)
    flare_records.generate(arguments.from_flags(flare_records.RecordChoice, flags, reading=reading))


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--catalog",
        type=arguments.input_file,
        required=True,
        help="flares: the table of Guenther et al. 2020, or a table with tic_id, sector and peak_time "
        "(docs/flares_reference.md)",
    )
    parser.add_argument(
        "--light_curves",
        nargs="+",
        required=True,
        help="light curve files, or patterns in quotes; files of sectors that the catalog does not cover are skipped",
    )
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    parser.add_argument("--listed_only", action="store_true", help="only light curves with flares in the catalog")
    parser.add_argument(
        "--drop_quiet",
        type=arguments.number(least=0, most=0.999, advice="a share, such as 0.7"),
        default=0.73,
        help="share of the quiet windows that is dropped",
    )
    parser.add_argument(
        "--off_center",
        type=arguments.whole_number(0, 1000),
        default=0,
        help="number of quiet windows for each flare that show the flare beside their center",
    )
    parser.add_argument(
        "--inject",
        type=arguments.number(least=0, most=100),
        default=0,
        help="number of artificial flares for each quiet window, in training only",
    )
    parser.add_argument("--padded", action="store_true", help="pad windows near gaps and ends, instead of leaving out")
    parser.add_argument("--make_test_set", action="store_true", help="put all windows into one test set")
    parser.add_argument("--plot", action="store_true", help="plot 16 of the windows")
    parser.add_argument("--num_train_shards", type=arguments.num_shards, default=8, help="files of the training set")
    parser.add_argument(
        "--seed", type=arguments.seed, default=123, help="seed of the split, the choice of windows and the injections"
    )
    light_curves.add_flags(parser)
    return run(locks.holding(_generate, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
