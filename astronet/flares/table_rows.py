"""Rows of a table by the names that flare scripts use, whatever the table calls its columns."""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from typing import Optional, Union

from astronet.base import tables
from astronet.base.script import ScriptError
from light_curve_util.numerals import parse_float

EMPTY = ("", "nan", "na", "n/a", "none", "null", "--", "-")  # of a cell, in lower case: no value


@dataclasses.dataclass(frozen=True)
class Row:
    """One row; `cells` has the text of each of our columns that the table has, `number` counts from 1."""

    number: int
    cells: dict[str, str]

    def text(self, name: str) -> str:
        """The text of a cell; "" where it is empty or says that there is no value, or the table lacks the column."""
        cell = self.cells.get(name, "")
        return "" if cell.lower() in EMPTY else cell

    def value(self, name: str) -> Optional[float]:
        """The finite number of a cell, None where there is no value.

        Raises:
          ValueError: the cell holds something else; the message names the column.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            number = parse_float(text)
        except ValueError:
            number = float("inf")
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{name} is {text!r}, no finite number")
        return number


@dataclasses.dataclass(frozen=True)
class Rows:
    """All rows of a table.

    Attributes:
      rows: the rows, without the broken ones.
      broken: (number of a row, what is wrong with it) of the rows that have not as many cells as the header.
      names: dict of our column names to those of the table.
      units: dict of our column names to the text of the unit that the table tells.
      sha256: of the file.
    """

    rows: list[Row]
    broken: list[tuple[int, str]]
    names: dict[str, str]
    units: dict[str, str]
    sha256: str


def read(
    path: Union[str, os.PathLike], spellings: Mapping[str, Sequence[str]], required: Sequence[str], advice: str = ""
) -> Rows:
    """Reads the columns that are wanted of a table, as text.

    Args:
      path: any table that util/tables.py reads.
      spellings: dict of our column name to what tables call it, the preferred first; case, blanks and punctuation do
        not count.
      required: those of our columns that the table must have.
      advice: what to say where it lacks one.

    Raises:
      ScriptError: it is no table, or lacks a required column.
    """
    with tables.open_table(path) as table:
        there = {_plain(name): position for position, name in reversed(list(enumerate(table.columns)))}
        found = {
            ours: [there[_plain(name)] for name in names if _plain(name) in there] for ours, names in spellings.items()
        }
        lacking = [name for name in required if not found[name]]
        if lacking:
            columns = ", ".join(filter(None, table.columns)) or "nothing"
            raise ScriptError(
                f"{path} has no column {', '.join(lacking)}: name it so{advice}; its columns are {columns}"
            )
        positions = {ours: places[0] for ours, places in found.items() if places}
        rows, broken = [], []
        for number, cells in enumerate(table.rows(), 1):
            if len(cells) == len(table.columns):
                rows.append(Row(number, {ours: cells[position] for ours, position in positions.items()}))
            else:
                broken.append((number, f"it has {len(cells)} cells, the header has {len(table.columns)}"))
        names = {ours: table.columns[position] for ours, position in positions.items()}
        units = {ours: table.units[name] for ours, name in names.items() if name in table.units}
        return Rows(rows, broken, names, units, str(table.sha256))  # all rows are read: it has one


def _plain(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
