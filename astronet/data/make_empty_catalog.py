"""Makes TEV tables of the stars in lists of TIC IDs, or of all stars with light curves. Most columns stay empty."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, workers
from astronet.base.script import Parser, run
from astronet.data.catalog import star_lists
from light_curve_util.numerals import numbered


def _make_tables(flags):
    if flags.tess_data_dir:
        stars = star_lists.with_light_curves(flags.tess_data_dir)
    else:
        paths = [os.path.join(flags.base_dir, name) for name in flags.input]
        stars = star_lists.read_lists(paths, flags.num_worker_processes)
    for table in star_lists.write_tables(stars, flags.output_dir or flags.base_dir):
        left_out = f", {numbered(table.num_left_out, 'line')} left out: {table.left_out_path}"
        print(f"{numbered(table.num_stars, 'star')} in {table.path}{left_out if table.num_left_out else ''}")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument("--base_dir", default=".", metavar="DIR", help="directory of the lists")
    stars = parser.input.add_mutually_exclusive_group(required=True)
    stars.add_argument(
        "--input",
        nargs="+",
        metavar="FILE",
        help="lists in --base_dir, named sector-X-anything.txt, with a TIC ID on each line",
    )
    stars.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="instead of lists: take all stars that have a light curve in this directory",
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, help="directory of sector-X-all.csv (default: --base_dir)"
    )
    parser.rename("--save_dir", "--output_dir")
    workers.add_flags(parser, with_cluster=False)
    return run(_make_tables, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
