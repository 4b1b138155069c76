"""Writes candidates.csv and candidates.ecsv: all TCEs that were scored, the most probable first."""

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from astronet.base import version
from astronet.base.files import write_aside, write_csv
from astronet.data.records import preprocess, tf_example
from astronet.data.records.columns import (
    CAMERA,
    CATALOG_COLUMNS,
    COLUMNS,
    DISPOSITION,
    DURATION,
    EPOCH,
    EVENT_DENSITIES,
    PERIOD,
    ROW_ID,
    SECTOR,
    SN,
    STITCHED_SECTORS,
    TIC_ID,
    TMAG,
    TOI_ID,
)
from astronet.data.records.columns import DEPTH as DEPTH_PPM
from astronet.estimator.scoring import Prediction
from astronet.stats.metrics import is_positive

_FIRST = (TIC_ID, TOI_ID, SECTOR)
_SCORES = ("probability", "spread", "is_candidate", "unlike_training", "warnings")
_EVENT = (PERIOD, EPOCH, DURATION, DEPTH_PPM, SN, TMAG, DISPOSITION)
_FILES = ("light_curve", "plot")
_MODEL = ("model", "model_sha256", "threshold", "version")
_UNITS = {"Period": "d", "Epoc": "d", "Duration": "h", "RA": "deg", "Dec": "deg", "Tmag": "mag", "teff": "K"}
_UNITS |= {
    "star_rad": "solRad",
    "star_mass": "solMass",
}  # no unit for the depth: not every version of astropy knows ppm
_MEANINGS = {
    "probability": "that the TCE is a planet or an eclipsing binary, mean over the models",
    "spread": "standard deviation over the models",
    "is_candidate": "1 if the probability is at least the threshold",
    "unlike_training": "inputs that no training example resembles",
    "warnings": "what is doubtful about the TCE",
    "light_curve": "files that were folded",
    "plot": "page of plots",
    "model_sha256": "hash of the weights",
    "threshold": "of the probability",
    "version": "of astronet",
}


