"""Makes light curves from objects in memory: arrays, and tables and time series of pandas, astropy and lightkurve.

This module imports none of these packages; it recognizes their objects by their attributes. Times, fluxes and flags are
treated by the same rules as those in files (`tess_io.of_columns`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np

from light_curve_util import identity as identities
from light_curve_util import sector_times, tess_io, time_systems
from light_curve_util.array_types import Bools, Floats
from light_curve_util.constants import BTJD_ZERO
from light_curve_util.errors import EmptyLightCurveError, UnreadableLightCurveError
from light_curve_util.products import any_fits, column_names
from light_curve_util.products.columns import Columns, time_notes
from light_curve_util.products.quality import IMPULSIVE_OUTLIER, QUALITIES

_DAYS = "d"


def light_curve(
    time: Any,
    flux: Any = None,
    *,
    flux_key: Optional[str] = None,
    quality: str = "default",
    flags: Any = None,
    clip: bool = True,
    sector: Optional[int] = None,
    name: str = "the light curve",
) -> tess_io.LightCurve:
    """Makes a LightCurve from arrays, or from a table or time series.

    Args:
      time: times, [n]: days (numbers, in any time system that time_systems knows), an astropy Quantity or Time. Or,
        without `flux`, a table: an astropy TimeSeries or Table, a lightkurve LightCurve, a pandas DataFrame, or a
        dictionary of arrays.
      flux: [n] in any unit, or magnitudes; masked or NaN if missing.
      flux_key: name of the table's column of the flux; None means "flux", or the first column that looks like a flux.
      quality: which flagged cadences are dropped, one of QUALITIES.
      flags: quality flags for arrays, [n]; cadences with a flag other than 0 are dropped.
      clip: false keeps bright outliers.
      sector: TESS sector of the times, if known; it distinguishes Kepler's times from those of TESS.
      name: name of the light curve in messages.

    Returns:
      tess_io.LightCurve; its notes say what was converted or dropped.

    Raises:
      LightCurveError: the values cannot be a light curve; the message says why.
    """
    if quality not in QUALITIES:
        raise ValueError(f"unknown quality {quality!r}; the masks are {', '.join(QUALITIES)}")
    try:
        if flux is None:
            columns = _of_table(time, flux_key, quality, sector)
        else:
            good = np.ones(np.shape(_values("time", time)), bool) if flags is None else _flagged(flags, quality)
            columns = _columns(time, flux, good, "flux", sector, is_named=False)
    except UnreadableLightCurveError as error:
        raise type(error)(f"{name}: {error}") from None
    if not len(columns.time):
        raise EmptyLightCurveError(f"{name}: no cadence: time and flux are empty")
    return tess_io.of_columns(columns, name, bool(flux_key), clip)


def is_table(value: Any) -> bool:
    """Returns whether a value is a table or time series with named columns."""
    return _names(value) is not None


def identity(table: Any) -> identities.Identity:
    """Returns the star, sector and detector in the metadata of a table or time series."""
    return identities.of_header(header(table))


def header(table: Any) -> Mapping[str, Any]:
    """Returns the metadata of a table or time series, with upper-case keywords as in a FITS header."""
    meta = getattr(table, "meta", None)
    if not isinstance(meta, Mapping):
        return {}
    return {str(key).upper(): value for key, value in meta.items() if not isinstance(value, (Mapping, list))}


def _names(value: Any) -> Optional[list[str]]:
    """Returns the names of the columns of a table; None if the value is not a table."""
    if isinstance(value, Mapping):
        return [str(name) for name in value]
    names = getattr(value, "colnames", None)
    if names is None and hasattr(value, "iloc"):
        names = getattr(value, "columns", None)
    return None if names is None else [str(name) for name in names]


def _of_table(table: Any, flux_key: Optional[str], quality: str, sector: Optional[int]) -> Columns:
    if getattr(getattr(table, "index", None), "name", None):  # of pandas: lightkurve's to_pandas() puts the time there
        table = table.reset_index()
    names = _names(table)
    if names is None:
        raise UnreadableLightCurveError(
            f"a {type(table).__name__} without flux: give time and flux, or a table or time series that has both"
        )
    if hasattr(table, "phase") and "time" in names:
        raise UnreadableLightCurveError("it is folded: give the light curve before it was folded")
    time = names[column_names.find_time(names)]
    # lightkurve's `flux` is the one that the user has chosen, flattened or cleaned; other columns are as in the file.
    at = names.index("flux") if flux_key is None and "flux" in names else column_names.find_value(names, flux_key)
    good = _good(table, names, quality)
    sector = sector or identity(table).sector
    return _columns(table[time], table[names[at]], good, names[at], sector, time_name=time)


def _columns(
    time: Any,
    flux: Any,
    good: Bools,
    flux_name: str,
    sector: Optional[int],
    time_name: str = "",
    is_named: bool = True,
) -> Columns:
    """Returns the Columns of a time and a flux; `is_named` means that the name of the flux tells its kind."""
    btjd, notes = _btjd(time, time_name, sector)
    values = _values(flux_name, flux)
    for name, number in ((flux_name, len(values)), ("flags", len(good))):
        if number != len(btjd):
            raise UnreadableLightCurveError(f"{len(btjd)} times and {number} of {name}: one value a cadence is needed")
    unit = _unit(flux)
    texts = [unit or (flux_name if is_named else ""), flux_name if is_named else ""]
    return Columns(
        btjd,
        values,
        good,
        flux_name,
        any(map(column_names.is_magnitude, texts)) if any(texts) else None,
        column_names.unit(unit) or (column_names.unit(flux_name) if is_named else ""),
        is_guessed=True,
        notes=notes,
    )


def _btjd(time: Any, name: str, sector: Optional[int]) -> tuple[Floats, tuple[str, ...]]:
    """Returns the times in BTJD, and messages about them."""
    if hasattr(time, "jd1") and hasattr(time, "scale"):
        return _of_astropy_time(time)
    if np.asarray(getattr(time, "values", time)).dtype.kind == "M":
        raise UnreadableLightCurveError(
            "the times are dates, of which nothing tells whether they are barycentric: give BJD or BTJD (days), or "
            "astropy's Time"
        )
    notes: list[str] = []
    unit = _unit(time)
    values = _values("time", time)
    units_a_day = column_names.units_a_day(unit or _DAYS)
    if units_a_day == 1:
        units_a_day = column_names.units_a_day(name)
    if units_a_day != 1:
        values = values / units_a_day
        notes.append(f"times divided by {units_a_day}, which makes them days")
    system = time_systems.named_by(unit, name)
    times = time_systems.of_light_curve(values, system, sector_times.window(sector) if sector else None)
    return times.btjd, (*notes, *time_notes(times, system))


def _of_astropy_time(time: Any) -> tuple[Floats, tuple[str, ...]]:
    if not hasattr(time, "isot"):
        raise UnreadableLightCurveError("the times are differences of times: give the light curve before it was folded")
    notes: tuple[str, ...] = ()
    if time.scale == "local":
        raise UnreadableLightCurveError("the times are in a local scale: give them in UTC or TDB")
    if time.scale not in ("tdb", "tt"):
        notes = (f"times converted from {time.scale.upper()} to TDB",)
    in_tdb = time.tdb
    btjd = _values("time", (in_tdb.jd1 - BTJD_ZERO) + in_tdb.jd2)
    return np.where(_mask(time), np.nan, btjd), notes


def _mask(values: Any) -> Bools:
    """Returns which values are masked. (In pandas, `mask` is a method.)"""
    mask = getattr(values, "mask", False)
    return np.asarray(False if callable(mask) else mask, bool)


def _values(name: str, values: Any) -> Floats:
    """Returns numbers as float64 [n], with NaN for masked values."""
    mask = _mask(values)
    try:
        if hasattr(values, "to_numpy"):  # pandas, which may have a missing value of its own
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        for attribute in ("unmasked", "value"):  # of astropy's masked arrays and quantities
            values = getattr(values, attribute, values)
        numbers = np.array(values.data if isinstance(values, np.ma.MaskedArray) else values, np.float64)
    except (TypeError, ValueError):
        raise UnreadableLightCurveError(f"{name} has values that are no numbers: give an array of floats") from None
    if numbers.ndim != 1:
        raise UnreadableLightCurveError(f"{name} has the shape {numbers.shape}: one number a cadence is needed")
    numbers[np.broadcast_to(mask, numbers.shape)] = np.nan
    return numbers


def _unit(values: Any) -> str:
    unit = getattr(values, "unit", None)
    return "" if unit is None else str(unit).strip().lower()


def _good(table: Any, names: Sequence[str], quality: str) -> Bools:
    """Returns which cadences the quality mask keeps: by the product in the metadata, or else those with flag 0."""
    at = column_names.find_quality(names)
    if at is None:
        return np.ones(len(table[names[0]]), bool)
    if header(table):
        masks = any_fits.masks(quality, header(table), {name.upper() for name in names})
        mask = masks.get(names[at].upper()) if masks else None
        if isinstance(mask, int):
            flags = _values(names[at], table[names[at]])
            good: Bools = np.isfinite(flags) & (np.nan_to_num(flags).astype(np.int64) & mask == 0)
            return good
    return _flagged(table[names[at]], quality)


def _flagged(flags: Any, quality: str) -> Bools:
    numbers = _values("flags", flags)
    if quality == "none":
        return np.ones(len(numbers), bool)
    return np.isin(numbers, (0, IMPULSIVE_OUTLIER) if quality == "flares" else (0,))
