"""Reads the rows of tables, and writes those that become TCEs into a catalog and the others into a list."""

import collections
import dataclasses
import math
import os
from collections.abc import Callable, Iterable
from typing import Any, Optional

from astronet.base.files import write_csv
from astronet.data.catalog import single_events, tce_rows
from astronet.data.catalog.stars import Star
from astronet.data.records.columns import (
    CAMERA,
    CATALOG_COLUMNS,
    CCD,
    DEC,
    DISPOSITION,
    LOGG,
    PERIOD,
    RA,
    ROW_ID,
    SECTOR,
    STAR_MASS,
    STAR_RADIUS,
    STITCHED_SECTORS,
    TEFF,
    TIC_ID,
    TMAG,
    TOI_ID,
)


class DroppedRowError(ValueError):
    """A row does not become a TCE; the message is the reason."""


@dataclasses.dataclass
class Row:
    """One row of a table.

    Attributes:
      row_id: number of the row, over all tables.
      file: name of the table.
      cells: texts of tic_id, Sectors, toi_id and Disposition, by name.
      numbers: values of the other columns of a catalog that the table has, by name; NaN for an empty cell.
      only_tce: whether the table has no other TCE of this star and sector.
      tic_id: TIC ID.
      sector: sector; the first one if several are joined.
      stitched: the sectors whose light curves are joined; () if the row has only one.
      star: stars.Star. The table's position and magnitude replace values that the star catalog lacks.
      camera, ccd: detector that sees the star; 0 if unknown or if none sees it.
      event: values of the catalog's columns that describe the event, by name.
      event_source: where the event comes from; "" for the table.
      reason: why the row is dropped; "" if it is not.
      warnings: warnings about a row that is not dropped.
      single_events: dips in the row's light curve that no period explains: dicts of single_events.COLUMNS.
    """

    row_id: int
    file: str
    cells: dict
    numbers: dict = dataclasses.field(default_factory=dict)
    only_tce: bool = True
    tic_id: int = 0
    sector: int = 0
    stitched: tuple = ()
    star: Star = Star()
    camera: int = 0
    ccd: int = 0
    event: dict = dataclasses.field(default_factory=dict)
    event_source: str = ""
    reason: str = ""
    warnings: list = dataclasses.field(default_factory=list)
    single_events: list = dataclasses.field(default_factory=list)

    def catalog_cells(self) -> dict[str, Any]:
        """Returns the values of the catalog's columns for this row, by name."""
        return {
            ROW_ID: self.row_id,
            TIC_ID: self.tic_id,
            TOI_ID: self.cells[TOI_ID],
            DISPOSITION: self.cells[DISPOSITION],
            RA: self.star.ra,
            DEC: self.star.dec,
            TMAG: self.star.tmag,
            SECTOR: ",".join(map(str, self.stitched)) or self.sector,
            CAMERA: self.camera,
            CCD: self.ccd,
            STAR_RADIUS: self.star.rad,
            STAR_MASS: self.star.mass,
            TEFF: self.star.teff,
            LOGG: self.star.logg,
            **self.event,
        }


def read(
    paths: Iterable[str], choose_sectors: Optional[tce_rows.ChooseSectors] = None, stitch: bool = False
) -> tuple[list[Row], list[str]]:
    """Reads the rows of tables, in order. A row with several sectors becomes one row for each sector.

    Args:
      paths: paths of tables that dialects.py knows.
      choose_sectors, stitch: attributes of tce_table.Request.

    Returns:
      List of Row, and list of notes about the tables.

    Raises:
      ScriptError: a file is not a table, or lacks a column.
    """
    rows: list[Row] = []
    notes: list[str] = []
    for path in paths:
        rows_of_table, table_notes = _of_table(path, len(rows), choose_sectors, stitch)
        rows += rows_of_table
        notes += [f"{path}: {note}" for note in table_notes]
    return rows, notes


