"""Scores one TCE from its light curve and ephemeris, as generate_input_records.py and batch_predict.py would."""

import dataclasses
import functools
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from astronet.base.script import ScriptError
from astronet.data.catalog import epochs, plausibility
from astronet.data.records import event_columns, preprocess, single_tce, tf_example
from astronet.data.records.columns import DEPTH, DURATION, EPOCH, PERIOD, SECTOR, SN, TIC_ID
from astronet.estimator import scoring
from astronet.estimator.ensemble import Ensemble
from astronet.estimator.scoring import Prediction
from light_curve_util import identity as identities
from light_curve_util import sector_times, stitch, tess_io, time_systems
from light_curve_util.identity import Identity
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold
from light_curve_util.tess_io import LightCurve

_OTHER_UNIT, _SAME_DEPTH = 100.0, 3.0  # ratios of the depth that is seen to the one that is given
_LEAST_IN_EVENT = 3  # cadences

_LOG = logging.getLogger("astronet")
Tell = Callable[[str], object]

# How the command line names what a TCE is given by; the Python face has names of its own.
FLAGS: Mapping[str, str] = {**single_tce.FLAGS, "t0": "--t0", "duration_hours": "--duration_hours"}


@dataclasses.dataclass(frozen=True)
class Ephemeris:
    """When a TCE's events are, and what a transit search measured of them.

    Attributes:
      t0: mid-time of an event, as BTJD (BJD - 2457000) or BJD (days).
      period_days: time between events.
      duration_hours: full duration of an event.
      depth_ppm, sn: depth of an event, and S/N to pink noise, for models that read scalars; NaN where not known.
    """

    t0: float
    period_days: float
    duration_hours: float
    depth_ppm: float = math.nan
    sn: float = math.nan


@dataclasses.dataclass(frozen=True)
class LightCurveTce(Ephemeris):
    """A TCE in the light curve of one file.

    Attributes:
      path: file of the light curve.
      tic_id, sector: star and sector; None takes what the file says.
    """

    path: str = ""
    tic_id: Optional[int] = None
    sector: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a light curve is from.

    Attributes:
      star: what is known of star, sector and detector.
      header: mapping whose RA_OBJ and DEC_OBJ tell where the star is; None: there is none.
      is_of_tess: False for another mission, whose quarters or campaigns are no sectors.
    """

    star: Identity
    header: Any = None
    is_of_tess: bool = True


@dataclasses.dataclass(frozen=True)
class Prepared:
    """One TCE, ready for the network.

    Attributes:
      record: serialized tf.train.Example, as generate_input_records.py would write it.
      event: what was folded.
      light_curve: as it was folded.
    """

    record: bytes
    event: PeriodicEvent
    light_curve: LightCurve


def score(
    models: Ensemble,
    tce: LightCurveTce,
    settings: preprocess.Settings,
    catalog: Optional[str] = None,
    tell: Tell = _LOG.warning,
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
    source = source_of_file(tce)
    read = functools.partial(tess_io.read, tce.path, settings.flux_key, quality=settings.quality)
    prepared = prepare(read, tce, source, settings, models.spec.config, catalog, tell)
    (prediction,) = scoring.predict_records(models, [prepared.record])
    return prediction


def prepare(
    read: Callable[[], Union[LightCurve, Sequence[LightCurve]]],
    ephemeris: Ephemeris,
    source: Source,
    settings: preprocess.Settings,
    config: Any,
    catalog: Optional[str] = None,
    tell: Tell = _LOG.warning,
    names: Mapping[str, str] = FLAGS,
) -> Prepared:
    """Makes the record of one TCE.

    Args:
      read: function that returns the light curve, or those of several sectors, which are folded together.
      ephemeris: of the TCE.
      source: where the light curve is from.
      settings: as for score().
      config: Config of the models.
      catalog, tell: as for score().
      names: what messages call the arguments, in place of FLAGS.

    Raises:
      ScriptError, LightCurveError: as score() does.
    """
    sector = source.star.sector or 0
    event = _event(ephemeris, sector if source.is_of_tess else 0, tell, names)
    columns = {
        TIC_ID: source.star.tic_id or 0,
        SECTOR: sector,
        EPOCH: event.t0,
        PERIOD: event.period,
        DURATION: event.duration_days,
        DEPTH: ephemeris.depth_ppm,
        SN: ephemeris.sn,
    }
    parts = read()
    parts = [parts] if isinstance(parts, LightCurve) else parts
    is_checked = sector and source.is_of_tess and len(parts) == 1
    check = preprocess.TimeCheck({sector: sector_times.window(sector)} if is_checked else {})
    look = functools.partial(check.look, event=event, columns=columns)
    light_curve = stitch.join([preprocess.prepared(part, event, settings, look) for part in parts])
    views = preprocess.views_of(light_curve, event, settings.views)
    _check_depth(ephemeris.depth_ppm, light_curve, event, names)
    _tell_doubts(columns, check.warnings, tell)
    columns = single_tce.with_camera(columns, source.star, source.header)
    if catalog:
        columns = single_tce.with_neighbors(columns, catalog)
    columns = single_tce.with_star(columns, source.header, config)
    paths = [part.path for part in parts]
    columns.update(event_columns.measured(settings.measures, light_curve, event, columns, paths, settings.quality))
    record = tf_example.to_example(columns, views).SerializeToString()
    for doubt in single_tce.doubts(record, config, bool(catalog), names):
        tell(f"warning: {doubt}")
    return Prepared(record, event, light_curve)


def settings_of(models: Sequence[Ensemble], **reading: Any) -> preprocess.Settings:
    """Returns the settings that make the views of some models.

    Args:
      models: as ensemble.load() returns them.
      **reading: the other fields of preprocess.Settings.

    Raises:
      ScriptError: two of them read a view in different lengths.
    """
    views, measures = event_columns.asked_for_by_all([ensemble.spec.config for ensemble in models])
    return preprocess.Settings(views, measures=measures, **reading)


def source_of_file(tce: LightCurveTce) -> Source:
    """Returns what a file tells of its light curve, completed by tic_id and sector.

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
        raise ScriptError(f"{tce.path} does not contain its TIC ID: give it by --tic")
    return Source(star, identities.primary_header(tce.path), tess_io.is_of_tess(tce.path))


