"""Reads TIC IDs and sectors from the cells of tables. Ambiguous text is refused, with the reason."""

import re

from light_curve_util.numerals import is_empty

LARGEST = 2**53 - 1  # the largest number below which floats hold every integer; it also fits into file names

_SECTORS = re.compile(r"(?:(?:sector|s)[_-]?)?0*(\d{1,5})(?:\.0*)?(?:-(?:sector|s)?0*(\d{1,5}))?", re.IGNORECASE)
_MOST_SECTORS = 1000  # longest plausible range of sectors


def parse_tic_id(text: str) -> int:
    """Returns the TIC ID in the text of a cell.

    >>> parse_tic_id("TIC 402026209"), parse_tic_id("402026209.0")
    (402026209, 402026209)

    Raises:
      ValueError: the text is not a TIC ID, or has lost digits; the message says which.
    """
    match = re.fullmatch(r"(?:(?:TIC|KIC)[ -]?)?0*(\d{1,16})(?:\.0*)?", text, re.IGNORECASE)
    if match and int(match[1]) <= LARGEST:
        return int(match[1])
    if re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+]?\d+", text):
        raise ValueError(
            f"{text!r} has lost digits, in a spreadsheet perhaps: format the column as whole numbers, export it again"
        )
    if re.fullmatch(r"(?:(?:TIC|KIC|TOI|CTOI)[ -]?)?\d+\.\d+", text, re.IGNORECASE):
        raise ValueError(f"{text!r} is no whole number: a planet candidate's, perhaps; give the TIC ID of its star")
    raise ValueError(f"{text!r} is no TIC ID, a whole number")


def parse_sectors(text: str) -> tuple[int, ...]:
    """Returns the sectors in the text of a cell, sorted, without repetitions.

    >>> parse_sectors("28,1 2"), parse_sectors("s0001-s0003"), parse_sectors("")
    ((1, 2, 28), (1, 2, 3), ())

    Raises:
      ValueError: the text is not a sector or a list of sectors.
    """
    if text.isdecimal() and len(text) < 6:  # the most frequent case, done fast
        return (int(text),)
    if is_empty(text):
        return ()
    sectors: set[int] = set()
    for part in re.split(r"[\s,;&+/|]+", text.strip("[]() ")):
        match = _SECTORS.fullmatch(part)
        if not match:
            raise ValueError(f"{text!r} is no sector, and no list of sectors")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if not first <= last < first + _MOST_SECTORS:
            raise ValueError(f"{text!r} is no range of sectors")
        sectors.update(range(first, last + 1))
    return tuple(sorted(sectors))
