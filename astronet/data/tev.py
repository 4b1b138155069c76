"""Tables of TESS Exoplanet Vetter (TEV): one CSV per sector, columns found by name."""

import pandas as pd

from astronet.util.files import write_aside
from astronet.util.script import ScriptError

COLUMNS = (
    "src",
    "tic_id",
    "toi_id",
    "Disposition",
    "RA",
    "Dec",
    "Tmag",
    "Tmag Err",
    "Epoc",
    "Epoc Err",
    "Period",
    "Period Err",
    "Duration",
    "Duration Err",
    "Transit Depth",
    "Transit Depth Err",
    "Sectors",
)
_NEEDED = ("tic_id", "toi_id", "Disposition", "Sectors")


def _plain(name):
    return str(name).strip().lower().replace(" ", "").replace("_", "")


def read(path):
    """Reads a TEV table as text.

    Args:
      path: a CSV in any order and spelling ("Transit Depth" or "Transit_Depth") of COLUMNS; lines end as they like.

    Returns:
      A DataFrame of stripped strings with at least COLUMNS, "" where a cell is empty or its column absent.

    Raises:
      ScriptError: the file cannot be read, or lacks a column that nothing can stand in for.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ScriptError(f"{path}: not a readable CSV ({error})") from error
    canonical = {_plain(column): column for column in COLUMNS}
    table = table.rename(columns=lambda name: canonical.get(_plain(name), name))
    missing = [column for column in _NEEDED if column not in table]
    if missing:
        raise ScriptError(f"{path}: no column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    for column in COLUMNS:
        if column not in table:
            table[column] = ""
    return table.apply(lambda column: column.str.strip())


def write(path, rows):
    """Writes rows, each a dict of some of COLUMNS, as a TEV table."""
    with write_aside(path) as aside:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(aside, index=False, lineterminator="\n")
