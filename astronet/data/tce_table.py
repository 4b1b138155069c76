"""The TCE table (tces.csv): read by column name, with the rows that cannot be used told one by one."""

import csv
import functools
import itertools
import sys
from typing import NamedTuple

import numpy as np

from astronet.data import epochs, plausibility
from astronet.data.tev import plain
from astronet.util.script import ScriptError
from light_curve_util.numerals import parse_float

DISPOSITIONS = ("PC", "EB", "V", "IS", "J", "O")

_INTEGERS = ("row_id", "tic_id", "Sectors", "camera", "ccd")
_TEXTS = ("src", "toi_id", "Disposition")
_FLOATS = (
    *("RA", "Dec", "Tmag", "Epoc", "Period", "Duration", "Transit_Depth"),
    *("star_rad", "star_mass", "teff", "logg", "SN", "Qingress"),
)
_REQUIRED = ("row_id", "tic_id", "toi_id", "Disposition", "Epoc", "Period", "Duration", "Transit_Depth", "Sectors")
_NEVER_EMPTY = ("row_id", "tic_id", "Sectors", "Epoc", "Period", "Duration")
_LARGEST_INTEGER = 2**53  # up to which a float holds each of them
_ROWS_AT_A_TIME = 10_000  # some 20 MB of text
_EMPTY = ("", "nan", "na", "n/a", "none", "null", "--")


class Skip(NamedTuple):
    """A row that gives no record; the word before the colon of `reason` is its kind."""

    row_id: object
    tic_id: object
    sector: object
    reason: str


class Warned(NamedTuple):
    """What is to be said of a row that gives a record all the same."""

    row_id: object
    tic_id: object
    sector: object
    warning: str


_CANONICAL = {plain(name): name for name in _INTEGERS + _TEXTS + _FLOATS}


def read(path, also_required=()):
    """Reads a table of TCEs, a part of the file at a time: its cells take ten times the memory of their numbers.

    Columns are known by name, in any order and in every published spelling (`Transit Depth`, `q_ingress`); lines may
    end in LF, CR LF or CR. A column has one type, whatever a single cell holds: integer (an empty camera or ccd is 0,
    no detector), text, or float (an empty cell is NaN). A column that is not of the TCE table is float where all its
    cells are numbers, else text.

    Args:
      path: CSV file.
      also_required: names of further columns that must be there.

    Returns:
      DataFrame in the file's order, columns under their canonical names, Duration in HOURS.
      List of Skip: the rows that are not in it, for they have a wrong number of fields, text in a numeric column, or
      lack what every TCE needs.

    Raises:
      ScriptError: the file lacks a column or has no rows.
      OSError: the file cannot be read.
    """
    return _read(path, also_required, _TEXTS)


def _read(path, also_required, texts):
    """read(), where `texts` are the names of the columns that are known to be text."""
    import pandas as pd

    parts, skips = [], []
    with open(path, newline=None, encoding="utf-8-sig", errors="replace") as file:
        rows = _rows(file)
        columns = [_CANONICAL.get(plain(name), name) for name in next(rows, [])]
        _check_columns(path, columns, also_required)
        some = iter(lambda: list(itertools.islice(rows, _ROWS_AT_A_TIME)), [])
        for part, skipped in map(functools.partial(_typed_part, columns, texts), some):
            parts.append(part)
            skips += skipped
    if not parts:
        raise ScriptError(f"{path} has a header and no TCE: nothing to do")

    mixed = [name for name in columns if len({part[name].dtype for part in parts}) > 1]
    if mixed:  # numbers in one part of the file, and text in another
        return _read(path, also_required, (*texts, *mixed))
    # Column by column, so that never more than one of them is there twice.
    whole = {name: np.concatenate([part.pop(name) for part in parts]) for name in columns}
    table = {name: pd.Series(values, dtype=values.dtype, copy=False) for name, values in whole.items()}
    return _in_btjd(path, pd.DataFrame(table, copy=False), skips)


def _in_btjd(path, table, skips):
    """The table with its epochs in BTJD, and the list of Skip with those rows whose epoch is in no known system."""
    times = epochs.in_btjd(table.Epoc, table.Sectors)
    for note in times.notes:
        print(f"{path}: {note}", file=sys.stderr)
    if times.notes or times.problems:
        table = table.assign(Epoc=times.btjd)
    problems = _no_problems(table.index)
    for i, problem in times.problems.items():
        problems[i] = f"invalid: Epoc {problem}"
    kept, unclear = _part(table, problems)
    return (kept, skips + unclear) if unclear else (table, skips)


def doubts(path, table):
    """List of Warned of a table's implausible values; what is doubtful of whole columns is told on stderr.

    Args:
      path: of the table, for messages.
      table: DataFrame as read() returns it.
    """
    found = plausibility.doubts(table)
    for text in found.of_columns:
        print(f"warning: {path}: {text}", file=sys.stderr)
    ids = table[["row_id", "tic_id", "Sectors"]].to_numpy()
    return [Warned(*ids[i].tolist(), text) for i, texts in sorted(found.of_tces.items()) for text in texts]


def _rows(file):
    """Yields the header, and the rows that are not empty, as lists of stripped cells."""
    try:
        for row in csv.reader(file, strict=True):
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield cells
    except csv.Error as error:
        raise ScriptError(f"{file.name} is no CSV file ({error}): give the table of make_catalog.py") from error


