"""Light curves in FITS: one table, whose columns a product's format names."""

import dataclasses
import io
import math
import re
import warnings
from collections.abc import Callable
from typing import Any, Optional, Union

import numpy as np

from light_curve_util import identity, time_systems
from light_curve_util.array_types import Bools, Floats
from light_curve_util.constants import BTJD_ZERO
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.products import column_names
from light_curve_util.products.columns import Columns, content, expect_no_aperture, time_notes
from light_curve_util.time_systems import TimeSystem

Masks = dict[str, Union[int, frozenset[str]]]

_EXTENSION = "LIGHTCURVE"
_MAGNITUDES = ("mag", "mmag")  # units
_SIGNATURE = b"SIMPLE"


class OtherProductError(UnreadableLightCurveError):
    """The file lacks what every light curve of the product has that its name says: it may be of another."""


@dataclasses.dataclass(frozen=True)
class FitsFormat:
    """What the files of a product hold.

    Attributes:
      product: its name, as messages tell it, with its article.
      flux_keys: columns of the flux, or of the magnitudes; the first that a table has is read.
      masks: function (name of the quality, primary header) -> dict of quality column to the mask of the bits that
        disqualify a cadence, or to the set of texts of those that are good.
      is_of: function (primary header, upper-case names of a table's columns) -> whether the file is of this product.
      times: columns of the time; the first that a table has is read.
      system: time system, where neither the header nor the column's name says.
      magnitudes: regular expression of the columns that hold magnitudes.
      extension: name of the table; without one of this name, the first with these columns.
      has_masks: whether the quality columns are always there.
      is_guessed: whether it is not certain what the flux column holds.
    """

    product: str
    flux_keys: tuple[str, ...]
    masks: Callable[[str, Any], Masks]
    is_of: Callable[[Any, set[str]], bool]
    times: tuple[str, ...] = ("TIME",)
    system: TimeSystem = time_systems.BTJD
    magnitudes: str = ""
    extension: str = _EXTENSION
    has_masks: bool = True
    is_guessed: bool = False

    def read(
        self, path: str, flux_key: Optional[str] = None, aperture: Optional[int] = None, quality: str = "default"
    ) -> Columns:
        """Reads a file of the product.

        Args:
          path: name of a FITS file, plain or gzipped.
          flux_key: column of the flux; None is the first of the format's that there is.
          aperture: None: no FITS product numbers its apertures.
          quality: name of the mask.

        Raises:
          OtherProductError: the table lacks columns that this product always has.
          UnreadableLightCurveError: the file is damaged, is no light curve, or lacks the flux column that is asked for.
        """
        expect_no_aperture(path, aperture)
        return with_file(path, lambda file: light_curve(file, self, flux_key, quality))


def with_file(path: str, work: Callable[[Any], Columns]) -> Columns:
    """Returns work(astropy's HDUList of a file); its errors get the path, those of a damaged file one sentence."""
    from astropy.io import fits  # takes 0.3 s to import, for nothing where all light curves are HDF5

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with a header matters only if the table cannot be read
            # astropy takes the end of a damaged gzip file for the end of the table: this way nothing is passed over.
            unpacked = content(path)
            if not unpacked.startswith(_SIGNATURE):
                raise UnreadableLightCurveError(_no_fits(unpacked))
            _check_counts(unpacked)
            with fits.open(io.BytesIO(unpacked)) as file:
                return work(file)
    except UnreadableLightCurveError as error:
        raise type(error)(f"{path}: {error}") from None
    except Exception as error:  # astropy fails on damaged files in too many ways to list
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UnreadableLightCurveError(
            f"{path}: not a whole FITS light curve ({reason}): fetch the file again"
        ) from error


def _no_fits(content_read: bytes) -> str:
    """What is said of a file that does not begin as FITS files do."""
    if not content_read:
        return "not a whole FITS light curve: the file is empty; fetch the file again"
    if content_read[:1000].lstrip().lower().startswith((b"<html", b"<!doctype")):
        return "not a whole FITS light curve, but a web page: fetch the file again"
    what = "if it is text, give it a name that ends in .csv, or else fetch the file again"
    return f"not a whole FITS light curve, for it does not begin as one: {what}"


