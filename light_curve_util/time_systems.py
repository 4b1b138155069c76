"""Converts the times of light curves and epochs from any time system to BTJD (BJD - 2457000), the time of TESS.

All times are in days. Only this module knows zero points (those of BTJD and BKJD are in `constants`). `sector_times`
knows the start and end of each sector.

A reader of light curves calls this once for each file:

    times = time_systems.of_light_curve(column, named=time_systems.named("BJD_TDB"))
    times.btjd     # NaN for a cadence whose time is in no known system
    times.notes    # messages about what was converted or assumed

It raises UnreadableLightCurveError, without the path, if the times are not in days or in no known system.

If a file states its zero point (BJDREFI and BJDREFF), the reader gives `named=time_systems.from_zero(bjd)`. If the
sector is known, `expected=sector_times.window(sector)` distinguishes Kepler's times from those of TESS, and
`sector_times.problem(time, sector)` checks that the times are in the sector.

A reader of tables calls `to_btjd(table.Epoc, named=named("Epoch (BJD)"), expected=windows, noun="epochs")`, with
`windows` [n, 2]. It skips the rows in `times.problems` and warns of the rows in `times.assumed`, both dicts of position
to text.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

import numpy as np

from light_curve_util.array_types import ArrayLike, Bools, Floats, Integers
from light_curve_util.constants import BKJD_ZERO, BTJD_ZERO
from light_curve_util.errors import UnreadableLightCurveError


class TimeSystem(NamedTuple):
    """A time system: its name, and the BJD of its zero point."""

    name: str
    zero: float


BTJD = TimeSystem("BTJD", BTJD_ZERO)
BJD = TimeSystem("BJD", 0)
BJD_2400000 = TimeSystem("BJD - 2400000", 2_400_000)
BJD_2450000 = TimeSystem("BJD - 2450000", 2_450_000)
MJD = TimeSystem("MJD", 2_400_000.5)
BKJD = TimeSystem("BKJD (BJD - 2454833)", BKJD_ZERO)
SYSTEMS = (BTJD, BJD, BJD_2400000, BJD_2450000, MJD, BKJD)

# The values of each system, from the first photographs of the sky to the year 2036. No system in use has values between
# these ranges.
_BTJD_RANGE = (-57_000.0, 7_000.0)
_BJD_2450000_RANGE = (7_000.0, 13_000.0)  # from 2014
_MJD_RANGE = (50_000.0, 70_000.0)  # and that of BJD - 2400000: from 1995
_BJD_RANGE = (2_400_000.0, 2_464_000.0)
_LEAST_SECONDS = 1e7  # larger values are in seconds, or are not times
_LONGEST_TIME = 100  # characters of a number
_LONGEST_CADENCE = 1.0  # days; light curves with longer cadences show no transits
_LEAST_CADENCES = 50  # the cadence is judged only with at least this many times
_LEAST_OF_ONE_SYSTEM = 3  # epochs are taken for BKJD only if at least this many are known
_LARGEST_UNKNOWN_FRACTION = 0.05  # largest fraction of a light curve's times that may be in no known system

_NAMES = (  # part of a column's name -> time system; the first that fits is used
    ("btjd", BTJD),
    ("tbjd", BTJD),
    ("tjd", BTJD),
    ("bkjd", BKJD),
    ("time0bk", BKJD),
    ("mjd", MJD),
    ("rjd", BJD_2400000),
    ("jd", BJD),
)
_ZERO_IN_NAME = re.compile(r"(?<!\d)(24\d{5})(?:\.?(\d{1,9}))?(?!\d)")
COARSEST_EPOCH_DAYS = 0.05  # the coarsest resolution of a time that is good enough for folding


def named(name: str) -> Optional[TimeSystem]:
    """Returns the time system in the name or unit of a column; None if there is none.

    Any zero point is possible: the name `BJD - 2458000` gives a new system.

    >>> named("Epoch (BJD)").name, named("BJD - 2457000").name, named("koi_time0bk").name, named("Epoc")
    ('BJD', 'BTJD', 'BKJD (BJD - 2454833)', None)
    >>> named("T0 [BJD_TDB - 2,458,000.5]")
    TimeSystem(name='BJD - 2458000.5', zero=2458000.5)
    """
    whole = re.sub(r"(?<=\d)[,_ ](?=\d{3}(?!\d))", "", name.lower())
    if zero := _ZERO_IN_NAME.search(whole):
        return from_zero(float(f"{zero[1]}.{zero[2] or 0}"))
    plain = re.sub(r"[^a-z0-9]+", "", whole)
    return next((system for part, system in _NAMES if part in plain), None)


def lost_digits(text: str, is_single: bool = False) -> str:
    """Returns a message if a time has too few digits, because of a spreadsheet or single precision; else "".

    A whole number of days passes, because it may be meant; whole_days_warning() warns of it.

    >>> lost_digits("2.45836E+06")
    "'2.45836E+06' has lost digits: its last one stands for 10 d; export it with all digits, as 2458355.1849"
    >>> lost_digits("2.458355184790e6"), lost_digits("2458355.1848")
    ('', '')
    >>> lost_digits("2458355.2", is_single=True)
    '2458355.2 is stored in single precision, in steps of 0.25 d: store it in double precision'

    Args:
      text: the time as text, from a file or the command line.
      is_single: whether the file stores the time in single precision.
    """
    if is_single:
        try:
            step_days = float(np.spacing(np.float32(abs(float(text)))))
        except ValueError:
            return ""
        if step_days > COARSEST_EPOCH_DAYS:
            return f"{text} is stored in single precision, in steps of {step_days:g} d: store it in double precision"
        return ""
    match = re.fullmatch(r"\s*[+-]?\d*\.?(\d*)[eE]([+-]?\d{1,3})\s*", text)
    if not match or len(text) > _LONGEST_TIME:
        return ""
    step_days = 10.0 ** (int(match[2]) - len(match[1])) if "." in text else 10.0 ** int(match[2])
    if step_days <= COARSEST_EPOCH_DAYS or float(text) == 0:
        return ""
    return (
        f"{text.strip()!r} has lost digits: its last one stands for {step_days:g} d; export it with all digits, "
        "as 2458355.1849"
    )


def whole_days_warning(btjd: Sequence[float], noun: str = "epochs") -> str:
    """Returns a warning if all times are whole or half days, and so probably rounded; else "".

    >>> whole_days_warning([1360.0, 1358.0])
    'all epochs are whole or half days: were they rounded? A transit found by them may be hours away'

    Args:
      btjd: times; NaN if missing. [n]
      noun: name of the times in the message.
    """
    known = np.asarray(btjd, np.float64)
    known = known[np.isfinite(known)]
    if not len(known) or (known[0] * 2) % 1 or ((known * 2) % 1).any():
        return ""
    if len(known) == 1:
        return f"{noun} is a whole or half day: was it rounded? A transit found by it may be hours away"
    return f"all {noun} are whole or half days: were they rounded? A transit found by them may be hours away"


def from_zero(bjd: float) -> TimeSystem:
    """Returns the time system with its zero point at a BJD, such as BJDREFI + BJDREFF of a FITS header.

    >>> from_zero(2457000).name
    'BTJD'
    """
    known = {system.zero: system for system in SYSTEMS}
    return known.get(bjd) or TimeSystem(f"BJD - {bjd:.10g}", bjd)


def named_by(unit: str, name: str) -> Optional[TimeSystem]:
    """Returns the time system of a column by its unit and its name; None if neither has one.

    "BJD" is often used for a difference such as BJD - 2457000. If unit and name differ, and one of them is "BJD", the
    other counts.

    >>> named_by("BJD - 2458000", "BJD").zero, named_by("d", "BTJD").name
    (2458000.0, 'BTJD')
    """
    systems = [system for system in (named(unit), named(name)) if system is not None]
    return next((system for system in systems if system != BJD), systems[0] if systems else None)


@dataclasses.dataclass(frozen=True)
class Times:
    """Times that were converted to BTJD.

    Attributes:
      btjd: float64 [n]; NaN if a time was missing, or in no known system.
      notes: messages about all times: from which systems they were converted.
      problems: dict of position to a message about a time in no known system.
      assumed: dict of position to a message about an ambiguous time, and what was assumed.
    """

    btjd: Floats
    notes: tuple[str, ...] = ()
    problems: dict[int, str] = dataclasses.field(default_factory=dict)
    assumed: dict[int, str] = dataclasses.field(default_factory=dict)


def of_light_curve(
    values: ArrayLike, named: Optional[TimeSystem] = None, expected: Optional[ArrayLike] = None
) -> Times:
    """Converts the times of a light curve as to_btjd() does, but raises an error if they are not times in days.

    Raises:
      UnreadableLightCurveError: more than 5 % of the times are in no known system, or the cadences are more than a day
        apart because the times are in seconds or minutes.
    """
    values = np.asarray(values, np.float64)
    step = _median_step(values)
    if step >= _LONGEST_CADENCE:
        raise UnreadableLightCurveError(
            f"the times are {step:.6g} apart, too far for a light curve in days: divide them by 86400 if they are in "
            "seconds, by 1440 if in minutes"
        )
    times = to_btjd(values, named, expected)
    if len(times.problems) > _LARGEST_UNKNOWN_FRACTION * len(values):
        raise UnreadableLightCurveError(f"time {next(iter(times.problems.values()))}")
    return times


def to_btjd(
    values: ArrayLike, named: Optional[TimeSystem] = None, expected: Optional[ArrayLike] = None, noun: str = "times"
) -> Times:
    """Converts times to BTJD. Each time is converted separately, because a column may mix several systems.

    A time above 2400000 is BJD, whatever the name of the column. A time from 50000 to 70000 is MJD, or BJD - 2400000 if
    the name says so. These two differ by half a day, so without a name MJD is assumed, with a warning. BKJD has the
    same values as BTJD: it is assumed only if the name says so, or if all times are in the expected intervals as BKJD
    and none as BTJD.

    >>> to_btjd([2458355.25, 1355.25]).btjd.tolist()
    [1355.25, 1355.25]

    Args:
      values: days; NaN for a missing time. [n]
      named: time system from the name of the column or the header of the file. The system of a value that is impossible
        in it is determined by its size.
      expected: interval (start, end) in BTJD in which the times should be: one for all, or [n, 2]; NaN if unknown.
      noun: name of the times in messages.

    Returns:
      Times.
    """
    values = np.asarray(values, np.float64)
    if named in (None, BTJD) and not len(values):
        return Times(values)
    known = SYSTEMS if named is None or named in SYSTEMS else (*SYSTEMS, named)
    systems = _systems(values, named)
    if named is None and expected is not None and _is_bkjd(values, systems, expected):
        systems = np.where(systems == SYSTEMS.index(BTJD), SYSTEMS.index(BKJD), systems)
    if not systems.any():  # all are BTJD
        return Times(values)
    btjd = values.copy()
    for number, system in enumerate(known[1:], 1):
        of_system = systems == number
        btjd[of_system] = values[of_system] + (system.zero - BTJD_ZERO)
    unknown = np.flatnonzero(systems < 0)
    btjd[unknown] = np.nan
    problems = {int(i): _unknown(values[i]) for i in unknown}
    assumed = {}
    if named not in (MJD, BJD_2400000):
        ambiguous = np.flatnonzero(systems == SYSTEMS.index(MJD))
        assumed = {
            int(i): f"{values[i]:.10g} is taken for MJD; if it is BJD - 2400000, it is half a day too late"
            for i in ambiguous
        }
    return Times(btjd, tuple(_notes(known, systems, np.isfinite(values), noun, bool(assumed))), problems, assumed)


def bkjd_hint(btjd: float, expected: Sequence[float]) -> str:
    """Returns a hint if a time would be in an interval after correcting it by Kepler's zero point; else ""."""
    start, end = expected
    for off, question in (
        (BKJD_ZERO - BTJD_ZERO, "is it in BKJD, BJD - 2454833, the time of Kepler?"),
        (BTJD_ZERO - BKJD_ZERO, "was it made with 2454833, the zero point of Kepler?"),
    ):
        if start <= btjd + off <= end and not start <= btjd <= end:
            return f"{off:+d} d would put it in place: {question}"
    return ""


