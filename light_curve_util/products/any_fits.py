"""Reads FITS light curves whose name fits no product, or a wrong one. Their content decides which product they are."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, Optional

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.products import (
    cdips,
    column_names,
    diamante,
    eleanor,
    everest,
    fits_table,
    k2sff,
    kepler,
    pathos,
    qlp_fits,
    spoc,
    t16,
    tars,
    tasoc,
    tglc,
)
from light_curve_util.products.columns import Columns, expect_no_aperture
from light_curve_util.products.quality import IMPULSIVE_OUTLIER

# Products with less specific columns come after products with more specific ones.
_FORMATS = tuple(
    product.FORMAT
    for product in (t16, tars, cdips, tasoc, pathos, eleanor, diamante, k2sff, everest, qlp_fits, tglc, kepler, spoc)
)
_ANY = -1


def read(
    path: str,
    flux_key: Optional[str] = None,
    aperture: Optional[int] = None,
    quality: str = "default",
    guesses: bool = True,
) -> Columns:
    """Reads a FITS file in the format of the product that its header and columns fit.

    Args:
      path: path of the file.
      flux_key: column of the flux; None means the default of the product.
      aperture: None.
      quality: name of the mask. For an unknown product, all masks except "none" keep the cadences with quality 0.
      guesses: whether to read a table of an unknown product by the names of its columns.

    Raises:
      OtherProductError: the product is unknown, and `guesses` is false.
      UnreadableLightCurveError: the file cannot be read.
    """
    expect_no_aperture(path, aperture)
    return fits_table.with_file(path, lambda file: _read(file, flux_key, quality, guesses))


def masks(quality: str, header: Any, names: set[str]) -> Optional[fits_table.Masks]:
    """Returns the masks of the product with this header and these (upper-case) columns; None if it is unknown."""
    known = (fits_format for fits_format in _FORMATS if fits_format.is_of(header, names))
    return next((fits_format.masks(quality, header) for fits_format in known), None)


def _read(file: Any, flux_key: Optional[str], quality: str, guesses: bool) -> Columns:
    for fits_format in _FORMATS:
        for hdu in fits_table.tables(file):
            if fits_format.is_of(file[0].header, fits_table.names_of(hdu)):
                try:
                    columns = fits_table.light_curve(file, fits_format, flux_key, quality)
                except fits_table.OtherProductError:
                    continue
                return _noting(columns, f"read as {fits_format.product} light curve, whose columns it has")
    if not guesses:
        raise fits_table.OtherProductError("of no known product")
    return _guessed(file, flux_key, quality)


def _noting(columns: Columns, note: str) -> Columns:
    return dataclasses.replace(columns, notes=(*columns.notes, note))


def _guessed(file: Any, flux_key: Optional[str], quality: str) -> Columns:
    """Reads the first table that has a column of times and a column of fluxes."""
    problem = None
    for hdu in fits_table.tables(file):
        header = hdu.columns.names
        try:
            time = header[column_names.find_time(header)]
            value = header[column_names.find_value(header, flux_key)]
        except UnreadableLightCurveError as error:
            problem = problem or error
            continue
        fits_format = _format(header, time, value)
        columns = fits_table.light_curve(file, fits_format, None, quality, hdu)
        return _noting(columns, f"of no known product: {time} is taken for the time, {value} for the flux or magnitude")
    raise UnreadableLightCurveError(fits_table.no_light_curve(file) + (f" ({problem})" if problem else ""))


def _format(header: Sequence[str], time: str, value: str) -> fits_table.FitsFormat:
    flags = column_names.find_quality(header)
    mask_of = {"none": 0, "flares": _ANY & ~IMPULSIVE_OUTLIER}
    return fits_table.FitsFormat(
        product="an unknown",
        flux_keys=(value,),
        masks=lambda quality, _: {} if flags is None else {header[flags]: mask_of.get(quality, _ANY)},
        is_of=lambda _, names: True,
        times=(time,),
        magnitudes=re.escape(value) if column_names.is_magnitude(value) else "",
        is_guessed=True,
    )
