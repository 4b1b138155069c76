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
    print(*flare_records.generate(arguments.from_flags(flare_records.RecordChoice, flags, reading=reading)), sep="\n")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--flare_catalog",
        type=arguments.input_file,
        required=True,
        help="table of flares: that of Guenther et al. 2020, or one with tic_id, sector and peak_time "
        "(docs/flares_reference.md)",
    )
    parser.input.add_argument(
        "--light_curves",
        nargs="+",
        required=True,
        metavar="FILE",
        help="light curve files, or patterns in quotes; files of sectors that the catalog does not cover are skipped",
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    parser.settings.add_argument(
        "--listed_only", action="store_true", help="read only light curves with flares in the catalog"
    )
    parser.settings.add_argument(
        "--drop_quiet",
        type=arguments.number(least=0, most=0.999, advice="a share, such as 0.7"),
        default=0.73,
        metavar="SHARE",
        help="share of the quiet windows to drop",
    )
    parser.settings.add_argument(
        "--off_center",
        type=arguments.whole_number(0, 1000),
        default=0,
        help="for each flare, how many quiet windows to add that show it beside their center",
    )
    parser.settings.add_argument(
        "--inject",
        type=arguments.number(least=0, most=100),
        default=0,
        help="how many artificial flares to add for each quiet window, in the training set only",
    )
    parser.settings.add_argument(
        "--padded", action="store_true", help="pad windows near gaps and ends, instead of leaving them out"
    )
    parser.output.add_argument("--make_test_set", action="store_true", help="put all windows into one test set")
    parser.output.add_argument("--plot", action="store_true", help="plot 16 of the windows")
    parser.output.add_argument(
        "--num_train_shards", type=arguments.num_shards, default=8, help="files of the training set"
    )
    parser.settings.add_argument(
        "--seed", type=arguments.seed, default=123, help="seed of the split, the choice of windows and the injections"
    )
    light_curves.add_flags(parser)
    parser.rename("--catalog", "--flare_catalog")
    return run(locks.holding(_generate, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
