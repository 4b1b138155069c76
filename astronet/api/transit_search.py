"""Searches one light curve for transits, from Python."""

import dataclasses
import logging
import math
from typing import Any, Optional

from astronet.api import light_curves
from astronet.base.script import ScriptError
from astronet.data.catalog import transit_search
from light_curve_util import stitch
from light_curve_util.identity import Identity

_LOG = logging.getLogger("astronet")


@dataclasses.dataclass(frozen=True)
class FoundTce:
    """A periodic dip that search() found. `triage.score(light_curve, **tce.ephemeris)` scores it.

    Attributes:
      t0_btjd: mid-time of a transit, BTJD (days).
      period_days, duration_hours, depth_ppm: period, duration and depth of the transits.
      sn: ratio of signal to pink noise.
      ingress_fraction: duration of the ingress divided by that of the transit; 0.5 is V-shaped.
      why_no_tce: why it is not a threshold crossing event (TCE); "" if it is one.
    """

    t0_btjd: float
    period_days: float
    duration_hours: float
    depth_ppm: float
    sn: float
    ingress_fraction: float
    why_no_tce: str = ""

    @property
    def ephemeris(self) -> dict[str, float]:
        """The ephemeris as arguments of Triage.score()."""
        return {
            "period": self.period_days,
            "t0": self.t0_btjd,
            "duration_hours": self.duration_hours,
            "depth_ppm": self.depth_ppm,
            "sn": self.sn,
        }


def search(
    time: Any,
    flux: Any = None,
    *,
    tmag: Optional[float] = None,
    all_peaks: bool = False,
    flags: Any = None,
    flux_key: Optional[str] = None,
    quality: str = "default",
) -> list[FoundTce]:
    """Searches a light curve for transits, as make_catalog.py --bls=compute does (docs/transit_search.md).

    Args:
      time, flux: as for Triage.score(); a list of light curves, one per sector, is searched as one.
      tmag: TESS magnitude of the star; None: that of the light curve's header. The thresholds of faint stars apply if
        the magnitude is in neither place.
      all_peaks: whether to return also the best peak that is not a threshold crossing event.
      flags: quality flags [n], if time and flux are arrays: a cadence whose flag is not 0 is dropped.
      flux_key, quality: how a file or a table is read, as for read_light_curve().

    Returns:
      List of FoundTce, the strongest (by signal to pink noise) first; empty if there are none.

    Raises:
      LightCurveError: the light curve cannot be read.
      ScriptError: the light curve cannot be searched: too few cadences, too short, or too long.

    >>> for tce in search(time, flux):  # doctest: +SKIP
    ...     print(triage.score(time, flux, **tce.ephemeris))
    """
    parts, source = light_curves.given(time, flux, light_curves.Reading(flux_key, quality), flags, Identity())
    for note in [note for part in parts for note in part.notes]:
        _LOG.warning(note)
    light_curve = stitch.join(parts)
    magnitude = _magnitude(source.header) if tmag is None else float(tmag)
    try:
        peaks = transit_search.search(light_curve.time, light_curve.flux, magnitude)
    except transit_search.TransitSearchError as error:
        raise ScriptError(f"{light_curve.path}: {error}") from None
    tces = [
        FoundTce(
            float(peak.t0),
            float(peak.period),
            float(peak.duration_hours),
            float(peak.depth_ppm),
            float(peak.pink_signal_to_noise),
            float(peak.ingress_fraction),
            peak.why_not_tce(),
        )
        for peak in peaks
    ]
    return [tce for tce in tces if all_peaks or not tce.why_no_tce]


def _magnitude(header: Any) -> float:
    """Returns the TESS magnitude in a header; NaN if there is none."""
    try:
        return float(header["TESSMAG"])
    except (KeyError, TypeError, ValueError):
        return math.nan
