"""Joins the labels of reviewers with a catalog: one disposition for each TCE on which they agree.

Which labels count: a consensus; else the labels that reviewers gave one by one (a blind reviewer's first label), where
those that are sure agree. Labels given to a group or in bulk count only where the caller asks for them.
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
_PERIOD_TOLERANCE = 0.01  # relative; a report shows the periods of its catalog, rounded

TceId = tuple[int, int]  # (row_id, tic_id)


@dataclasses.dataclass(frozen=True)
class Settled:
    """The disposition of a TCE on which its reviewers agree.

    Attributes:
      label: disposition.
      method: the strongest of the ways in which it was given, one of label_columns.METHODS.
      reviewers: names of those who gave it.
      note: their notes.
    """

    label: str
    method: str
    reviewers: tuple[str, ...]
    note: str


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """What reviewers say of TCEs, each by (row_id, tic_id).

    Attributes:
      settled: where they agree.
      disagreements: dict of reviewer to label, where they do not.
      unsure: TCEs that nobody is sure about.
    """

    settled: dict[TceId, Settled]
    disagreements: dict[TceId, dict[str, str]]
    unsure: list[TceId]


def settle(given: Sequence[Label], methods: Sequence[str] = DEFAULT_METHODS) -> Verdicts:
    """Finds the disposition of each labeled TCE.

    Args:
      given: labels of any number of reviewers.
      methods: the ways of labeling that count, of label_columns.METHODS.
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
    """Returns the dispositions that files of labels give to train on, and lines that tell what they leave out.

    Args:
      paths: files that the report has exported.

    Raises:
      ScriptError: a file is none of labels, or there is no disposition in any.
    """
    paths = list(paths)
    given, unused = labels.read(paths)
    verdicts = settle(given)
    if not verdicts.settled:
        raise ScriptError(f"{', '.join(paths)}: no TCE has a label on which its reviewers agree")
    by_label = collections.Counter(verdict.label for verdict in verdicts.settled.values())
    told = [f"labels: {', '.join(f'{name} {count}' for name, count in by_label.most_common())}"]
    left_out = {
        "disagreement": len(verdicts.disagreements),
        "unsure": len(verdicts.unsure),
        "not readable": len(unused),
        "given in bulk or to a group": sum(label.method in ("bulk", "group") for label in given),
    }
    if any(left_out.values()):
        counts = ", ".join(f"{name} {count}" for name, count in left_out.items() if count)
        told.append(f"labels left out: {counts} (merge_labels.py lists them)")
    return {tce: verdict.label for tce, verdict in verdicts.settled.items()}, told


def _settled(equal):
    """The Settled of labels that are equal."""
    method = min((label.method for label in equal), key=("consensus", *METHODS).index)
    names = tuple(sorted({label.reviewer for label in equal}))
    return Settled(equal[0].counts, method, names, "; ".join(label.note for label in equal if label.note))


@dataclasses.dataclass(frozen=True)
class MergedCatalog:
    """A catalog with the dispositions that reviewers gave.

    Attributes:
      columns, rows: of the CSV file to write; the columns ADDED are the last ones.
      num_labeled, num_changed: rows with a label, and those whose label is not the disposition before.
      num_left_out: rows without a label that are not in `rows`.
      foreign: labels of TCEs that the catalog does not have.
      is_same_catalog: whether the report was made from this very file; None where the labels do not say.
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
    """Puts dispositions into a catalog.

    Args:
      catalog_path: the catalog that the report was made from.
      given: all labels that were read, which must fit the catalog.
      settled: dispositions, as settle() returns them.
      keeps_unlabeled: whether rows without a label stay, with the disposition that they have.

    Raises:
      ScriptError: the file is no catalog, has been merged already, or has none of the labeled TCEs.
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
    """(row_id, tic_id) of a row; None where they are no numbers."""
    try:
        return int(cells[place[ROW_ID]]), int(cells[place[TIC_ID]])
    except (ValueError, IndexError):
        return None


def _foreign(label, cells_of, place) -> Optional[Unused]:
    """Why a label is of no TCE of the catalog; None where it is of one."""
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
    """Writes the catalog and, beside it, the disagreements and the labels that are not used."""
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
    """Yields what to tell of a merged catalog that write() wrote to `path`."""
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