def columns(has_stitched: bool, later: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the names of the columns, in order; `later` are the names of the stages after the triage."""
    stitched = (STITCHED_SECTORS,) if has_stitched else ()
    of_later = [column for name in later for column in (name, f"{name}_spread")]
    shown = (*_FIRST, *stitched, *_SCORES[:3], *of_later, _SCORES[3], *_EVENT)
    rest = [name for name in (*CATALOG_COLUMNS, *EVENT_DENSITIES) if name not in shown]
    return (*shown, *rest, _SCORES[4], *_FILES, *_MODEL)


def ranked(
    predictions: Sequence[Prediction],
    catalog: Any,
    tess_data_dir: str,
    threshold: float,
    warnings: Mapping[tuple[int, int, int], Sequence[str]],
) -> tuple[list[dict[str, Any]], list[Prediction]]:
    """Returns the rows of candidates.csv and the predictions, the most probable first.

    Args:
      predictions: predictions of the TCEs.
      catalog: DataFrame of the TCEs, as tce_table.load() returns it; None if there are no predictions.
      tess_data_dir: directory of the light curves.
      threshold: a TCE is a candidate if its probability is at least this.
      warnings: texts about TCEs, by row_id, tic_id and sector.
    """
    known = _Rows(catalog) if catalog is not None else None
    rows = []
    for prediction in predictions:
        tce = prediction.identity
        row = known.of(prediction) if known else {}
        key = (tce.row_id, tce.tic_id, tce.sector)
        rows.append(
            {
                **{name: tf_example.value(prediction.example, name, math.nan) for name in EVENT_DENSITIES},
                **row,
                "probability": prediction.mean,
                "spread": prediction.standard_deviation,
                "is_candidate": int(is_positive(prediction.mean, threshold)),
                "unlike_training": prediction.unlike_training,
                "warnings": "; ".join(warnings.get(key, ())),
                "light_curve": _files(row, tess_data_dir),
                "plot": "",
                **{name: later.mean for name, later in prediction.later.items()},
                **{f"{name}_spread": later.standard_deviation for name, later in prediction.later.items()},
            }
        )
    order = sorted(range(len(rows)), key=lambda i: (*_rank(predictions[i]), i))
    return [rows[i] for i in order], [predictions[i] for i in order]


def _rank(prediction: Prediction) -> tuple[float, float]:
    """Returns the sort key of a TCE: first those that reached the latest stage, then by the probability there."""
    later = list(prediction.later.values())
    return -len(later), -(later[-1] if later else prediction).mean


class _Rows:
    """The rows of a catalog, looked up by the identity of a TCE."""

    def __init__(self, catalog: Any) -> None:
        self._rows: dict[tuple[int, int, int], list[dict[str, Any]]] = {}
        for row in catalog.to_dict("records"):
            self._rows.setdefault((row[ROW_ID], row[TIC_ID], row[SECTOR]), []).append(row)

    def of(self, prediction: Prediction) -> dict[str, Any]:
        """Returns the row of a prediction; if several have the same identity, the one with the nearest period."""
        tce = prediction.identity
        rows = self._rows[tce.row_id, tce.tic_id, tce.sector]
        return min(rows, key=lambda row: abs(row[PERIOD] - tce.period))


def _files(row: Mapping[str, Any], tess_data_dir: str) -> str:
    """Returns the paths of the light curves of a row, separated by ";"."""
    columns = {name: row[name] for name in (TIC_ID, SECTOR, CAMERA, "ccd", STITCHED_SECTORS) if name in row}
    return ";".join(map(os.path.realpath, preprocess.find_light_curves(columns, tess_data_dir)))


def write(
    directory: str, rows: Sequence[Mapping[str, Any]], model: Mapping[str, Any], later: Sequence[str] = ()
) -> None:
    """Writes candidates.csv and candidates.ecsv.

    Args:
      directory: directory of the two files.
      rows: as ranked() returns them.
      model: the columns model, model_sha256 and threshold.
      later: names of the stages after the triage.
    """
    names = columns(any(STITCHED_SECTORS in row for row in rows), later)
    of_all = {**model, "version": version.VERSION}
    cells = [[_cell({**row, **of_all}.get(name)) for name in names] for row in rows]
    write_csv(os.path.join(directory, "candidates.csv"), names, cells, lineterminator="\n")
    _write_ecsv(os.path.join(directory, "candidates.ecsv"), names, [{**row, **of_all} for row in rows])


def _write_ecsv(path: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes an ECSV table, with units and meanings of the columns."""
    from astropy.table import Column, Table

    meanings = {column.name: column.meaning for column in COLUMNS} | _MEANINGS
    integers = {column.name for column in COLUMNS if column.kind is int} | {"is_candidate"}
    table = Table(meta={"comments": ["TCEs scored by astronet-triage, the most probable first"]})
    for name in names:
        values = [row.get(name) for row in rows]
        is_text = any(isinstance(value, str) for value in values)
        kind = str if is_text or name in _TEXTS else int if name in integers else float
        held = [_typed(value, kind) for value in values]
        table[name] = Column(held, dtype=kind, unit=_UNITS.get(name), description=meanings.get(name))
    with write_aside(path) as aside:
        table.write(aside, format="ascii.ecsv", overwrite=True)


_TEXTS = (TOI_ID, DISPOSITION, "unlike_training", "warnings", *_FILES, "model", "model_sha256", "version")


def _typed(value: Any, kind: type) -> Any:
    if value is None:
        return {str: "", int: 0, float: math.nan}[kind]
    return kind(value)


def _cell(value: Any) -> Any:
    """Returns a number as text with ten significant digits; "" for NaN."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return "" if value is None else value


@dataclasses.dataclass(frozen=True)
class Shown:
    """A column of the table in the terminal: its heading, its name, and how its values are written."""

    heading: str
    name: str
    form: str


_SHOWN = (
    Shown("TIC", TIC_ID, "d"),
    Shown("sector", SECTOR, "d"),
    Shown("period [d]", PERIOD, ".6g"),
    Shown("epoch [BTJD]", EPOCH, ".4f"),
    Shown("duration [h]", DURATION, ".3g"),
    Shown("depth [ppm]", DEPTH_PPM, ".4g"),
    Shown("S/N", SN, ".3g"),
    Shown("probability", "probability", ".3f"),
    Shown("spread", "spread", ".3f"),
)


def as_text(rows: Sequence[Mapping[str, Any]], most: Optional[int] = None, later: Sequence[str] = ()) -> str:
    """Returns a table of the first rows for the terminal. A * marks a candidate; `later` are names of stages."""
    shown = (*_SHOWN, *(Shown(name, name, ".3f") for name in later))
    lines = [[column.heading for column in shown]]
    for row in rows[:most]:
        lines.append([_shown(row.get(column.name), column.form) for column in shown])
    widths = [max(len(line[i]) for line in lines) for i in range(len(shown))]
    marks = [" ", *("*" if row["is_candidate"] else " " for row in rows[:most])]
    return "\n".join(
        f"{mark} " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths))
        for mark, line in zip(marks, lines)
    )


def _shown(value: Any, form: str) -> str:
    return "-" if value is None or value != value else format(value, form)
