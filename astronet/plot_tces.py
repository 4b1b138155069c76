"""Plots TCEs of a catalog, a page each: light curve, folded light curve, and the views that the network sees."""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.data.records import preprocess
from astronet.figures import catalog_pages
from astronet.flares import mask_flag


def _plot(flags: argparse.Namespace) -> int:
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    flare_mask, table_path = mask_flag.flare_mask(flags.mask_flares), flags.input_tce_csv_file
    choice = arguments.from_flags(
        catalog_pages.PageChoice, flags, table_path=table_path, spec=spec, flare_mask=flare_mask
    )
    pages = catalog_pages.draw(choice)
    print(f"{flags.output_dir}: plots of {len(pages.paths)} of {pages.num_chosen} TCEs")
    return 0 if pages.paths else 1


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--input_tce_csv_file",
        "--catalog",
        type=arguments.input_file,
        required=True,
        help="catalog of TCEs, as make_catalog.py writes it",
    )
    parser.input.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        required=True,
        help="directory of the light curves: sector-1, sector-2, ...",
    )
    parser.input.add_argument(
        "--tic", type=arguments.tic_id, nargs="+", help="TIC IDs of the stars to plot (default: all)"
    )
    parser.input.add_argument(
        "--row_id", type=arguments.row_id, nargs="+", help="row IDs of the TCEs to plot (default: all)"
    )
    preprocess.add_flags(parser)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the plots"
    )
    parser.rename("--save_dir", "--output_dir")
    return run(locks.holding(_plot, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
