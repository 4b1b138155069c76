"""Reads numbers from text, recognizes empty cells, and writes numbers with nouns."""

import re
from collections.abc import Collection

_EMPTY = frozenset(("", "nan", "na", "n/a", "none", "null", "-", "--", "---", "..."))


def is_empty(cell: str) -> bool:
    """Returns whether a cell of a table is empty, or says that there is no value.

    >>> is_empty(" "), is_empty("N/A"), is_empty("0")
    (True, True, False)
    """
    return cell.strip().lower() in _EMPTY


def parse_float(text: str) -> float:
    """Returns the number in a text. NaN and infinity are numbers.

    Unlike Python's float(), it refuses underscores between digits, because in a file they are a sign of damage.

    >>> parse_float(" 1.5e3 ")
    1500.0

    Raises:
      ValueError: the text is not a number.
    """
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def with_decimal_point(text: str) -> str:
    """Replaces the decimal comma of a number by a point. Returns any other text unchanged.

    >>> with_decimal_point("1326,5"), with_decimal_point("1,2,3")
    ('1326.5', '1,2,3')
    """
    return re.sub(r"^([+-]?\d*),(\d+([eE][+-]?\d+)?)$", r"\1.\2", text)


def mixed_decimals(numbers: Collection[str], cells: Collection[str]) -> str:
    """Returns a message if a row has decimal commas and also a point that may separate thousands; else "".

    Args:
      numbers: cells of the row that should be numbers.
      cells: all cells of the row.
    """
    if not any(re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", text) for text in cells):
        return ""
    of_numbers = (text for text in cells if text in numbers)
    doubtful = next((text for text in of_numbers if re.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d{3})+", text)), "")
    if not doubtful:
        return ""
    comma, none = doubtful.replace(".", ","), doubtful.replace(".", "")
    return f"{doubtful} beside decimal commas is {comma} or {none}: write it as one of them"


def numbered(count: int, noun: str) -> str:
    """Returns a number and a noun as text, with the noun in the plural if needed.

    >>> numbered(1, "time"), numbered(2, "time")
    ('1 time', '2 times')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
