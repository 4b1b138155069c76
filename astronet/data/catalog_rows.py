"""The rows of TEV tables on their way into a catalogue: what each has become, and why those that drop out do."""

import collections
import contextlib
import dataclasses
import math
import os

from astronet.data import tev
from astronet.data.star_catalog import Star
from astronet.util.files import write_csv
from light_curve_util.numerals import parse_float

COLUMNS = (
    *("row_id", "tic_id", "toi_id", "Disposition", "RA", "Dec", "Tmag", "Epoc", "Period", "Duration", "Transit_Depth"),
    *("Sectors", "camera", "ccd", "star_rad", "star_mass", "teff", "logg", "SN", "Qingress"),
)


class DroppedRowError(ValueError):
    """A row that does not become a TCE; the message is the reason."""


@dataclasses.dataclass
class Row:
    """One row of a TEV table.

    Attributes:
      row_id: its number, over all tables.
      file: name of its table.
      cells: dict of tev.COLUMNS to text.
      only_tce: whether its table has no other TCE of this star and sector.
      tic_id, sector: integers.
      star: star_catalog.Star, with the table's own position and magnitude where the catalogue has none.
      camera, ccd: where the star lies; 0 where that is not known, or on none.
      event: dict of the catalogue's columns that describe the event.
      event_source: what the event is from; "" where it is the table's own.
      reason: why the row is dropped; "" for a row that is not.
      warnings: what is to be told of a row that is kept.
    """

    row_id: int
    file: str
    cells: dict
    only_tce: bool
    tic_id: int = 0
    sector: int = 0
    star: Star = Star()
    camera: int = 0
    ccd: int = 0
    event: dict = dataclasses.field(default_factory=dict)
    event_source: str = ""
    reason: str = ""
    warnings: list = dataclasses.field(default_factory=list)

    @contextlib.contextmanager
    def may_drop(self):
        """Takes a DroppedRowError for the reason that the row is dropped."""
        try:
            yield
        except DroppedRowError as error:
            self.reason = str(error)

    def catalog_cells(self):
        """The catalogue's cells for this row."""
        return {
            "row_id": self.row_id,
            "tic_id": self.tic_id,
            "toi_id": self.cells["toi_id"],
            "Disposition": self.cells["Disposition"],
            "RA": self.star.ra,
            "Dec": self.star.dec,
            "Tmag": self.star.tmag,
            "Sectors": self.sector,
            "camera": self.camera,
            "ccd": self.ccd,
            "star_rad": self.star.rad,
            "star_mass": self.star.mass,
            "teff": self.star.teff,
            "logg": self.star.logg,
            **self.event,
        }


def number(cells, column):
    """The number in a cell, NaN where it is empty; anything else is a DroppedRowError."""
    try:
        return parse_float(cells[column]) if cells[column] else math.nan
    except ValueError:
        raise DroppedRowError(f"{column} '{cells[column]}' is not a number") from None


def integer(cells, column):
    """The integer in a cell; anything else is a DroppedRowError."""
    value = number(cells, column)
    if not value.is_integer():
        raise DroppedRowError(f"{column} '{cells[column]}' is not an integer")
    return int(value)


def read(paths):
    """Reads the rows of TEV tables, in order.

    Raises:
      ScriptError: a table is no CSV or lacks a column.
    """
    rows = []
    for path in paths:
        table = tev.read(path)
        num_tces = collections.Counter((cells["tic_id"], cells["Sectors"]) for cells in table)
        for cells in table:
            only_tce = num_tces[cells["tic_id"], cells["Sectors"]] == 1
            row = Row(len(rows), os.path.basename(path), cells, only_tce, reason=cells["problem"])
            rows.append(row)
            if not row.reason:
                with row.may_drop():
                    row.tic_id, row.sector = integer(cells, "tic_id"), integer(cells, "Sectors")
    return rows


def write_catalog(path, rows):
    """Writes the catalogue of the rows that are not dropped."""
    cells = (row.catalog_cells() for row in rows if not row.reason)
    write_csv(path, COLUMNS, ([_cell(of_row[column]) for column in COLUMNS] for of_row in cells), lineterminator="\n")


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
    lines = [
        (row.row_id, row.cells["tic_id"], row.cells["Sectors"], row.file, text) for row in rows for text in tell(row)
    ]
    write_csv(path, ("row_id", "tic_id", "Sectors", "file", column), lines, lineterminator="\n")
    return len(lines)


def _cell(value):
    """Ten significant digits, a tenth of a second of an epoch; empty for NaN."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return value
