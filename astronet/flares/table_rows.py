"""Reads the rows of a table under our column names, whatever the table calls its columns."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Optional, Union

from astronet.base import tables
from astronet.base.script import ScriptError
from light_curve_util.numerals import is_empty, mixed_decimals, parse_float, with_decimal_point
from light_curve_util.products.column_names import plain

Path = Union[str, "os.PathLike[str]"]

_IDENTITY = ("tic_id",)  # columns whose other spellings mean the same, too


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


def read(path: Path, spellings: Mapping[str, Sequence[str]], required: Sequence[str], advice: str = "") -> Rows:
    """Returns the rows of a table, with the cells of some columns as text.

    Args:
      path: any table that base/tables.py reads.
      spellings: names that tables use for each of our columns, the preferred one first; case, blanks and punctuation
        do not count.
      required: our columns that the table must have.
      advice: remedy for the message if one is absent.

    Raises:
      ScriptError: the file is no table, lacks a required column, or has a column twice with different cells.
    """
    with tables.open_table(path) as table:
        places: dict[str, list[int]] = {}
        for position, name in enumerate(table.columns):
            places.setdefault(plain(name), []).append(position)
        candidates = {
            ours: [places[name] for name in dict.fromkeys(map(plain, names)) if name in places]
            for ours, names in spellings.items()
        }
        if not any(table.columns):
            raise ScriptError(f"{path} is empty: give a table with columns {', '.join(required)}")
        lacking = [name for name in required if not candidates[name]]
        if lacking:
            columns = ", ".join(filter(None, table.columns))
            raise ScriptError(
                f"{path} has no column {', '.join(lacking)}: name it so{advice}; its columns are {columns}"
            )
        positions = {ours: columns_found[0][0] for ours, columns_found in candidates.items() if columns_found}
        rivals = {
            ours: [
                position for same in (columns_found if ours in _IDENTITY else columns_found[:1]) for position in same
            ]
            for ours, columns_found in candidates.items()
        }
        rows, broken = [], []
        for number, cells in enumerate(table.rows(), 1):
            if len(cells) == len(table.columns):
                _refuse_contradiction(path, number, cells, rivals, table.columns)
                of_ours = {ours: cells[position] for ours, position in positions.items()}
                rows.append(Row(number, of_ours, has_decimal_commas=table.delimiter in (";", "\t")))
            else:
                broken.append((number, f"it has {len(cells)} cells, the header has {len(table.columns)}"))
        names = {ours: table.columns[position] for ours, position in positions.items()}
        units = {ours: table.units[name] for ours, name in names.items() if name in table.units}
        return Rows(rows, broken, names, units, str(table.sha256))  # all rows are read: it has one


def _refuse_contradiction(
    path: Path, number: int, cells: Sequence[str], rivals: Mapping[str, Sequence[int]], columns: Sequence[str]
) -> None:
    """Raises ScriptError if columns that are the same by their names have different cells in a row."""
    for ours, positions in rivals.items():
        if len({cells[position] for position in positions}) > 1:
            values = ", ".join(
                f"{columns[position]} (column {position + 1}): {cells[position]}" for position in positions
            )
            raise ScriptError(
                f"{path}, row {number}: {len(positions)} columns are taken for {ours}, and differ ({values}): keep the "
                "right one, and rename or remove the others"
            )
