"""Joins a catalog of TCEs with tables of later dispositions, by star and period.

    known = read_table("exofop_tois.csv") + read_table("tess-ebs.dat.gz", disposition="EB", readme="ReadMe")
    relabeled = relabel("tces.csv", known)

If several tables contain a signal, the first difference in this order decides: a settled disposition (KP, CP, FP, FA,
EB) before an unsettled one (PC, APC), the same event before another phase, the same period before a multiple, and an
earlier table before a later one.
"""

import collections
import dataclasses
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

from astronet.base import byte_streams, tables
from astronet.base.files import write_csv
from astronet.base.script import ScriptError
from astronet.data.catalog import tce_table
from astronet.data.catalog.dialects import DISPOSITIONS
from astronet.data.catalog.same_signal import Ephemeris, Match, match
from astronet.data.records.columns import (
    DISPOSITION,
    DURATION,
    EPOCH,
    EPOCH_ERROR,
    PERIOD,
    PERIOD_ERROR,
    ROW_ID,
    SECTOR,
    TIC_ID,
    TOI_ID,
)
from light_curve_util.numerals import parse_float

TODAY = "Disposition_today"
SOURCE = "Disposition_today_source"
RATIO = "Disposition_today_ratio"
PHASE = "Disposition_today_phase"
BEFORE = "Disposition_before"
COLUMNS = (TODAY, SOURCE, RATIO, PHASE)

# Settled dispositions and the names that training has for them. PC and APC are not settled.
SETTLED = {
    name: DISPOSITIONS[name]
    for name in (
        *("KP", "CP", "CONFIRMED"),
        *("FP", "NEB", "BEB", "SEB", "NPC", "EB", "FALSE POSITIVE"),
        *("FA", "NTP"),
    )
}
_NOT_TRANSITS = ("V", "IS", "J")
_PLANETS = ("KP", "CP", "CONFIRMED", "PC", "APC", "CANDIDATE", "P")


@dataclasses.dataclass(frozen=True)
class KnownSignal:
    """A signal in a table of later dispositions.

    Attributes:
      tic_id: its star.
      ephemeris: its period, epoch and duration.
      disposition: as in the table, in capitals.
      name: name of the file and of the object, if it has one: "exofop.csv: 101.01".
    """

    tic_id: int
    ephemeris: Ephemeris
    disposition: str
    name: str


@dataclasses.dataclass(frozen=True)
class KnownTable:
    """The signals of a table, notes about it, and the number of rows that cannot be used, by reason."""

    signals: Sequence[KnownSignal]
    notes: Sequence[str]
    unused: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Relabeled:
    """A catalog with the dispositions of today.

    Attributes:
      columns: columns of the catalog, followed by COLUMNS.
      rows: cells of each row, [num_rows, num_columns].
      changes: (row_id, tic_id, Sectors, disposition before, today, its source, ratio, phase) of each row whose settled
        disposition gives it another label in training than before.
      not_matched: (row_id, tic_id, Sectors, disposition, reason) of each row whose star is in a table, but not its
        signal.
      counts: number of rows by (disposition of the catalog, disposition of today).
    """

    columns: list[str]
    rows: list[list[str]]
    changes: list[list[str]]
    not_matched: list[list[str]]
    counts: dict[tuple[str, str], int]


