"""Reads catalogs of flares: the one of Guenther et al. 2020, or any table with the columns of flares.csv."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from astronet.base.script import ScriptError
from astronet.data.catalog import tic_ids
from astronet.flares import table_rows
from light_curve_util import sector_times, time_systems, time_units

if TYPE_CHECKING:
    import pandas as pd

# Our columns -> their names in files, the preferred one first.
_SPELLINGS = {
    "tic_id": ("tic_id", "TESS", "TIC", "TICID", "TIC ID"),
    "sector": ("sector", "Sectors", "campaign"),
    "peak_time": ("peak_time", "tpeak", "peak_time_btjd", "peak_time_bjd"),
    "duration": ("duration", "FWHM", "duration_days", "duration_minutes", "duration_hours", "duration_seconds"),
    "is_flare": ("is_flare",),
    "source": ("source",),
}
_TYPES = {"tic_id": "int64", "sector": "int64", "peak_time": float, "duration": float, "is_flare": bool, "source": str}
_REQUIRED = ("tic_id", "sector", "peak_time")
_LONGEST_DAYS = 0.5  # a greater median shows that durations are in another unit
_LONGEST_OF_ONE_DAYS = 5.0  # of a single flare: a longer one is a fault of the catalog
_SAME_DAYS = 1e-5  # rows of one star at times nearer than this are one flare
_YES, _NO = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "-1", "-1.0", "false", "f", "no", "n")


@dataclasses.dataclass(frozen=True)
class Skip:
    """A row of a catalog that is left out.

    Attributes:
      row: number of the row, counted from 1.
      reason: why it is left out.
      tic_id, sector: star and sector; None if the row does not say.
    """

    row: int
    reason: str
    tic_id: Optional[int] = None
    sector: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class Catalog:
    """A catalog of flares, read by read().

    Attributes:
      flares: table with the columns tic_id, sector, peak_time (BTJD), duration (days, full width at half maximum; NaN
        if not known), is_flare (false for a candidate that was vetted and is no flare) and source (text, may be "");
        sorted, without repeated flares.
      skips: rows that are left out.
      notes: what was converted or assumed, for the user.
      sha256: hash of the file.
    """

    flares: "pd.DataFrame"
    skips: list[Skip]
    notes: list[str]
    sha256: str


def read(path: Union[str, os.PathLike]) -> Catalog:
    """Returns the catalog of flares in a file.

    Args:
      path: machine-readable table (CDS) of the journal, or any table that base/tables.py reads. Times are BTJD or BJD,
        or in the system that the name of their column says. Durations are days, or in the unit that the table or the
        name of the column says.

    Raises:
      ScriptError: the file is no table, lacks a column, or durations are in an unknown unit.
    """
    import pandas as pd

    table = table_rows.read(path, _SPELLINGS, _REQUIRED)
    rows: list[tuple] = []
    skips = [Skip(number, reason) for number, reason in table.broken]
    for row in table.rows:
        _parse(row, rows, skips)
    flares = pd.DataFrame(rows, columns=["row", *_SPELLINGS])
    notes = _convert_times(flares, table.names["peak_time"], skips)
    flares["duration"] = _days(flares.duration.to_numpy(float), table, path)
    notes += _forget_impossible_durations(flares)
    flares = flares[np.isfinite(flares.peak_time)]
    flares = flares.sort_values(["tic_id", "sector", "peak_time"], ignore_index=True, kind="stable")
    flares = _without_repeats(flares, skips)
    flares = flares[list(_SPELLINGS)].astype(_TYPES)
    return Catalog(flares, sorted(skips, key=lambda skip: skip.row), notes, table.sha256)


def _parse(row: table_rows.Row, rows: list[tuple[Any, ...]], skips: list[Skip]) -> None:
    """Appends the values of a row to `rows`; or the reason why it cannot be used to `skips`."""
    tic_id = sector = None
    try:
        tic_id = tic_ids.parse_tic_id(row.text("tic_id"))
        sectors = tic_ids.parse_sectors(row.text("sector"))
        if len(sectors) != 1 or sectors[0] < 1:
            raise ValueError(f"sector is {row.text('sector')!r}: the one in which the flare was seen is needed")
        sector = sectors[0]
        peak_time = row.value("peak_time")
        if peak_time is None:
            raise ValueError("there is no peak_time")
        duration = row.value("duration")
        is_flare = _is_flare(row.text("is_flare"))
    except ValueError as error:
        skips.append(Skip(row.number, str(error), tic_id, sector))
        return
    duration = duration or np.nan  # some catalogs have 0 where none is known
    rows.append((row.number, tic_id, sector, peak_time, duration, is_flare, row.text("source")))


def _is_flare(text: str) -> bool:
    if text.lower() in ("", *_YES):
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"is_flare is {text!r}: 1 (a flare) or 0 (none) is needed")


def _convert_times(flares: "pd.DataFrame", name: str, skips: list[Skip]) -> list[str]:
    """Converts peak_time to BTJD in place; NaN if its system is unknown, or it is not in the sector. Returns notes."""
    windows = sector_times.windows(flares.sector)
    named = time_systems.named(name)
    times = time_systems.to_btjd(flares.peak_time.to_numpy(float), named, windows, "peak times")
    btjd = times.btjd.copy()
    reasons = {position: f"peak_time {reason}" for position, reason in times.problems.items()}
    with np.errstate(invalid="ignore"):
        outside = (btjd < windows[:, 0]) | (btjd > windows[:, 1])
    for position in np.flatnonzero(outside):
        sector = flares.sector[position]
        reasons[position] = f"peak_time, BTJD {btjd[position]:.4f}, is not in sector {sector}: one of the two is wrong"
    for position, reason in reasons.items():
        row, tic_id, sector = (int(flares[name][position]) for name in ("row", "tic_id", "sector"))
        skips.append(Skip(row, reason, tic_id, sector))
        btjd[position] = np.nan
    flares["peak_time"] = btjd
    return list(times.notes)


def _days(durations: np.ndarray, table: table_rows.Rows, path: Union[str, os.PathLike]) -> np.ndarray:
    """Returns durations in days; the table or the name of the column says their unit."""
    name = table.names.get("duration", "")
    unit = table.units.get("duration", "") or name.rpartition("_")[2]
    per_day = time_units.per_day(unit)
    possible = durations[durations > 0]
    if per_day is None and len(possible) and np.median(possible) > _LONGEST_DAYS:
        raise ScriptError(
            f"{path}: column {name} has a median of {np.median(possible):g}, too long for flares in days: name it "
            "duration_minutes, duration_hours or duration_seconds"
        )
    return durations / (per_day or 1)


def _forget_impossible_durations(flares: "pd.DataFrame") -> list[str]:
    """Turns durations that no flare has to NaN, in place. Returns notes."""
    wrong = (flares.duration < 0) | (flares.duration > _LONGEST_OF_ONE_DAYS)
    if not wrong.any():
        return []
    durations = [f"row {row}: {days:g} d" for row, days in zip(flares.row[wrong], flares.duration[wrong])]
    more = f" and {len(durations) - 5} more" if len(durations) > 5 else ""
    flares.loc[wrong, "duration"] = np.nan
    return [f"durations that no flare has count as not known ({', '.join(durations[:5])}{more})"]


def _without_repeats(flares: "pd.DataFrame", skips: list[Skip]) -> "pd.DataFrame":
    """Returns the flares without repeats: of rows at one time, the first that is a flare counts, or else the first."""
    same = (flares[["tic_id", "sector"]].diff() == 0).all(axis=1) & (flares.peak_time.diff() <= _SAME_DAYS)
    groups = (~same).cumsum()
    dropped = []
    for _, rows in flares[groups.duplicated(keep=False)].groupby(groups, sort=False):
        ordered = rows.sort_values(["is_flare", "row"], ascending=[False, True])
        best = ordered.iloc[0]
        for position, other in ordered.iloc[1:].iterrows():
            relation = "is the flare" if other.is_flare == best.is_flare else "contradicts the one"
            skips.append(Skip(int(other.row), f"it {relation} of row {best.row}, which is used"))
            dropped.append(position)
    return flares.drop(index=dropped).reset_index(drop=True)