def _event(ephemeris, sector, tell, names):
    """Returns the event to fold.

    Raises:
      ScriptError: its epoch is in no known time system, or it lasts longer than its period.
    """
    if ephemeris.duration_hours > 24 * ephemeris.period_days:
        raise ScriptError(
            f"{names['duration_hours']}={ephemeris.duration_hours:.10g} is longer than the period, "
            f"{ephemeris.period_days:.10g} d: give hours; divide minutes by 60"
        )
    t0_btjd = _t0_btjd(ephemeris.t0, sector, tell, names["t0"])
    return PeriodicEvent(t0_btjd, ephemeris.period_days, ephemeris.duration_hours / 24)


def _t0_btjd(t0, sector, tell, name):
    """Returns the epoch in BTJD, and tells which time system it was taken to be in.

    Raises:
      ScriptError: it is in no known time system.
    """
    times = epochs.in_btjd([t0], [sector])
    for note in times.notes:
        tell(f"{name}={t0:.12g}: {note}")
    for problem in times.problems.values():
        raise ScriptError(f"{name}: {problem}")
    rounded = time_systems.whole_days_warning([t0], name)
    if rounded:
        tell(f"warning: {rounded}")
    return float(times.btjd[0])


def _check_depth(depth_ppm, light_curve, event, names):
    """Refuses a depth that is the light curve's own dip in another unit.

    Raises:
      ScriptError: it is.
    """
    if not depth_ppm > 0:
        return
    distance_days = np.abs(phase_fold(light_curve.time, event.period, event.t0))
    inside, outside = (distance_days < share * event.duration_days for share in (0.25, 0.75))
    if np.count_nonzero(inside) < _LEAST_IN_EVENT or outside.all():
        return
    seen_ppm = 1e6 * (1 - np.median(light_curve.flux[inside]) / np.median(light_curve.flux[~outside]))
    if not seen_ppm > _OTHER_UNIT * depth_ppm:
        return
    for unit, ppm in (("a fraction", 1e6), ("percent", 1e4), ("parts per thousand or mmag", 1e3)):
        if 1 / _SAME_DEPTH < seen_ppm / (depth_ppm * ppm) < _SAME_DEPTH:
            raise ScriptError(
                f"{names[DEPTH]}={depth_ppm:.10g}, but the light curve dips by {seen_ppm:.3g} ppm at the events: is "
                f"the depth {unit}? Give ppm, {depth_ppm * ppm:.6g}"
            )


def _tell_doubts(columns, warnings, tell):
    tce = {name: [value] for name, value in {**columns, DURATION: columns[DURATION] * 24}.items()}
    doubts = plausibility.doubts(tce)
    for text in [*doubts.of_columns, *doubts.of_tces.get(0, ()), *warnings]:
        tell(f"warning: {text}")
