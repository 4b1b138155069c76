"""Joins TEV tables, star parameters and transit search results into one catalog of TCEs."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, workers
from astronet.base.files import make_directory
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.data.catalog import build, events, stars
from light_curve_util.numerals import numbered
from light_curve_util.products.quality import QUALITIES


def _make_catalog(flags):
    paths = [os.path.join(flags.base_dir, name) for name in flags.input]
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ScriptError(f"no file {', '.join(missing)}: --input names files in --base_dir")
    star_catalog = stars.resolve(flags.star_catalog, flags.base_dir, paths)
    choice = build.CatalogChoice(
        paths,
        os.path.join(flags.output_dir or flags.base_dir, flags.out_name),
        star_catalog,
        _searches(flags),
        flags.max_tmag,
        flags.num_worker_processes,
        flags.cluster,
        flags.tess_data_dir,
        flags.stitch,
    )
    choice.check(flags.star_catalog)
    if flags.output_dir:
        make_directory(flags.output_dir)
    build.log_sources(choice)
    built = build.build(choice)
    print(f"{numbered(built.num_tces, 'TCE')} in {choice.out_path}")
    if built.num_dropped:  # a row with several sectors counts once for each
        print(f"{numbered(built.num_dropped, 'TCE')} dropped, with reasons in {choice.dropped_path}")
    if built.num_warnings:
        print(f"{numbered(built.num_warnings, 'warning')} about TCEs of {choice.out_path} in {choice.warnings_path}")
    if built.num_single_events:
        print(f"{numbered(built.num_single_events, 'single event')} without a period in {choice.single_events_path}")
    return 0 if built.num_tces else 1


def _searches(flags):
    """Returns where transit searches come from. If --qlp_data_dir does not exist, qlp-data in --base_dir is used."""
    qlp_data_dir, beside_tables = flags.qlp_data_dir, os.path.join(flags.base_dir, "qlp-data")
    if os.path.isdir(beside_tables) and not os.path.isdir(qlp_data_dir):
        qlp_data_dir = beside_tables
    if flags.bls == "files":
        return events.Searches(qlp_data_dir)
    if not flags.tess_data_dir:
        raise ScriptError("--bls=compute searches light curves: give their directory, --tess_data_dir")
    return events.Searches(qlp_data_dir, flags.tess_data_dir, flags.flux_key, flags.quality)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--input",
        nargs="+",
        required=True,
        metavar="FILE",
        help="tables in --base_dir: those of TEV, or others that docs/data.md lists",
    )
    parser.input.add_argument("--base_dir", default=".", metavar="DIR", help="directory of the tables")
    parser.input.add_argument(
        "--star_catalog",
        default="auto",
        metavar="CATALOG",
        help="star catalog: pdo, mast, local:PATH (a TIC extract as SQLite, CSV or FITS), none, or auto: pdo where "
        "it is installed, else tic.sqlite, tic.csv or tic.fits in --base_dir, else none",
    )
    parser.rename("--catalog", "--star_catalog")
    parser.input.add_argument(
        "--qlp_data_dir",
        default="/pdo/qlp-data",
        metavar="DIR",
        help="directory of the .blsanal files; where it does not exist, the directory qlp-data in --base_dir serves",
    )
    parser.input.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="directory of the light curves, for --bls=compute; they also tell the sectors of rows with none or "
        "several",
    )
    parser.input.add_argument(
        "--flux_key",
        metavar="COLUMN",
        help="column of the light curves to search (default: the detrended one of each product)",
    )
    parser.input.add_argument(
        "--quality", choices=QUALITIES, default="default", help="which flagged cadences to leave out of the search"
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, help="directory of the catalog (default: --base_dir)"
    )
    parser.output.add_argument("--out_name", default="tces.csv", metavar="NAME", help="file name of the catalog")
    parser.settings.add_argument(
        "--max_tmag",
        type=arguments.finite_number,
        default=12.0,
        metavar="TMAG",
        help="drop stars fainter than this TESS magnitude",
    )
    parser.settings.add_argument(
        "--bls",
        choices=("files", "compute"),
        default="files",
        help="where transit searches come from. files: .blsanal files alone; compute: where a star has no such "
        "file, its light curve is searched",
    )
    parser.settings.add_argument(
        "--stitch",
        action="store_true",
        help="join the light curves of all sectors of a row, or of a star whose rows have no period, and search that",
    )
    workers.add_flags(parser)
    return run(_make_catalog, parser.parse_args(argv), GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
