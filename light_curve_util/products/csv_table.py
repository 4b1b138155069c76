"""Light curves in CSV files: comma-separated, columns found by the names in the first line."""

import csv
import io
import re
import zlib

import numpy as np

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.numerals import parse_float
from light_curve_util.products.columns import BTJD_ZERO, Columns, content, expect_no_aperture
from light_curve_util.products.quality import IMPULSIVE_OUTLIER

NAMES = (
    r"(?i:tic)?[-_ ]?(?P<tic>\d+)([-_ ](?i:s|sector)[-_ ]?(?P<sector>\d+))?([-_ .].*)?\.csv(\.gz)?",
    r".*?[-_ ](?i:s|sector)[-_ ]?(?P<sector>\d+)([-_ .].*)?\.csv(\.gz)?",
    r".*\.csv(\.gz)?",
)
EXACT_NAMES = ()

# The spellings that are known, the preferred first; case, blanks and punctuation do not count.
TIMES = ("time_btjd", "btjd", "time", "time_bjd", "time_bjd_tdb", "bjd", "bjd_tdb")
VALUES = (
    *("det_flux", "kspsap_flux", "detrended_flux", "pdcsap_flux", "cal_aper_flux"),
    *("normalized_flux", "norm_flux", "flux", "sap_flux"),
    *("kspmagnitude", "magnitude", "mag", "rawmagnitude"),
)
QUALITIES = ("quality", "quality_flag", "quality_flags", "sap_quality", "qflag")

_LEAST_BJD = 2_400_000  # times above are BJD, not BTJD


def read(path, flux_key=None, aperture=None, quality="default"):
    """Reads one file.

    Args:
      path: file name; a byte-order mark is skipped.
      flux_key: column of the flux, or of the magnitudes, which have "mag" in their name; None is the first of VALUES.
      aperture: None: there is only one.
      quality: "default" and "hard" keep the cadences whose quality is 0, where the file has a column for it;
        "flares" also those whose only flag is that of an impulsive outlier; "none" keeps all.

    Returns:
      Columns; an empty cell is NaN.

    Raises:
      UnreadableLightCurveError: naming the line of a cell that is no number, or the columns where one is absent.
    """
    expect_no_aperture(path, aperture)
    try:
        # utf-8-sig skips a byte-order mark.
        return _read(
            csv.reader(io.StringIO(content(path).decode("utf-8-sig"), newline=""), strict=True), flux_key, quality
        )
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {error}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableLightCurveError(
            f"{path}: not a whole CSV light curve ({error}): fetch the file again"
        ) from error


def _read(reader, flux_key, quality):
    header = next(reader, [])
    rows = [(reader.line_num, row) for row in reader if row]
    for line, row in rows:
        if len(row) != len(header):
            raise UnreadableLightCurveError(
                f"line {line} has {len(row)} cells, the first has {len(header)}: fetch or make the file again"
            )
    time = _numbers(rows, header, _find(header, TIMES, "time"))
    if np.any(time > _LEAST_BJD):
        time -= BTJD_ZERO
    column = _find(header, [flux_key] if flux_key else VALUES, "flux or magnitude")
    values = _numbers(rows, header, column)
    good = np.ones(len(rows), dtype=bool)
    if quality != "none" and any(_plain(name) in QUALITIES for name in header):
        flags = _numbers(rows, header, _find(header, QUALITIES, "quality"))
        good = np.isin(flags, (0, IMPULSIVE_OUTLIER) if quality == "flares" else 0)
    return Columns(time, values, good, header[column], "mag" in _plain(header[column]))


def _plain(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _find(header, names, meaning):
    """Position of the first of these names that the header has."""
    there = [_plain(name) for name in header]
    for name in names:
        if _plain(name) in there:
            return there.index(_plain(name))
    raise UnreadableLightCurveError(
        f"no column for the {meaning}: looked for {', '.join(names)}, there is {', '.join(header) or 'nothing'}; "
        "rename a column, or name that of the flux as flux_key"
    )


def _numbers(rows, header, column):
    numbers = []
    for line, row in rows:
        try:
            numbers.append(parse_float(row[column] or "nan"))
        except ValueError:
            raise UnreadableLightCurveError(
                f"line {line}: {header[column]} is {row[column]!r}, which is no number: correct it, or leave it empty"
            ) from None
    return np.array(numbers, dtype=np.float64)
