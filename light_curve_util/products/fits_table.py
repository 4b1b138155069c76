"""Reads light curves from tables in FITS files. The format of a product names the columns."""

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
    """The file lacks columns that this product always has, so it may be of another product."""


@dataclasses.dataclass(frozen=True)
class FitsFormat:
    """The format of the files of a product.

    Attributes:
      product: name of the product in messages, with its article.
      flux_keys: columns of the flux or magnitudes; the first that exists is read.
      masks: function of the name of the quality mask and the primary header. It returns a dict of quality column to the
        mask of the bits that drop a cadence, or to the set of texts that keep it.
      is_of: function of the primary header and the upper-case names of a table's columns. It returns whether the file
        is of this product.
      times: columns of the time; the first that exists is read.
      system: time system, if neither the header nor the column's name has one.
      magnitudes: regular expression for the names of columns that hold magnitudes.
      extension: name of the table. If there is none of this name, the first table with these columns is read.
      has_masks: whether the quality columns always exist.
      is_guessed: whether it is uncertain what the flux column holds.
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
          path: path of a FITS file, plain or gzipped.
          flux_key: column of the flux; None means the first of flux_keys that exists.
          aperture: None, because no FITS product numbers its apertures.
          quality: name of the mask.

        Raises:
          OtherProductError: the table lacks columns that this product always has.
          UnreadableLightCurveError: the file is damaged, is not a light curve, or lacks the column `flux_key`.
        """
        expect_no_aperture(path, aperture)
        return with_file(path, lambda file: light_curve(file, self, flux_key, quality))


def with_file(path: str, work: Callable[[Any], Columns]) -> Columns:
    """Returns work(HDUList of a file). Adds the path to error messages, and shortens those about damaged files."""
    from astropy.io import fits  # takes 0.3 s to import, and HDF5 light curves do not need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a faulty header matters only if the table cannot be read
            # Unpacked here: astropy would mistake the end of a damaged gzip file for the end of the table.
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
    """Returns the error message for a file that does not begin like a FITS file."""
    if not content_read:
        return "not a whole FITS light curve: the file is empty; fetch the file again"
    if content_read[:1000].lstrip().lower().startswith((b"<html", b"<!doctype")):
        return "not a whole FITS light curve, but a web page: fetch the file again"
    advice = "if it is text, give it a name that ends in .csv, or else fetch the file again"
    return f"not a whole FITS light curve, because it does not begin like a FITS file: {advice}"


def tables(file: Any) -> list[Any]:
    """Returns the HDUs with tables of a file; LIGHTCURVE is the first."""
    hdus = [hdu for hdu in file[1:] if hasattr(hdu, "columns")]
    return sorted(hdus, key=lambda hdu: hdu.name != _EXTENSION)


def names_of(hdu: Any) -> set[str]:
    """Returns the upper-case names of a table's columns."""
    return {name.upper() for name in hdu.columns.names}


def light_curve(
    file: Any, fits_format: FitsFormat, flux_key: Optional[str], quality: str, hdu: Optional[Any] = None
) -> Columns:
    """Reads the Columns of a light curve from an open file; see FitsFormat.read(). `hdu` is the table, if known."""
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
    """Returns the table of the light curve: the one with the right name, or else the first with the right columns."""
    if fits_format.extension in file and hasattr(file[fits_format.extension], "columns"):
        return file[fits_format.extension]
    for hdu in tables(file):
        names = names_of(hdu)
        if all(names & {key.upper() for key in keys} for keys in (fits_format.times, fits_format.flux_keys)):
            return hdu
    raise OtherProductError(no_light_curve(file))


def no_light_curve(file: Any) -> str:
    """Returns the error message for a file without a table of a light curve."""
    contents = ", ".join(map(_described, file))
    if any(hdu.name in ("PIXELS", "TARGETTABLES") for hdu in file[1:]) and "APERTURE" in file:
        return f"a target pixel file ({contents}), not a light curve: fetch the star's light curve"
    if any(re.fullmatch(r"TCE_\d+", hdu.name) for hdu in file[1:]):
        return f"a data validation time series ({contents}), not a light curve: fetch the star's light curve"
    reason = "the table has no columns that are known" if tables(file) else "cut off, or no light curve"
    return f"no extension {_EXTENSION}, only {contents}: {reason}; fetch the file again, or another one"


def _described(hdu: Any) -> str:
    columns = f" ({', '.join(hdu.columns.names)})" if hasattr(hdu, "columns") else ""
    return (hdu.name or "an unnamed one") + columns


class _Table:
    """A table with methods that return its columns. `notes` holds messages about conversions."""

    def __init__(self, hdu: Any, product: str) -> None:
        self._hdu, self._data, self._product = hdu, hdu.data, product
        self._names = names_of(hdu)
        self.notes: list[str] = []

    def has(self, name: str) -> bool:
        return name.upper() in self._names

    def no_column(self, name: str) -> str:
        """Returns the error message for a missing column."""
        columns = self._hdu.columns.names
        place = f"extension {self._hdu.name}" if self._hdu.name else "the unnamed table"
        text = f"no column {name} in {place}, which has {', '.join(columns)}"
        fluxes = ", ".join(column_names.values_among(columns))
        if "QUALITY" in name.upper() or "FLAG" in name.upper() or name.upper().startswith("IRQ"):
            return f"{text}: it is unknown which cadences are bad; read all by quality none, or fetch the file again"
        if not fluxes or name.upper() == "TIME":
            return f"{text}: not a light curve, or a damaged one: fetch the file again"
        return f"{text}; read as {self._product} light curve, its flux columns are {fluxes}: give one as flux_key"

    def _column(self, name: str) -> Any:
        if not self.has(name):
            raise UnreadableLightCurveError(self.no_column(name))
        return self._data[name]

    def numbers(self, name: str) -> Floats:
        """Returns a column as float64; NaN for values marked as missing by TNULL. [n]"""
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
        """Returns whether a mask keeps each cadence. Cadences with missing flags are not kept. [n]"""
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
        """Returns the Times of a time column, using the zero point and unit in the header."""
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
    """Refuses headers with more axes or columns than the standard (FITS 4.0, 4.4.1 and 7.3.1) allows.

    astropy would allocate memory for a billion columns, and would read a table of -1 rows to the end of the file.
    """
    limits = {b"NAXIS   = ": 999, b"TFIELDS = ": 999, b"NAXIS1  = ": math.inf, b"NAXIS2  = ": math.inf}
    for keyword, largest in limits.items():
        at = -1
        while (at := unpacked.find(keyword, at + 1)) >= 0:
            number = re.match(rb" *([+-]?)(\d*)", unpacked[at + len(keyword) : at + 80])
            sign, count = number.groups() if number else (b"", b"")
            if at % 80 == 0 and (sign == b"-" or int(count or 0) > largest):
                raise ValueError(f"{keyword.decode()}{(sign + count).decode()} is no number of these")
