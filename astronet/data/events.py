"""The event of one row of a TEV table: as a .blsanal file has it, as a search of the light curve finds it, or its own.

Workers run this: it imports no TensorFlow and no pandas.
"""

import dataclasses
import math
import os
from typing import Optional

from astronet.data import bls
from astronet.data.catalog_rows import DroppedRowError, number
from light_curve_util.errors import LightCurveError


@dataclasses.dataclass(frozen=True)
class Searches:
    """Where the results of transit searches come from.

    Attributes:
      qlp_data_dir: directory of sector-S/ffi/camC/ccdD/BLS/<tic>.blsanal.
      tess_data_dir: directory of the light curves that are searched here where there is no such file; None: none are.
      flux_key: column of the light curves to search; None is each product's own.
      quality: name of the quality mask.
    """

    qlp_data_dir: str
    tess_data_dir: Optional[str] = None
    flux_key: Optional[str] = None
    quality: str = "default"


def request(row):
    """What `find_or_reason` has to know of a catalog_rows.Row, as JSON can hold it."""
    return {
        **{column: row.cells[column] for column in ("Epoc", "Period", "Duration", "Transit Depth")},
        **{name: getattr(row, name) for name in ("tic_id", "sector", "camera", "ccd", "only_tce")},
        "tmag": row.star.tmag,
    }


def find_or_reason(row, searches):
    """The event of a row.

    Args:
      row: what `request` returns.
      searches: Searches.

    Returns:
      Dict of "event" (the catalogue's columns that describe it), "camera" and "ccd" (of the .blsanal file, if that is
      where the event is from); or of "reason", where there is no event or not one that crosses the threshold.
    """
    try:
        return _find(row, searches)
    except DroppedRowError as error:
        return {"reason": str(error)}


def _find(row, searches):
    found = _blsanal(row, searches)
    peaks, camera, ccd = found or (None, row["camera"], row["ccd"])
    period = number(row, "Period")
    if peaks is None and searches.tess_data_dir is not None:
        peaks = _search(row, searches)
    if peaks is None:
        event = _own_event(row, period)
    else:
        event = _measured_event(peaks, None if row["only_tce"] or not period > 0 else period)
    return {"event": event, "camera": camera, "ccd": ccd}


def _blsanal(row, searches):
    """(peaks, camera, ccd) of the star's file; None where there is none."""
    found = bls.find(searches.qlp_data_dir, row["sector"], row["tic_id"], row["camera"], row["ccd"])
    if not found:
        return None
    path, camera, ccd = found
    try:
        return bls.read(path), camera, ccd
    except (bls.BlsError, OSError) as error:
        raise DroppedRowError(str(error)) from error


def _search(row, searches):
    """Peaks of the row's light curve, best first."""
    from astronet.data import transit_search
    from light_curve_util import tess_io

    try:
        path = tess_io.find(searches.tess_data_dir, row["tic_id"], row["sector"], row["camera"], row["ccd"])
        light_curve = tess_io.read(path, searches.flux_key, quality=searches.quality)
        peaks = transit_search.search(light_curve.time, light_curve.flux, row["tmag"])
    except (LightCurveError, transit_search.TransitSearchError, OSError) as error:
        raise DroppedRowError(f"no transit search: {error}") from error
    if not peaks:
        raise DroppedRowError(f"not a TCE: no periodic dip in {os.path.basename(path)}")
    return peaks


def _measured_event(peaks, period):
    """The best peak; of a star with several TCEs in the sector, the one at this row's period (None: the best)."""
    peak = peaks[0]
    if period is not None:
        peak = min(peaks, key=lambda peak: abs(math.log(peak.period / period)) if peak.period > 0 else math.inf)
    reason = peak.why_not_tce()
    if reason:
        raise DroppedRowError(f"not a TCE: {reason}")
    return {
        "Epoc": peak.t0,
        "Period": peak.period,
        "Duration": peak.duration_hours,
        "Transit_Depth": peak.depth_ppm,
        "SN": peak.pink_signal_to_noise,
        "Qingress": peak.ingress_fraction,
    }


def _own_event(row, period):
    event = {"Epoc": number(row, "Epoc"), "Period": period, "Duration": number(row, "Duration")}
    missing = [column for column, value in event.items() if math.isnan(value)]
    if missing:
        raise DroppedRowError(
            f"no .blsanal file of this star and sector, and the table has no {', '.join(missing)}; "
            "--bls=compute searches the light curve"
        )
    return {**event, "Transit_Depth": number(row, "Transit Depth"), "SN": math.nan, "Qingress": math.nan}
