"""Reads star parameters from an extract of the TIC: an SQLite file with a table or view `tic`, or any other table.

The columns are id, ra, dec, tmag, rad, mass, teff, logg and, optionally, gaia_rad and gaia_teff. Their order does not
matter, nor does upper or lower case.
"""

import contextlib
import itertools
import os
import pathlib
import sqlite3
from collections.abc import Iterable
from typing import Union

import numpy as np

from astronet.base import tables
from astronet.base.script import ScriptError
from astronet.base.tables import open_table
from astronet.data.catalog import positions, spellings, tic_ids
from astronet.data.catalog.stars.star import GAIA_COLUMNS, TIC_COLUMNS, Star, make_star
from astronet.data.records.columns import DEC, RA
from light_curve_util.numerals import parse_float

_MAX_ROWS_WITHOUT_INDEX = 100_000
_IDS_PER_QUERY = 500  # old builds of SQLite take 999 at most
_ROWS_AT_A_TIME = 10_000
_SQLITE_START = b"SQLite format 3\x00"
_SQLITE_ENDS = (".sqlite", ".sqlite3", ".db", ".db3")


def open_extract(path: tables.Path) -> "Union[SqliteCatalog, TableCatalog]":
    """Opens a TIC extract: an SQLite file, or any table that astronet.base.tables reads.

    Raises:
      ScriptError: the file does not exist, cannot be read, or lacks a column; the message names it.
    """
    if not os.path.isfile(path):
        raise ScriptError(f"no TIC extract {path}: give an existing file to --star_catalog=local:PATH")
    with open(path, "rb") as file:
        is_sqlite = file.read(len(_SQLITE_START)) == _SQLITE_START
    if is_sqlite or os.fspath(path).lower().endswith(_SQLITE_ENDS):
        return SqliteCatalog(path)
    return TableCatalog(path, *_read_table(path))


def _check_columns(path, names):
    missing = [column for column in ("id", *TIC_COLUMNS) if column not in names]
    if missing:
        raise ScriptError(f"{path} has no column {', '.join(missing)}: rename or add it")


def _not_an_extract(path, error):
    text = str(error)
    if "locked" in text or "busy" in text:
        return ScriptError(
            f"{path} is locked by a program that writes to it ({error}): wait until it is done, or copy it"
        )
    if "unable to open" in text or "readonly" in text:
        return ScriptError(
            f"{path} cannot be opened by SQLite ({error}): is its directory readable, and its -wal there?"
        )
    return ScriptError(f"{path}: not a TIC extract, or a damaged one ({error}): make or copy it again")


class SqliteCatalog:
    """A star catalog in an SQLite file. Only the rows of the requested stars are read."""

    def __init__(self, path: tables.Path) -> None:
        self.name = os.fspath(path)
        try:
            with self._connection() as connection:
                columns = {row[1].lower() for row in connection.execute("PRAGMA table_info(tic)")}
                if not columns:
                    raise ScriptError(f"{path} has no table tic: give another file to --star_catalog=local:PATH")
                _check_columns(path, columns)
                self._check_index(connection)
        except sqlite3.Error as error:
            raise _not_an_extract(path, error) from error
        self._selected = ", ".join(column if column in columns else "NULL" for column in (*TIC_COLUMNS, *GAIA_COLUMNS))

    def _connection(self):
        """Returns a read-only connection that closes at the end of a `with` block."""
        path = pathlib.Path(self.name).absolute()
        return contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True))

    def _check_index(self, connection):
        plan = [row[-1] for row in connection.execute("EXPLAIN QUERY PLAN SELECT * FROM tic WHERE id = 0")]
        # The plan of a view has a step for each of its tables. SQLite builds an AUTOMATIC index again for every query.
        slow = [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step or "AUTOMATIC" in step]
        some = f"SELECT count(*) FROM (SELECT 1 FROM tic LIMIT {_MAX_ROWS_WITHOUT_INDEX + 1})"
        if slow and connection.execute(some).fetchone()[0] > _MAX_ROWS_WITHOUT_INDEX:
            is_view = connection.execute("SELECT type FROM sqlite_master WHERE lower(name) = 'tic'").fetchone() == (
                "view",
            )
            mend = (
                f"index the columns by which the view tic joins its tables ({'; '.join(slow)})"
                if is_view
                else f"make one: sqlite3 {self.name} 'CREATE INDEX tic_by_id ON tic (id)'"
            )
            raise ScriptError(
                f"{self.name}: looking up a star would take a pass through the whole table, for it has no index; {mend}"
            )

    def stars(self, tic_ids: Iterable[int]) -> dict[int, Star]:
        tic_ids, star_of = list(dict.fromkeys(tic_ids)), {}
        for start in range(0, len(tic_ids), _IDS_PER_QUERY):
            some = tic_ids[start : start + _IDS_PER_QUERY]
            query = f"SELECT DISTINCT id, {self._selected} FROM tic WHERE id IN ({', '.join('?' * len(some))})"
            try:
                with self._connection() as connection:
                    rows = connection.execute(query, some).fetchall()
            except sqlite3.Error as error:
                raise _not_an_extract(self.name, error) from error
            for tic_id, *values in rows:
                if int(tic_id) in star_of:
                    raise _contradiction(self.name, tic_id)
                star = make_star(values[:-2], values[-2:])
                _check_position(self.name, tic_id, star.ra, star.dec)
                star_of[int(tic_id)] = star
        return star_of