def read_table(path: str, disposition: Optional[str] = None, readme: Optional[str] = None) -> KnownTable:
    """Reads a table of signals with dispositions.

    Args:
      path: any table that make_catalog.py reads, with TIC IDs and periods.
      disposition: disposition of all rows of a table without dispositions, such as a catalog of eclipsing binaries.
      readme: the ReadMe of a table of CDS that has no header.

    Raises:
      ScriptError: the file is not such a table.
    """
    with tempfile.TemporaryDirectory(prefix="astronet-") as directory:
        plain_path = _with_header(path, readme, directory) if readme else path
        needed = (TIC_ID, PERIOD) if disposition else (TIC_ID, PERIOD, DISPOSITION)
        try:
            part, notes = tce_table.load_all(plain_path, tce_table.Request(needed=needed))
        except ScriptError as error:
            text = str(error).replace(plain_path, path)
            hint = "" if readme else " (a table of CDS without a header needs its ReadMe: --readme)"
            raise ScriptError(text + hint) from error
    signals, seen = [], set()
    unused: dict[str, int] = collections.Counter()
    for i, reason in enumerate(part.reasons):
        if part.numbers[i] in seen:  # a row with several sectors occurs once for each
            continue
        seen.add(part.numbers[i])
        row_disposition = disposition or str(part.columns[DISPOSITION][i]).strip().upper()
        if reason or not row_disposition:
            unused[reason.partition(":")[0] or "no disposition"] += 1
            continue
        signals.append(_signal(part.columns, i, row_disposition, os.path.basename(path)))
    if not signals:
        raise ScriptError(f"{path} has no row with a TIC ID, a period and a disposition: give another table")
    return KnownTable(signals, notes, dict(unused))


def _signal(columns, i, disposition, file_name):
    def value(name):
        return float(columns[name][i]) if name in columns else math.nan

    ephemeris = Ephemeris(
        value(PERIOD),
        value(EPOCH),
        value(DURATION) / 24,
        _number(columns, PERIOD_ERROR, i),
        _number(columns, EPOCH_ERROR, i),
    )
    toi_id = str(columns[TOI_ID][i]).strip() if TOI_ID in columns else ""
    return KnownSignal(
        int(columns[TIC_ID][i]), ephemeris, disposition, f"{file_name}: {toi_id}" if toi_id else file_name
    )


def _number(columns, name, i):
    """Returns a number of an optional column, which may be text."""
    try:
        return parse_float(str(columns[name][i]))
    except (KeyError, ValueError):
        return math.nan


def _with_header(path, readme, directory):
    """Writes a table of CDS with its description before the data, as in journals, and returns its path."""
    with open(readme, encoding="utf-8", errors="replace") as file:
        parts = re.split(r"(?m)^(?=Byte-by-byte Description of file)", file.read())[1:]
    plain_name = _letters(os.path.basename(path))
    described = [part for part in parts if any(name in plain_name for name in map(_letters, _file_names(part)))]
    if len(parts) == 1:
        described = parts
    if not described:
        raise ScriptError(f"{readme} describes no file called {os.path.basename(path)}: give the ReadMe of its folder")
    description = re.match(r".*\n(-+\n).*\n\1(.*\n)*?\1", described[0])
    if not description:
        raise ScriptError(f"{readme} is not a ReadMe of CDS: give the one in the folder of {path}")
    out = os.path.join(directory, "table.txt")
    with open(out, "wb") as file:
        file.write(description[0].encode("ascii", "replace"))
        with byte_streams.open_unpacked(path) as data:
            shutil.copyfileobj(data, file)
    return out


def _file_names(description):
    return description.split("\n")[0].partition(":")[2].split()


def _letters(name):
    """Returns the letters and digits of a file's name, without its suffixes."""
    return re.sub(r"[^a-z0-9]", "", name.split(".")[0].lower())


def relabel(catalog_path: str, known: Iterable[KnownSignal], replace: bool = False) -> Relabeled:
    """Finds the disposition of today of each row of a catalog.

    Args:
      catalog_path: catalog of TCEs.
      known: signals, in the order of the tables.
      replace: whether to write today's settled disposition, as training names it, to the column `Disposition`, and the
        former one to `Disposition_before`. V, IS and J change only for confirmed planets.

    Raises:
      ScriptError: the file is not a catalog, or has been relabeled already.
    """
    signals_of = collections.defaultdict(list)
    for signal in known:
        signals_of[signal.tic_id].append(signal)
    part, _ = tce_table.load_all(catalog_path, tce_table.Request(needed=(TIC_ID, PERIOD)))
    position_of = {number: i for i, number in reversed(list(enumerate(part.numbers)))}
    with tables.open_table(catalog_path) as table:
        columns, raw_rows = list(table.columns), list(table.rows())
    place = _place_of_disposition(catalog_path, columns)
    result = Relabeled([*columns, *([BEFORE] if replace else []), *COLUMNS], [], [], [], collections.Counter())
    for number, cells in enumerate(raw_rows):
        cells = (cells + [""] * len(columns))[: len(columns)]
        before, i = cells[place], position_of.get(number)
        candidates = signals_of.get(int(part.columns[TIC_ID][i]), ()) if i is not None and not part.reasons[i] else ()
        identity = [part.texts[name][i] if i is not None else "" for name in (ROW_ID, TIC_ID, SECTOR)]
        found = best(_ephemeris(part.columns, i), candidates) if candidates else None
        if candidates and found is None:
            result.not_matched.append([*identity, before, _why_not(_ephemeris(part.columns, i), candidates)])
        today = _cells(found)
        in_training = _in_training(before, found)
        if in_training != before:
            result.changes.append([*identity, before, *today])
        result.counts[before, today[0]] += 1
        if replace:
            cells = [*cells[:place], in_training, *cells[place + 1 :], before]
        result.rows.append([*cells, *today])
    return result


