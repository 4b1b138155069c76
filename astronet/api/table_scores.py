"""Scores all TCEs of a table; a row that cannot be scored gets the reason, and the others are scored all the same."""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Union

import numpy as np

from astronet.api import light_curves as given_light_curves
from astronet.base.files import write_csv
from astronet.base.script import ScriptError
from astronet.data.catalog import observed, plausibility, tce_table, tic_ids
from astronet.data.catalog.tce_rows import Request
from astronet.data.records import event_density, preprocess, tf_example
from astronet.data.records.columns import (
    DURATION,
    EPOCH,
    EPOCH_ERROR,
    KIND_OF,
    PERIOD,
    PERIOD_ERROR,
    SECTOR,
    TIC_ID,
)
from astronet.estimator.scoring import Prediction
from astronet.estimator.stages import Stage
from astronet.stats.metrics import is_positive
from light_curve_util import sector_times, stitch
from light_curve_util.errors import LightCurveError, MissingLightCurveError
from light_curve_util.identity import Identity
from light_curve_util.periodic_event import PeriodicEvent

_LOG = logging.getLogger("astronet")
COLUMNS = ("probability", "spread", "is_candidate", "unlike_training", "reason", "notes")
LightCurves = Union[str, "os.PathLike[str]", Mapping[Any, Any]]
_Views = tuple[Any, str]  # (views, ""), or (None, why there are none)
_READ = {*KIND_OF, EPOCH_ERROR, PERIOD_ERROR}


class Judge(Protocol):
    """What scores the records of a table: Triage."""

    stages: tuple[Stage, ...]
    threshold: float

    def predict(self, records: list[bytes]) -> Sequence[Prediction]:
        """Returns the predictions of serialized records, in order."""


class _Row(NamedTuple):
    """One row of the table: its serialized record, or why it has none."""

    record: bytes
    reason: str
    notes: list[str]


def score(judge: Judge, table: Any, light_curves: LightCurves, settings: preprocess.Settings) -> Any:
    """Returns a copy of a table with COLUMNS added (see Triage.score_table())."""
    with tempfile.TemporaryDirectory(prefix="astronet-") as directory:
        path = os.path.join(directory, "table")
        _write(path, table)
        try:
            rows = _rows(path, _source(light_curves, settings))
        except ScriptError as error:
            raise ScriptError(str(error).replace(path, "the table")) from None
    if len(rows) != len(table):
        raise ScriptError(f"{len(table)} rows, of which {len(rows)} are not empty: leave the empty ones out")
    scored = [i for i, row in enumerate(rows) if not row.reason]
    columns: dict[str, Any] = {
        "probability": np.full(len(rows), np.nan),
        "spread": np.full(len(rows), np.nan),
        "is_candidate": np.zeros(len(rows), bool),
        "unlike_training": [""] * len(rows),
        "reason": [row.reason for row in rows],
        "notes": ["; ".join(row.notes) for row in rows],
    }
    for stage in judge.stages[1:]:
        columns[stage.name], columns[f"{stage.name}_spread"] = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for i, prediction in zip(scored, judge.predict([rows[i].record for i in scored])):
        for name, later in prediction.later.items():
            columns[name][i], columns[f"{name}_spread"][i] = later.mean, later.standard_deviation
        columns["probability"][i], columns["spread"][i] = prediction.mean, prediction.standard_deviation
        columns["is_candidate"][i] = is_positive(prediction.mean, judge.threshold)
        columns["unlike_training"][i] = prediction.unlike_training
    return _with_columns(table, columns)


def _write(path: str, table: Any) -> None:
    """Writes a table to a file that tables.open_table() can read."""
    if hasattr(table, "colnames"):
        plain = table.copy()
        for name in plain.colnames:
            if hasattr(plain[name], "jd1"):
                plain[name] = plain[name].tdb.jd
        plain.write(path, format="ascii.ecsv", overwrite=True)
    elif hasattr(table, "iloc"):
        names = [str(name) for name in table.columns]
        write_csv(path, names, table.astype(object).where(table.notna(), "").itertuples(index=False, name=None))
    else:
        raise ScriptError(
            f"a {type(table).__name__} is not a table: give a pandas DataFrame or an astropy Table; "
            "triage.py reads files"
        )


