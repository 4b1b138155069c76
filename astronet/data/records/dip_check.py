"""What is doubtful about an ephemeris beside its light curve: a single event, or none that dips as the table says."""

import math

import numpy as np

from light_curve_util.array_types import Floats
from light_curve_util.constants import MAD_TO_SIGMA
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold

_LEAST_CADENCES = 5  # in the middle of events, and beside them
_CLEAR = 10.0  # times its error: a depth that cannot be missed
_MISSING, _OTHER_UNIT = 0.1, 30.0  # ratios of the depth that is seen to the one that is given


def warnings(time: Floats, flux: Floats, event: PeriodicEvent, depth_ppm: float) -> list[str]:
    """Returns what is doubtful about an event, in words.

    Args:
      time: days. [n]
      flux: relative to its median. [n]
      event: its times are those of the light curve.
      depth_ppm: depth of the event, as its table has it; NaN where it is not known.
    """
    span = float(np.ptp(time)) if len(time) else 0.0
    found = []
    if event.period > span > 0:
        found.append(
            f"the period of {event.period:.4g} d is longer than the light curve ({span:.3g} d), which has one event at "
            "most: is the period in days?"
        )
    seen_ppm, error_ppm = _seen(time, flux, event)
    if not (depth_ppm > 0 and math.isfinite(seen_ppm)):
        return found
    if depth_ppm > _CLEAR * error_ppm and seen_ppm < _MISSING * depth_ppm:
        found.append(
            f"a depth of {depth_ppm:.3g} ppm is given, but the light curve dips by {max(seen_ppm, 0):.3g} ppm at the "
            "events: check epoch and period (half a day off?)"
        )
    elif seen_ppm > _CLEAR * error_ppm and seen_ppm > _OTHER_UNIT * depth_ppm:
        found.append(
            f"a depth of {depth_ppm:.3g} ppm is given, but the light curve dips by {seen_ppm:.3g} ppm at the events: "
            "is the depth in ppm?"
        )
    return found


def _seen(time, flux, event):
    """The depth of the middle of the events below what lies beside them, and its error, in ppm; NaN where not seen."""
    distance = np.abs(phase_fold(time, event.period, event.t0))
    inside = flux[distance < 0.25 * event.duration_days]
    beside = flux[(distance > 0.75 * event.duration_days) & (distance < 1.75 * event.duration_days)]
    if min(len(inside), len(beside)) < _LEAST_CADENCES:
        return math.nan, math.nan
    level = np.median(beside)
    scatter = MAD_TO_SIGMA * np.median(np.abs(beside - level))
    error = 1.25 * scatter * math.hypot(1 / math.sqrt(len(inside)), 1 / math.sqrt(len(beside)))
    return float(1e6 * (level - np.median(inside)) / level), float(1e6 * error / level)
