"""Reads tables of TCEs, a catalog or any public table, and lists the rows that cannot be used with the reasons."""

import dataclasses
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from astronet.base import tables
from astronet.base.script import ScriptError
from astronet.data.catalog import epochs, plausibility, table_readings, tce_rows
from astronet.data.catalog.dialects import TEXTS
from astronet.data.catalog.tce_rows import Part, Request, Skip
from astronet.data.records.columns import (
    DISPOSITION,
    EPOCH,
    ROW_ID,
    SECTOR,
    TIC_ID,
)
from light_curve_util import time_systems

_LOG = logging.getLogger(__name__)
if TYPE_CHECKING:  # not imported by callers that only read rows
    import pandas as pd

_AS_JUNK = {"V": "J", "IS": "J"}  # dispositions that records know by another name
_ALL_COLUMNS = Request()
_MOST_NAMES = 60  # names of columns that a message lists
_ROWS_AT_A_TIME = 10_000  # about 20 MB of text


class Warned(NamedTuple):
    """A warning about a row that gives a record."""

    row_id: object
    tic_id: object
    sector: object
    warning: str


@dataclasses.dataclass(frozen=True)
class Catalog:
    """A table that has been read.

    Attributes:
      table: DataFrame of the rows that can be used, in the order of the file. Columns have their names in a catalog;
        Duration is in HOURS, Epoc in BTJD.
      skips: list of Skip of the other rows.
      notes: messages about the whole table: its source, and conversions.
      sha256: hash of the file.
    """

    table: Any
    skips: list[Skip]
    notes: tuple[str, ...]
    sha256: str


def read(path: tables.Path, also_required: Sequence[str] = ()) -> "tuple[pd.DataFrame, list[Skip]]":
    """Reads a table of TCEs as load() does. Its notes are printed on stderr.

    Returns:
      DataFrame, and list of Skip.
    """
    catalog = load(path, Request(required=tuple(also_required)))
    for note in catalog.notes:
        _LOG.warning(f"{path}: {note}")
    return catalog.table, catalog.skips


def load(path: tables.Path, request: Request = _ALL_COLUMNS) -> Catalog:
    """Reads a table of TCEs, in parts, because the texts of cells take ten times the memory of numbers.

    Columns are recognized by name, in any order, and in any spelling that dialects.py knows. All cells of a column have
    the same type: integer (an empty camera or ccd becomes 0, no detector), text, or float (an empty cell becomes NaN).
    A column that catalogs do not have is float if all its cells are numbers, else text.

    Args:
      path: path of a file or pipe, in any format of tables.open_table().
      request: Request.

    Raises:
      ScriptError: the file is not a table, lacks a column, or has no rows.
      OSError: the file cannot be read.
    """
    with tables.open_table(path) as table:
        reading = table_readings.recognize(table)
        _check_columns(path, reading, request)
        columns, skips, not_known = _whole(reading, request)
        num_rows = len(next(iter(columns.values()), ()))
        if not num_rows and not skips:
            raise ScriptError(f"{path} has a header and no TCE: nothing to do")
        times = epochs.in_btjd(columns[EPOCH], columns[SECTOR], reading.epoch)
        columns[EPOCH] = times.btjd
        notes = (*reading.notes, *times.notes, *_warned(times), *not_known)
        return _catalog(columns, skips, times, notes, table.sha256)


