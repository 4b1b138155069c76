"""Finds the event of a row of a table: in a .blsanal file, by a search of the light curve, or in the row itself.

Worker processes import this module, so it imports neither TensorFlow nor pandas.
"""

import collections
import dataclasses
import logging
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from astronet.data.catalog import blsanal, epochs, plausibility
from astronet.data.catalog.catalog_rows import DroppedRowError, Row
from astronet.data.catalog.tce_values import longer_than_period
from light_curve_util import sector_times
from light_curve_util.errors import LightCurveError

_LOG = logging.getLogger(__name__)

_BLSANAL = "the .blsanal files"
_OWN_COLUMNS = ("Epoc", "Period", "Duration", "Transit_Depth", "SN", "Qingress")


@dataclasses.dataclass(frozen=True)
class Searches:
    """Where the results of transit searches come from.

    Attributes:
      qlp_data_dir: directory of the files sector-S/ffi/camC/ccdD/BLS/<tic>.blsanal.
      tess_data_dir: directory of light curves, which are searched if there is no .blsanal file; None searches none.
      flux_key: column of the light curves to search; None means the default of each product.
      quality: name of the quality mask.
    """

    qlp_data_dir: str
    tess_data_dir: Optional[str] = None
    flux_key: Optional[str] = None
    quality: str = "default"


def request(row: Row) -> dict[str, Any]:
    """Returns the values of a catalog_rows.Row that `find_or_reason` needs: a dict that JSON can hold."""
    return {
        **{column: row.numbers.get(column, math.nan) for column in _OWN_COLUMNS},
        **{name: getattr(row, name) for name in ("tic_id", "sector", "camera", "ccd", "only_tce")},
        **({"stitched": list(row.stitched)} if row.stitched else {}),
        "tmag": row.star.tmag,
    }


def find_or_reason(row: Mapping[str, Any], searches: Searches) -> dict[str, Any]:
    """Finds the event of a row, or the reason why it has none.

    Args:
      row: dict that `request` returned.
      searches: Searches.

    Returns:
      Dict of

        event: the columns of the catalog that describe it.
        source: where it was found; "" if the event is the table's.
        camera, ccd: of the .blsanal file if there is one, else of the row.
        warnings: list of texts.
        single_events: list of dicts of the columns of single_events.csv, if the light curve was searched.

      If there is no event, or it does not cross the threshold, a dict of `reason` and `single_events`.
    """
    singles: list[dict[str, Any]] = []
    try:
        return {**_find(row, searches, singles), "single_events": singles}
    except DroppedRowError as error:
        return {"reason": str(error), "single_events": singles}


def files(row: Mapping[str, Any], searches: Searches) -> list[str]:
    """Returns the paths of the files that find_or_reason() reads for a row."""
    where = row["sector"], row["tic_id"], row["camera"], row["ccd"]
    blsanal_file = None if row.get("stitched") else blsanal.find(searches.qlp_data_dir, *where)
    if blsanal_file:
        return [blsanal_file[0]]
    if searches.tess_data_dir is None:
        return []
    try:
        return _light_curves(row, searches)
    except LightCurveError:
        return []


def _find(row, searches, singles):
    blsanal_result = _blsanal(row, searches)
    peaks, camera, ccd = blsanal_result or (None, row["camera"], row["ccd"])
    period, source = row["Period"], _BLSANAL if blsanal_result else ""
    warnings: list[str] = []
    if peaks is None and searches.tess_data_dir is not None:
        peaks, source = _search(row, searches, warnings, singles), "the transit searches"
    if peaks is None:
        event = _own_event(row)
    else:
        peak = _choose(peaks, None if row["only_tce"] or not period > 0 else period)
        missing = [name for name, value in _ephemeris(peak).items() if not math.isfinite(value)]
        if missing:
            event, source = _event_in_place_of_damaged(row, missing), ""
            warnings.append(f"its .blsanal file has no {', '.join(missing)}: the event is the table's own")
        else:
            event = _measured_event(peak)
    return {"event": event, "source": source, "camera": camera, "ccd": ccd, "warnings": warnings}


def _blsanal(row, searches):
    """Returns (peaks, camera, ccd) of the star's .blsanal file; None if there is no file."""
    if row.get("stitched"):  # the pipeline searched each sector separately
        return None
    blsanal_file = blsanal.find(searches.qlp_data_dir, row["sector"], row["tic_id"], row["camera"], row["ccd"])
    if not blsanal_file:
        return None
    path, camera, ccd = blsanal_file
    try:
        return blsanal.read(path), camera, ccd
    except (blsanal.BlsError, OSError) as error:
        raise DroppedRowError(str(error)) from error


