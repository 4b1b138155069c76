"""Joins TEV tables, star parameters and transit search results into one catalogue of TCEs."""

import collections
import csv
import functools
import math
import os
import sys

from tqdm import tqdm

from astronet.data import bls, star_catalog, tev
from astronet.util.files import write_aside
from astronet.util.script import Parser, ScriptError, positive_integer, run
from astronet.util.workers import map_in_order

COLUMNS = (
    *("row_id", "tic_id", "toi_id", "Disposition", "RA", "Dec", "Tmag", "Epoc", "Period", "Duration", "Transit_Depth"),
    *("Sectors", "camera", "ccd", "star_rad", "star_mass", "teff", "logg", "SN", "Qingress"),
)
_DROPPED_COLUMNS = ("row_id", "tic_id", "Sectors", "file", "reason")
_ROWS_PER_TASK = 200
_NO_SEARCHES = "no transit searches, for there is no {}: events stay as the tables have them, SN and Qingress empty"


class DroppedRowError(ValueError):
    """A row that does not become a TCE; the message is the reason."""


def _number(row, column):
    """The number in a cell, NaN where it is empty."""
    try:
        return float(row[column]) if row[column] else math.nan
    except ValueError:
        raise DroppedRowError(f"{column} '{row[column]}' is not a number") from None


def _integer(row, column):
    value = _number(row, column)
    if not value.is_integer():
        raise DroppedRowError(f"{column} '{row[column]}' is not an integer")
    return int(value)


def _choose_peak(peaks, period, only_tce):
    """The best peak; of a star with several TCEs in the sector, the one at this row's period."""
    if only_tce or not period > 0:
        return peaks[0]
    return min(peaks, key=lambda peak: abs(math.log(peak.period / period)) if peak.period > 0 else math.inf)


def _event(row, peaks):
    """The event's cells: as the transit search measured it, or as the table has it where there was no search."""
    period = _number(row, "Period")
    if peaks:
        peak = _choose_peak(peaks, period, row["only_tce"])
        reason = peak.why_not_tce()
        if reason:
            raise DroppedRowError(f"not a TCE: {reason}")
        return {
            "Epoc": peak.t0,
            "Period": peak.period,
            "Duration": peak.duration_hours,
            "Transit_Depth": peak.depth_ppm,
            "SN": peak.pink_signal_to_noise,
            "Qingress": peak.ingress_fraction,
        }
    event = {"Epoc": _number(row, "Epoc"), "Period": period, "Duration": _number(row, "Duration")}
    missing = [column for column, value in event.items() if math.isnan(value)]
    if missing:
        raise DroppedRowError(f"no .blsanal file of this star and sector, and the table has no {', '.join(missing)}")
    return {**event, "Transit_Depth": _number(row, "Transit Depth"), "SN": math.nan, "Qingress": math.nan}


def _catalogue_row(row, catalog, qlp_data_dir, max_tmag):
    """The catalogue's cells for one row of a TEV table, and what to warn of ("" for nothing)."""
    if row["problem"]:
        raise DroppedRowError(row["problem"])
    tic_id, sector, warning = _integer(row, "tic_id"), _integer(row, "Sectors"), ""
    star = catalog.stars([tic_id]).get(tic_id)
    if star is None:
        star, warning = star_catalog.Star(), f"TIC {tic_id} is not in {catalog.name}: its star parameters stay empty"
    position = {
        column: _number(row, column) if math.isnan(value) else value
        for column, value in (("RA", star.ra), ("Dec", star.dec), ("Tmag", star.tmag))
    }
    if position["Tmag"] > max_tmag:
        raise DroppedRowError(f"Tmag {position['Tmag']:.3f} is fainter than {max_tmag} (--max_tmag)")
    try:
        found = bls.find(qlp_data_dir, sector, tic_id)
        peaks = bls.read(found[0]) if found else []
    except (bls.BlsError, OSError) as error:
        raise DroppedRowError(str(error)) from error
    _, camera, ccd = found or ("", 0, 0)
    parameters = {"star_rad": star.rad, "star_mass": star.mass, "teff": star.teff, "logg": star.logg}
    cells = {
        "row_id": row["row_id"],
        "tic_id": tic_id,
        "toi_id": row["toi_id"],
        "Disposition": row["Disposition"],
        **position,
        "Sectors": sector,
        "camera": camera,
        "ccd": ccd,
        **parameters,
        **_event(row, peaks),
    }
    return cells, warning


@functools.lru_cache(maxsize=1)
def _catalog(resolved):
    """A process's own star catalogue."""
    return star_catalog.open_catalog(resolved)


def _process(rows, resolved, qlp_data_dir, max_tmag):
    """Worker: (cells or None, reason or warning) for each row."""
    results = []
    for row in rows:
        try:
            results.append(_catalogue_row(row, _catalog(resolved), qlp_data_dir, max_tmag))
        except DroppedRowError as error:
            results.append((None, str(error)))
    return results


