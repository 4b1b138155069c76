"""Searches a light curve for transits and passes the events through one network after the other, as the scripts do."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.completeness.star_curves import StarCurve
from astronet.data.catalog import transit_search
from astronet.data.catalog.blsanal import Peak
from astronet.data.catalog.transit_search import TransitSearchError
from astronet.data.records import preprocess
from astronet.estimator import engines, one_tce, scoring
from astronet.estimator.ensemble import Ensemble
from astronet.stats.metrics import is_positive
from light_curve_util.errors import LightCurveError
from light_curve_util.tess_io import LightCurve

SEARCH = "search"


@dataclasses.dataclass(frozen=True)
class Passed:
    """A threshold crossing event and the networks that it passed.

    Attributes:
      t0_btjd, period, duration_hours, depth_ppm, sn: of the event; days, days, hours, ppm, signal to pink noise.
      probabilities: probability by each network, in order, up to the first one whose threshold it does not reach.
      num_passed: number of networks whose threshold it reaches.
    """

    t0_btjd: float
    period: float
    duration_hours: float
    depth_ppm: float
    sn: float
    probabilities: tuple[float, ...]
    num_passed: int


class Chain:
    """The search and the networks, which are restored once for all light curves."""

    def __init__(self, models: Sequence[Ensemble], detrend: str = "spline") -> None:
        """Takes the networks in order, and how light curves are detrended for the views, one of detrend.METHODS."""
        self._models = [model.with_engine_for(100) for model in models]
        self._settings = [one_tce.settings_of([model], detrend=detrend) for model in self._models]
        self._restored: list[dict[str, engines.Scorer]] = [{} for _ in models]

    def run(self, star: StarCurve, light_curve: LightCurve) -> list[Passed]:
        """Returns the threshold crossing events of a light curve, strongest first.

        Args:
          star: the star and what is known of it.
          light_curve: its light curve, original or changed (with injected transits, or inverted).
        """
        try:
            peaks = transit_search.search(light_curve.time, light_curve.flux, star.tmag)
        except TransitSearchError:
            return []
        return [self._judge(star, light_curve, peak) for peak in peaks if not peak.why_not_tce()]

    def _judge(self, star, light_curve, peak):
        probabilities: list[float] = []
        num_passed = 0
        for model, settings, restored in zip(self._models, self._settings, self._restored):
            probability = _probability(model, settings, restored, star, light_curve, peak)
            probabilities.append(probability)
            if not is_positive(np.array(probability), model.threshold()):
                break
            num_passed += 1
        return Passed(
            peak.t0,
            peak.period,
            peak.duration_hours,
            peak.depth_ppm,
            peak.pink_signal_to_noise,
            tuple(probabilities),
            num_passed,
        )


def _probability(
    model: Ensemble,
    settings: preprocess.Settings,
    restored: dict[str, Any],
    star: StarCurve,
    light_curve: LightCurve,
    peak: Peak,
) -> float:
    """Returns the probability of an event; 0 if no views can be made (generate_input_records.py would skip it)."""
    ephemeris = one_tce.Ephemeris(peak.t0, peak.period, peak.duration_hours, peak.depth_ppm, peak.pink_signal_to_noise)
    source = one_tce.Source(star.identity, star.header, star.is_of_tess)
    read = functools.partial(_same, light_curve)
    try:
        prepared = one_tce.prepare(read, ephemeris, source, settings, model.spec.config, tell=_say_nothing)
    except (LightCurveError, ScriptError):
        return 0.0
    (prediction,) = scoring.predict_records(model, [prepared.record], restored=restored)
    return prediction.mean


def _same(light_curve):
    return light_curve


def _say_nothing(text):
    del text


def matching(events: Sequence[Passed], period: float, t0_btjd: float, duration_days: float) -> Optional[Passed]:
    """Returns the one of the events that is a known planet; None if none is.

    The periods agree if, over one sector, their difference adds up to less than one transit duration. The epochs agree
    if they differ from a whole number of periods by at most half a duration, or one hour if that is longer.
    """
    tolerance_days = max(0.5 * duration_days, 1 / 24)
    for event in events:
        cycles = (event.t0_btjd - t0_btjd) / period
        is_near = abs(cycles - round(cycles)) * period <= tolerance_days
        if is_near and abs(event.period - period) * max(1.0, 27.0 / period - 1) <= max(duration_days, 1 / 12):
            return event
    return None


def alias(events: Sequence[Passed], period: float, duration_days: float) -> Optional[Passed]:
    """Returns an event at 1/3, 1/2, 2 or 3 times the period of a known planet; None if there is none."""
    for event in events:
        for factor in (0.5, 2.0, 1 / 3, 3.0):
            if abs(event.period - factor * period) * max(1.0, 27.0 / period - 1) <= max(duration_days, 1 / 12):
                return event
    return None


def cadence_days(light_curve: LightCurve) -> float:
    """Returns the time between cadences, days: the median difference."""
    return float(np.median(np.diff(np.sort(light_curve.time)))) if len(light_curve.time) > 1 else math.nan
