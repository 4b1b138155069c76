"""Joins the labels of reviewers with a catalog: one disposition for each TCE on which they agree.

A consensus label counts before all others. Otherwise, labels count that reviewers gave one by one (the first label of a
blind reviewer), if all that are not "unsure" agree. Labels of groups and in bulk only count if the caller asks for it.
"""

import collections
import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Optional

from astronet.base import tables
from astronet.base.files import write_csv
from astronet.base.script import ScriptError
from astronet.data.records.columns import DISPOSITION, PERIOD, ROW_ID, TIC_ID
from astronet.review import labels
from astronet.review.label_columns import METHODS, UNSURE
from astronet.review.labels import Label, Unused, by_tce
from light_curve_util.numerals import numbered

DEFAULT_METHODS = ("single", "consensus")
BEFORE = "Disposition_before"
ADDED = (BEFORE, "label_method", "num_reviewers", "reviewers", "label_note")
_PERIOD_TOLERANCE = 0.01  # relative difference; a report contains rounded periods

TceId = tuple[int, int]  # (row_id, tic_id)


@dataclasses.dataclass(frozen=True)
class Settled:
    """The disposition of a TCE on which its reviewers agree.

    Attributes:
      label: disposition.
      method: the most reliable method by which it was given, one of label_columns.METHODS.
      reviewers: names of the reviewers who gave it.
      note: their notes.
    """

    label: str
    method: str
    reviewers: tuple[str, ...]
    note: str


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """Result of all labels: which TCEs have a disposition. TCEs are keyed by (row_id, tic_id).

    Attributes:
      settled: TCEs on which the reviewers agree.
      disagreements: other TCEs, with a dictionary of each reviewer to the label.
      unsure: TCEs that all reviewers are unsure about.
    """

    settled: dict[TceId, Settled]
    disagreements: dict[TceId, dict[str, str]]
    unsure: list[TceId]


def settle(given: Sequence[Label], methods: Sequence[str] = DEFAULT_METHODS) -> Verdicts:
    """Finds the disposition of each labeled TCE.

    Args:
      given: labels of any number of reviewers.
      methods: the methods of labeling that count, some of label_columns.METHODS.
    """
    verdicts = Verdicts({}, {}, [])
    for tce, of_tce in by_tce(given).items():
        counted = [label for label in of_tce if label.counts and label.method in methods]
        consensus = [label for label in counted if label.method == "consensus"]
        if consensus:
            counted = [max(consensus, key=lambda label: label.labeled_at)]
        sure = [label for label in counted if label.counts != UNSURE]
        values = {label.counts for label in sure}
        if len(values) == 1:
            verdicts.settled[tce] = _settled(sure)
        elif values:
            verdicts.disagreements[tce] = {label.reviewer: label.counts for label in counted}
        elif counted:
            verdicts.unsure.append(tce)
    return verdicts


def dispositions(paths: Iterable[str]) -> tuple[dict[TceId, str], list[str]]:
    """Returns the dispositions in files of labels, for training, and notes about labels that are left out.

    Args:
      paths: files that the report exported.

    Raises:
      ScriptError: a file is not a file of labels, or none has a disposition.
    """
    paths = list(paths)
    given, unused = labels.read(paths)
    verdicts = settle(given)
    if not verdicts.settled:
        raise ScriptError(f"{', '.join(paths)}: no TCE has a label on which its reviewers agree")
    by_label = collections.Counter(verdict.label for verdict in verdicts.settled.values())
    notes = [f"labels: {', '.join(f'{name} {count}' for name, count in by_label.most_common())}"]
    left_out = {
        "disagreement": len(verdicts.disagreements),
        "unsure": len(verdicts.unsure),
        "not readable": len(unused),
        "given in bulk or to a group": sum(label.method in ("bulk", "group") for label in given),
    }
    if any(left_out.values()):
        counts = ", ".join(f"{name} {count}" for name, count in left_out.items() if count)
        notes.append(f"labels left out: {counts} (merge_labels.py lists them)")
    return {tce: verdict.label for tce, verdict in verdicts.settled.items()}, notes


def _settled(equal):
    """Returns the Settled of labels that are equal."""
    method = min((label.method for label in equal), key=("consensus", *METHODS).index)
    names = tuple(sorted({label.reviewer for label in equal}))
    return Settled(equal[0].counts, method, names, "; ".join(label.note for label in equal if label.note))


@dataclasses.dataclass(frozen=True)
class MergedCatalog:
    """A catalog with the dispositions that reviewers gave.

    Attributes:
      columns, rows: columns and rows of the CSV file to write; the columns ADDED are the last ones.
      num_labeled, num_changed: number of rows with a label, and of those whose disposition changes.
      num_left_out: number of rows without a label that are left out of `rows`.
      foreign: labels of TCEs that are not in the catalog.
      is_same_catalog: whether the report was made from this version of the file; None if the labels do not contain it.
    """

    columns: list[str]
    rows: list[list[str]]
    num_labeled: int
    num_changed: int
    num_left_out: int
    foreign: list[Unused]
    is_same_catalog: Optional[bool]