def _typed_part(columns, texts, rows):
    """Dict of column name to array for the rows that can be used, and the list of Skip of the others."""
    import pandas as pd

    width = len(columns)
    # A row with too few fields keeps what it has, so that its skip can still say whose it is.
    cells = pd.DataFrame([(row + [""] * width)[:width] for row in rows], columns=columns, dtype=object)
    problems = _no_problems(cells.index)
    misshapen = pd.Series([len(row) < width or any(row[width:]) for row in rows])
    _note(problems, misshapen, lambda i: f"invalid: {len(rows[i])} fields where the header has {width}")
    typed = {name: _typed(name, cells[name], problems, texts) for name in columns}
    for name in _NEVER_EMPTY:
        _note(problems, typed[name].isna(), lambda i, name=name: f"incomplete: no {name}")

    good = problems == ""
    part = {name: values[good].to_numpy(np.int64 if name in _INTEGERS else None) for name, values in typed.items()}
    return part, _part(cells, problems)[1]


def _check_columns(path, columns, also_required):
    missing = [name for name in (*_REQUIRED, *also_required) if name not in columns]
    if missing:
        raise ScriptError(
            f"{path} has no column {', '.join(missing)} (it has {', '.join(columns) or 'none'}): "
            "rename or add it; make_catalog.py writes all columns"
        )
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ScriptError(f"{path} has more than one column {', '.join(repeated)}: keep one of each")


def _no_problems(index):
    """A Series for _note to write into."""
    import pandas as pd

    return pd.Series("", index=index)


def _note(problems, where, reason):
    """Writes reason(i) into `problems` at the rows `where` that have none yet."""
    for i in problems.index[where & (problems == "")]:
        problems[i] = reason(i)


def _typed(name, cells, problems, texts):
    """A column in its type; cells that do not fit are told in `problems`."""
    import pandas as pd

    if name in texts:
        return _interned(cells)
    filled = ~cells.str.lower().isin(_EMPTY)
    values = pd.Series([_number(cell) for cell in cells.where(filled, "nan")], cells.index, float)
    is_text = filled & values.isna()
    if name not in _INTEGERS + _FLOATS:
        return _interned(cells) if is_text.any() else values
    _note(problems, is_text, lambda i: f"invalid: text {cells[i]!r} in numeric column {name}")
    _note(problems, np.isinf(values), lambda i: f"invalid: {cells[i]} in column {name} is not finite")
    if name in _INTEGERS:
        wrong = filled & ~((values % 1 == 0) & (values >= 0) & (values <= _LARGEST_INTEGER))
        _note(problems, wrong, lambda i: f"invalid: {cells[i]} in column {name} is not a whole number")
    return values.fillna(0) if name in ("camera", "ccd") else values


def _interned(cells):
    """Text of which there is one copy, however often it occurs."""
    import pandas as pd

    return pd.Series([sys.intern(cell) for cell in cells], cells.index, object)


def _number(text):
    try:
        return parse_float(text)
    except ValueError:
        return np.nan


def drop_unusable(table, allow_unlabeled=False):
    """Drops the rows that no record is to be made of, whatever their light curves hold.

    Those are rows of an unknown disposition, with a depth that is no dip, and exact duplicates (row_id does not count:
    where two tables list the same TCE, it has two).

    Args:
      table: DataFrame as read() returns it.
      allow_unlabeled: whether a TCE without a disposition is welcome, as it is where nothing is learned from it.

    Returns:
      DataFrame with the other rows, and the list of Skip.
    """
    problems = _no_problems(table.index)
    known = (*DISPOSITIONS, "") if allow_unlabeled else DISPOSITIONS
    _note(
        problems,
        ~table.Disposition.isin(known),
        lambda i: f"invalid: unknown disposition {table.Disposition[i]!r}, not one of {', '.join(DISPOSITIONS)}",
    )
    _note(problems, table.Transit_Depth <= 0, lambda i: f"invalid: Transit_Depth is {table.Transit_Depth[i]:g} ppm")
    repeats = table.drop(columns="row_id").duplicated()
    _note(problems, repeats, lambda i: "duplicate: an earlier row is the same in every column but row_id")
    return _part(table, problems)


def drop_faint(table, threshold):
    """Drops the rows whose S/N is below a threshold or not known; returns the others, and the list of Skip."""
    problems = _no_problems(table.index)
    _note(problems, ~table.SN.ge(threshold), lambda i: f"threshold: SN is {table.SN[i]:g}, below {threshold:g}")
    return _part(table, problems)


def _part(table, problems):
    noted = table[problems != ""]
    skips = [Skip(*row) for row in zip(noted.row_id, noted.tic_id, noted.Sectors, problems[noted.index])]
    return table[problems == ""], skips


def to_record_columns(table):
    """The columns as records hold them.

    Duration is in days, V and IS are J, and is_multi is 1 where the star has more than one row in the table.
    """
    return table.assign(
        Duration=table.Duration / 24,
        Disposition=table.Disposition.replace(["V", "IS"], "J"),
        is_multi=table.duplicated("tic_id", keep=False).astype(np.int64),
    )
