"""Interprets the column names of tables of unknown sources, such as papers.

A name is a word, followed by a unit or a time system: `T0 (BJD-2454833)`, `Dur [h]`, `depth_ppt`. Durations and depths
need a unit, in the name or elsewhere in the file, because papers use many different ones.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Optional

from astronet.data.records.columns import (
    DEC,
    DEPTH,
    DISPOSITION,
    DURATION,
    EPOCH,
    EPOCH_ERROR,
    PERIOD,
    PERIOD_ERROR,
    RA,
    SECTOR,
    SN,
    TIC_ID,
    TMAG,
    TOI_ID,
)
from light_curve_util import time_systems
from light_curve_util.numerals import parse_float
from light_curve_util.time_units import PER_DAY

Convert = Callable[[str], str]

WORDS = {
    TIC_ID: ("tic", "ticid", "tid"),
    TOI_ID: ("toi", "toiid", "ctoi", "planetno", "planetnumber", "tceplntnum"),
    DISPOSITION: ("disposition", "disp", "tfopwgdisposition", "tfopwgdisp", "label"),
    RA: ("ra", "raj2000", "rightascension"),
    DEC: ("dec", "decj2000", "dej2000", "declination"),
    TMAG: ("tmag", "tessmag", "sttmag"),
    EPOCH: (
        *("epoc", "epoch", "t0", "tc", "tmid", "time0", "transitepoch", "midtime", "transitmidpoint"),
        *("bjd0", "btjd0", "transitmidtime", "midtransittime", "timeofconjunction", "transittime"),
    ),
    PERIOD: ("period", "per", "orbitalperiod", "orbper"),
    DURATION: ("duration", "dur", "t14", "transitduration", "trandur"),
    DEPTH: ("transitdepth", "depth", "trandep"),
    SECTOR: ("sectors", "sector"),
    SN: ("sn", "snr", "s/n", "mes", "signaltonoise", "signal-to-noise"),
    EPOCH_ERROR: ("epocerr", "epocherr", "t0err", "et0", "ebjd0"),
    PERIOD_ERROR: ("perioderr", "pererr", "eper", "eperiod"),
}
_NEEDS_UNIT = {DURATION: "{0} (d) or {0} (h)", DEPTH: "{0} (ppm), {0} (ppt), {0} (%) or {0} (mmag)"}


class Meaning(NamedTuple):
    """The meaning of a column of a table.

    Attributes:
      column: name of the catalog's column with the same meaning.
      convert: function from the text in the table's unit to text in the catalog's; None if the units are the same.
      problem: why the column cannot be used; "" if it can.
    """

    column: str
    convert: Optional[Convert] = None
    problem: str = ""


def plain(name: str) -> str:
    """Returns a column's name in lower case, without blanks and underscores.

    >>> plain("Transit_Depth"), plain("transit depth")
    ('transitdepth', 'transitdepth')
    """
    return name.strip().lower().replace(" ", "").replace("_", "")


def scaled(factor: float) -> Convert:
    """Returns a function that multiplies a number, given as text, by a factor."""
    return lambda text: _calculated(text, lambda value: value * factor)


def ppm_of_mmag(text: str) -> str:
    """Converts a depth in millimagnitudes to ppm of the flux."""
    return _calculated(text, lambda mmag: 1e6 * (1 - 10 ** (-mmag / 2500)))


def _calculated(text: str, function: Callable[[float], float]) -> str:
    try:
        return repr(function(parse_float(text)))
    except (ValueError, OverflowError):
        return text  # empty or not a number: the reader of the column reports it


def _times(per_day: int) -> dict[str, Optional[Convert]]:
    """Conversions to the unit of which so many make a day, by the unit that they are from."""
    return {name: None if number == per_day else scaled(per_day / number) for name, number in PER_DAY.items()}


_IN_UNIT: Mapping[str, Mapping[str, Optional[Convert]]] = {
    PERIOD: _times(per_day=1),
    DURATION: _times(per_day=24),
    DEPTH: {
        **dict.fromkeys(("ppm", "1e-6"), None),
        **dict.fromkeys(("ppt", "0.001"), scaled(1e3)),
        **dict.fromkeys(("%", "percent"), scaled(1e4)),
        **dict.fromkeys(("fraction", "dimensionless"), scaled(1e6)),
        "mmag": ppm_of_mmag,
        "mag": lambda text: ppm_of_mmag(scaled(1e3)(text)),
    },
    RA: {"deg": None, "degree": None, "hourangle": scaled(15.0), "rad": scaled(57.29577951308232)},
    DEC: {"deg": None, "degree": None, "rad": scaled(57.29577951308232)},
    EPOCH_ERROR: _times(per_day=1),
    PERIOD_ERROR: _times(per_day=1),
}
_HAVE_UNITS = {*_IN_UNIT, EPOCH, TMAG}
_UNIT_WORDS = sorted({unit for units in _IN_UNIT.values() for unit in units}, key=len, reverse=True)
_JD = r"(?:b|h|r|m|t|bt|tb|bk)?jd(?:[\s_-]*(?:tdb|utc))?(?:\s*[-\u2013\u2212]\s*[\d,. ]+)?"
_BRACKETED = re.compile(r"(.*?)[\s_]*[(\[]([^()\[\]]+)[)\]]")
_BEHIND = re.compile(rf"(.*?)[\s_]+((?:{'|'.join(map(re.escape, _UNIT_WORDS))})s?|{_JD})")


def meaning(name: str, unit: str = "") -> Optional[Meaning]:
    """Returns the meaning of a column by its name; None if the name is not known.

    >>> meaning("T0 (BJD-2458000)").column, meaning("Depth").problem
    ('Epoc', 'it has no unit: call it Depth (ppm), Depth (ppt), Depth (%) or Depth (mmag)')
    >>> meaning("dur_min").convert("120"), meaning("Dur", "d").convert("0.5"), meaning("remark")
    ('2.0', '12.0', None)

    Args:
      name: name of the column in the table.
      unit: unit of the column if the file has it elsewhere; else "".
    """
    word, in_name = _split(name)
    column = next((column for column, words in WORDS.items() if word in words), None)
    if column is None or (in_name and column not in _HAVE_UNITS):  # `disp_s` is no disposition in seconds
        return None
    if not in_name and not unit and column in _NEEDS_UNIT:
        return Meaning(column, problem=f"it has no unit: call it {_NEEDS_UNIT[column].format(name.strip())}")
    convert, problem = in_unit(column, in_name or unit)
    if in_name and unit and not problem:
        other, problem = in_unit(column, unit)
        if other is not convert and not problem:
            problem = f"its name says {in_name!r}, and its file {unit!r}"
    return Meaning(column, convert, problem)


def in_unit(column: str, unit: str) -> tuple[Optional[Convert], str]:
    """Returns the conversion from a unit to the unit of a catalog's column, and a message if there is no conversion.

    Args:
      column: column of a catalog.
      unit: unit in the column's name or in the file; "" for none.

    Returns:
      Function from text to text, or None if nothing is to be converted; and the message, "" if the unit is known.
    """
    word = unit.strip().lower()
    if column == EPOCH and word:
        is_known = time_systems.named(word) or re.fullmatch(r"d|days?", word) or word in ("tdb", "utc")
        return None, "" if is_known else f"its unit {unit!r} is no time system that is known: give BJD or BTJD, in days"
    known = {"mag": None} if column == TMAG else _IN_UNIT.get(column)
    if known is None or not word:
        return None, ""
    word = word if word in known else word.rstrip("s")
    if word in known:
        return known[word], ""
    return None, f"its unit {unit!r} is not known here: convert it to one of {', '.join(known)}"


def _split(name: str) -> tuple[str, str]:
    """Returns the plain word of a name, and the unit or time system that follows it ("" for none)."""
    bare = name.strip().lower()
    match = _BRACKETED.fullmatch(bare) or _BEHIND.fullmatch(bare)
    return (plain(match[1]), match[2].strip()) if match and match[1] else (plain(bare), "")