def load_all(path: tables.Path, request: Request) -> tuple[Part, list[str]]:
    """Reads all rows of a table, including those that cannot be used. Returns one Part, and notes about the table.

    Raises:
      ScriptError: the file is not a table, or lacks a column.
      OSError: the file cannot be read.
    """
    with tables.open_table(path) as table:
        reading = table_readings.recognize(table)
        _check_columns(path, reading, request)
        texts = TEXTS
        while True:
            all_parts = list(parts(reading, request, texts))
            mixed = _mixed([part.columns for part in all_parts])
            if not mixed:
                break
            texts = (*texts, *mixed)
        if not all_parts:
            return Part({}, [], {}, []), list(reading.notes)
        columns = {name: np.concatenate([part.columns[name] for part in all_parts]) for name in all_parts[0].columns}
        reasons = [reason for part in all_parts for reason in part.reasons]
        identity = {name: [text for part in all_parts for text in part.texts[name]] for name in all_parts[0].texts}
        numbers = [number for part in all_parts for number in part.numbers]
        if EPOCH not in columns:
            return Part(columns, reasons, identity, numbers), list(reading.notes)
        times = epochs.in_btjd(columns[EPOCH], columns[SECTOR], reading.epoch)
        columns[EPOCH] = times.btjd
        for i, problem in times.problems.items():
            reasons[i] = reasons[i] or f"invalid: Epoc {problem}"
        warnings = {i: f"Epoc {text}" for i, text in times.assumed.items()}
        not_known = {name: text for part in reversed(all_parts) for name, text in part.not_known.items()}
        notes = [*reading.notes, *times.notes, *_warned(times), *not_known.values()]
        return Part(columns, reasons, identity, numbers, warnings), notes


def _warned(times):
    warning = time_systems.whole_days_warning(times.btjd)
    return [f"warning: {warning}"] if warning else []


def doubts(path: tables.Path, table: "pd.DataFrame") -> list[Warned]:
    """List of Warned of a table's implausible values; what is doubtful of whole columns is told on stderr.

    Args:
      path: of the table, for messages.
      table: DataFrame as load() returns it.
    """
    doubts_found = plausibility.doubts(table)
    for text in doubts_found.of_columns:
        _LOG.warning(f"warning: {path}: {text}")
    identities = table[[ROW_ID, TIC_ID, SECTOR]].to_numpy().tolist()
    return [Warned._make((*identities[i], text)) for i, texts in sorted(doubts_found.of_tces.items()) for text in texts]


def _catalog(columns, skips, times, notes, sha256):
    import pandas as pd

    row_ids, tic_ids, sectors = (columns[name] for name in (ROW_ID, TIC_ID, SECTOR))
    unclear = [Skip(row_ids[i], tic_ids[i], sectors[i], f"invalid: Epoc {text}") for i, text in times.problems.items()]
    table = pd.DataFrame({name: pd.Series(v, dtype=v.dtype, copy=False) for name, v in columns.items()}, copy=False)
    if times.problems:
        table = table.drop(index=list(times.problems)).reset_index(drop=True)
    return Catalog(table, skips + unclear, (*notes, *_repeated_ids(table)), sha256)


def _repeated_ids(table):
    """Returns a message if two different TCEs have the same name: a list of at most one text."""
    names = [name for name in (ROW_ID, TIC_ID, SECTOR) if name in table]
    if len(names) < 3:
        return []
    table = table[table.duplicated(names, keep=False)]
    table = table[~table.duplicated(keep=False)]
    if not table.duplicated(names).any():
        return []
    first = table[names].iloc[0]
    return [
        f"warning: {len(table)} rows share the row_id of another TCE of their star and sector, such as row_id "
        f"{first[ROW_ID]} of TIC {first[TIC_ID]}: number the rows anew, or files named by them cannot be told apart"
    ]


def _whole(reading, request):
    """Reads all rows.

    Returns:
      Dict of column to array of the rows that can be used; list of Skip of the other rows; messages about columns.
    """
    texts = TEXTS
    not_known: dict[str, str] = {}
    skips: list[Skip] = []
    while True:
        kept, skips = [], []
        for part in parts(reading, request, texts):
            good = np.array([not reason for reason in part.reasons], bool)
            kept.append({name: values if good.all() else values[good] for name, values in part.columns.items()})
            skips += part.skips()
            not_known = {**part.not_known, **not_known}
            del part  # and its text
        mixed = _mixed(kept)
        if not mixed:
            break
        texts = (*texts, *mixed)
    names = list(kept[0]) if kept else [EPOCH, SECTOR]
    # Column by column, so that only one column at a time has two copies in memory.
    empty = np.empty(0)
    return (
        {name: np.concatenate([part.pop(name) for part in kept] or [empty]) for name in names},
        skips,
        not_known.values(),
    )


