"""Star parameters by TIC ID, from whichever catalogue is at hand.

A catalogue is an object with a `name` and `star(tic_id) -> Star`. Gaia's radius and effective temperature, where there
are any, stand in for the TIC's.
"""

import csv
import dataclasses
import importlib.util
import math
import os
import sqlite3

from astronet.util.script import ScriptError

TIC_COLUMNS = ("ra", "dec", "tmag", "rad", "mass", "teff", "logg")
GAIA_COLUMNS = ("gaia_rad", "gaia_teff")
_GAIA_MATCH_DEGREES = 0.02


class StarNotFoundError(LookupError):
    """The catalogue has no such star."""


@dataclasses.dataclass(frozen=True)
class Star:
    """Degrees, TESS magnitude, solar radii, solar masses, kelvin, log10(cm/s2); NaN where unknown."""

    ra: float = math.nan
    dec: float = math.nan
    tmag: float = math.nan
    rad: float = math.nan
    mass: float = math.nan
    teff: float = math.nan
    logg: float = math.nan


def _number(value):
    """A float; NaN for None and text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _star(values, gaia_rad, gaia_teff):
    """A Star of TIC_COLUMNS, with Gaia's radius and temperature where they are numbers."""
    star = Star(*map(_number, values))
    known = {name: value for name, value in (("rad", gaia_rad), ("teff", gaia_teff)) if math.isfinite(value)}
    return dataclasses.replace(star, **known)


class LocalCatalog:
    """An extract of the TIC in one file: SQLite with a table `tic` indexed by `id`, or a CSV with the same columns."""

    def __init__(self, path):
        self.name = str(path)
        if not os.path.isfile(path):
            raise ScriptError(f"no TIC extract {path}: give an existing file to --catalog=local:PATH")
        try:
            self._connection = _load_csv(path) if self.name.endswith(".csv") else sqlite3.connect(path)
            there = {row[1].lower() for row in self._connection.execute("PRAGMA table_info(tic)")}
        except (sqlite3.Error, csv.Error, UnicodeDecodeError) as error:
            raise ScriptError(f"{path}: not a TIC extract ({error})") from error
        missing = [column for column in ("id", *TIC_COLUMNS) if column not in there]
        if missing:
            raise ScriptError(f"{path}: table tic has no column {', '.join(missing)}")
        gaia = [column if column in there else "NULL" for column in GAIA_COLUMNS]
        self._query = f"SELECT {', '.join([*TIC_COLUMNS, *gaia])} FROM tic WHERE id = ?"

    def star(self, tic_id):
        row = self._connection.execute(self._query, (tic_id,)).fetchone()
        if row is None:
            raise StarNotFoundError(f"TIC {tic_id} is not in {self.name}")
        return _star(row[:-2], *map(_number, row[-2:]))


def _load_csv(path):
    """A database in memory that holds a CSV as its table tic."""
    with open(path, newline=None, encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    names = ", ".join(f'"{name.strip().lower()}" NUMERIC' for name in header)
    connection = sqlite3.connect(":memory:")
    if header:
        connection.execute(f"CREATE TABLE tic ({names})")
        connection.executemany(f"INSERT INTO tic VALUES ({', '.join('?' * len(header))})", rows)
        connection.execute("CREATE INDEX tic_by_id ON tic (id)")
    return connection


class PdoCatalog:
    """The TIC and Gaia DR2 as MIT's private packages serve them."""

    name = "pdo"

    def __init__(self):
        try:
            from qlp.util.gaia import GaiaCatalog
            from tsig.catalog import TIC
        except ImportError as error:
            raise ScriptError(
                f"--catalog=pdo needs MIT's packages tsig and qlp ({error}); elsewhere give --catalog=local:PATH"
            ) from error
        self._tic, self._gaia = TIC(), GaiaCatalog()

    def star(self, tic_id):
        rows = _records(self._tic.query_by_id(tic_id, ",".join(("id", *TIC_COLUMNS))), ("id", *TIC_COLUMNS))
        if not rows:
            raise StarNotFoundError(f"TIC {tic_id} is not in the TIC")
        star = _star([rows[0][column] for column in TIC_COLUMNS], math.nan, math.nan)
        gaia_columns = ("radius_val", "teff_val")
        where = (star.ra, star.dec, _GAIA_MATCH_DEGREES, star.tmag)
        matches = _records(self._gaia.query_by_loc(*where), gaia_columns) if math.isfinite(star.ra + star.dec) else []
        gaia = [_number(matches[0].get(column)) for column in gaia_columns] if matches else [math.nan] * 2
        return _star(dataclasses.astuple(star), *gaia)


def _records(answer, columns):
    """A list of dicts, whether a query answered with a table, named rows, or bare rows in the order asked for."""
    if answer is None:
        return []
    if hasattr(answer, "to_dict"):  # pandas
        return answer.to_dict("records")
    if isinstance(answer, tuple) and len(answer) == 2 and not hasattr(answer[0], "keys"):
        answer = answer[0]  # (rows, names)
    names = getattr(getattr(answer, "dtype", None), "names", None)
    if hasattr(answer, "keys") or (names and getattr(answer, "ndim", 1) == 0):
        answer = [answer]
    return [_record(row, columns) for row in answer]


def _record(row, columns):
    if hasattr(row, "keys"):
        return dict(row)
    names = getattr(getattr(row, "dtype", None), "names", None)
    return {name: row[name] for name in names} if names else dict(zip(columns, row))


class NoCatalog:
    """Where no catalogue is at hand: every star is unknown, and its own row of the TCE table has to do."""

    name = "none"

    def star(self, tic_id):
        raise StarNotFoundError(f"no star catalogue is at hand for TIC {tic_id}")


def resolve(catalog, base_dir):
    """The name of the catalogue that a `--catalog` flag means: "pdo", "local:PATH" or "none".

    Args:
      catalog: "auto", "pdo" or "local:PATH"; auto is pdo where its packages are installed, else base_dir's tic.sqlite
        or tic.csv, else none.
      base_dir: directory of the TCE tables.

    Raises:
      ScriptError: the flag is none of these.
    """
    if catalog == "pdo" or catalog.startswith("local:"):
        return catalog
    if catalog != "auto":
        raise ScriptError(f"--catalog={catalog}: give auto, pdo or local:PATH")
    if all(importlib.util.find_spec(package) for package in ("tsig", "qlp")):
        return "pdo"
    for name in ("tic.sqlite", "tic.csv"):
        if os.path.isfile(os.path.join(base_dir, name)):
            return "local:" + os.path.join(base_dir, name)
    return "none"


def open_catalog(resolved):
    """Opens what `resolve` named. A catalogue holds connections: each process opens its own."""
    if resolved == "pdo":
        return PdoCatalog()
    if resolved == "none":
        return NoCatalog()
    return LocalCatalog(resolved[len("local:") :])
