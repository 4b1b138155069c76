"""Reads the rows of a table under our column names, whatever the table calls its columns."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Optional, Union

from astronet.base import tables
from astronet.base.script import ScriptError
from light_curve_util.numerals import is_empty, mixed_decimals, parse_float, with_decimal_point
from light_curve_util.products.column_names import plain


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
      number: number of the row, counted from 1.
      cells: text of the cells by our column names; columns that the table lacks are absent.
      has_decimal_commas: whether numbers may have a decimal comma, because no comma separates the cells.
    """

    number: int
    cells: dict[str, str]
    has_decimal_commas: bool = False

    def text(self, name: str) -> str:
        """Returns the text of a cell; "" if the cell has no value or the table lacks the column."""
        cell = self.cells.get(name, "")
        return "" if is_empty(cell) else cell

    def value(self, name: str) -> Optional[float]:
        """Returns the number in a cell, or None if the cell has no value.

        Raises:
          ValueError: the cell holds no finite number, or one that is in doubt beside decimal commas; the message names
            the column.
        """
        text = self.text(name)
        if not text:
            return None
        if self.has_decimal_commas and (problem := mixed_decimals([text], list(self.cells.values()))):
            raise ValueError(f"{name}: {problem}")
        try:
            number = parse_float(with_decimal_point(text) if self.has_decimal_commas else text)
        except ValueError:
            number = float("inf")
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{name} is {text!r}, no finite number")
        return number


@dataclasses.dataclass(frozen=True)
class Rows:
    """All rows of a table.

    Attributes:
      rows: the rows that have as many cells as the header.
      broken: pairs (number, reason) of the other rows.
      names: the table's column names by ours.
      units: units by our column names, as the table writes them; columns without a unit are absent.
      sha256: hash of the file.
    """

    rows: list[Row]
    broken: list[tuple[int, str]]
    names: dict[str, str]
    units: dict[str, str]
    sha256: str


def read(
    path: Union[str, os.PathLike], spellings: Mapping[str, Sequence[str]], required: Sequence[str], advice: str = ""
) -> Rows:
    """Returns the rows of a table, with the cells of some columns as text.

    Args:
      path: any table that base/tables.py reads.
      spellings: names that tables use for each of our columns, the preferred one first; case, blanks and punctuation
        do not count.
      required: our columns that the table must have.
      advice: remedy for the message if one is absent.

    Raises:
      ScriptError: the file is no table, or lacks a required column.
    """
    with tables.open_table(path) as table:
        first = {plain(name): position for position, name in reversed(list(enumerate(table.columns)))}
        candidates = {
            ours: [first[plain(name)] for name in names if plain(name) in first] for ours, names in spellings.items()
        }
        if not any(table.columns):
            raise ScriptError(f"{path} is empty: give a table with columns {', '.join(required)}")
        lacking = [name for name in required if not candidates[name]]
        if lacking:
            columns = ", ".join(filter(None, table.columns))
            raise ScriptError(
                f"{path} has no column {', '.join(lacking)}: name it so{advice}; its columns are {columns}"
            )
        positions = {ours: places[0] for ours, places in candidates.items() if places}
        rows, broken = [], []
        for number, cells in enumerate(table.rows(), 1):
            if len(cells) == len(table.columns):
                of_ours = {ours: cells[position] for ours, position in positions.items()}
                rows.append(Row(number, of_ours, has_decimal_commas=table.delimiter in (";", "\t")))
            else:
                broken.append((number, f"it has {len(cells)} cells, the header has {len(table.columns)}"))
        names = {ours: table.columns[position] for ours, position in positions.items()}
        units = {ours: table.units[name] for ours, name in names.items() if name in table.units}
        return Rows(rows, broken, names, units, str(table.sha256))  # all rows are read: it has one
