"""TIC IDs and sectors as tables write them: what is plainly one is read, everything else is refused with the reason."""

import re

LARGEST = 2**53 - 1  # up to which a float holds each whole number, and file names have room

_EMPTY = ("", "nan", "na", "n/a", "none", "null", "--", "-")
_SECTORS = re.compile(r"(?:(?:sector|s)[_-]?)?0*(\d{1,5})(?:\.0*)?(?:-(?:sector|s)?0*(\d{1,5}))?", re.IGNORECASE)
_MOST_SECTORS = 1000  # of a range; more is a slip


def parse_tic_id(text: str) -> int:
    """The TIC ID that a cell holds.

    >>> parse_tic_id("TIC 402026209"), parse_tic_id("402026209.0")
    (402026209, 402026209)

    Raises:
      ValueError: it holds none, with the reason; or one that has lost digits.
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
    """The sectors that a cell holds, each once, in order: `1`, `1,2,28`, `1 2 28`, `S0001`, `s0001-s0003`.

    >>> parse_sectors("28,1 2"), parse_sectors("s0001-s0003"), parse_sectors("")
    ((1, 2, 28), (1, 2, 3), ())

    Raises:
      ValueError: it holds something else, with the reason.
    """
    if text.isdecimal() and len(text) < 6:  # which most are
        return (int(text),)
    if text.lower() in _EMPTY:
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
