"""Splits text files into rows: with or without a header, with any separator, and with decimal commas or points."""

import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Sequence
from typing import Optional

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.numerals import is_empty, parse_float

_COMMENT, _PREAMBLE = "#", ("#", "%")
_SEPARATORS = "\t;|,"  # in this order: a comma may be a decimal one, or part of a name
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
_ECSV_UNIT = re.compile(r"name: '?([^',}]+)'?, unit: '?([^',}]+)'?")


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Attributes:
      header: names of the columns; if the file has no names, "1", "2", ...
      rows: list of (number of the line, list of cells). There are as many cells as names.
      has_header: whether the file has names of columns.
      units: dict of column name to unit, from an ECSV header or from a second row without any number.
    """

    header: list[str]
    rows: list[tuple[int, list[str]]]
    has_header: bool
    units: dict[str, str]

    def numbers(self, column: int) -> list[float]:
        """Returns the numbers of a column; NaN for an empty cell, or for a word such as "null".

        Raises:
          UnreadableLightCurveError: a cell is not a number; the message names its line.
        """
        numbers = []
        for line, row in self.rows:
            cell = row[column]
            try:
                numbers.append(parse_float(cell or "nan"))
            except ValueError:
                numbers.append(_unusual(cell, line, self.header[column]))
        return numbers


def parse(text: str) -> Rows:
    """Splits a text into rows.

    Raises:
      UnreadableLightCurveError: the number of cells in a row differs from the header's.
      csv.Error: a quoted cell does not end.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith(_PREAMBLE)), len(lines))
    comments = [line for line in lines[:first] if line.startswith(_PREAMBLE)]
    separator = _separator(lines[first : first + 2])
    rows = [(line + first, row) for line, row in _split("\n".join(lines[first:]), separator)]
    header, has_header = (rows.pop(0)[1] if rows else []), True
    if header and all(map(_is_number, header)):
        rows.insert(0, (first + 1, header))
        header, has_header = _header_in(comments, len(header))
    for line, row in rows:
        if len(row) != len(header):
            raise UnreadableLightCurveError(_ragged(line, row, header, separator))
    units = {name: unit for line in comments for name, unit in _ECSV_UNIT.findall(line)}
    if has_header and rows and not any(_is_number(cell) or not cell.strip() for cell in rows[0][1]):
        units = dict(zip(header, rows.pop(0)[1]))
    return Rows(header, rows, has_header, units)


def _separator(lines: Sequence[str]) -> Optional[str]:
    """Returns the separator of the first lines; None means any number of blanks."""
    for separator in _SEPARATORS:
        if lines and separator in lines[0]:
            cells = lines[0].split()
            if separator == "," and len(cells) > 1 and all(map(_DECIMAL_COMMA.fullmatch, cells)):
                return None
            return separator
    # "time flux" may be the name of one column; a line of one cell has no separator at all.
    return None if lines and len(lines[0].split()) > 1 else ","


def _split(text: str, separator: Optional[str]) -> Iterator[tuple[int, list[str]]]:
    """Yields (number of the line, cells) of the lines that are not empty and not comments."""
    if separator is None:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and not line.startswith(_COMMENT):
                yield number, line.split()
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    for row in reader:
        if row and not row[0].startswith(_COMMENT):
            yield reader.line_num, row


def _header_in(comments: Sequence[str], length: int) -> tuple[list[str], bool]:
    """Returns the column names in the last comment and True, if their number fits; else column numbers and False."""
    for comment in reversed(comments):
        names = comment.lstrip("#% ")
        for cells in (names.split(), *(names.split(separator) for separator in _SEPARATORS)):
            if len(cells) == length and not any(map(_is_number, cells)):
                return [cell.strip() for cell in cells], True
    return [str(number) for number in range(1, length + 1)], False


def _is_number(cell: str) -> bool:
    cell = cell.strip()
    if _DECIMAL_COMMA.fullmatch(cell):
        return True
    try:
        parse_float(cell)
    except ValueError:
        return False
    return True


def _unusual(cell: str, line: int, name: str) -> float:
    if is_empty(cell):
        return float("nan")
    if _DECIMAL_COMMA.fullmatch(cell):
        return float(cell.replace(",", "."))
    raise UnreadableLightCurveError(
        f"line {line}: {name} is {cell!r}, which is no number: correct it, or leave it empty"
    )


def _ragged(line: int, row: Sequence[str], header: Sequence[str], separator: Optional[str]) -> str:
    text = f"line {line} has {len(row)} cells, the first has {len(header)}"
    if separator == "," and len(row) == 2 * len(header):
        return f"{text}: with decimal commas, columns must be separated by something else; write decimal points"
    return f"{text}: fetch or make the file again"
