"""Runs the checks of a TCE. They advise reviewers, and never set a label.

Each check has one of three states. "flag": something looks wrong. "pass": nothing looks wrong. "untestable": this light
curve does not allow the check; it is never shown as a pass.
"""

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from importlib import resources
from typing import Any, Optional

import numpy as np
from scipy.special import erfcinv

from astronet.review.measure import Measured
from astronet.review.tce import ReviewTce

FLAG, PASS, UNTESTABLE = "flag", "pass", "untestable"
_TCES_OF_A_SURVEY = 20_000  # number of TCEs among which one false alarm is accepted
_SPACECRAFT_PERIODS_DAYS = (13.7, 27.4)  # TESS's orbit, and a sector


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of one TCE.

    Attributes:
      name: a key of CHECKS.
      state: FLAG, PASS or UNTESTABLE.
      text: the measurement in words, with units; for an untestable check, the reason.
      value: the number that is compared with the threshold; NaN if there is none.
      threshold: the threshold; NaN if there is none.
    """

    name: str
    state: str
    text: str
    value: float = math.nan
    threshold: float = math.nan


@dataclasses.dataclass(frozen=True)
class Twin:
    """A TCE of another star with the same ephemeris.

    Attributes:
      row_id, tic_id: row_id and TIC ID of the other TCE.
      separation_arcsec: distance between the two stars on the sky; NaN if it is not known.
      is_brighter: whether the other star is brighter.
    """

    row_id: int
    tic_id: int
    separation_arcsec: float
    is_brighter: bool


@functools.lru_cache(maxsize=1)
def thresholds() -> dict[str, dict[str, Any]]:
    """Returns the thresholds of all checks by name: {"value": number, "source": where it comes from}."""
    text = resources.files("astronet.review").joinpath("thresholds.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded


def run(tce: ReviewTce, measured: Measured, twins: tuple[Twin, ...] = ()) -> list[Check]:
    """Returns the checks of a TCE, in the order of CHECKS.

    Args:
      tce: the TCE, with the parameters of its star.
      measured: measurements in its light curve.
      twins: TCEs of other stars with the same ephemeris.
    """
    return [check(tce, measured, twins) for check in CHECKS.values()]


def _limit(name: str) -> float:
    return float(thresholds()[name]["value"])


def _compared(name: str, value: float, limit: float, text: str, is_flag: Optional[bool] = None) -> Check:
    is_flag = value > limit if is_flag is None else is_flag
    return Check(name, FLAG if is_flag else PASS, text, value, limit)


def _untestable(name: str, why: str) -> Check:
    return Check(name, UNTESTABLE, why)


def _ppm(depth: float) -> str:
    return f"{depth * 1e6:.0f}"


def _odd_even(tce, measured, twins):
    odd, even = measured.odd, measured.even
    if min(odd.num_events, even.num_events) < 2:
        return _untestable("odd_even", f"{odd.num_events} odd and {even.num_events} even events: two of each needed")
    limit = _limit("odd_even_sigma")
    box = abs(odd.depth - even.depth) / math.hypot(odd.sigma, even.sigma)
    shape = abs(odd.shape_depth - even.shape_depth) / math.hypot(odd.sigma, even.sigma)
    later = abs(odd.time_days - even.time_days) / math.hypot(odd.time_sigma_days, even.time_sigma_days)
    text = (
        f"odd {_ppm(odd.depth)} \u00b1 {_ppm(odd.sigma)}, even {_ppm(even.depth)} \u00b1 {_ppm(even.sigma)} ppm: "
        f"{box:.1f} sigma"
    )
    both = min(box, shape) if math.isfinite(shape) else box
    if both > limit:
        return _compared("odd_even", both, limit, text)
    if math.isfinite(later) and later > _limit("odd_even_time_sigma"):
        hours = 24 * (odd.time_days - even.time_days)
        return _compared(
            "odd_even", later, _limit("odd_even_time_sigma"), f"odd events are {hours:.2f} h late: {later:.1f} sigma"
        )
    return _compared("odd_even", both, limit, text)


def _false_alarm_levels(tce: ReviewTce) -> tuple[float, float]:
    """Returns the significance that noise reaches once in a survey of light curves, and once in this light curve."""
    share = min(0.5, tce.duration_days / tce.period_days)
    return (
        math.sqrt(2) * float(erfcinv(share / _TCES_OF_A_SURVEY)),
        math.sqrt(2) * float(erfcinv(share)),
    )


def _secondary(tce, measured, twins):
    secondary, third, bump = measured.secondary, measured.third, measured.brightening
    if measured.phase_coverage < _limit("phase_coverage"):
        return _untestable("secondary", f"only {measured.phase_coverage:.0%} of the orbit has data")
    if secondary is None or third is None or bump is None:
        return _untestable("secondary", "the event fills the orbit")
    of_survey, of_place = _false_alarm_levels(tce)
    limit = _limit("secondary_margin_sigma")
    margin = min(
        secondary.significance - of_survey,
        secondary.significance - third.significance * (third.depth > 0) - of_place,
        secondary.significance - bump.significance * (bump.depth < 0) - of_place,
    )
    text = (
        f"{_ppm(secondary.depth)} \u00b1 {_ppm(secondary.sigma)} ppm at phase {secondary.phase:.3f}, "
        f"{secondary.significance:.1f} sigma"
    )
    if margin > limit and _may_be_occultation(tce, measured):
        return Check("secondary", PASS, f"{text}; small enough for a planet's occultation", margin, limit)
    return _compared("secondary", margin, limit, text, margin > limit and secondary.depth > 0)


def _may_be_occultation(tce: ReviewTce, measured: Measured) -> bool:
    """Returns whether a secondary dip is shallow enough to be the occultation of a planet that reflects all light."""
    depth = measured.secondary.depth if measured.secondary else math.nan
    radius, scaled_axis = tce.companion_radius_earth, _scaled_axis(tce)
    if not (radius < _limit("companion_radius_earth") and scaled_axis > 0 and measured.primary.depth > 0):
        return False
    ratio = math.sqrt(max(tce.depth_ppm, 0) * 1e-6)
    albedo = depth * (scaled_axis / ratio) ** 2
    return albedo < 1 and depth < _limit("planet_occultation_share") * measured.primary.depth


def _not_unique(tce, measured, twins):
    if measured.events.is_seen.sum() < 3:
        return _untestable("not_unique", f"{int(measured.events.is_seen.sum())} events: three needed")
    if measured.third is None or measured.brightening is None or measured.secondary is None:
        return _untestable("not_unique", "the event fills the orbit")
    of_survey, of_place = _false_alarm_levels(tce)
    primary = measured.primary.significance
    alone = primary - of_survey - _limit("unique_false_alarm_sigma")
    third = measured.third.significance * (measured.third.depth > 0)
    bump = measured.brightening.significance * (measured.brightening.depth < 0)
    beside = primary - max(third, bump) - of_place - _limit("unique_margin_sigma")
    text = f"event {primary:.1f} sigma, third dip {third:.1f}, highest bump {bump:.1f}; chance reaches {of_survey:.1f}"
    return _compared("not_unique", -min(alone, beside), 0.0, text)


def _v_shape(tce, measured, twins):
    peak = measured.peak
    if peak is None:
        return _untestable("v_shape", "nothing dips at the ephemeris: no shape to fit")
    cadences = measured.events.num_cadences[measured.events.is_seen]
    least = _limit("least_cadences_of_shape")
    per_event = float(np.median(cadences)) if len(cadences) else 0.0
    if per_event < least:
        return _untestable("v_shape", f"{per_event:.0f} cadences an event: the exposures smear every ingress")
    text = f"ingress is {peak.ingress_fraction:.2f} of the duration (0.5: a V)"
    return _compared("v_shape", peak.ingress_fraction, _limit("v_shape_ingress_fraction"), text)


def _size(tce, measured, twins):
    radius = tce.companion_radius_earth
    if not math.isfinite(radius):
        return _untestable("size", "the radius of the star, or the depth, is not known")
    text = f"{radius:.1f} Earth radii, if no other star's light is in the aperture: a lower limit"
    return _compared("size", radius, _limit("companion_radius_earth"), text)


def _scaled_axis(tce: ReviewTce) -> float:
    """Returns the semi-major axis in stellar radii, from Kepler's third law; NaN if the star is not known."""
    density = tce.stellar_density
    return 4.206 * density ** (1 / 3) * tce.period_days ** (2 / 3) if density > 0 else math.nan