def _read_tables(paths):
    """Rows of all tables in order, as dicts that also name their file, row_id and whether the star has one TCE."""
    rows = []
    for path in paths:
        table = tev.read(path)
        num_tces = collections.Counter((row["tic_id"], row["Sectors"]) for row in table)
        for row in table:
            only_tce = num_tces[row["tic_id"], row["Sectors"]] == 1
            rows.append({**row, "file": os.path.basename(path), "only_tce": only_tce})
    for row_id, row in enumerate(rows):
        row["row_id"] = row_id
    return rows


def _write_csv(path, columns, rows):
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _cell(value) for key, value in row.items()})


def _cell(value):
    """Ten significant digits, a tenth of a second of an epoch; empty for NaN."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return value


def make_catalog(input_paths, out_path, catalog="none", qlp_data_dir="/pdo/qlp-data", max_tmag=12.0, num_workers=1):
    """Writes the catalogue and, beside it, the list of rows that are not in it.

    Args:
      input_paths: TEV tables.
      out_path: CSV to write; `<out_path without .csv>_dropped.csv` lists the other rows with their reasons.
      catalog: what star_catalog.resolve returns.
      qlp_data_dir: directory of sector-S/ffi/camC/ccdD/BLS/<tic>.blsanal.
      max_tmag: fainter stars are dropped.
      num_workers: processes; the output does not depend on it.

    Returns:
      (number of TCEs, number of dropped rows).

    Raises:
      ScriptError: a table cannot be read.
    """
    rows = _read_tables(input_paths)
    tasks = [rows[start : start + _ROWS_PER_TASK] for start in range(0, len(rows), _ROWS_PER_TASK)]
    work = functools.partial(_process, resolved=catalog, qlp_data_dir=qlp_data_dir, max_tmag=max_tmag)
    _catalog.cache_clear()  # the file may have changed since this process last opened it
    kept, dropped = [], []
    with tqdm(total=len(rows), unit="row", disable=None) as progress:
        for task, results in zip(tasks, map_in_order(work, tasks, num_workers)):
            for row, (cells, message) in zip(task, results):
                if cells is None:
                    dropped.append({**row, "reason": message})
                    continue
                kept.append(cells)
                if message and catalog != "none":
                    tqdm.write(f"{row['file']} row_id {row['row_id']}: {message}", file=sys.stderr)
            progress.update(len(task))
    _write_csv(out_path, COLUMNS, kept)
    _write_csv(dropped_path(out_path), _DROPPED_COLUMNS, dropped)
    return len(kept), len(dropped)


def dropped_path(out_path):
    """Where the rows that did not become TCEs are listed."""
    return os.path.splitext(out_path)[0] + "_dropped.csv"


def _find_qlp_data(flags):
    """The directory of the .blsanal files: --qlp_data_dir, or base_dir's own qlp-data where there is no such."""
    beside = os.path.join(flags.base_dir, "qlp-data")
    return beside if os.path.isdir(beside) and not os.path.isdir(flags.qlp_data_dir) else flags.qlp_data_dir


def _run(flags):
    paths = [os.path.join(flags.base_dir, name) for name in flags.input]
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise ScriptError(f"no file {', '.join(missing)}: --input names files in --base_dir")
    catalog = star_catalog.resolve(flags.catalog, flags.base_dir)
    star_catalog.open_catalog(catalog)  # what is wrong with it is told here, not by each worker
    if catalog == "none":
        print("no star catalogue: RA, Dec and Tmag come from the tables, other star parameters stay empty")
    else:
        print(f"star parameters from {catalog}")
    qlp_data_dir = _find_qlp_data(flags)
    there = os.path.isdir(qlp_data_dir)
    print(f"transit searches from {qlp_data_dir}" if there else _NO_SEARCHES.format(qlp_data_dir))
    out_path = os.path.join(flags.base_dir, flags.out_name)
    num_kept, num_dropped = make_catalog(
        paths, out_path, catalog, qlp_data_dir, flags.max_tmag, flags.num_worker_processes
    )
    print(f"{num_kept} TCEs in {out_path}")
    if num_dropped:
        print(f"{num_dropped} rows dropped, with reasons in {dropped_path(out_path)}")
    return 0 if num_kept else 1


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--input", nargs="+", required=True, help="TEV tables, in base_dir")
    parser.add_argument("--base_dir", default=".", help="directory of the tables and of the output")
    parser.add_argument("--out_name", default="tces.csv", help="name of the catalogue")
    parser.add_argument("--num_worker_processes", type=positive_integer, default=1, help="1 works in this process")
    parser.add_argument("--max_tmag", type=float, default=12.0, help="drop stars fainter than this")
    parser.add_argument(
        "--qlp_data_dir",
        default="/pdo/qlp-data",
        help="directory of the .blsanal files; where absent, qlp-data in base_dir",
    )
    parser.add_argument(
        "--catalog",
        default="auto",
        help="star catalogue: pdo, local:PATH (a TIC extract, SQLite or CSV), or auto: pdo where it is installed, "
        "else tic.sqlite or tic.csv in base_dir, else none",
    )
    return run(_run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