def with_catalog(
    catalog_path: str, given: Sequence[Label], settled: Mapping[TceId, Settled], keeps_unlabeled: bool = False
) -> MergedCatalog:
    """Returns a catalog with the dispositions of reviewers.

    Args:
      catalog_path: the catalog that the report was made from.
      given: all labels; those that are not of a TCE of the catalog become `foreign`.
      settled: dispositions, as settle() returns them.
      keeps_unlabeled: whether rows without a label are kept, with their present disposition.

    Raises:
      ScriptError: the file is not a catalog, has been merged already, or has none of the labeled TCEs.
    """
    with tables.open_table(catalog_path) as table:
        columns, rows = list(table.columns), list(table.rows())
        sha256 = table.sha256
    _check_columns(catalog_path, columns)
    place = {name: columns.index(name) for name in (ROW_ID, TIC_ID, PERIOD, DISPOSITION)}
    cells_of = {tce: cells for cells in rows if (tce := _tce_id(cells, place))}
    foreign = [unused for label in given if (unused := _foreign(label, cells_of, place))]
    if given and len(foreign) == len(given):
        raise ScriptError(
            f"{catalog_path} has none of the labeled TCEs ({foreign[0].reason}): give the catalog of the report"
        )
    refused = {(int(unused.row_id), int(unused.tic_id)) for unused in foreign}
    merged, num_labeled, num_changed = [], 0, 0
    for cells in rows:
        tce = _tce_id(cells, place)
        verdict = settled.get(tce) if tce and tce not in refused else None
        if verdict is None:
            if keeps_unlabeled:
                merged.append([*cells, *[""] * len(ADDED)])
            continue
        before = cells[place[DISPOSITION]]
        num_labeled += 1
        num_changed += verdict.label != before
        changed = [*cells[: place[DISPOSITION]], verdict.label, *cells[place[DISPOSITION] + 1 :]]
        reviewers = "; ".join(verdict.reviewers)
        merged.append([*changed, before, verdict.method, str(len(verdict.reviewers)), reviewers, verdict.note])
    hashes = {label.catalog_sha256 for label in given} - {""}
    is_same = hashes == {sha256} if hashes else None
    return MergedCatalog(
        [*columns, *ADDED], merged, num_labeled, num_changed, len(rows) - len(merged), foreign, is_same
    )


def _check_columns(path, columns):
    missing = [name for name in (ROW_ID, TIC_ID, PERIOD, DISPOSITION) if name not in columns]
    if missing:
        raise ScriptError(f"{path} has no column {', '.join(missing)}: give a catalog that make_catalog.py has written")
    again = [name for name in ADDED if name in columns]
    if again:
        raise ScriptError(f"{path} has a column {again[0]} already: give the catalog as it was before")


def _tce_id(cells, place) -> Optional[TceId]:
    """Returns (row_id, tic_id) of a row; None if they are not numbers."""
    try:
        return int(cells[place[ROW_ID]]), int(cells[place[TIC_ID]])
    except (ValueError, IndexError):
        return None


def _foreign(label, cells_of, place) -> Optional[Unused]:
    """Returns why a label belongs to no TCE of the catalog; None if it belongs to one."""
    cells = cells_of.get((label.row_id, label.tic_id))
    if cells is None:
        return _unused(label, f"the catalog has no row_id {label.row_id} of TIC {label.tic_id}")
    try:
        period = float(cells[place[PERIOD]])
    except ValueError:
        return None
    if math.isfinite(label.period) and abs(label.period - period) > _PERIOD_TOLERANCE * period:
        return _unused(label, f"its period was {label.period:g} d in the report, and is {period:g} d in the catalog")
    return None


def _unused(label, reason):
    return Unused(label.file, 0, str(label.row_id), str(label.tic_id), reason)


def write(path: str, merged: MergedCatalog, verdicts: Verdicts, unused: Sequence[Unused]) -> None:
    """Writes the catalog and, beside it, lists of disagreements and of labels that are not used."""
    disagreements_path, unused_path = beside(path)
    write_csv(path, merged.columns, merged.rows, lineterminator="\n")
    rows = [
        (row_id, tic_id, "; ".join(f"{reviewer}: {label}" for reviewer, label in sorted(of_reviewer.items())))
        for (row_id, tic_id), of_reviewer in sorted(verdicts.disagreements.items())
    ]
    write_csv(disagreements_path, (ROW_ID, TIC_ID, "labels"), rows, lineterminator="\n")
    cells = [dataclasses.astuple(item) for item in (*unused, *merged.foreign)]
    write_csv(unused_path, [field.name for field in dataclasses.fields(Unused)], cells, lineterminator="\n")


def lines(path: str, merged: MergedCatalog, verdicts: Verdicts, unused: Sequence[Unused]) -> Iterator[str]:
    """Yields lines of text about a merged catalog that write() wrote to `path`."""
    disagreements_path, unused_path = beside(path)
    kept = len(merged.rows) - merged.num_labeled
    yield (
        f"{numbered(merged.num_labeled, 'labeled TCE')} in {path}, {merged.num_changed} with another disposition than "
        f"before; without a label: {kept} kept as they were, {merged.num_left_out} left out; unsure: "
        f"{len(verdicts.unsure)}"
    )
    if merged.is_same_catalog is False:
        yield "note: the catalog was changed since the report was made; labels go by row_id, TIC ID and period"
    if verdicts.disagreements:
        num_disagreements = numbered(len(verdicts.disagreements), "disagreement")
        yield f"{num_disagreements} in {disagreements_path}: settle them in the report"
    if unused or merged.foreign:
        yield f"{numbered(len(unused) + len(merged.foreign), 'label')} not used, with reasons in {unused_path}"


def beside(path: str) -> tuple[str, str]:
    """Returns the paths of the lists of disagreements and of unused labels."""
    stem = os.path.splitext(path)[0]
    return f"{stem}_disagreements.csv", f"{stem}_unused_labels.csv"
