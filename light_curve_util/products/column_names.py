"""Names of columns, where no product says what they are: which is the time, the flux or magnitude, the quality."""

import re
from collections.abc import Sequence
from typing import Optional

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.time_units import per_day

# The spellings that are known, the preferred first; case, blanks and punctuation do not count.
TIMES = ("time_btjd", "btjd", "time", "time_bjd", "time_bjd_tdb", "bjd", "bjd_tdb")
VALUES = (
    *("det_flux", "kspsap_flux", "detrended_flux", "pdcsap_flux", "cal_aper_flux"),
    *("normalized_flux", "norm_flux", "flux", "sap_flux"),
    *("kspmagnitude", "magnitude", "mag", "rawmagnitude"),
)
QUALITIES = ("quality", "quality_flag", "quality_flags", "sap_quality", "qflag")

# Of names that are none of these: a time, with its system and its unit; a flux or magnitude, but no error of one.
_TIME = re.compile(
    r"(?=.)((mid|obs)_?)?(times?|t|date|epoch)?_?((mid|tmid)_)?((b|h|m|r|bk|bt|tb|t)?jd)?(_?(tdb|utc|tt))?"
    r"(_?2_?4\d\d_?\d{3}(_\d+)?)?(_(d|days?|s|secs?|seconds?|h|hrs?|hours?|mins?|minutes?))?"
)
_VALUE = re.compile(r"(.*_)?(\w*flux|fcor|ppm|ppt|\w*mags?|\w*magnitudes?)(_.*)?")
_NO_VALUE = re.compile(r"(.*_)?(errors?|errs?|e|unc|uncertainty|sigma|std|bkg|background|sky|model|trend)(_.*)?")
_RAW = re.compile(r"(.*_)?(raw|sap)(_.*)?")


def plain(name: str) -> str:
    """A name in lower case, with one underscore in place of blanks and punctuation.

    >>> plain("Time [days]")
    'time_days'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def find_time(header: Sequence[str]) -> int:
    """Position of the time in a header, UnreadableLightCurveError where there is none."""
    return _find(header, TIMES, _TIME, "time")


def find_value(header: Sequence[str], flux_key: Optional[str] = None) -> int:
    """Position of the flux or magnitude in a header, UnreadableLightCurveError where none, or which, is not clear."""
    if flux_key:
        return _find(header, (flux_key,), None, "flux or magnitude")
    return _find(header, VALUES, _VALUE, "flux or magnitude")


def find_quality(header: Sequence[str]) -> Optional[int]:
    """Position of the quality flags in a header, None where there are none."""
    names = [plain(name) for name in header]
    return next((names.index(name) for name in QUALITIES if name in names), None)


def values_among(header: Sequence[str]) -> list[str]:
    """The names that look like those of a flux or magnitude, and not like those of an error or background."""
    return [name for name in header if _is_like(_VALUE, name)]


def is_magnitude(name: str) -> bool:
    """Whether a column of this name holds magnitudes."""
    return "mag" in plain(name)


def refusal(name: str) -> str:
    """Returns why a column that is asked for by flux_key is neither flux nor magnitude; "" where it may be one."""
    if _is_like(_TIME, name):
        return "a column of times"
    if plain(name) in (*QUALITIES, "cadenceno", "cadence_no", "cadence"):
        return "a column of flags or numbers of cadences"
    return ""


def is_no_signal(name: str) -> bool:
    """Whether a column's name is that of an error, a background or a model of the flux."""
    return bool(_NO_VALUE.fullmatch(plain(name)))


def unit(name: str) -> str:
    """The unit of a flux or magnitude that a column's name or unit tells: "ppm", "ppt", "percent", "mmag" or ""."""
    for known in ("ppm", "ppt", "mmag"):
        if known in plain(name):
            return known
    return "percent" if "%" in name or "percent" in plain(name) else ""


def units_a_day(name: str) -> int:
    """How many units of a time column make a day, by the column's name or unit: 86400 for "Time [s]"; 1 for days."""
    last = plain(name).rpartition("_")[2]
    return per_day(last) or 1


def _find(header: Sequence[str], names: Sequence[str], pattern: Optional[re.Pattern[str]], meaning: str) -> int:
    there = [plain(name) for name in header]
    for name in names:
        if plain(name) in there:
            return there.index(plain(name))
    similar = [i for i, name in enumerate(header) if pattern and _is_like(pattern, name)]
    if len(similar) > 1:
        similar = [i for i in similar if not _RAW.fullmatch(there[i])] or similar
    if len(similar) == 1 or (similar and meaning == "time"):
        return similar[0]
    if similar:
        choice = ", ".join(header[i] for i in similar)
        raise UnreadableLightCurveError(f"{choice}: which is the {meaning}? Name one of these as flux_key")
    remedy = "give the column of the time the name time" if meaning == "time" else "name its column as flux_key"
    told = f"looked for {', '.join(names)}, there is {', '.join(header) or 'nothing'}"
    raise UnreadableLightCurveError(f"no column for the {meaning}: {told}; {remedy}")


def _is_like(pattern: re.Pattern[str], name: str) -> bool:
    """Whether a name looks like one of a kind, and not like that of an error or background; units do not count."""
    named = plain(name if pattern is _TIME else re.sub(r"[\[(].*", "", name))
    return bool(pattern.fullmatch(named)) and not _NO_VALUE.fullmatch(named)
