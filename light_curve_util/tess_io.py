"""Finds and reads the light curve of a star in a sector, from files of any known product."""

import dataclasses
import logging
import os
import re
from typing import Optional, Union

import numpy as np

from light_curve_util import file_index, flux_scale, light_curve_times, near_misses
from light_curve_util import identity as identities
from light_curve_util.array_types import Floats
from light_curve_util.errors import EmptyLightCurveError, MissingLightCurveError, UnreadableLightCurveError
from light_curve_util.products import (
    Product,
    Reader,
    any_fits,
    cdips,
    column_names,
    csv_table,
    diamante,
    eleanor,
    everest,
    k2sff,
    kepler,
    pathos,
    qlp_fits,
    qlp_hdf5,
    spoc,
    t16,
    tars,
    tasoc,
    tglc,
)
from light_curve_util.products.columns import Columns
from light_curve_util.products.fits_table import OtherProductError
from light_curve_util.products.quality import QUALITIES

_LOG = logging.getLogger(__name__)

# In the order of preference, where a star has several in one sector.
PRODUCTS: tuple[Product, ...] = (
    *(qlp_hdf5, qlp_fits, spoc, tglc, csv_table, kepler),
    *(tasoc, eleanor, cdips, t16, pathos, tars, diamante, k2sff, everest),
)
Path = Union[str, os.PathLike[str]]

_UNKNOWN = identities.Identity()
_UNCERTAIN: tuple[Product, ...] = (t16, tars, diamante)  # products whose columns may have other names, too


@dataclasses.dataclass(frozen=True)
class LightCurve:
    """The usable cadences of one star in one sector.

    Attributes:
      time: float64 [n], BTJD days, finite, in the file's order.
      flux: float64 [n], relative to the median of the light curve.
      path: the file it came from.
      notes: messages about what was converted, assumed or dropped while reading; empty for most files.
    """

    time: Floats
    flux: Floats
    path: str
    notes: tuple[str, ...] = ()


def find(tess_data_dir: Path, tic_id: int, sector: int, camera: Optional[int] = None, ccd: Optional[int] = None) -> str:
    """Finds the file of a star and sector. docs/light_curves.md lists the directories, names and preferences.

    Args:
      tess_data_dir: directory that holds sector-1, sector-2, ..., or the files themselves.
      tic_id: TIC ID of the star.
      sector: number of the sector.
      camera, ccd: detector that saw the star; if they are unknown (None or 0), all detectors are tried.

    Returns:
      The path of the file.

    Raises:
      MissingLightCurveError: there is no file; the message names the directories that were searched.
    """
    # Numbers alone become parts of paths: text could lead out of the directory.
    tess_data_dir, tic_id, sector = os.fspath(tess_data_dir), int(tic_id), int(sector)
    camera, ccd = int(camera or 0), int(ccd or 0)
    path = file_index.find(PRODUCTS, tess_data_dir, tic_id, sector, camera, ccd)
    if path is None:
        places = ", ".join(f"{place}/" for place in file_index.places(sector, camera or "*", ccd or "*"))
        near = near_misses.near_miss(tess_data_dir, tic_id, sector)
        remedy = near or "fetch the file or give another data directory"
        raise MissingLightCurveError(
            f"no light curve of TIC {tic_id} in sector {sector}: {tess_data_dir} has none in {places}, "
            f"sector-{sector}/{tic_id}/, mastDownload/ or itself; {remedy}"
        )
    return path


def choice_note(
    tess_data_dir: Path, tic_id: int, sector: int, camera: Optional[int] = None, ccd: Optional[int] = None
) -> str:
    """Returns a message if there are several files of a star, sector and product: which of them `find` uses; else "".

    Names that differ only in digits are versions of a file: the latest is used, without a message. The arguments are
    those of `find`.
    """
    detector = int(camera or 0), int(ccd or 0)
    paths = file_index.candidates(PRODUCTS, os.fspath(tess_data_dir), int(tic_id), int(sector), *detector)
    if len(paths) < 2:
        return ""
    *others, taken = paths
    names = [os.path.basename(path) for path in others if _without_digits(path) != _without_digits(taken)]
    if not names:
        return ""
    return f"{taken} is read, of the same star and sector as {', '.join(names)}: remove all but one to be sure"


def _without_digits(path: str) -> str:
    return re.sub(r"\d+", "0", os.path.basename(path))


def stars(tess_data_dir: Path) -> list[tuple[int, int]]:
    """Returns the stars with a light curve in a directory: sorted list of (sector, TIC ID)."""
    return file_index.stars(PRODUCTS, os.fspath(tess_data_dir))


def identity(path: Path) -> identities.Identity:
    """Returns the star, sector and detector of a light curve file, from its FITS header, its name and its directory.

    Args:
      path: path of an existing file. If it is damaged, only its name and directory are used.

    Returns:
      An Identity, with None for unknown values.

    Raises:
      UnreadableLightCurveError: header and name contradict each other.
    """
    path = os.fspath(path)
    header = identities.primary_header(path)
    in_header = identities.Identity() if header is None else identities.of_header(header)
    return identities.checked(path, in_header, _identity_in_name(path)).completed_by(identities.of_place(path))


def _identity_in_name(path: str) -> identities.Identity:
    patterns = (pattern for product in PRODUCTS for pattern in product.NAMES)
    return identities.of_name(os.path.basename(path), patterns)


