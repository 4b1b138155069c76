"""Reads the files of labels that reports export, and lists the rows that cannot be used."""

import collections
import dataclasses
import math
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Optional

from astronet.base import tables
from astronet.base.script import ScriptError
from astronet.review import label_columns
from astronet.review.label_columns import LABELS, METHODS, unguarded

_NEEDED = ("row_id", "tic_id", "label", "reviewer", "method", "labeled_at")
_MAX_ROWS = 2_000_000  # in all files together


@dataclasses.dataclass(frozen=True)
class Label:
    """The label of one reviewer for one TCE.

    Attributes:
      row_id, tic_id: row_id and TIC ID of the TCE.
      sectors: numbers of its sectors; empty if the file does not contain them.
      period: days; NaN if the file does not contain it.
      label: one of label_columns.LABELS; "" for a row that has only a note.
      first_label: the first label that the reviewer gave; it counts if the labeling was blind.
      reviewer, note: free text.
      method: one of label_columns.METHODS.
      is_blind: whether the probability of the model was hidden.
      labeled_at: UTC; the newest of several labels of one reviewer counts.
      catalog_sha256: hash of the catalog of the report; "" if the file does not contain it.
      file: name of the file.
    """

    row_id: int
    tic_id: int
    sectors: tuple[int, ...]
    period: float
    label: str
    first_label: str
    reviewer: str
    note: str
    method: str
    is_blind: bool
    labeled_at: datetime
    catalog_sha256: str
    file: str

    @property
    def counts(self) -> str:
        """The label that counts: the first label if it was blind, because no model has influenced it; else the last."""
        return self.first_label if self.is_blind and self.first_label else self.label


@dataclasses.dataclass(frozen=True)
class Unused:
    """A row of a file of labels that is not used, and why."""

    file: str
    line: int
    row_id: str
    tic_id: str
    reason: str


def read(paths: Iterable[str]) -> tuple[list[Label], list[Unused]]:
    """Reads files of labels.

    Args:
      paths: files that the report exported. The same label in two files counts once.

    Returns:
      The newest Label of each reviewer for each TCE, in the order of the files; and the rows that are not used.

    Raises:
      ScriptError: a file is not a file of labels; the message names the file and the missing column.
    """
    newest: dict[tuple[int, int, str, bool], Label] = {}
    unused: list[Unused] = []
    for path in paths:
        for line, cells in _rows(path):
            try:
                label = _label(cells, os.path.basename(path))
            except ValueError as error:
                row_id, tic_id = cells.get("row_id", ""), cells.get("tic_id", "")
                unused.append(Unused(os.path.basename(path), line, row_id, tic_id, str(error)))
                continue
            key = (label.row_id, label.tic_id, label.reviewer, label.method == "consensus")
            if key not in newest or label.labeled_at >= newest[key].labeled_at:
                newest[key] = label
        if len(newest) > _MAX_ROWS:
            raise ScriptError(f"more than {_MAX_ROWS} labels: give fewer files")
    return list(newest.values()), unused


def _rows(path):
    """Yields the line number and the cells, by column, of each row of a file."""
    with tables.open_table(path) as table:
        missing = [name for name in _NEEDED if name not in table.columns]
        if missing:
            raise ScriptError(
                f"{path} is no file of labels (it has no column {', '.join(missing)}): give what the report exports"
            )
        repeated = [name for name, count in collections.Counter(table.columns).items() if count > 1]
        if repeated:
            raise ScriptError(f"{path} has the column {repeated[0]!r} more than once: export it again")
        for line, cells in enumerate(table.rows(), start=2):
            yield line, dict(zip(table.columns, cells))


def _label(cells, file):
    """Returns the Label of a row; raises ValueError if the row is wrong."""
    label = cells["label"].strip().upper()
    first = cells.get("first_label", "").strip().upper()
    for text in (label, first):
        if text and text not in LABELS:
            raise ValueError(f"unknown label {text[:20]!r}: the labels are {', '.join(LABELS)}")
    method = cells["method"].strip()
    if method not in METHODS:
        raise ValueError(f"unknown method {method[:20]!r}: the methods are {', '.join(METHODS)}")
    reviewer = unguarded(cells["reviewer"].strip())
    if not reviewer:
        raise ValueError("no reviewer: whose label is it?")
    return Label(
        row_id=_integer(cells["row_id"], "row_id"),
        tic_id=_integer(cells["tic_id"], "tic_id"),
        sectors=tuple(sorted({int(number) for number in re.findall(r"\d{1,9}", cells.get("sector", ""))})),
        period=_period(cells.get("period", "")),
        label=label,
        first_label=first,
        reviewer=reviewer,
        note=unguarded(cells.get("note", "")),
        method=method,
        is_blind=cells.get("blind", "").strip() == "1",
        labeled_at=_time(cells["labeled_at"]),
        catalog_sha256=cells.get("catalog_sha256", "").strip(),
        file=file,
    )


def _integer(text: str, name: str) -> int:
    if not re.fullmatch(r"-?\d{1,19}", text.strip()):
        raise ValueError(f"{name} {text[:30]!r} is not a whole number")
    return int(text)


def _period(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), label_columns.TIME_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        raise ValueError(f"labeled_at {text[:30]!r} is not a time such as 2026-11-30T17:30:05Z") from None


def reviewers(labels: Sequence[Label]) -> list[str]:
    """Returns the names of the reviewers, sorted."""
    return sorted({label.reviewer for label in labels})


def by_tce(labels: Iterable[Label]) -> dict[tuple[int, int], list[Label]]:
    """Returns the labels of each TCE, by (row_id, tic_id)."""
    of_tce: dict[tuple[int, int], list[Label]] = collections.defaultdict(list)
    for label in labels:
        of_tce[label.row_id, label.tic_id].append(label)
    return dict(of_tce)


def newest_time(labels: Iterable[Label]) -> Optional[datetime]:
    """Returns the time of the newest label; None if there is none."""
    return max((label.labeled_at for label in labels), default=None)