def _duration(tce, measured, twins):
    if tce.duration_days > tce.period_days / 2:
        text = f"{24 * tce.duration_days:.1f} h, more than half of the period"
        return Check("duration", FLAG, text, tce.duration_days / tce.period_days, 0.5)
    scaled_axis = _scaled_axis(tce)
    if not math.isfinite(scaled_axis):
        return _untestable("duration", "the density of the star is not known")
    if scaled_axis < _limit("least_semi_major_axis"):
        return Check(
            "duration", FLAG, f"the orbit is only {scaled_axis:.1f} stellar radii wide", scaled_axis,
            _limit("least_semi_major_axis"),
        )  # fmt: skip
    ratio = math.sqrt(max(tce.depth_ppm, 0) * 1e-6) if tce.depth_ppm > 0 else 0.0
    longest = tce.period_days / math.pi * math.asin(min(1.0, (1 + ratio) / scaled_axis))
    share = longest / tce.duration_days
    text = f"{24 * tce.duration_days:.1f} h; at most {24 * longest:.1f} h on a circular orbit around this star"
    return _compared("duration", share, _limit("duration_ratio"), text, share < _limit("duration_ratio"))


def _period_alias(tce, measured, twins):
    events = measured.events
    if events.is_seen.sum() < 2:
        return _untestable("period_alias", "one event: any period would do")
    missing = 1 - float(events.is_seen.mean())
    share = _limit("alias_missing_share")
    text = f"{int(events.is_seen.sum())} of {len(events.number)} predicted events have data"
    if missing >= share:
        return Check("period_alias", FLAG, f"{text}: other periods fit as well", missing, share)
    for orbit in _SPACECRAFT_PERIODS_DAYS:
        for divisor in (1, 2, 3):
            near = abs(tce.period_days * divisor / orbit - 1)
            if near < _limit("alias_period_tolerance"):
                fraction = f"{orbit:g} d" if divisor == 1 else f"{orbit:g} d / {divisor}"
                text = f"the period is within {near:.1%} of {fraction}, TESS's own orbit or sector"
                return Check("period_alias", FLAG, text, near, _limit("alias_period_tolerance"))
    return Check("period_alias", PASS, text, missing, share)


