"""Tables of the TESS Exoplanet Vetter (TEV): one CSV file for each sector. dialects.py reads them."""

from collections.abc import Iterable, Mapping
from typing import Any

from astronet.base.files import write_csv

COLUMNS = (
    *("src", "tic_id", "toi_id", "Disposition", "RA", "Dec", "Tmag", "Tmag Err", "Epoc", "Epoc Err"),
    *("Period", "Period Err", "Duration", "Duration Err", "Transit Depth", "Transit Depth Err", "Sectors"),
)


def write(path: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes a TEV table.

    Args:
      path: of the CSV file.
      rows: dicts of some of COLUMNS; the other cells stay empty.

    Raises:
      ValueError: a row has a column that TEV tables lack.
    """
    write_csv(path, COLUMNS, map(_cells, rows), lineterminator="\n")


def _cells(row):
    unknown = row.keys() - set(COLUMNS)
    if unknown:
        raise ValueError(f"no columns of a TEV table: {', '.join(sorted(unknown))}")
    return [row.get(column, "") for column in COLUMNS]
