"""Reads positions of stars: degrees, or sexagesimal text with right ascensions in hours."""

import math
import re
from typing import Optional

from astronet.data.records.columns import RA

_SEXAGESIMAL = re.compile(r"[+-]?\s*\d{1,3}\s*[:hd°\s]\s*\d{1,2}\s*[:m'′\s]\s*\d{1,2}(\.\d*)?\s*(s|\"|″|'')?")
_LIMITS = {True: (-180.0, 360.0, "right ascension"), False: (-90.0, 90.0, "declination")}


def degrees(column: str, text: str) -> Optional[float]:
    """Converts sexagesimal text to degrees. Returns None if the text is not sexagesimal.

    >>> round(degrees("RA", "21:14:56.88"), 4), round(degrees("Dec", "-55d52m18.7s"), 4), degrees("RA", "here")
    (318.737, -55.8719, None)

    Args:
      column: "RA" (hours, minutes, seconds) or "Dec" (degrees, minutes, seconds).
      text: text of a cell.
    """
    from astropy import units
    from astropy.coordinates import Angle

    if not _SEXAGESIMAL.fullmatch(text):
        return None
    try:
        return float(Angle(text, unit=units.hourangle if column == RA else units.deg).deg)
    except Exception:  # astropy's parser raises many kinds of errors
        return None


def problem(column: str, value_deg: float) -> str:
    """Returns a message if a coordinate is outside its range; "" if it is valid or NaN.

    >>> problem("RA", 653.56), problem("Dec", -42.0)
    ('653.56 is no right ascension in degrees, -180 to 360', '')
    """
    least, most, name = _LIMITS[column == RA]
    if math.isnan(value_deg) or least <= value_deg <= most:
        return ""
    return f"{value_deg:.10g} is no {name} in degrees, {least:g} to {most:g}"