def _mixed(parts_columns):
    """Returns the columns with numbers in one part of the file, and text in another."""
    names = parts_columns[0] if parts_columns else ()
    return [name for name in names if len({columns[name].dtype.kind for columns in parts_columns}) > 1]


def parts(reading: table_readings.Reading, request: Request, texts: Sequence[str] = TEXTS) -> Iterator[Part]:
    """Yields the rows of a table, some thousand at a time. `texts` are the columns that are known to be text."""
    rows, first = reading.rows(), 0
    while some := list(itertools.islice(rows, _ROWS_AT_A_TIME)):
        part, first, some = tce_rows.typed_part(reading, request, texts, some, first), first + len(some), None
        yield part
        del part  # before the text of the next one comes


def check_columns(path: tables.Path, reading: table_readings.Reading, needed: Sequence[str]) -> None:
    """Raises a ScriptError if a table lacks a column."""
    missing = [name for name in needed if name not in reading.columns]
    if missing:
        raise ScriptError(
            f"{path} has no column {', '.join(missing)} (it has {_listed(reading.columns)}): {reading.lacks(missing)}"
            "rename or add it; make_catalog.py writes all columns, and docs/data.md lists the tables that are read"
        )


def _listed(names):
    """Returns the names of some columns as text, shortened if there are many."""
    names = [name for name in names if name]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) or "none") + more


def _check_columns(path, reading, request):
    known = [name for name in request.needed if name not in (ROW_ID, SECTOR)]
    if reading.title:  # of a source that has no such column, each row is told
        known = [TIC_ID]
    if not reading.searched and request.choose_sectors is None and SECTOR in request.needed:
        known.append(SECTOR)
    if request.for_training:
        known.append(DISPOSITION)
    check_columns(path, reading, [*known, *request.required])


def drop_repeated(table: "pd.DataFrame") -> "tuple[pd.DataFrame, list[Skip]]":
    """Drops duplicates: rows that are equal to an earlier row in every column except row_id.

    (If two tables list the same TCE, it has two row_ids.)

    Returns:
      DataFrame with the other rows, and the list of Skip.
    """
    repeats = table.drop(columns=ROW_ID).duplicated()
    return _part(table, repeats, lambda row: "duplicate: an earlier row is the same in every column but row_id")


def drop_faint(table: "pd.DataFrame", threshold: float) -> "tuple[pd.DataFrame, list[Skip]]":
    """Drops the rows whose S/N is below a threshold or unknown. Returns the other rows, and the list of Skip."""
    return _part(table, ~table.SN.ge(threshold), lambda row: f"threshold: SN is {row.SN:g}, below {threshold:g}")


def _part(table, dropped, tell):
    skips = [Skip(row.row_id, row.tic_id, row.Sectors, tell(row)) for row in table[dropped].itertuples()]
    return table[~dropped], skips


def with_dispositions(
    table: "pd.DataFrame", dispositions: Mapping[tuple[int, int], str]
) -> "tuple[pd.DataFrame, list[Skip]]":
    """Gives TCEs the dispositions of reviewers, V and IS as J, and leaves the others out.

    Args:
      table: as to_record_columns() returns it.
      dispositions: dict of (row_id, tic_id) to disposition.

    Returns:
      The TCEs that have one; list of Skip of the others.
    """
    new_dispositions = [dispositions.get(tce) for tce in zip(table[ROW_ID].tolist(), table[TIC_ID].tolist())]
    table = table.assign(**{DISPOSITION: [name and _AS_JUNK.get(name, name) for name in new_dispositions]})
    is_unlabeled = np.array([name is None for name in new_dispositions], bool)
    return _part(table, is_unlabeled, lambda row: "unlabeled: no label on which reviewers agree (--labels)")


def to_record_columns(table: "pd.DataFrame") -> "pd.DataFrame":
    """Converts a table to the columns of records.

    Duration is in days; V and IS become J; is_multi is 1 if the star has more than one row in the table.
    """
    return table.assign(
        Duration=table.Duration / 24,
        Disposition=table.Disposition.replace(_AS_JUNK),
        is_multi=table.duplicated(TIC_ID, keep=False).astype(np.int64),
    )