def _place_of_disposition(path, columns):
    if DISPOSITION not in columns:
        raise ScriptError(f"{path} has no column {DISPOSITION}: make a catalog of it by make_catalog.py first")
    again = [name for name in (BEFORE, *COLUMNS) if name in columns]
    if again:
        raise ScriptError(f"{path} has a column {again[0]} already: give the catalog as it was before")
    return columns.index(DISPOSITION)


def _ephemeris(columns, i):
    duration = float(columns[DURATION][i]) / 24 if DURATION in columns else math.nan
    t0 = float(columns[EPOCH][i]) if EPOCH in columns else math.nan
    return Ephemeris(float(columns[PERIOD][i]), t0, duration)


def best(tce: Ephemeris, candidates: Sequence[KnownSignal]) -> Optional[tuple[Match, KnownSignal]]:
    """Returns the known signal that is the TCE, and how they match; None if no signal matches."""
    matches = [(match(tce, signal.ephemeris), signal) for signal in candidates]
    pairs = [(how, signal) for how, signal in matches if how is not None]
    # A planet has one transit per orbit: a dip at another phase of its period is not the planet.
    pairs = [pair for pair in pairs if pair[0].is_same_event is not False or pair[1].disposition not in _PLANETS]
    return min(pairs, key=_rank, default=None)


def _rank(pair):
    how, signal = pair
    return signal.disposition not in SETTLED, how.is_same_event is not True, how.ratio != 1


def _in_training(before, best):
    """Returns the disposition of a TCE in training. Contact binaries, EB in tables, are J by rules of the triage."""
    settled = SETTLED.get(best[1].disposition, before) if best else before
    return before if before in _NOT_TRANSITS and settled != "PC" else settled


def _cells(best):
    """Returns the cells of COLUMNS."""
    if best is None:
        return ["", "", "", ""]
    how, signal = best
    phase = "" if math.isnan(how.phase) else f"{how.phase:.3f}"
    return [signal.disposition, signal.name, str(how.ratio), phase]


def _why_not(tce, candidates):
    texts = [
        f"{signal.name} ({signal.disposition}) has a period of {signal.ephemeris.period:.6g} d, "
        f"the TCE {tce.period:.6g} d" + (" and another phase" if match(tce, signal.ephemeris) else "")
        for signal in candidates
    ]
    return "; ".join(texts)


def write(path: str, relabeled: Relabeled) -> tuple[str, str]:
    """Writes the catalog and the lists of changes and of rows not matched; returns the paths of the lists."""
    changes_path, not_matched_path = beside(path)
    identity = (ROW_ID, TIC_ID, SECTOR, DISPOSITION)
    write_csv(path, relabeled.columns, relabeled.rows, lineterminator="\n")
    write_csv(changes_path, (*identity, *COLUMNS), relabeled.changes, lineterminator="\n")
    write_csv(not_matched_path, (*identity, "reason"), relabeled.not_matched, lineterminator="\n")
    return changes_path, not_matched_path


def beside(path: str) -> tuple[str, str]:
    """Returns the paths of the lists of changes and of rows not matched."""
    stem = os.path.splitext(path)[0]
    return f"{stem}_changes.csv", f"{stem}_not_matched.csv"