def _systems(values: Floats, named: Optional[TimeSystem]) -> Integers:
    """Returns the index into SYSTEMS of each value; -1 if no system fits. NaN counts as BTJD. [n]

    If `named` is not in SYSTEMS, its index is len(SYSTEMS).
    """
    systems = np.zeros(len(values), int)
    with np.errstate(invalid="ignore"):
        plain = ~((values < _BTJD_RANGE[0]) | (values >= _BTJD_RANGE[1]))  # and NaN
        if named in (None, BTJD, BJD) and plain.all():
            return systems
        systems[~plain] = -1
        in_mjd = _within(values, _MJD_RANGE)
        systems[_within(values, _BJD_RANGE)] = SYSTEMS.index(BJD)
        systems[_within(values, _BJD_2450000_RANGE)] = SYSTEMS.index(BJD_2450000)
        systems[in_mjd] = SYSTEMS.index(BJD_2400000 if named == BJD_2400000 else MJD)
        if named in (BKJD, BJD_2450000):
            systems[plain & np.isfinite(values)] = SYSTEMS.index(named)
        if named is not None and named not in SYSTEMS:
            systems[_within(values + named.zero, _BJD_RANGE)] = len(SYSTEMS)
    return systems


def _median_step(values: Floats) -> float:
    """Returns the median distance of neighboring times; 0 if it is clearly below _LONGEST_CADENCE, or for few times."""
    span = np.fmax.reduce(values) - np.fmin.reduce(values) if len(values) else 0
    if len(values) < _LEAST_CADENCES or not span >= _LONGEST_CADENCE * (len(values) - 1) / 2:
        return 0.0
    return float(np.median(np.diff(np.sort(values[np.isfinite(values)]))))


