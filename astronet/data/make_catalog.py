"""Joins TEV tables, star parameters and transit search results into one catalog of TCEs."""

import argparse
import os
import sys

from astronet.base import arguments
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.base.workers import add_cluster_flag
from astronet.data.catalog import build, catalog_rows, events, stars
from astronet.data.records.columns import CATALOG_COLUMNS
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
        os.path.join(flags.base_dir, flags.out_name),
        star_catalog,
        _searches(flags),
        flags.max_tmag,
        flags.num_worker_processes,
        flags.cluster,
        flags.tess_data_dir,
        flags.stitch,
    )
    _refuse_overwriting(flags, choice)
    _check_stars(flags.star_catalog, star_catalog)
    _tell_sources(choice, flags.bls)
    built = build.build(choice)
    print(f"{numbered(built.num_tces, 'TCE')} in {choice.out_path}")
    if built.num_dropped:  # a row with several sectors counts once for each
        print(f"{numbered(built.num_dropped, 'TCE')} dropped, with reasons in {choice.dropped_path}")
    if built.num_warnings:
        print(f"{numbered(built.num_warnings, 'warning')} about TCEs of {choice.out_path} in {choice.warnings_path}")
    return 0 if built.num_tces else 1


def _refuse_overwriting(flags, choice):
    """Refuses an output path that is also an input: a table, star catalog, transit search or light curve."""
    _, _, star_path = choice.star_catalog.partition(":")
    columns_of = {
        choice.out_path: CATALOG_COLUMNS,
        choice.dropped_path: catalog_rows.list_columns("reason"),
        choice.warnings_path: catalog_rows.list_columns("warning"),
    }
    arguments.refuse_overwriting_inputs(
        {"--out_name": columns_of},
        {"--input": choice.input_paths, f"--star_catalog={flags.star_catalog}": star_path or None},
    )
    arguments.refuse_overwriting_under(
        {"--out_name": columns_of},
        {"--qlp_data_dir": choice.searches.qlp_data_dir, "--tess_data_dir": choice.tess_data_dir},
    )


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


def _check_stars(flag, star_catalog):
    """Opens the star catalog once, so that an error is reported here and not by each worker."""
    try:
        stars.open_catalog(star_catalog)
    except ScriptError as error:
        if flag != "auto":
            raise
        raise ScriptError(
            f"{error}. --star_catalog=auto uses it as the star catalog because of its name: rename it, or choose "
            "another by --star_catalog"
        ) from error


def _tell_sources(choice, bls):
    """Prints where star parameters, cameras and events come from."""
    if choice.star_catalog == "none":
        print(
            "no star catalog: RA, Dec and Tmag come from the tables, other star parameters stay empty "
            "(--star_catalog=mast fetches them)"
        )
    else:
        print(f"star parameters from {choice.star_catalog}")
    print(f"cameras and CCDs by {build.open_detectors(choice.star_catalog).name}")
    qlp_data_dir = choice.searches.qlp_data_dir
    has_files = os.path.isdir(qlp_data_dir)
    if bls == "compute":
        first = f"transit searches from {qlp_data_dir}; else " if has_files else ""
        print(f"{first}searching the light curves in {choice.searches.tess_data_dir}")
    elif has_files:
        print(f"transit searches from {qlp_data_dir}")
    else:
        print(
            f"no transit searches, because there is no {qlp_data_dir}: events and SN stay as the tables have them, "
            "and what a table lacks stays empty"
        )


class _OldSpelling(argparse.Action):
    """The old name of a flag. It still works, and prints a note with the new name."""

    def __call__(self, parser, namespace, values, option_string=None):
        print(f"note: {option_string} is now called --{self.dest}; the old name still works", file=sys.stderr)
        setattr(namespace, self.dest, values)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--input", nargs="+", required=True, help="tables, in base_dir: TEV's, or others that docs/data.md lists"
    )
    parser.add_argument("--base_dir", default=".", help="directory of the tables and of the output")
    parser.add_argument("--out_name", default="tces.csv", help="name of the catalog")
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="1 works in this process"
    )
    add_cluster_flag(parser)
    parser.add_argument("--max_tmag", type=arguments.finite_number, default=12.0, help="drop stars fainter than this")
    parser.add_argument(
        "--qlp_data_dir",
        default="/pdo/qlp-data",
        help="directory of the .blsanal files; if it does not exist, the directory qlp-data in base_dir is used",
    )
    parser.add_argument(
        "--bls",
        choices=("files", "compute"),
        default="files",
        help="compute: where a star has no .blsanal file, its light curve is searched for transits",
    )
    parser.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="directory of the light curves for --bls=compute; it also tells the sectors of rows with none or several",
    )
    parser.add_argument(
        "--stitch",
        action="store_true",
        help="join the light curves of all sectors of a row, or of a star whose rows have no period, and search that",
    )
    parser.add_argument("--flux_key", help="column of the light curves to search (default: each product's own)")
    parser.add_argument("--quality", choices=QUALITIES, default="default", help="flagged cadences not to search")
    parser.add_argument(
        "--star_catalog",
        default="auto",
        help="star catalog: pdo, mast, local:PATH (a TIC extract as SQLite, CSV or FITS), or auto: pdo where it is "
        "installed, else tic.sqlite, tic.csv or tic.fits in base_dir, else none",
    )
    parser.add_argument(
        "--catalog", dest="star_catalog", action=_OldSpelling, default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    return run(_make_catalog, parser.parse_args(argv), GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
