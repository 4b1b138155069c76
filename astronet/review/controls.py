"""Controls: TCEs with a known answer, mixed among those to label, which measure how good a reviewer is.

repeat: a TCE that occurs twice, with two row_ids: both should get the same label.
injected: a transit that was injected into a light curve: its label should be PC or EB.
inverted: a dip in an inverted light curve: its label should be neither PC nor EB.
"""

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Optional

from astronet.base.files import write_csv
from astronet.base.script import ScriptError
from astronet.review.agreement import POSITIVE
from astronet.review.label_columns import UNSURE
from astronet.review.labels import Label
from astronet.stats.intervals import wilson

KINDS = ("repeat", "injected", "inverted")
COLUMNS = ("row_id", "tic_id", "kind", "of_row_id")


@dataclasses.dataclass(frozen=True)
class Control:
    """A control: its row_id and TIC ID, its kind, and (for a repeat) the row_id of the TCE that it repeats."""

    row_id: int
    tic_id: int
    kind: str
    of_row_id: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class Figure:
    """A fraction, count of total, with its 95 % interval (Wilson)."""

    count: int
    total: int
    low: float
    high: float


def write(path: str, controls: Iterable[Control]) -> None:
    """Writes the list of controls, which a reviewer must not see before labeling."""
    rows = [
        (item.row_id, item.tic_id, item.kind, "" if item.of_row_id is None else item.of_row_id) for item in controls
    ]
    write_csv(path, COLUMNS, rows, lineterminator="\n")


def read(path: str) -> list[Control]:
    """Reads a list of controls; raises ScriptError if the file is not such a list."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        controls = [
            Control(
                int(row["row_id"]), int(row["tic_id"]), row["kind"], int(row["of_row_id"]) if row["of_row_id"] else None
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ScriptError(f"{path} is no list of controls as the report writes it: give that file") from error
    unknown = {control.kind for control in controls} - {*KINDS}
    if unknown:
        raise ScriptError(
            f"{path} has controls of an unknown kind {', '.join(sorted(unknown))}: give that file as it was"
        )
    return controls


def judge(controls: Sequence[Control], labels: Sequence[Label]) -> dict[str, dict[str, Figure]]:
    """Returns the figures of each reviewer on the controls that have a label.

    Returns:
      Dictionary of each reviewer to a dictionary of Figures: "self-agreement" (repeats with the same label),
      "completeness" (injected transits with the label PC or EB), "reliability" (dips in inverted light curves with
      another label). U counts as a label other than PC and EB; repeats with a U are left out.
    """
    return {
        reviewer: {
            name: figure
            for name, figure in _figures(controls, [label for label in labels if label.reviewer == reviewer]).items()
            if figure.total
        }
        for reviewer in sorted({label.reviewer for label in labels})
    }


def _figures(controls, labels):
    label_of = {label.row_id: label.counts for label in labels if label.counts}
    repeats = [
        (label_of[control.row_id], label_of[control.of_row_id])
        for control in controls
        if control.kind == "repeat" and {control.row_id, control.of_row_id} <= set(label_of)
    ]
    repeats = [pair for pair in repeats if UNSURE not in pair]
    called = {
        kind: [label_of[c.row_id] in POSITIVE for c in controls if c.kind == kind and c.row_id in label_of]
        for kind in ("injected", "inverted")
    }
    return {
        "self-agreement": _figure([one == other for one, other in repeats]),
        "completeness": _figure(called["injected"]),
        "reliability": _figure([not is_called for is_called in called["inverted"]]),
    }


def _figure(successes):
    count, total = sum(successes), len(successes)
    return Figure(count, total, *wilson(count, total))