def _within(values: Floats, interval: tuple[float, float]) -> Bools:
    return (values >= interval[0]) & (values < interval[1])


def _is_bkjd(values: Floats, systems: Integers, expected: ArrayLike) -> bool:
    """Returns whether all values that look like BTJD are in the expected intervals as BKJD, and none as BTJD."""
    start, end = np.broadcast_to(np.asarray(expected, float), (len(values), 2)).T
    with np.errstate(invalid="ignore"):
        known = (systems == SYSTEMS.index(BTJD)) & np.isfinite(values + start + end)
        as_btjd = (start <= values) & (values <= end)
        shifted = values + (BKJD_ZERO - BTJD_ZERO)
        as_bkjd = (start <= shifted) & (shifted <= end)
    return known.sum() >= _LEAST_OF_ONE_SYSTEM and as_bkjd[known].all() and not as_btjd[known].any()


def _unknown(value: float) -> str:
    if abs(value) >= _LEAST_SECONDS:
        return f"{value:.10g} is no time in days: divide by 86400 if it is in seconds"
    return (
        f"{value:.10g} is in no time system that is known (BTJD, BJD, BJD - 2400000, MJD, BKJD): "
        "give BTJD, BJD - 2457000"
    )


def _notes(
    known: Sequence[TimeSystem], systems: Integers, is_finite: Bools, noun: str, is_assumed: bool
) -> Iterator[str]:
    """Yields a message for each time system that was converted."""
    total = np.count_nonzero(is_finite)
    for number, system in enumerate(known[1:], 1):
        count = np.count_nonzero(systems == number)
        if count:
            shift = system.zero - BTJD_ZERO
            how = f"subtracting {-shift:.10g}" if shift < 0 else f"adding {shift:.10g}"
            subject = f"all {noun}" if count == total else f"{count} of {total} {noun}"
            subject = subject if total > 1 else noun.rstrip("s")
            note = f"{subject} in {system.name}, converted to BTJD by {how}"
            if system == MJD and is_assumed:
                note += " (assumed: half a day too late if it is BJD - 2400000; give BJD to be sure)"
            yield note
