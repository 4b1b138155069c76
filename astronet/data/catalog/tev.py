"""Writes tables in the format of the TESS Exoplanet Vetter (TEV), one CSV file a sector. dialects.py reads them."""

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
      path: path of the CSV file.
      rows: dicts with keys from COLUMNS; cells of missing keys stay empty.

    Raises:
      ValueError: a key is not in COLUMNS.
    """
    write_csv(path, COLUMNS, map(_cells, rows), lineterminator="\n")


def _cells(row):
    unknown = row.keys() - set(COLUMNS)
    if unknown:
        raise ValueError(f"no columns of a TEV table: {', '.join(sorted(unknown))}")
    return [row.get(column, "") for column in COLUMNS]
