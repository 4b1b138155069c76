"""Makes the panel of one TCE, in worker processes: light curve, folded light curves, events, checks, views."""

import dataclasses
import math
from typing import Any, Optional

import numpy as np

from astronet.data.records import preprocess
from astronet.review import checks, packing, photometry
from astronet.review.checks import Check, Twin
from astronet.review.measure import Dip, Half, Measured, measure
from astronet.review.photometry import Photometry
from astronet.review.tce import ReviewTce
from light_curve_util.errors import LightCurveError
from light_curve_util.phase_fold import phase_fold

_FULL_WITHIN_DURATIONS = 3.0  # so close to an event, every cadence is kept
_WHOLE_BINS, _NEAR_BINS = 200, 48
_NEAR_DURATIONS = 3.0


@dataclasses.dataclass(frozen=True)
class Request:
    """Where the panel of a TCE comes from.

    Attributes:
      tce: the TCE.
      twins: TCEs of other stars with the same ephemeris.
      tess_data_dir: directory of the light curves; None: no light curve is drawn.
      settings: how the records were made.
      max_points: of the light curve that the page holds, for each sector.
    """

    tce: ReviewTce
    twins: tuple[Twin, ...]
    tess_data_dir: Optional[str]
    settings: preprocess.Settings
    max_points: int


@dataclasses.dataclass(frozen=True)
class Panel:
    """The panel of a TCE.

    Attributes:
      content: data that the page draws the panel from, for JSON.
      checks: checks of the TCE; empty if its light curve cannot be read.
      num_seen, num_predicted: number of events with data, and of all events; 0 if the light curve cannot be read.
      problem: why the light curve is not drawn; "" if it is drawn.
    """

    content: dict[str, Any]
    checks: tuple[Check, ...]
    num_seen: int
    num_predicted: int
    problem: str


def make(request: Request) -> Panel:
    """Makes the panel of a TCE. An error in reading its light curve becomes its `problem`."""
    tce = request.tce
    content = {"views": _views(tce), **_opinion(tce)}
    if request.tess_data_dir is None:
        return Panel(content, (), 0, 0, "no light curves were given (--tess_data_dir)")
    try:
        read = photometry.read(tce, request.tess_data_dir, request.settings)
        if len(read.time) < 2:
            raise LightCurveError(f"{read.paths[0]} has {len(read.time)} cadence")
        measured = measure(read, tce.event)
        checked = tuple(checks.run(tce, measured, request.twins))
        content = {**content, **_light_curve(tce, read, request.max_points), **_measured(measured)}
    except LightCurveError as error:
        return Panel(content, (), 0, 0, f"{error.reason}: {error}")
    except MemoryError:
        raise
    except Exception as error:  # one bad TCE must not stop the others
        return Panel(content, (), 0, 0, f"error: {type(error).__name__}: {error}")
    content["checks"] = [[check.name, check.state, check.text, check.value, check.threshold] for check in checked]
    return Panel(content, checked, int(measured.events.is_seen.sum()), len(measured.events.number), "")


def _opinion(tce: ReviewTce) -> dict[str, Any]:
    """What the models say beyond what the index has: each member, and each input left out."""
    if tce.opinion is None:
        return {"members": [], "why": []}
    digits = packing.rounded
    why = [
        [name, digits(change.mean, 3), digits(change.low, 3), digits(change.high, 3), digits(change.probability, 3)]
        for name, change in sorted(tce.opinion.why, key=lambda item: -abs(item[1].mean))
    ]
    return {"members": list(tce.opinion.members), "why": why}


def _views(tce: ReviewTce) -> dict[str, str]:
    return {name: packing.text_of(packing.view(values)) for name, values in tce.views.items()}


def _light_curve(tce: ReviewTce, read: Photometry, max_points: int) -> dict[str, Any]:
    event = tce.event
    phase_days = phase_fold(read.time, event.period, event.t0)
    near = np.abs(phase_days) <= _FULL_WITHIN_DURATIONS * event.duration_days
    kept = decimated(read.flux, near, max_points * max(1, len(read.paths)))
    return {
        "paths": list(read.paths),
        "sha256": read.sha256,
        "notes": list(read.notes),
        "cadence_days": packing.rounded(read.cadence_days),
        "num_cadences": len(read.time),
        "time": packing.times(read.time[kept]),
        "flux": packing.flux(read.flux[kept]),
        "raw": packing.flux(read.raw[kept]) if read.raw is not None else None,
        "whole": _binned(((phase_days / event.period) + 0.25) % 1 - 0.25, read.flux, -0.25, 0.75, _WHOLE_BINS),
        "near": _near(phase_days, read.flux, event),
    }


