"""An extract of the TIC in one file: SQLite (table `tic`, indexed by id), CSV, or a FITS table.

Columns: id, ra, dec, tmag, rad, mass, teff, logg and, where there are any, gaia_rad and gaia_teff, in any case and
order.
"""

import contextlib
import csv
import os
import pathlib
import sqlite3
import warnings

import numpy as np

from astronet.data.star_catalog.star import GAIA_COLUMNS, TIC_COLUMNS, make_star
from astronet.util.script import ScriptError

_MAX_ROWS_WITHOUT_INDEX = 100_000
_IDS_PER_QUERY = 500  # old builds of SQLite take 999 at most


def open_extract(path):
    """A catalogue of the file, by its extension: .csv, .fits, .fit or .fits.gz; everything else is taken for SQLite.

    Raises:
      ScriptError: the file is not there, cannot be read, or lacks a column; the message names it.
    """
    if not os.path.isfile(path):
        raise ScriptError(f"no TIC extract {path}: give an existing file to --catalog=local:PATH")
    name = os.fspath(path).lower()
    if name.endswith(".csv"):
        return TableCatalog(path, *_read_csv(path))
    if name.endswith((".fits", ".fit", ".fits.gz")):
        return TableCatalog(path, *_read_fits(path))
    return SqliteCatalog(path)


def _check_columns(path, names):
    missing = [column for column in ("id", *TIC_COLUMNS) if column not in names]
    if missing:
        raise ScriptError(f"{path} has no column {', '.join(missing)}: rename or add it")


def _not_an_extract(path, error):
    return ScriptError(f"{path}: not a TIC extract, or a damaged one ({error}): make or copy it again")


class SqliteCatalog:
    """A database; only the rows asked for are read."""

    def __init__(self, path):
        self.name = os.fspath(path)
        try:
            with self._connection() as connection:
                columns = {row[1].lower() for row in connection.execute("PRAGMA table_info(tic)")}
                if not columns:
                    raise ScriptError(f"{path} has no table tic: give another file to --catalog=local:PATH")
                _check_columns(path, columns)
                self._check_index(connection)
        except sqlite3.Error as error:
            raise _not_an_extract(path, error) from error
        self._selected = ", ".join(column if column in columns else "NULL" for column in (*TIC_COLUMNS, *GAIA_COLUMNS))

    def _connection(self):
        """A connection that the end of a with block closes."""
        path = pathlib.Path(self.name).absolute()
        return contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True))

    def _check_index(self, connection):
        (plan,) = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM tic WHERE id = 0")
        some = f"SELECT count(*) FROM (SELECT 1 FROM tic LIMIT {_MAX_ROWS_WITHOUT_INDEX + 1})"
        if "SEARCH" not in plan[-1] and connection.execute(some).fetchone()[0] > _MAX_ROWS_WITHOUT_INDEX:
            raise ScriptError(
                f"{self.name}: looking up a star would take a pass through the whole table, for it has no index; make "
                f"one: sqlite3 {self.name} 'CREATE INDEX tic_by_id ON tic (id)'"
            )

    def stars(self, tic_ids):
        tic_ids, found = list(dict.fromkeys(tic_ids)), {}
        for start in range(0, len(tic_ids), _IDS_PER_QUERY):
            some = tic_ids[start : start + _IDS_PER_QUERY]
            query = f"SELECT DISTINCT id, {self._selected} FROM tic WHERE id IN ({', '.join('?' * len(some))})"
            try:
                with self._connection() as connection:
                    rows = connection.execute(query, some).fetchall()
            except sqlite3.Error as error:
                raise _not_an_extract(self.name, error) from error
            for tic_id, *values in rows:
                if int(tic_id) in found:
                    raise _contradiction(self.name, tic_id)
                found[int(tic_id)] = make_star(values[:-2], values[-2:])
        return found


def _contradiction(path, tic_id):
    return ScriptError(f"{path} has several rows of TIC {tic_id}, and they differ: leave the right one")


class TableCatalog:
    """A whole table in memory, sorted by id.

    Args:
      path: the file, for messages.
      tic_ids: int array. [rows]
      values: floats, TIC_COLUMNS and then GAIA_COLUMNS, NaN where unknown. [rows, 9]
    """

    def __init__(self, path, tic_ids, values):
        self.name = os.fspath(path)
        order = np.argsort(tic_ids, kind="stable")
        self._ids, self._values = tic_ids[order], values[order]
        repeats = np.flatnonzero(np.diff(self._ids) == 0)
        differ = ~np.all(_equal(self._values[repeats], self._values[repeats + 1]), axis=1)
        if differ.any():
            raise _contradiction(path, self._ids[repeats[differ][0]])

    def stars(self, tic_ids):
        wanted = np.unique(np.fromiter(tic_ids, np.int64))
        rows = np.searchsorted(self._ids, wanted)
        there = np.flatnonzero(rows < len(self._ids))
        there = there[self._ids[rows[there]] == wanted[there]]
        return {int(wanted[i]): make_star(self._values[rows[i], :-2], self._values[rows[i], -2:]) for i in there}


def _equal(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


def _arrays(path, ids, columns):
    """(tic_ids [rows], values [rows, 9]) of a table's columns: id as floats, the others by name."""
    bad = np.flatnonzero(~(np.isfinite(ids) & (ids % 1 == 0)))
    if len(bad):
        raise ScriptError(
            f"{path}: the id of row {bad[0] + 1} is not a TIC ID (a whole number): mend or remove that row"
        )
    unknown = np.full(len(ids), np.nan)
    values = [columns.get(name, unknown) for name in (*TIC_COLUMNS, *GAIA_COLUMNS)]
    return ids.astype(np.int64), np.stack(values, axis=1)


def _read_csv(path):
    import pandas as pd

    try:
        names = _check_csv(path)
        with open(path, newline=None, encoding="utf-8-sig") as file:
            wanted = [i for i, name in enumerate(names) if name in ("id", *TIC_COLUMNS, *GAIA_COLUMNS)]
            table = pd.read_csv(file, header=0, names=names, usecols=wanted, index_col=False, skipinitialspace=True)
    except (csv.Error, ValueError) as error:  # of the latter are what pandas says and text in another encoding
        raise _not_an_extract(path, error) from error
    columns = {name: pd.to_numeric(table[name], errors="coerce").to_numpy(float) for name in table.columns}
    return _arrays(path, columns.pop("id"), columns)


def _check_csv(path):
    """The names of the columns. pandas would fill up, without a word, the row in which a file was cut short."""
    with open(path, newline=None, encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        names = [name.strip().lower() for name in next(rows, [])]
        _check_columns(path, names)
        for row in rows:
            if row and len(row) != len(names):
                raise ScriptError(
                    f"{path} line {rows.line_num} has {len(row)} fields where the header has {len(names)}: if the file "
                    "was cut short, make or copy it again"
                )
    return names


def _read_fits(path):
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", ".*truncated")
            table = Table.read(path, format="fits")
    except (OSError, TypeError, ValueError, LookupError, UserWarning) as error:
        raise _not_an_extract(path, error) from error
    table.rename_columns(list(table.colnames), [name.lower() for name in table.colnames])
    _check_columns(path, table.colnames)
    try:
        columns = {
            name: np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan)
            for name in ("id", *TIC_COLUMNS, *GAIA_COLUMNS)
            if name in table.colnames
        }
    except (TypeError, ValueError) as error:
        raise _not_an_extract(path, error) from error
    return _arrays(path, columns.pop("id"), columns)
