"""Reads light curves from text files such as CSV. Columns are found by their names, or by their order without names."""

import csv
import os
import re
import zlib
from collections.abc import Sequence
from typing import Optional

import numpy as np

from light_curve_util import sector_times, time_systems
from light_curve_util.array_types import Bools, Floats
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.identity import of_name
from light_curve_util.products import column_names, text_rows
from light_curve_util.products.columns import Columns, content, expect_no_aperture, time_notes
from light_curve_util.products.quality import IMPULSIVE_OUTLIER

NAMES = (
    r"(?i:tic)?[-_ ]?(?P<tic>\d+)([-_ ](?i:s|sector)[-_ ]?(?P<sector>\d+))?([-_ .].*)?\.csv(\.gz)?",
    # Other text files can hold anything, so their names must contain a star.
    r"((?i:tic)[-_ ]?)?(?P<tic>\d+)([-_ ](?i:s|sector)[-_ ]?(?P<sector>\d+))?\.(txt|dat|tsv|ecsv)(\.gz)?",
    r"(?i:tic)[-_ ]?(?P<tic>\d+)([-_ ](?i:s|sector)[-_ ]?(?P<sector>\d+))?[-_ .].*\.(txt|dat|tsv|ecsv)(\.gz)?",
    r".*?[-_ ](?i:s|sector)[-_ ]?(?P<sector>\d+)([-_ .].*)?\.csv(\.gz)?",
    r".*\.csv(\.gz)?",
)
EXACT_NAMES = ()

ANY_NAME = r".*\.(txt|dat|tsv|ecsv|lc)(\.gz)?"
"""Names of files that are read where they are named, but are not looked for in directories."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read(
    path: str, flux_key: Optional[str] = None, aperture: Optional[int] = None, quality: str = "default"
) -> Columns:
    """Reads one file.

    Args:
      path: path of the file; a byte-order mark is skipped.
      flux_key: name of the column of the flux, or of magnitudes if "mag" is in the name. None means the first of
        column_names.VALUES, or the only one that looks like a flux. For a file without column names, the number of the
        column.
      aperture: None, because there is only one.
      quality: "default" and "hard" keep the cadences with quality 0, if the file has such a column; "flares" also keeps
        cadences whose only flag is an impulsive outlier; "none" keeps all.

    Returns:
      Columns. An empty cell is NaN.

    Raises:
      UnreadableLightCurveError: a cell is not a number (the message names its line), a column is missing (it names the
        columns), or the times are not in the sector in the file's name.
    """
    expect_no_aperture(path, aperture)
    try:
        return _read(_text(path), os.path.basename(path), flux_key, quality)
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {error}") from None
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        raise UnreadableLightCurveError(
            f"{path}: not a whole CSV light curve ({error}): fetch the file again"
        ) from error


def _text(path: str) -> str:
    bytes_read = content(path)
    # utf-8-sig skips a byte-order mark.
    return bytes_read.decode("utf-16" if bytes_read.startswith(_UTF_16) else "utf-8-sig")


def _read(text: str, name: str, flux_key: Optional[str], quality: str) -> Columns:
    if re.match(r"\s*<(!doctype )?html", text, re.IGNORECASE):
        raise UnreadableLightCurveError("a web page, with no column for the time: fetch the file again")
    table = text_rows.parse(text)
    header = table.header
    if not table.has_header and name.startswith("hlsp_"):
        raise UnreadableLightCurveError("its columns have no names: fetch the FITS file of this light curve")
    if table.has_header:
        _refuse_table_of_tces(header)
        time_at, value_at = column_names.find_time(header), column_names.find_value(header, flux_key)
        notes = []
    else:
        time_at, value_at = _columns_in_order(header, flux_key)
        notes = [f"no names of columns: column {time_at + 1} is taken for the time, column {value_at + 1} for the flux"]
    time, time_notes = _times(table, time_at, of_name(name, NAMES).sector)
    values = np.array(table.numbers(value_at), dtype=np.float64)
    unit = table.units.get(header[value_at], "")
    name_or_unit = unit or (header[value_at] if table.has_header else "")
    return Columns(
        time,
        values,
        _good(table, quality) if table.has_header else np.ones(len(values), dtype=bool),
        header[value_at],
        any(map(column_names.is_magnitude, (name_or_unit, header[value_at]))) if name_or_unit else None,
        column_names.unit(unit) or column_names.unit(header[value_at]),
        is_guessed=True,
        notes=(*notes, *time_notes),
    )


def _refuse_table_of_tces(header: Sequence[str]) -> None:
    """Raises where columns are those of a table of TCEs, whose epochs and magnitudes look like times and fluxes."""
    words = [re.split(r"[^a-z]+", name.lower()) for name in header]
    told = [word for word in ("period", "duration", "depth") if any(word in of_name for of_name in words)]
    if "period" in told and len(told) > 1:
        raise UnreadableLightCurveError(
            f"it has columns of {' and '.join(told)}, as a table of TCEs has, and is no light curve: give it as a "
            "table (triage.py --table, make_catalog.py --input)"
        )


def _columns_in_order(header: Sequence[str], flux_key: Optional[str]) -> tuple[int, int]:
    if flux_key is not None and flux_key not in header:
        raise UnreadableLightCurveError(
            f"no column {flux_key}: its {len(header)} columns have no names; give the number of one as flux_key"
        )
    if len(header) < 2:
        raise UnreadableLightCurveError("a single column: a light curve has a time and a flux")
    if flux_key == header[0]:
        raise UnreadableLightCurveError(f"flux_key {flux_key} is the first column, that of the time: give another")
    return 0, header.index(flux_key) if flux_key else 1


def _good(table: text_rows.Rows, quality: str) -> Bools:
    flags_at = column_names.find_quality(table.header)
    if quality == "none" or flags_at is None:
        return np.ones(len(table.rows), dtype=bool)
    return np.isin(table.numbers(flags_at), (0, IMPULSIVE_OUTLIER) if quality == "flares" else 0)


def _times(table: text_rows.Rows, column: int, sector: Optional[int]) -> tuple[Floats, list[str]]:
    """Returns the times in BTJD, and messages about them."""
    name = table.header[column]
    values = np.array(table.numbers(column), dtype=np.float64)
    units_a_day = column_names.units_a_day(table.units.get(name, "d"))
    if units_a_day == 1:
        units_a_day = column_names.units_a_day(name)
    notes = []
    if units_a_day != 1:
        values = values / units_a_day
        notes.append(f"times of {name} divided by {units_a_day}, which makes them days")
    system = time_systems.named_by(table.units.get(name, ""), name) if table.has_header else None
    expected = sector_times.window(sector) if sector else None
    times = time_systems.of_light_curve(values, system, expected)
    finite = times.btjd[np.isfinite(times.btjd)]
    problem = sector_times.problem(finite, sector) if sector and len(finite) else ""
    if problem:
        end = "" if problem.endswith("?") else "."
        raise UnreadableLightCurveError(f"{problem}{end} Correct the times, or the sector in its name")
    return times.btjd, notes + time_notes(times, system)
