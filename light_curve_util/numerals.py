"""Numbers in text files, and the cells that hold none."""

import re
from collections.abc import Collection

_EMPTY = frozenset(("", "nan", "na", "n/a", "none", "null", "-", "--", "---", "..."))


def is_empty(cell: str) -> bool:
    """Whether a cell of a table is empty or says that there is no value.

    >>> is_empty(" "), is_empty("N/A"), is_empty("0")
    (True, True, False)
    """
    return cell.strip().lower() in _EMPTY


def parse_float(text: str) -> float:
    """The number that a text stands for; NaN and infinity are numbers.

    Python's float() also takes underscores between digits, for which no file has a use: there, one is damage.

    Raises:
      ValueError: it stands for none.
    """
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def with_decimal_point(text: str) -> str:
    """The text of a number that may have a decimal comma, with a point; any other text as it is.

    >>> with_decimal_point("1326,5"), with_decimal_point("1,2,3")
    ('1326.5', '1,2,3')
    """
    return re.sub(r"^([+-]?\d*),(\d+([eE][+-]?\d+)?)$", r"\1.\2", text)


def mixed_decimals(numbers: Collection[str], cells: Collection[str]) -> str:
    """What is wrong with a row that has decimal commas and a point that could separate thousands; "" if nothing is.

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
    """A number and its noun, in the plural where the number asks for it.

    >>> numbered(1, "time"), numbered(2, "time")
    ('1 time', '2 times')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