def tables(file: Any) -> list[Any]:
    """The HDUs of a file that hold tables, that named LIGHTCURVE first."""
    there = [hdu for hdu in file[1:] if hasattr(hdu, "columns")]
    return sorted(there, key=lambda hdu: hdu.name != _EXTENSION)


def names_of(hdu: Any) -> set[str]:
    """The upper-case names of a table's columns."""
    return {name.upper() for name in hdu.columns.names}


def light_curve(
    file: Any, fits_format: FitsFormat, flux_key: Optional[str], quality: str, hdu: Optional[Any] = None
) -> Columns:
    """Columns of a light curve in an open file, from one of its tables; the rest is as for FitsFormat.read()."""
    table = _Table(_table(file, fits_format) if hdu is None else hdu, fits_format.product)
    header = file[0].header
    flux_keys = (flux_key,) if flux_key else fits_format.flux_keys
    masks = {name: mask for name, mask in fits_format.masks(quality, header).items() if mask}
    if not fits_format.has_masks:
        masks = {name: mask for name, mask in masks.items() if table.has(name)}
    for names in (fits_format.times, (*fits_format.flux_keys, *flux_keys), *((name,) for name in masks)):
        if not any(map(table.has, names)):
            raise OtherProductError(table.no_column(" or ".join(dict.fromkeys(names))))
    times = table.times(next(filter(table.has, fits_format.times)), fits_format.system)
    good = np.ones(len(times.btjd), dtype=bool)
    for name, mask in masks.items():
        good &= table.is_good(name, mask)
    name = next(filter(table.has, flux_keys), flux_keys[0])
    values = table.numbers(name)
    unit = column_names.unit(table.unit(name))
    is_magnitude = bool(re.fullmatch(fits_format.magnitudes, name, re.IGNORECASE)) or table.unit(name) in _MAGNITUDES
    return Columns(
        times.btjd,
        values,
        good,
        name,
        is_magnitude,
        unit,
        fits_format.is_guessed,
        tuple(table.notes),
        identity.of_header(header),
    )


def _table(file: Any, fits_format: FitsFormat) -> Any:
    """The table of the light curve: that of the right name, or else the first with the right columns."""
    if fits_format.extension in file and hasattr(file[fits_format.extension], "columns"):
        return file[fits_format.extension]
    for hdu in tables(file):
        names = names_of(hdu)
        if all(names & {key.upper() for key in keys} for keys in (fits_format.times, fits_format.flux_keys)):
            return hdu
    raise OtherProductError(no_light_curve(file))


def no_light_curve(file: Any) -> str:
    """What is said of a file that has no table of a light curve."""
    there = ", ".join(map(_described, file))
    if any(hdu.name in ("PIXELS", "TARGETTABLES") for hdu in file[1:]) and "APERTURE" in file:
        return f"a target pixel file ({there}), not a light curve: fetch the star's light curve"
    if any(re.fullmatch(r"TCE_\d+", hdu.name) for hdu in file[1:]):
        return f"a data validation time series ({there}), not a light curve: fetch the star's light curve"
    what = "the table has no columns that are known" if tables(file) else "cut off, or no light curve"
    return f"no extension {_EXTENSION}, only {there}: {what}; fetch the file again, or another one"


def _described(hdu: Any) -> str:
    columns = f" ({', '.join(hdu.columns.names)})" if hasattr(hdu, "columns") else ""
    return (hdu.name or "an unnamed one") + columns


