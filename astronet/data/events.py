"""The event of one row of a TEV table: as a .blsanal file has it, as a search of the light curve finds it, or its own.

Workers run this: it imports no TensorFlow and no pandas.
"""

import collections
import dataclasses
import math
import os
import sys
from typing import Optional

from astronet.data import bls, epochs, plausibility
from astronet.data.catalog_rows import DroppedRowError, number
from light_curve_util import sector_times
from light_curve_util.errors import LightCurveError

_BLSANAL = "the .blsanal files"


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
      Dict of "event" (the catalog's columns that describe it), "source" (what it is from, "" for the table itself),
      "camera" and "ccd" (of the .blsanal file, if that is where the event is from) and "warnings" (what is to be said
      of it); or of "reason", where there is no event or not one that crosses the threshold.
    """
    try:
        return _find(row, searches)
    except DroppedRowError as error:
        return {"reason": str(error)}


def _find(row, searches):
    found = _blsanal(row, searches)
    peaks, camera, ccd = found or (None, row["camera"], row["ccd"])
    period, source, warnings = number(row, "Period"), _BLSANAL if found else "", []
    if peaks is None and searches.tess_data_dir is not None:
        peaks, source = _search(row, searches), "the transit searches"
    if peaks is None:
        event = _own_event(row, period)
    else:
        peak = _choose(peaks, None if row["only_tce"] or not period > 0 else period)
        missing = [name for name, value in _ephemeris(peak).items() if not math.isfinite(value)]
        if missing:
            event, source = _event_in_place_of_damaged(row, period, missing), ""
            warnings.append(f"its .blsanal file has no {', '.join(missing)}: the event is the table's own")
        else:
            event = _measured_event(peak)
    return {"event": event, "source": source, "camera": camera, "ccd": ccd, "warnings": warnings}


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


def _choose(peaks, period):
    """The best peak; of a star with several TCEs in the sector, the one at this row's period (None: the best).

    Raises:
      DroppedRowError: it is no TCE.
    """
    peak = peaks[0]
    if period is not None:
        peak = min(peaks, key=lambda peak: abs(math.log(peak.period / period)) if peak.period > 0 else math.inf)
    reason = peak.why_not_tce()
    if reason:
        raise DroppedRowError(f"not a TCE: {reason}")
    return peak


def _ephemeris(peak):
    return {"Epoc": peak.t0, "Period": peak.period, "Duration": peak.duration_hours}


def _measured_event(peak):
    return {
        **_ephemeris(peak),
        "Transit_Depth": peak.depth_ppm,
        "SN": peak.pink_signal_to_noise,
        "Qingress": peak.ingress_fraction,
    }


def _event_in_place_of_damaged(row, period, missing):
    """The row's own event, where its .blsanal file lacks a part of the ephemeris."""
    try:
        return _own_event(row, period)
    except DroppedRowError:
        raise DroppedRowError(
            f"its .blsanal file has no {', '.join(missing)}, nor has the table a whole event: make the file again"
        ) from None


def _own_event(row, period):
    event = {"Epoc": number(row, "Epoc"), "Period": period, "Duration": number(row, "Duration")}
    missing = [column for column, value in event.items() if math.isnan(value)]
    if missing:
        raise DroppedRowError(
            f"no .blsanal file of this star and sector, and the table has no {', '.join(missing)}; "
            "--bls=compute searches the light curve"
        )
    return {**event, "Transit_Depth": number(row, "Transit Depth"), "SN": math.nan, "Qingress": math.nan}


def check(rows):
    """Brings the epochs of rows that have their events to BTJD, and looks for what is implausible.

    A row whose epoch is in no known system is dropped; what is doubtful of a row becomes one of its warnings. What is
    to be said of whole columns is said on stderr, once for each table.

    Args:
      rows: list of catalog_rows.Row with `event` and `event_source`.
    """
    of_source = collections.defaultdict(list)
    for row in rows:
        of_source[row.event_source or row.file].append(row)
    for source, theirs in of_source.items():
        _to_btjd(source, theirs)
        there = [row for row in theirs if not row.reason]
        for row in there:
            row.warnings += _distance(row)
        columns = {name: [row.event[name] for row in there] for name in ("Period", "Duration", "Transit_Depth", "SN")}
        doubts = plausibility.doubts(columns)
        for text in doubts.of_columns:
            print(f"warning: {source}: {text}", file=sys.stderr)
        for i, texts in doubts.of_tces.items():
            there[i].warnings += texts


def _to_btjd(source, rows):
    times = epochs.in_btjd([row.event["Epoc"] for row in rows], [row.sector for row in rows])
    for note in times.notes:
        print(f"{source}: {note}", file=sys.stderr)
    for i, row in enumerate(rows):
        if i in times.problems:
            row.reason = f"Epoc {times.problems[i]}"
        elif i in times.assumed:
            row.warnings.append(f"Epoc {times.assumed[i]}")
        row.event["Epoc"] = float(times.btjd[i])


def _distance(row):
    """What there is to say of an epoch far from the row's sector: a list of at most one text."""
    ran = sector_times.window(row.sector)
    if ran is None:
        return []
    errors = () if row.event_source else (_error(row, "Epoc Err"), _error(row, "Period Err"))
    event = row.event
    warning = epochs.distance_warning(event["Epoc"], event["Period"], event["Duration"] / 24, *ran, *errors)
    return [warning] if warning else []


def _error(row, column):
    """A standard deviation in the table; NaN where there is none that can be used."""
    try:
        value = number(row.cells, column)
    except DroppedRowError:
        return math.nan
    return value if value > 0 else math.nan
