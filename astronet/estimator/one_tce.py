"""Scores one TCE from its light curve and ephemeris, as generate_input_records.py and batch_predict.py would."""

import dataclasses
import functools
import logging
import math
from collections.abc import Callable
from typing import Any, Optional

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.catalog import epochs, plausibility
from astronet.data.records import preprocess, single_tce, tf_example
from astronet.data.records.columns import DEPTH, DURATION, EPOCH, PERIOD, SECTOR, SN, TIC_ID
from astronet.estimator import scoring
from astronet.estimator.ensemble import Ensemble
from astronet.estimator.scoring import Prediction
from light_curve_util import sector_times, tess_io, time_systems
from light_curve_util.identity import Identity
from light_curve_util.periodic_event import PeriodicEvent

_LOG = logging.getLogger("astronet")


@dataclasses.dataclass(frozen=True)
class LightCurveTce:
    """A TCE in the light curve of one file.

    Attributes:
      path: file of the light curve.
      t0: mid-time of an event, as BTJD (BJD - 2457000) or BJD (days).
      period_days: time between events.
      duration_hours: full duration of an event.
      tic_id, sector: star and sector; None takes what the file says.
      depth_ppm, sn: depth of an event, and S/N to pink noise, for models that read scalars; NaN where not known.
    """

    path: str
    t0: float
    period_days: float
    duration_hours: float
    tic_id: Optional[int] = None
    sector: Optional[int] = None
    depth_ppm: float = math.nan
    sn: float = math.nan


def score(
    models: Ensemble,
    tce: LightCurveTce,
    settings: preprocess.Settings,
    catalog: Optional[str] = None,
    tell: Callable[[str], object] = _LOG.warning,
) -> Prediction:
    """Returns the prediction for one TCE.

    Args:
      models: as ensemble.load() returns it.
      tce: the light curve and the ephemeris.
      settings: how the light curve is read; its views are those of the models, as settings_of() makes it.
      catalog: table of TCEs of the same sector, for models that read how crowded the times of events are; None: none.
      tell: gets a line for each doubt about the TCE, and one that says in which time system t0 was taken to be.

    Raises:
      ScriptError: the file contradicts tic_id or sector, or nothing names the star; t0 is in no known time system;
        or the event lasts longer than its period.
      LightCurveError: the light curve cannot be read.
    """
    star = _identity(tce)
    sector = star.sector or 0
    event = _event(tce, sector if tess_io.is_of_tess(tce.path) else 0, tell)
    columns = {
        TIC_ID: star.tic_id,
        SECTOR: sector,
        EPOCH: event.t0,
        PERIOD: event.period,
        DURATION: event.duration_days,
        DEPTH: tce.depth_ppm,
        SN: tce.sn,
    }
    check = preprocess.TimeCheck({sector: sector_times.window(sector)} if sector else {})
    look = functools.partial(check.look, event=event, columns=columns)
    views = preprocess.make_views(tce.path, event, settings, look)
    _tell_doubts(columns, check.warnings, tell)
    columns = single_tce.with_camera(columns, tce.path)
    if catalog:
        columns = single_tce.with_neighbors(columns, catalog)
    record = tf_example.to_example(columns, views).SerializeToString()
    for doubt in single_tce.doubts(record, models.spec.config, bool(catalog)):
        tell(f"warning: {doubt}")
    (prediction,) = scoring.predict_records(models, [record])
    return prediction


def settings_of(models: Ensemble, **reading: Any) -> preprocess.Settings:
    """Returns the settings that make the views of some models.

    Args:
      models: as ensemble.load() returns it.
      **reading: the other fields of preprocess.Settings.
    """
    return preprocess.Settings(configuration.view_lengths(models.spec.config), **reading)


def _identity(tce):
    """Returns the identity of the light curve, as its file says, completed by tic_id and sector.

    Raises:
      ScriptError: they contradict the file, or nothing names the star.
    """
    given, of_file = Identity(tce.tic_id, tce.sector), tess_io.identity(tce.path)
    both = (("--tic", "TIC", given.tic_id, of_file.tic_id), ("--sector", "sector", given.sector, of_file.sector))
    for flag, name, value, value_of_file in both:
        if None not in (value, value_of_file) and value != value_of_file:
            raise ScriptError(
                f"{flag} is {value}, but {tce.path} is of {name} {value_of_file}: name another light curve, or leave "
                f"out {flag}"
            )
    star = of_file.completed_by(given)
    if star.tic_id is None:
        raise ScriptError(f"{tce.path} does not tell its star: name it by --tic")
    return star


def _event(tce, sector, tell):
    """Returns the event to fold.

    Raises:
      ScriptError: its epoch is in no known time system, or it lasts longer than its period.
    """
    if tce.duration_hours > 24 * tce.period_days:
        raise ScriptError(
            f"--duration_hours={tce.duration_hours:.10g} is longer than the period, {tce.period_days:.10g} d: give "
            "hours; divide minutes by 60"
        )
    return PeriodicEvent(_t0_btjd(tce.t0, sector, tell), tce.period_days, tce.duration_hours / 24)


def _t0_btjd(t0, sector, tell):
    """Returns the epoch in BTJD, and tells which time system it was taken to be in.

    Raises:
      ScriptError: it is in no known time system.
    """
    times = epochs.in_btjd([t0], [sector])
    for note in times.notes:
        tell(f"--t0={t0:.10g}: {note}")
    for problem in times.problems.values():
        raise ScriptError(f"--t0: {problem}")
    rounded = time_systems.whole_days_warning([t0], "--t0")
    if rounded:
        tell(f"warning: {rounded}")
    return float(times.btjd[0])


def _tell_doubts(columns, warnings, tell):
    tce = {name: [value] for name, value in {**columns, DURATION: columns[DURATION] * 24}.items()}
    doubts = plausibility.doubts(tce)
    for text in [*doubts.of_columns, *doubts.of_tces.get(0, ()), *warnings]:
        tell(f"warning: {text}")
