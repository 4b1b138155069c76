"""The rows of tables on their way into a catalog: what each has become, and why those that drop out do."""

import collections
import dataclasses
import math
import os

from astronet.base.files import write_csv
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
    """A row that does not become a TCE; the message is the reason."""


@dataclasses.dataclass
class Row:
    """One row of a table.

    Attributes:
      row_id: its number, over all tables.
      file: name of its table.
      cells: dict of tic_id, Sectors, toi_id and Disposition to text.
      numbers: dict of the table's other columns to float, those of a catalog; NaN where it has none.
      only_tce: whether its table has no other TCE of this star and sector.
      tic_id, sector: integers.
      stitched: all sectors whose light curves are joined, where more than one is.
      star: stars.Star, with the table's own position and magnitude where the catalog has none.
      camera, ccd: where the star lies; 0 where that is not known, or on none.
      event: dict of the catalog's columns that describe the event.
      event_source: what the event is from; "" where it is the table's own.
      reason: why the row is dropped; "" for a row that is not.
      warnings: what is to be told of a row that is kept.
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

    def catalog_cells(self):
        """The catalog's cells for this row."""
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


def read(paths, choose_sectors=None, stitch=False):
    """Reads the rows of tables, in order; a row with several sectors becomes one for each.

    Args:
      paths: tables, of any source that dialects.py knows.
      choose_sectors, stitch: as tce_table.Request has them.

    Returns:
      List of Row, and list of what is to be said of the tables.

    Raises:
      ScriptError: a table is none, or lacks a column.
    """
    rows, notes = [], []
    for path in paths:
        of_table, said = _of_table(path, len(rows), choose_sectors, stitch)
        rows += of_table
        notes += [f"{path}: {note}" for note in said]
    return rows, notes


def _of_table(path, first_row_id, choose_sectors, stitch):
    from astronet.data.catalog import tce_table  # which brings in pandas, and workers do without

    request = tce_table.Request(needed=(TIC_ID, SECTOR), choose_sectors=choose_sectors, stitch=stitch)
    every, notes = tce_table.load_all(path, request)
    columns, reasons = every.columns, every.reasons
    if not reasons:
        return [], notes
    num_tces = collections.Counter(zip(columns[TIC_ID].tolist(), columns[SECTOR].tolist()))
    numeric = {name: values for name, values in columns.items() if values.dtype.kind == "f"}
    rows = []
    for i, reason in enumerate(reasons):
        tic_id, sector = int(columns[TIC_ID][i]), int(columns[SECTOR][i])
        cells = {name: every.texts[name][i] for name in (TIC_ID, SECTOR)}
        cells.update({name: columns[name][i] for name in (TOI_ID, DISPOSITION)})
        row = Row(first_row_id + i, os.path.basename(path), cells, reason=reason.partition(": ")[2])
        row.numbers = {name: float(values[i]) for name, values in numeric.items()}
        row.only_tce = num_tces[tic_id, sector] == 1
        row.warnings = [every.warnings[i]] if i in every.warnings else []
        if not reason:
            row.tic_id, row.sector = tic_id, sector
            joined = columns[STITCHED_SECTORS][i] if stitch else ""
            row.stitched = tuple(map(int, joined.split(","))) if "," in joined else ()
        rows.append(row)
    return rows, notes


def join_stars(rows):
    """Makes one row of the rows of a star that have no period, whatever their sectors: the first, with all of them.

    That is how make_empty_catalog.py lists a star, once for each sector. The other rows are dropped.
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


def write_catalog(path, rows):
    """Writes the catalog of the rows that are not dropped."""
    cells = (row.catalog_cells() for row in rows if not row.reason)
    write_csv(
        path,
        CATALOG_COLUMNS,
        ([_cell(of_row[column]) for column in CATALOG_COLUMNS] for of_row in cells),
        lineterminator="\n",
    )


def list_columns(column):
    """The columns of a list of rows; `column` is the heading of what is told."""
    return (ROW_ID, TIC_ID, SECTOR, "file", column)


def write_list(path, rows, column, tell):
    """Writes a list of rows with what there is to tell of each.

    Args:
      path: CSV to write.
      rows: Rows.
      column: heading of what is told.
      tell: function of a Row to a list of texts, each a line of the file.

    Returns:
      The number of lines.
    """
    lines = [(row.row_id, row.cells[TIC_ID], row.cells[SECTOR], row.file, text) for row in rows for text in tell(row)]
    write_csv(path, list_columns(column), lines, lineterminator="\n")
    return len(lines)


def _cell(value):
    """Ten significant digits, a tenth of a second of an epoch; empty for NaN."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return value