def read(
    path: Path,
    flux_key: Optional[str] = None,
    aperture: Optional[int] = None,
    quality: str = "default",
    clip: bool = True,
) -> LightCurve:
    """Reads a light curve and keeps its usable cadences.

    Flagged cadences, and cadences without a finite time or value, are dropped. Then, unless clip is false, cadences
    brighter than the median by more than 5 robust standard deviations are dropped.

    Args:
      path: path of the file. Its name decides which product's reader reads it.
      flux_key: the product's name of the flux or magnitudes to read; None means the detrended ones.
      aperture: number of the aperture, for products that number their apertures; None means the file's best aperture.
      quality: which flagged cadences are dropped, one of QUALITIES.
      clip: false keeps bright outliers, for a search for flares.

    Returns:
      A LightCurve.

    Raises:
      MissingLightCurveError: there is no such file.
      UnreadableLightCurveError: the file is damaged or incomplete.
      EmptyLightCurveError: no cadence is usable.
    """
    if quality not in QUALITIES:
        raise ValueError(f"unknown quality {quality!r}; the masks are {', '.join(QUALITIES)}")
    path = os.fspath(path)
    if not os.path.exists(path):
        raise MissingLightCurveError(f"no file {path}: check its name, or fetch it")
    columns = _read(path, flux_key, aperture, quality)
    refusal = column_names.refusal(flux_key or "") and column_names.refusal(columns.flux_key)
    if refusal:
        raise UnreadableLightCurveError(f"{path}: flux_key {flux_key} is {refusal}: give the name of a flux")
    if columns.identity != _UNKNOWN:
        identities.checked(path, columns.identity, _identity_in_name(path))
    light_curve = of_columns(columns, path, is_asked_for=bool(flux_key), clip=clip)
    _LOG.debug("%s: %s of %d cadences", path, columns.flux_key, len(light_curve.time))
    return light_curve


def of_columns(columns: Columns, path: str, is_asked_for: bool = False, clip: bool = True) -> LightCurve:
    """Makes a LightCurve from the columns of a file or from arrays, as `read` does.

    Args:
      columns: time, values and mask of the cadences.
      path: path of the file, or the name of the light curve in messages.
      is_asked_for: whether the user has chosen the column of the values by its name.
      clip: false keeps bright outliers.

    Raises:
      UnreadableLightCurveError: times or values cannot be a star's light curve.
      EmptyLightCurveError: no cadence is usable.
    """
    time, values = columns.time, columns.values
    finite = np.isfinite(time) & np.isfinite(values)
    usable = columns.good & finite
    if not len(time):
        raise EmptyLightCurveError(f"{path}: it has columns, but no cadence: fetch the file again")
    if not usable.any():
        raise EmptyLightCurveError(
            f"{path}: none of {len(time)} cadences is usable ({np.count_nonzero(~columns.good)} flagged, "
            f"{np.count_nonzero(~finite)} without finite time and {columns.flux_key}): "
            "leave this TCE out, or read another aperture or flux_key"
        )
    try:
        time_notes = light_curve_times.problems(time[usable])
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {error}") from None
    try:
        with np.errstate(all="ignore"):  # what overflows is told below
            time, flux, notes = flux_scale.relative(time[usable], columns, values[usable], clip)
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {columns.flux_key}: {error}") from None
    if is_asked_for and column_names.is_no_signal(columns.flux_key):
        notes.append(f"{columns.flux_key} is read, which looks like an error, a background or a model, not a flux")
    light_curve = LightCurve(time, flux, path, (*columns.notes, *time_notes, *notes))
    if not (len(light_curve.flux) and np.isfinite(light_curve.flux).all()):
        raise UnreadableLightCurveError(
            f"{path}: {columns.flux_key} has values too far apart for a star's: fetch the file again"
        )
    return light_curve


def has_known_name(path: str) -> bool:
    """Whether a file has a name by which `find` and `stars` look for light curves."""
    return _product(path) is not None


def is_of_tess(path: str) -> bool:
    """Returns whether a file is of a TESS product. Products of Kepler have quarters or campaigns instead of sectors."""
    return getattr(_product(path), "IS_OF_TESS", True)


def _read(path: str, flux_key: Optional[str], aperture: Optional[int], quality: str) -> Columns:
    """Reads the columns of a file. Its name decides which reader is used; if it does not, its content does."""
    product = _product(path)
    if product is None:
        return _reader_of_any(path)(path, flux_key, aperture, quality)
    try:
        return product.read(path, flux_key, aperture, quality)
    except OtherProductError as error:
        try:
            return any_fits.read(path, flux_key, aperture, quality, guesses=product in _UNCERTAIN)
        except OtherProductError:
            raise error from None


def _product(path: str) -> Optional[Product]:
    """Returns the product of a file by its name; None if the name fits no product."""
    name = os.path.basename(path)
    return next((product for product in PRODUCTS if any(re.fullmatch(known, name) for known in product.NAMES)), None)


def _reader_of_any(path: str) -> Reader:
    name = os.path.basename(path)
    if re.fullmatch(r".*\.fits?(\.gz)?", name, re.IGNORECASE):
        return any_fits.read
    if re.fullmatch(csv_table.ANY_NAME, name, re.IGNORECASE):
        return csv_table.read
    raise UnreadableLightCurveError(
        f"{path}: no reader for a file of this name; there are readers for QLP's .h5, for .fits, and for text "
        "(.csv, .txt, .dat, .tsv, .ecsv): give it the right one of these endings"
    )