def _search(row, searches, warnings, singles):
    """Searches the row's light curve. Returns its peaks, best first; adds to `warnings` and `singles`."""
    from astronet.data.catalog import transit_search
    from light_curve_util import stitch, tess_io

    try:
        sectors = row.get("stitched") or [row["sector"]]
        paths = _light_curves(row, searches)
        parts = [tess_io.read(path, searches.flux_key, quality=searches.quality) for path in paths]
        for part, sector in zip(parts, sectors):
            warnings += part.notes
            if tess_io.is_of_tess(part.path):
                warnings += epochs.sector_warnings(part.time, sector)
        light_curve = stitch.join(parts)
        result = transit_search.find(light_curve.time, light_curve.flux, row["tmag"])
    except (LightCurveError, transit_search.TransitSearchError, OSError) as error:
        raise DroppedRowError(f"no transit search: {error}") from error
    singles += [event.columns() for event in result.single_events]
    if not result.peaks:
        raise DroppedRowError(f"not a TCE: no periodic dip in {', '.join(map(os.path.basename, paths))}")
    return result.peaks


def _light_curves(row, searches):
    """Returns the paths of the light curves of a row, one for each sector."""
    from light_curve_util import tess_io

    if row.get("stitched"):
        return [tess_io.find(searches.tess_data_dir, row["tic_id"], sector) for sector in row["stitched"]]
    return [tess_io.find(searches.tess_data_dir, row["tic_id"], row["sector"], row["camera"], row["ccd"])]


def _choose(peaks, period):
    """Returns the peak closest to a period, or the best peak if `period` is None.

    Raises:
      DroppedRowError: the peak is not a TCE.
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


def _event_in_place_of_damaged(row, missing):
    """Returns the event in the table's row, for a row whose .blsanal file lacks a part of the ephemeris."""
    try:
        return _own_event(row)
    except DroppedRowError:
        raise DroppedRowError(
            f"its .blsanal file has no {', '.join(missing)}, nor has the table a whole event: make the file again"
        ) from None


def _own_event(row):
    missing = [column for column in ("Epoc", "Period", "Duration") if math.isnan(row[column])]
    if missing:
        raise DroppedRowError(
            f"no .blsanal file of this star and sector, and the table has no {', '.join(missing)}; "
            "--bls=compute searches the light curve"
        )
    reason = longer_than_period(row["Duration"], row["Period"])
    if reason:
        raise DroppedRowError(reason)
    return {column: row[column] for column in _OWN_COLUMNS}


def check(rows: Sequence[Row]) -> None:
    """Converts the epochs of rows to BTJD, and checks whether their values are plausible.

    A row whose epoch is in an unknown time system is dropped. Doubts about a row are added to its warnings. Doubts
    about a whole column are printed on stderr, once for each table.

    Args:
      rows: list of catalog_rows.Row with `event` and `event_source`.
    """
    of_source = collections.defaultdict(list)
    for row in rows:
        of_source[row.event_source or row.file].append(row)
    for source, rows_of_source in of_source.items():
        _to_btjd(source, rows_of_source)
        kept_rows = [row for row in rows_of_source if not row.reason]
        for row in kept_rows:
            row.warnings += _distance(row)
        columns = {
            name: [row.event[name] for row in kept_rows] for name in ("Period", "Duration", "Transit_Depth", "SN")
        }
        doubts = plausibility.doubts(columns)
        for text in doubts.of_columns:
            _LOG.warning(f"warning: {source}: {text}")
        for i, texts in doubts.of_tces.items():
            kept_rows[i].warnings += texts


def _to_btjd(source, rows):
    times = epochs.in_btjd([row.event["Epoc"] for row in rows], [row.sector for row in rows])
    for note in times.notes:
        _LOG.warning(f"{source}: {note}")
    for i, row in enumerate(rows):
        if i in times.problems:
            row.reason = f"Epoc {times.problems[i]}"
        elif i in times.assumed:
            row.warnings.append(f"Epoc {times.assumed[i]}")
        row.event["Epoc"] = float(times.btjd[i])


def _distance(row):
    """Returns warnings about an epoch far from the row's sectors: a list of at most one text."""
    ran = [window for window in map(sector_times.window, row.stitched or (row.sector,)) if window]
    if not ran:
        return []
    start, end = min(start for start, _ in ran), max(end for _, end in ran)
    errors = () if row.event_source else (_error(row, "Epoc Err"), _error(row, "Period Err"))
    event = row.event
    warning = epochs.distance_warning(event["Epoc"], event["Period"], event["Duration"] / 24, start, end, *errors)
    return [warning] if warning else []


def _error(row, column):
    """Returns a standard deviation from the table; NaN if it is missing or not positive."""
    value = row.numbers.get(column, math.nan)
    return value if value > 0 else math.nan