def _edges(tce, measured, twins):
    events = measured.events
    times = events.time[events.is_seen]
    if not len(times):
        return _untestable("edges", "no event has data")
    near = np.abs(times[:, np.newaxis] - measured.edges).min(axis=1) <= _limit("edge_days") + tce.duration_days / 2
    text = f"{int(near.sum())} of {len(times)} events within {_limit('edge_days'):g} d of a gap or an end"
    return _compared("edges", float(near.mean()), _limit("edge_share"), text, near.mean() >= _limit("edge_share"))


def _dumps(tce, measured, twins):
    dumps, events = measured.dumps, measured.events
    if dumps is None:
        return _untestable(
            "dumps", "the file does not contain the times of momentum dumps: FITS files of SPOC and QLP do"
        )
    times = events.time[events.is_seen]
    if not len(dumps) or not len(times):
        return _untestable("dumps", f"{len(dumps)} momentum dumps are flagged, {len(times)} events have data")
    near = np.abs(times[:, np.newaxis] - dumps).min(axis=1) <= tce.duration_days
    text = f"{int(near.sum())} of {len(times)} events within one duration of one of {len(dumps)} momentum dumps"
    return _compared("dumps", float(near.mean()), _limit("dump_share"), text)


def _one_event(tce, measured, twins):
    events = measured.events
    seen = events.is_seen
    if seen.sum() < 2:
        return _untestable("one_event", f"{int(seen.sum())} event has data")
    signal, depth = np.maximum(events.signal_to_noise[seen], 0), events.depth[seen]
    total = math.sqrt(float(np.sum(signal**2)))
    share = float(signal.max()) / total if total > 0 else 1.0
    skew = float(depth.mean() / np.median(depth)) if np.median(depth) > 0 else math.inf
    text = f"the strongest of {int(seen.sum())} events has {share:.2f} of the S/N; mean over median depth {skew:.2f}"
    limit = _limit("dominant_event_share")
    if seen.sum() <= 10 and share > limit:
        return Check("one_event", FLAG, text, share, limit)
    if seen.sum() >= 3 and skew > _limit("mean_over_median_depth"):
        return Check("one_event", FLAG, text, skew, _limit("mean_over_median_depth"))
    return Check("one_event", PASS, text, share, limit)


