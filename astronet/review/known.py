"""Which TCEs of a report are known already: the names that tables of the user give them, such as ExoFOP's TOIs."""

import collections
import datetime
import math
import os
from collections.abc import Iterable, Sequence

from astronet.data.catalog import later_dispositions
from astronet.data.catalog.later_dispositions import KnownSignal
from astronet.data.catalog.same_signal import Ephemeris
from astronet.review.tce import ReviewTce


def read(paths: Iterable[str]) -> list[KnownSignal]:
    """Reads tables of known signals, with TIC IDs, periods and dispositions.

    Raises:
      ScriptError: a file is no such table.
    """
    return [signal for path in paths for signal in later_dispositions.read_table(path).signals]


def dated(paths: Iterable[str]) -> str:
    """Returns the names of tables with the dates of their files, for the page: what was known, and when."""
    days = ((path, datetime.date.fromtimestamp(os.path.getmtime(path))) for path in paths)
    return ", ".join(f"{os.path.basename(path)} of {day.isoformat()}" for path, day in days)


def names(tces: Sequence[ReviewTce], known: Iterable[KnownSignal]) -> list[str]:
    """Returns what each TCE is known as: "CP 101.01", or "star: CP 101.01 at 1.43 d" for another signal of its star.

    Args:
      tces: of the report.
      known: as read() returns them.
    """
    signals_of = collections.defaultdict(list)
    for signal in known:
        signals_of[signal.tic_id].append(signal)
    return [_name(tce, signals_of[tce.tic_id]) if tce.tic_id in signals_of else "" for tce in tces]


def _name(tce, signals):
    if tce.period_days > 0:
        duration = tce.duration_days if tce.duration_days > 0 else math.nan
        best = later_dispositions.best(Ephemeris(tce.period_days, tce.epoch_btjd, duration), signals)
        if best is not None:
            match, signal = best
            ratio = "" if match.ratio == 1 else f" at {match.ratio} of its period"
            return f"{_short(signal)}{ratio}"
    others = (f"{_short(signal)} at {signal.ephemeris.period:.4g} d" for signal in signals)
    return f"star: {', '.join(others)}"


def _short(signal):
    """Disposition and name of a signal, without the name of the table."""
    return f"{signal.disposition} {signal.name.rpartition(': ')[2]}"