def decimated(flux: np.ndarray, keep: np.ndarray, max_points: int) -> np.ndarray:
    """Returns which points to draw, ascending: all of `keep`, and of the others the lowest and highest of each stretch.

    Args:
      flux: [n].
      keep: bool [n], points that are kept whatever their number, as long as these are fewer than max_points.
      max_points: about how many there may be.
    """
    num_points = len(flux)
    if num_points <= max_points:
        return np.arange(num_points)
    always = np.flatnonzero(keep) if keep.sum() < 0.75 * max_points else np.zeros(0, int)
    others = np.setdiff1d(np.arange(num_points), always, assume_unique=True)
    stretches = np.array_split(others, max(1, (max_points - len(always)) // 2))
    ends = [(part[np.argmin(flux[part])], part[np.argmax(flux[part])]) for part in stretches if len(part)]
    return np.unique(np.concatenate([always, np.ravel(ends).astype(int)]))


def _near(phase_days, flux, event):
    span = min(_NEAR_DURATIONS * event.duration_days, event.period / 2)
    return _binned(phase_days * 24, flux, -span * 24, span * 24, _NEAR_BINS)


def _binned(x, flux, low, high, num_bins):
    """Returns means of flux in bins of x, and their errors, as lists; null for an empty bin."""
    place = np.floor((x - low) / (high - low) * num_bins).astype(int)
    inside = (place >= 0) & (place < num_bins)
    count = np.bincount(place[inside], minlength=num_bins)
    total = np.bincount(place[inside], flux[inside], minlength=num_bins)
    square = np.bincount(place[inside], (flux[inside] - 1) ** 2, minlength=num_bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        error = np.sqrt(np.maximum(square / count - (mean - 1) ** 2, 0) / np.maximum(count - 1, 1))
    rounded = [packing.rounded(value * 1e6, 5) for value in mean - 1]
    return {"low": low, "high": high, "ppm": rounded, "error": [packing.rounded(value * 1e6, 3) for value in error]}


def _measured(measured: Measured) -> dict[str, Any]:
    events, peak = measured.events, measured.peak
    return {
        "events": {
            "number": events.number.tolist(),
            "time": [packing.rounded(time, 10) for time in events.time],
            "seen": events.is_seen.astype(int).tolist(),
            "ppm": [packing.rounded(depth * 1e6, 5) for depth in events.depth],
            "sigma": [packing.rounded(sigma * 1e6, 3) for sigma in events.sigma],
        },
        "fit": peak
        and {
            "t0": packing.rounded(peak.t0, 10),
            "ppm": packing.rounded(peak.depth * 1e6),
            "hours": packing.rounded(peak.duration_hours),
            "ingress": packing.rounded(peak.ingress_fraction, 4),
        },
        "odd": _half(measured.odd),
        "even": _half(measured.even),
        "dips": {name: _dip(getattr(measured, name)) for name in ("primary", "secondary", "third", "brightening")},
        "dumps": [packing.rounded(time, 9) for time in measured.dumps] if measured.dumps is not None else [],
        "edges": [packing.rounded(time, 9) for time in measured.edges],
        "white_ppm": packing.rounded(measured.noise.white * 1e6, 4),
        "apertures": [
            [name, packing.rounded(d * 1e6), packing.rounded(s * 1e6, 4)] for name, d, s in measured.apertures
        ],
    }


def _half(half: Half) -> dict[str, Any]:
    return {
        "events": half.num_events,
        "ppm": packing.rounded(half.depth * 1e6),
        "sigma": packing.rounded(half.sigma * 1e6, 4),
        "hours": packing.rounded(half.time_days * 24, 4),
    }


def _dip(dip: Optional[Dip]) -> Optional[dict[str, Any]]:
    if dip is None or not math.isfinite(dip.sigma):
        return None
    return {
        "phase": packing.rounded(dip.phase, 5),
        "ppm": packing.rounded(dip.depth * 1e6),
        "sigma": packing.rounded(dip.sigma * 1e6, 4),
    }
