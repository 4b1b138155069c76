"""Finds the columns of time, flux or magnitude, and quality by their names, in files of no known product."""

import re
from collections.abc import Sequence
from typing import Optional

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.time_units import per_day

# Known spellings, in the order of preference. Case, blanks and punctuation are ignored.
TIMES = ("time_btjd", "btjd", "time", "time_bjd", "time_bjd_tdb", "bjd", "bjd_tdb")
VALUES = (
    *("det_flux", "kspsap_flux", "detrended_flux", "pdcsap_flux", "cal_aper_flux"),
    *("normalized_flux", "norm_flux", "flux", "sap_flux"),
    *("kspmagnitude", "magnitude", "mag", "rawmagnitude"),
)
QUALITIES = ("quality", "quality_flag", "quality_flags", "sap_quality", "qflag")

# Patterns for other spellings: times, with a system and a unit; fluxes and magnitudes, without their errors.
_TIME = re.compile(
    r"(?=.)((mid|obs)_?)?(times?|t|date|epoch)?_?((mid|tmid)_)?((b|h|m|r|bk|bt|tb|t)?jd)?(_?(tdb|utc|tt))?"
    r"(_?2_?4\d\d_?\d{3}(_\d+)?)?(_(d|days?|s|secs?|seconds?|h|hrs?|hours?|mins?|minutes?))?"
)
_VALUE = re.compile(r"(.*_)?(\w*flux|fcor|ppm|ppt|\w*mags?|\w*magnitudes?)(_.*)?")
_NO_VALUE = re.compile(r"(.*_)?(errors?|errs?|e|unc|uncertainty|sigma|std|bkg|background|sky|model|trend)(_.*)?")
_RAW = re.compile(r"(.*_)?(raw|sap)(_.*)?")


def plain(name: str) -> str:
    """Returns a name in lower case, with blanks and punctuation replaced by one underscore.

    >>> plain("Time [days]")
    'time_days'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def find_time(header: Sequence[str]) -> int:
    """Returns the index of the time in a list of names. Raises UnreadableLightCurveError if there is none.

    >>> find_time(["flux", "Time [BTJD]"])
    1
    """
    return _find(header, TIMES, _TIME, "time")


def find_value(header: Sequence[str], flux_key: Optional[str] = None) -> int:
    """Returns the index of the flux or magnitude in a list of names. Raises UnreadableLightCurveError if unclear."""
    if flux_key:
        return _find(header, (flux_key,), None, "flux or magnitude")
    return _find(header, VALUES, _VALUE, "flux or magnitude")


def find_quality(header: Sequence[str]) -> Optional[int]:
    """Returns the index of the quality flags in a list of names; None if there are none."""
    names = [plain(name) for name in header]
    return next((names.index(name) for name in QUALITIES if name in names), None)


def values_among(header: Sequence[str]) -> list[str]:
    """Returns the names that look like a flux or magnitude, and not like an error or background."""
    return [name for name in header if _is_like(_VALUE, name)]


def is_magnitude(name: str) -> bool:
    """Returns whether a column of this name holds magnitudes."""
    return "mag" in plain(name)


def refusal(name: str) -> str:
    """Returns why the column of a flux_key cannot be a flux or magnitude; "" if it can."""
    if _is_like(_TIME, name):
        return "a column of times"
    if plain(name) in (*QUALITIES, "cadenceno", "cadence_no", "cadence"):
        return "a column of flags or numbers of cadences"
    return ""


def is_no_signal(name: str) -> bool:
    """Returns whether a column's name is that of an error, a background or a model of the flux."""
    return bool(_NO_VALUE.fullmatch(plain(name)))


def unit(name: str) -> str:
    """Returns the unit in the name or unit of a flux or magnitude column: "ppm", "ppt", "percent", "mmag" or ""."""
    for known in ("ppm", "ppt", "mmag"):
        if known in plain(name):
            return known
    return "percent" if "%" in name or "percent" in plain(name) else ""


def units_a_day(name: str) -> int:
    """Returns the length of a day in the units of a time column, by its name or unit.

    >>> units_a_day("Time [s]"), units_a_day("Time [BTJD]")
    (86400, 1)
    """
    last = plain(name).rpartition("_")[2]
    return per_day(last) or 1


def _find(header: Sequence[str], names: Sequence[str], pattern: Optional[re.Pattern[str]], meaning: str) -> int:
    plain_header = [plain(name) for name in header]
    for name in names:
        if plain(name) in plain_header:
            return plain_header.index(plain(name))
    similar = [i for i, name in enumerate(header) if pattern and _is_like(pattern, name)]
    if len(similar) > 1:
        similar = [i for i in similar if not _RAW.fullmatch(plain_header[i])] or similar
    if len(similar) == 1 or (similar and meaning == "time"):
        return similar[0]
    if similar:
        choice = ", ".join(header[i] for i in similar)
        raise UnreadableLightCurveError(f"{choice}: which is the {meaning}? Name one of these as flux_key")
    remedy = "give the column of the time the name time" if meaning == "time" else "name its column as flux_key"
    searched = f"looked for {', '.join(names)}, there is {', '.join(header) or 'nothing'}"
    raise UnreadableLightCurveError(f"no column for the {meaning}: {searched}; {remedy}")


def _is_like(pattern: re.Pattern[str], name: str) -> bool:
    """Returns whether a name fits a pattern and is not an error or background. Units in brackets are ignored."""
    named = plain(name if pattern is _TIME else re.sub(r"[\[(].*", "", name))
    return bool(pattern.fullmatch(named)) and not _NO_VALUE.fullmatch(named)
