"""Tables of the TESS Exoplanet Vetter (TEV): one CSV per sector, columns found by name."""

import csv

from astronet.util.files import write_aside
from astronet.util.script import ScriptError

COLUMNS = (
    *("src", "tic_id", "toi_id", "Disposition", "RA", "Dec", "Tmag", "Tmag Err", "Epoc", "Epoc Err"),
    *("Period", "Period Err", "Duration", "Duration Err", "Transit Depth", "Transit Depth Err", "Sectors"),
)
_NEEDED = ("tic_id", "toi_id", "Disposition", "Sectors")


def plain(name):
    """A column's name without what its spellings differ in: capitals, blanks and underscores."""
    return name.strip().lower().replace(" ", "").replace("_", "")


_CANONICAL = {plain(column): column for column in COLUMNS}


def read(path, needed=_NEEDED):
    """Reads a TEV table as text.

    Args:
      path: a CSV in any order and spelling ("Transit Depth" or "Transit_Depth") of COLUMNS; lines end as they like.
      needed: the columns that nothing can stand in for.

    Returns:
      One dict a row, of stripped strings: COLUMNS ("" where a cell is empty or its column absent), and "problem",
      which is "" unless the row's fields do not fit the header.

    Raises:
      ScriptError: the file is no CSV, lacks a needed column, or has one twice.
      OSError: the file cannot be read.
    """
    with open(path, newline=None, encoding="utf-8-sig", errors="replace") as file:
        try:
            lines = [line for line in csv.reader(file, strict=True) if any(cell.strip() for cell in line)]
        except csv.Error as error:
            raise ScriptError(f"{path} is no CSV file ({error}): give a TEV table") from error
    header, *lines = lines or [[]]
    names = [_CANONICAL.get(plain(name), name) for name in header]
    missing = [column for column in needed if column not in names]
    if missing:
        raise ScriptError(f"{path} has no column {', '.join(missing)}; it has {', '.join(header) or 'none'}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ScriptError(f"{path} has more than one column {', '.join(repeated)}: keep one of each")
    rows = []
    for line in lines:
        cells = {**dict.fromkeys(COLUMNS, ""), **dict(zip(names, (cell.strip() for cell in line)))}
        fits = len(line) == len(names)
        rows.append({**cells, "problem": "" if fits else f"{len(line)} fields where the header has {len(names)}"})
    return rows


def write(path, rows):
    """Writes rows, each a dict of some of COLUMNS, as a TEV table."""
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