def _of_table(path, first_row_id, choose_sectors, stitch):
    from astronet.data.catalog import tce_table  # imports pandas, which workers do not need

    request = tce_table.Request(needed=(TIC_ID, SECTOR), choose_sectors=choose_sectors, stitch=stitch)
    all_rows, notes = tce_table.load_all(path, request)
    columns, reasons = all_rows.columns, all_rows.reasons
    if not reasons:
        return [], notes
    num_tces = collections.Counter(zip(columns[TIC_ID].tolist(), columns[SECTOR].tolist()))
    numeric = {name: values for name, values in columns.items() if values.dtype.kind == "f"}
    rows = []
    for i, reason in enumerate(reasons):
        tic_id, sector = int(columns[TIC_ID][i]), int(columns[SECTOR][i])
        cells = {name: all_rows.texts[name][i] for name in (TIC_ID, SECTOR)}
        cells.update({name: columns[name][i] for name in (TOI_ID, DISPOSITION)})
        row = Row(first_row_id + i, os.path.basename(path), cells, reason=reason.partition(": ")[2])
        row.numbers = {name: float(values[i]) for name, values in numeric.items()}
        row.only_tce = num_tces[tic_id, sector] == 1
        row.warnings = [all_rows.warnings[i]] if i in all_rows.warnings else []
        if not reason:
            row.tic_id, row.sector = tic_id, sector
            joined = columns[STITCHED_SECTORS][i] if stitch else ""
            row.stitched = tuple(map(int, joined.split(","))) if "," in joined else ()
        rows.append(row)
    return rows, notes


def join_stars(rows: Iterable[Row]) -> None:
    """Joins the rows of a star that have no period: the first row gets all sectors, the others are dropped.

    make_empty_catalog.py writes such rows: one for each star and sector.
    """
    of_star = collections.defaultdict(list)
    for row in rows:
        if not row.reason and math.isnan(row.numbers.get(PERIOD, math.nan)):
            of_star[row.tic_id].append(row)
    for first, *others in of_star.values():
        sectors = {sector for row in (first, *others) for sector in (row.stitched or (row.sector,))}
        if len(sectors) > 1:
            first.stitched, first.only_tce = tuple(sorted(sectors)), True
            first.sector = first.stitched[0]
        for row in others:
            row.reason = f"its light curve is joined to that of row_id {first.row_id} (--stitch)"


def write_catalog(path: str, rows: Iterable[Row]) -> None:
    """Writes the rows that are not dropped as a catalog."""
    cells = (row.catalog_cells() for row in rows if not row.reason)
    write_csv(
        path,
        CATALOG_COLUMNS,
        ([_cell(of_row[column]) for column in CATALOG_COLUMNS] for of_row in cells),
        lineterminator="\n",
    )


def list_columns(column: str) -> tuple[str, ...]:
    """Returns the columns of a list of rows; `column` is the name of its last column."""
    return (ROW_ID, TIC_ID, SECTOR, "file", column)


def write_list(path: str, rows: Iterable[Row], column: str, texts_of: Callable[[Row], Iterable[str]]) -> int:
    """Writes a list of rows, with a line for each text about a row.

    Args:
      path: path of the CSV file.
      rows: Rows.
      column: name of the column of texts.
      texts_of: function from a Row to a list of texts.

    Returns:
      The number of lines.
    """
    lines = [
        (row.row_id, row.cells[TIC_ID], row.cells[SECTOR], row.file, text) for row in rows for text in texts_of(row)
    ]
    write_csv(path, list_columns(column), lines, lineterminator="\n")
    return len(lines)


def single_event_columns() -> tuple[str, ...]:
    """Returns the names of the columns of a list of single events."""
    return (ROW_ID, TIC_ID, SECTOR, *single_events.COLUMNS)


def write_single_events(path: str, rows: Iterable[Row]) -> int:
    """Writes the single events of rows, dropped ones too; those of a light curve once, though it has several rows.

    Args:
      path: path of the CSV file.
      rows: Rows.

    Returns:
      The number of events.
    """
    lines, seen = [], set()
    for row in rows:
        sectors = ",".join(map(str, row.stitched)) or row.sector
        for event in row.single_events:
            key = (row.tic_id, sectors, event["t0_btjd"])
            if key not in seen:
                seen.add(key)
                lines.append((row.row_id, row.tic_id, sectors, *(event[name] for name in single_events.COLUMNS)))
    write_csv(path, single_event_columns(), lines, lineterminator="\n")
    return len(lines)


def _cell(value):
    """Returns a float with ten significant digits (0.1 s of an epoch), "" for NaN; any other value unchanged."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return value