def _check_position(path, tic_id, ra_deg, dec_deg):
    for column, value_deg in ((RA, ra_deg), (DEC, dec_deg)):
        if problem := positions.problem(column, value_deg):
            raise ScriptError(f"{path}: {column} of TIC {tic_id}: {problem}: correct it, or leave it empty")


def _contradiction(path, tic_id):
    return ScriptError(f"{path} has several rows of TIC {tic_id}, and they differ: leave the right one")


class TableCatalog:
    """A star catalog in memory, sorted by TIC ID.

    Args:
      path: path of the file, for messages.
      tic_ids: int array. [rows]
      values: float array of TIC_COLUMNS and GAIA_COLUMNS, NaN where unknown. [rows, 9]
    """

    def __init__(self, path: tables.Path, tic_ids: np.ndarray, values: np.ndarray) -> None:
        self.name = os.fspath(path)
        order = np.argsort(tic_ids, kind="stable")
        self._ids, self._values = tic_ids[order], values[order]
        repeats = np.flatnonzero(np.diff(self._ids) == 0)
        differ = ~np.all(_equal(self._values[repeats], self._values[repeats + 1]), axis=1)
        if differ.any():
            raise _contradiction(path, self._ids[repeats[differ][0]])

    def stars(self, tic_ids: Iterable[int]) -> dict[int, Star]:
        wanted = np.unique(np.fromiter(tic_ids, np.int64))
        rows = np.searchsorted(self._ids, wanted)
        known = np.flatnonzero(rows < len(self._ids))
        known = known[self._ids[rows[known]] == wanted[known]]
        return {int(wanted[i]): make_star(self._values[rows[i], :-2], self._values[rows[i], -2:]) for i in known}


def _equal(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


def _read_table(path):
    """Returns (tic_ids [rows], values [rows, 9]) of a table file."""
    with open_table(path) as table:
        names = [name.lower() for name in table.columns]
        _check_columns(path, names)
        id_place = names.index("id")
        places = [names.index(name) if name in names else None for name in (*TIC_COLUMNS, *GAIA_COLUMNS)]
        ids, values = [np.empty(0, np.int64)], [np.empty((0, len(places)))]
        converts = [_converter(table, names, name) for name in (*TIC_COLUMNS, *GAIA_COLUMNS)]
        rows, first = table.rows(), 1
        while some := list(itertools.islice(rows, _ROWS_AT_A_TIME)):
            _check_shapes(path, some, len(names), first)
            ids.append(np.array([_tic_id(path, row[id_place], first + i) for i, row in enumerate(some)], np.int64))
            columns = [
                np.full(len(some), np.nan) if place is None else np.array([convert(row[place]) for row in some])
                for place, convert in zip(places, converts)
            ]
            for tic_id, ra_deg, dec_deg in zip(ids[-1], *columns[:2]):
                if not (0 <= ra_deg <= 360 and -90 <= dec_deg <= 90):
                    _check_position(path, tic_id, ra_deg, dec_deg)
            values.append(np.stack(columns, axis=1))
            first += len(some)
    return np.concatenate(ids), np.concatenate(values)


def _check_shapes(path, rows, width, first):
    for i, row in enumerate(rows):
        if len(row) != width:
            raise ScriptError(
                f"{path}: row {first + i} has {len(row)} fields where the header has {width}: if the file was cut "
                "short, make or copy it again"
            )


def _tic_id(path, text, row):
    try:
        return tic_ids.parse_tic_id(text)
    except ValueError as error:
        raise ScriptError(f"{path}: the id of row {row} is not a TIC ID ({error}): mend or remove that row") from None


def _converter(table, names, name):
    """Returns a function from the text of a cell to its number in the TIC's unit; NaN if the text is not a number."""
    column = {"ra": RA, "dec": DEC}.get(name, "")
    unit = table.units.get(table.columns[names.index(name)], "") if name in names else ""
    convert, problem = spellings.in_unit(column, unit)
    if problem:
        raise ScriptError(f"{table.path}: column {name} cannot be used: {problem}")
    has_commas = table.delimiter in (";", "\t")

    def number(text):
        try:
            value = parse_float(convert(text) if convert else text)
        except ValueError:
            if has_commas and "," in text:
                return number(text.replace(",", ".", 1))
            sexagesimal = positions.degrees(column, text) if column and text else None
            value = np.nan if sexagesimal is None else sexagesimal
        return value if np.isfinite(value) else np.nan

    return number