def _sector_wide(tce, measured, twins):
    known = [value for value in (tce.event_density, tce.camera_event_density) if math.isfinite(value)]
    if not known:
        return _untestable("sector_wide", "the sector has too few TCEs, or too short a period, to tell crowded times")
    text = f"events are {max(known):.1f} times as crowded as in the mean of the sector or camera"
    return _compared("sector_wide", max(known), _limit("event_density"), text)


def _sine(tce, measured, twins):
    limit = _limit("sine_sigma")
    text = f"a sinusoid of {measured.sine_period_days:.4g} d out of transit has {measured.sine_sigma:.1f} sigma"
    is_flag = measured.sine_sigma > limit and tce.period_days < _limit("sine_period_days")
    return _compared("sine", measured.sine_sigma, limit, text, is_flag)


def _same_ephemeris(tce, measured, twins):
    if not twins:
        return Check("same_ephemeris", PASS, "no other star of this report; known stars are not looked up", 0, 0)
    first = min(twins, key=lambda twin: (not twin.is_brighter, twin.separation_arcsec))
    apart = f", {first.separation_arcsec:.0f} arcsec away" if math.isfinite(first.separation_arcsec) else ""
    brighter = "brighter" if first.is_brighter else "fainter"
    text = f"{len(twins)} other stars, the first TIC {first.tic_id} ({brighter}{apart})"
    return Check("same_ephemeris", FLAG, text, len(twins), 0)


def _aperture(tce, measured, twins):
    apertures = measured.apertures
    if len(apertures) < 2:
        return _untestable("aperture", "the light curve has one aperture")
    (small, small_depth, small_sigma), (large, large_depth, large_sigma) = apertures[0], apertures[-1]
    difference = abs(large_depth - small_depth) / math.hypot(small_sigma, large_sigma)
    if large_depth == small_depth:
        return _untestable("aperture", "the apertures have the same flux")
    text = f"{_ppm(small_depth)} ppm by {small}, {_ppm(large_depth)} ppm by {large}: {difference:.1f} sigma"
    share = abs(large_depth - small_depth) / max(abs(small_depth), abs(large_depth))
    limit = _limit("aperture_sigma")
    return _compared("aperture", difference, limit, text, difference > limit and share > _limit("aperture_share"))


def _centroid(tce, measured, twins):
    return _untestable("centroid", "light curves do not tell: see the data validation reports of the archives")


# In the order in which vetters look at them.
CHECKS: dict[str, Callable[[ReviewTce, Measured, tuple[Twin, ...]], Check]] = {
    "odd_even": _odd_even,
    "secondary": _secondary,
    "not_unique": _not_unique,
    "v_shape": _v_shape,
    "size": _size,
    "duration": _duration,
    "period_alias": _period_alias,
    "edges": _edges,
    "dumps": _dumps,
    "one_event": _one_event,
    "sector_wide": _sector_wide,
    "sine": _sine,
    "same_ephemeris": _same_ephemeris,
    "aperture": _aperture,
    "centroid": _centroid,
}
TITLES = {
    "odd_even": "odd and even events",
    "secondary": "secondary eclipse",
    "not_unique": "event not unique",
    "v_shape": "V-shape",
    "size": "size",
    "duration": "duration and density",
    "period_alias": "period alias",
    "edges": "gaps and edges",
    "dumps": "momentum dumps",
    "one_event": "one event dominates",
    "sector_wide": "crowded times",
    "sine": "sinusoid",
    "same_ephemeris": "same ephemeris",
    "aperture": "depth by aperture",
    "centroid": "centroid",
}
