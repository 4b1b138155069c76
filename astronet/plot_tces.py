"""Plots TCEs of a catalog, a page each: light curve, folded light curve, and the views that the network sees."""

import functools
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks, messages
from astronet.base.files import make_directory
from astronet.base.messages import LOG
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration
from astronet.data.catalog import observed, tce_table
from astronet.data.records import preprocess
from astronet.figures import tce as plotting
from light_curve_util import sector_times, tess_io
from light_curve_util.detrend import detrend
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent


def _select(table, column, wanted):
    """The rows of a table whose `column` is one of `wanted`; all where none is wanted."""
    if not wanted:
        return table
    missing = set(wanted) - set(table[column])
    if missing:
        raise ScriptError(f"no usable row of the catalog has {column} {', '.join(map(str, sorted(missing)))}")
    return table[table[column].isin(wanted)]


def _is_wanted(flags, row):
    """Whether a skipped or doubtful row is one of those that --tic and --row_id ask for."""
    of_star = not flags.tic or str(row.tic_id) in map(str, flags.tic)
    return of_star and (not flags.row_id or str(row.row_id) in map(str, flags.row_id))


def _plot_tce(tce, flags, lengths, plots):
    event = PeriodicEvent(tce.Epoc, tce.Period, tce.Duration / 24)
    detector = getattr(tce, "camera", None), getattr(tce, "ccd", None)
    path = tess_io.find(flags.tess_data_dir, tce.tic_id, tce.Sectors, *detector)
    light_curve = tess_io.read(path, flags.flux_key, quality=flags.quality)
    check = preprocess.TimeCheck({tce.Sectors: sector_times.window(tce.Sectors)})
    check.warnings += preprocess.choice_notes(tce._asdict(), flags.tess_data_dir)
    check.look(light_curve, event, tce._asdict())
    for warning in check.warnings:
        LOG.warning(f"warning: row_id {tce.row_id} (TIC {tce.tic_id}): {warning}")
    light_curve = detrend(light_curve, flags.detrend, event)
    views = preprocess.views_of(light_curve, event, lengths)
    title = plotting.tce_title(tce.tic_id, tce.Sectors, tce.Period, tce.Disposition)
    plotting.plot_tce(
        plotting.tce_path(flags.output_dir, tce.row_id, tce.tic_id, tce.Sectors, plots),
        light_curve,
        event,
        views,
        title,
    )


def _plot(flags):
    choose = observed.ObservedSectors(flags.tess_data_dir)
    catalog = tce_table.load(flags.input_tce_csv_file, tce_table.Request(choose_sectors=choose))
    table = catalog.table
    for note in catalog.notes:
        LOG.warning(f"{flags.input_tce_csv_file}: {note}")
    for skip in filter(functools.partial(_is_wanted, flags), catalog.skips):
        LOG.warning(f"row_id {skip.row_id} (TIC {skip.tic_id}) left out: {skip.reason}")
    chosen = _select(_select(table, "tic_id", flags.tic), "row_id", flags.row_id)
    for doubt in filter(functools.partial(_is_wanted, flags), tce_table.doubts(flags.input_tce_csv_file, table)):
        LOG.warning(f"warning: row_id {doubt.row_id} (TIC {doubt.tic_id}): {doubt.warning}")
    lengths = configuration.view_lengths(
        configuration.resolve(flags.model, flags.config_name, flags.config_json).config
    )
    make_directory(flags.output_dir)
    plots: set[str] = set()
    for tce in messages.bar(chosen.itertuples(), total=len(chosen), unit=" TCE"):
        try:
            _plot_tce(tce, flags, lengths, plots)
        except LightCurveError as error:
            LOG.warning(f"row_id {tce.row_id} (TIC {tce.tic_id}) left out: {error.reason}: {error}")
    print(f"{flags.output_dir}: plots of {len(plots)} of {len(chosen)} TCEs")
    return 0 if plots else 1


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