class _Source(NamedTuple):
    """Where light curves are found: lists the sectors of a star, and makes the views of a row."""

    choose_sectors: Callable[[int, tuple[int, ...]], tuple[int, ...]]
    views: Callable[[dict[str, Any], preprocess.TimeCheck], _Views]


def _source(light_curves: LightCurves, settings: preprocess.Settings) -> _Source:
    if isinstance(light_curves, Mapping):
        return _held(light_curves, settings)
    directory = os.path.expanduser(os.fspath(light_curves))
    if not os.path.isdir(directory):
        raise ScriptError(
            f"no directory {directory}: light_curves must be a directory of light curves, "
            "or a dictionary of TIC IDs to light curves"
        )

    def views(columns: dict[str, Any], check: preprocess.TimeCheck) -> _Views:
        made, reason = preprocess.views_or_reason(columns, directory, settings, check=check)
        return made, reason or ""

    return _Source(observed.ObservedSectors(directory), views)


def _held(light_curves: Mapping[Any, Any], settings: preprocess.Settings) -> _Source:
    """Returns the source for light curves in memory, a dictionary of TIC IDs to light curves."""
    by_star = {tic_ids.parse_tic_id(str(key)): value for key, value in light_curves.items()}
    reading = given_light_curves.Reading(settings.flux_key, settings.quality)

    def choose(tic_id: int, sectors: tuple[int, ...]) -> tuple[int, ...]:
        return (sectors or (0,)) if tic_id in by_star else ()

    def views(columns: dict[str, Any], check: preprocess.TimeCheck) -> _Views:
        try:
            if columns[TIC_ID] not in by_star:
                raise MissingLightCurveError(f"no light curve of TIC {columns[TIC_ID]}")
            star = Identity(columns[TIC_ID])
            parts, _ = given_light_curves.given(by_star[columns[TIC_ID]], None, reading, None, star)
            event = PeriodicEvent(columns[EPOCH], columns[PERIOD], columns[DURATION])
            for part in parts:
                check.look(part, event, {**columns, SECTOR: columns[SECTOR] if len(parts) == 1 else 0})
            held = stitch.join([preprocess.prepared(part, event, settings) for part in parts])
            return preprocess.views_of(held, event, settings.views), ""
        except LightCurveError as error:
            return None, f"{error.reason}: {error}"
        except ScriptError as error:
            return None, f"invalid: {error}"

    return _Source(choose, views)


def _rows(path: str, source: _Source) -> list[_Row]:
    """Returns the _Row of each row of a table, in order."""
    import pandas as pd

    part, notes = tce_table.load_all(path, Request(choose_sectors=source.choose_sectors, stitch=True))
    for note in notes:
        _LOG.warning(note)
    rows = [_Row(b"", reason, []) for reason in part.reasons]
    usable = [i for i, reason in enumerate(part.reasons) if not reason]
    if not usable:
        return rows
    columns = {name: values[usable] for name, values in part.columns.items() if name in _READ}
    doubts = plausibility.doubts(columns)
    for text in doubts.of_columns:
        _LOG.warning(text)
    frame = tce_table.to_record_columns(pd.DataFrame(columns))
    frame = frame.assign(**event_density.of_table(frame))
    windows = {int(sector): sector_times.window(int(sector)) for sector in set(columns[SECTOR])}
    for place, (i, of_row) in enumerate(zip(usable, frame.to_dict("records"))):
        check = preprocess.TimeCheck(windows)
        views, reason = source.views(of_row, check)
        row_notes = [*doubts.of_tces.get(place, ()), *check.warnings, *filter(None, [part.warnings.get(i, "")])]
        record = b"" if views is None else tf_example.to_example(of_row, views).SerializeToString()
        rows[i] = _Row(record, reason, row_notes)
    return rows


def _with_columns(table: Any, columns: Mapping[str, Any]) -> Any:
    """Returns a copy of a table with more columns; they replace columns of the same names."""
    result = table.copy()
    names = [str(name) for name in getattr(table, "colnames", getattr(table, "columns", ()))]
    replaced = [name for name in columns if name in names]
    if replaced:
        _LOG.warning(f"the columns {', '.join(replaced)} of the table are replaced")
    for name, values in columns.items():
        result[name] = values
    return result