class _Table:
    """A table, which gives its columns as arrays of float64; `notes` tells what was done to them."""

    def __init__(self, hdu: Any, product: str) -> None:
        self._hdu, self._data, self._product = hdu, hdu.data, product
        self._names = names_of(hdu)
        self.notes: list[str] = []

    def has(self, name: str) -> bool:
        return name.upper() in self._names

    def no_column(self, name: str) -> str:
        """What is said of a column that is not there."""
        there = self._hdu.columns.names
        place = f"extension {self._hdu.name}" if self._hdu.name else "the unnamed table"
        text = f"no column {name} in {place}, which has {', '.join(there)}"
        fluxes = ", ".join(column_names.values_among(there))
        if "QUALITY" in name.upper() or "FLAG" in name.upper() or name.upper().startswith("IRQ"):
            return f"{text}: nothing tells which cadences are bad; read all by quality none, or fetch the file again"
        if not fluxes or name.upper() == "TIME":
            return f"{text}: no light curve, or a damaged one: fetch the file again"
        return f"{text}; read as {self._product} light curve, its flux columns are {fluxes}: give one as flux_key"

    def _column(self, name: str) -> Any:
        if not self.has(name):
            raise UnreadableLightCurveError(self.no_column(name))
        return self._data[name]

    def numbers(self, name: str) -> Floats:
        """A column as float64, NaN where TNULL marks a value as missing. [n]"""
        column = self._column(name)
        if column.ndim != 1 or column.dtype.kind not in "iuf":
            kind = "text" if column.dtype.kind in "SU" else "another kind of values"
            held = kind if column.ndim == 1 else f"an array of {'x'.join(map(str, column.shape[1:]))} values a row"
            remedy = "store one number a row" if column_names.refusal(name) else "give another flux_key"
            raise UnreadableLightCurveError(f"column {name} has not one number a cadence, but {held}: {remedy}")
        numbers: Floats = column.astype(np.float64)
        missing = self._is_missing(name, column)
        if missing is not None:
            numbers[missing] = np.nan
        return numbers

    def _is_missing(self, name: str, column: Any) -> Optional[Bools]:
        null = self._hdu.columns[name].null
        return None if null is None or column.dtype.kind not in "iu" else column == null

    def is_good(self, name: str, mask: Union[int, frozenset[str]]) -> Bools:
        """Whether a mask keeps each cadence; one whose flags are missing is not kept. [n]"""
        column = self._column(name)
        if isinstance(mask, frozenset):
            return np.isin(np.char.strip(np.asarray(column).astype(str)), sorted(mask))
        if column.ndim != 1 or column.dtype.kind not in "iuf":
            raise UnreadableLightCurveError(f"column {name} has not one number a cadence: fetch the file again")
        missing = self._is_missing(name, column)
        good: Bools = column.astype(np.int64) & mask == 0
        return good if missing is None else good & ~missing

    def unit(self, name: str) -> str:
        return str(self._hdu.columns[name].unit or "").strip().lower()

    def times(self, name: str, system: TimeSystem) -> time_systems.Times:
        """time_systems.Times of a time column, by the zero point and unit of the header."""
        header = self._hdu.header
        values = self.numbers(name)
        if "BJDREFI" in header:
            system = time_systems.from_zero(header["BJDREFI"] + header.get("BJDREFF", 0))
        else:
            system = time_systems.named_by(self.unit(name), name) or system
        units_a_day = column_names.units_a_day(self.unit(name) or str(header.get("TIMEUNIT", "d")))
        if units_a_day != 1:
            values = values / units_a_day
            self.notes.append(f"times divided by {units_a_day}, which makes them days")
        if system not in time_systems.SYSTEMS:
            values, system = values + (system.zero - BTJD_ZERO), time_systems.BTJD
        times = time_systems.of_light_curve(values, system)
        self.notes += time_notes(times, system)
        return times


def _check_counts(unpacked: bytes) -> None:
    """Refuses headers that announce more axes or columns than the standard (FITS 4.0, 4.4.1 and 7.3.1) allows.

    astropy would make room for each of a billion, and would read a table of -1 rows to the end of the file.
    """
    limits = {b"NAXIS   = ": 999, b"TFIELDS = ": 999, b"NAXIS1  = ": math.inf, b"NAXIS2  = ": math.inf}
    for keyword, largest in limits.items():
        at = -1
        while (at := unpacked.find(keyword, at + 1)) >= 0:
            number = re.match(rb" *([+-]?)(\d*)", unpacked[at + len(keyword) : at + 80])
            sign, count = number.groups() if number else (b"", b"")
            if at % 80 == 0 and (sign == b"-" or int(count or 0) > largest):
                raise ValueError(f"{keyword.decode()}{(sign + count).decode()} is no number of these")
