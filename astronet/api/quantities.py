"""Converts numbers, and Quantity and Time of astropy, to numbers in the unit of an argument.

This module does not import astropy: it recognizes its objects by their attributes.
"""

import math
from typing import Any

import numpy as np

from astronet.base.script import ScriptError
from light_curve_util import time_systems
from light_curve_util.constants import BTJD_ZERO

_PPM = 1e6


def number(name: str, value: Any, unit: str, may_be_unknown: bool = False) -> float:
    """Returns a positive number in a unit.

    Args:
      name: name of the argument, for messages.
      value: number in `unit`, or Quantity of any unit that converts to it.
      unit: "d" or "h" (as in astropy), or "" for a number without a unit.
      may_be_unknown: whether NaN and None are allowed; the result is NaN for both.

    Raises:
      ScriptError: the value is not a positive number, or its unit cannot be converted.

    >>> number("period", 1.5, "d")
    1.5
    >>> number("depth", None, "", may_be_unknown=True)
    nan
    """
    if value is None and may_be_unknown:
        return math.nan
    plain = _plain(name, value, unit)
    if math.isnan(plain) and may_be_unknown:
        return plain
    if not (math.isfinite(plain) and plain > 0):
        of_unit = f" of {_WORDS[unit]}" if unit in _WORDS else ""
        advice = "; leave it out if it is not known" if may_be_unknown else ""
        raise ScriptError(f"{name}={value} must be a positive number{of_unit}{advice}")
    return plain


_WORDS = {"d": "days", "h": "hours"}


def depth_ppm(name: str, value: Any) -> float:
    """Returns a depth in parts per million, NaN if it is not known. A Quantity is a fraction (0.01, 1 %, 10000 ppm)."""
    if hasattr(value, "unit") and hasattr(value, "to_value"):
        return number(name, _plain(name, value, "") * _PPM, "", may_be_unknown=True)
    return number(name, value, "", may_be_unknown=True)


def epoch(name: str, value: Any) -> float:
    """Returns a mid-time in days: BTJD for an astropy Time; any number unchanged (BTJD, BJD or another system).

    Raises:
      ScriptError: it is not a finite number, or in single precision, which rounds a BJD to a quarter of a day.
    """
    if hasattr(value, "jd1") and hasattr(value, "isot"):
        in_tdb = value.tdb
        return _plain(name, (in_tdb.jd1 - BTJD_ZERO) + in_tdb.jd2, "d")
    if isinstance(getattr(value, "dtype", None), np.dtype) and value.dtype.kind == "f" and value.dtype.itemsize < 8:
        problem = time_systems.lost_digits(str(value), is_single=True)
        if problem:
            raise ScriptError(f"{name}={problem}")
    days = _plain(name, value, "d")
    if not math.isfinite(days):
        raise ScriptError(f"{name}={value} must be a finite number of days, BTJD (BJD - 2457000) or BJD")
    return days


def _plain(name: str, value: Any, unit: str) -> float:
    try:
        if hasattr(value, "unit") and hasattr(value, "to_value"):
            is_bare = unit and str(value.unit) == ""
            value = value.value if is_bare else value.to_value(unit)
        if isinstance(value, (str, bytes)):
            raise TypeError("text")
        return float(value)
    except (TypeError, ValueError) as error:  # astropy's UnitConversionError is both
        in_unit = f" of {_WORDS[unit]}" if unit in _WORDS else ""
        raise ScriptError(f"{name}={value!r} is not a number{in_unit} ({error})") from None
