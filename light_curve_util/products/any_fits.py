"""FITS light curves whose name does not tell the product, or tells a wrong one: known by what is in them."""

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

# Those that are known by little come after those that are known by more.
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
    """Reads a FITS file by the format of the product that its header and columns are of.

    Args:
      path: file name.
      flux_key: column of the flux; None is the product's own.
      aperture: None.
      quality: name of the mask; for a product that is not known, all but "none" keep the cadences whose quality is 0.
      guesses: whether a table of no known product is read by the names of its columns.

    Raises:
      OtherProductError: it is of no known product, and nothing is guessed.
      UnreadableLightCurveError: it cannot be read.
    """
    expect_no_aperture(path, aperture)
    return fits_table.with_file(path, lambda file: _read(file, flux_key, quality, guesses))


def masks(quality: str, header: Any, names: set[str]) -> Optional[fits_table.Masks]:
    """The masks of the product that a header and the upper-case names of columns are of; None where that is unknown."""
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
    """The light curve of the first table that has a column of the time and one of the flux."""
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
