"""Light curves of the MIT Quick-Look Pipeline in its internal format: an HDF5 file for each star and sector."""

import contextlib
import functools
import os
from collections.abc import Iterator
from typing import Any, Optional

import numpy as np

from light_curve_util import time_systems
from light_curve_util.array_types import Bools, Floats
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.products.columns import MAX_CADENCES, Columns, time_notes

NAMES = (r"(?P<tic>\d+)\.h5", r".*\.h5")
EXACT_NAMES = ("{tic_id}.h5",)

_DEFAULT_FLUX = "KSPMagnitude"
_PHOTOMETRY = "LightCurve/AperturePhotometry"

# h5py takes 0.1 s to import, and other light curves do not need it, so only the functions that use it import it.

# The first files of sector 1 have no QFLAG. These cadences are bad: positions [first, end) in the file.
# The last cadence of sector 1 is at BTJD 1353.18, the first of sector 2 at 1354.11.
_SECTOR_1_END = 1353.5
# fmt: off
_SECTOR_1_BAD_CADENCES = (
    (0, 3), (31, 32), (49, 50), (88, 89), (121, 122), (152, 153), (186, 187), (188, 189), (199, 200), (224, 226),
    (228, 229), (241, 242), (340, 341), (359, 360), (361, 362), (463, 466), (481, 484), (546, 548), (583, 585),
    (598, 603), (631, 679), (723, 724), (726, 728), (730, 731), (748, 750), (752, 757), (817, 818), (819, 820),
    (839, 840), (853, 856), (866, 867), (872, 876), (969, 970), (971, 972), (977, 978), (987, 988), (992, 1004),
    (1005, 1105), (1108, 1109), (1112, 1115), (1141, 1142), (1175, 1176), (1180, 1181), (1183, 1184), (1191, 1192),
    (1193, 1194), (1195, 1197), (1208, 1211), (1214, 1215), (1225, 1227), (1231, 1234), (1235, 1236), (1258, 1259),
    (1278, 1281),
)
# fmt: on


def read(
    path: str, flux_key: Optional[str] = None, aperture: Optional[int] = None, quality: str = "default"
) -> Columns:
    """Reads one file.

    Args:
      path: path of the file.
      flux_key: dataset of the aperture, for example "RawMagnitude"; None means "KSPMagnitude" (detrended).
      aperture: number of the aperture; None means the one in the attribute `bestap` of the file.
      quality: "flares", "default" and "hard" keep the cadences with QFLAG 0; "none" keeps all.

    Returns:
      Columns.

    Raises:
      UnreadableLightCurveError: the file is damaged, or a dataset or attribute is missing.
    """
    try:
        with _opened(path) as file:
            return _read(file, flux_key or _DEFAULT_FLUX, aperture, quality)
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {error}") from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableLightCurveError(
            f"{path}: not a whole QLP HDF5 light curve ({reason}): fetch the file again"
        ) from error


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Opens a file with h5py's low-level interface, which is three times faster than the high-level one."""
    import h5py

    file = h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDONLY, _file_access())
    try:
        yield file
    finally:
        file.close()


@functools.cache
def _usual_types() -> tuple[Any, ...]:
    """Returns the usual types of numbers, which need no further checks."""
    import h5py

    return h5py.h5t.NATIVE_DOUBLE, h5py.h5t.NATIVE_INT64, h5py.h5t.NATIVE_INT32, h5py.h5t.NATIVE_FLOAT


@functools.cache
def _file_access() -> Any:
    import h5py

    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)  # closing the file closes what is open in it
    return access


def _read(file: Any, flux_key: str, aperture: Optional[int], quality: str) -> Columns:
    if aperture is None:
        aperture = _best_aperture(file)
    times = time_systems.of_light_curve(_column(file, "LightCurve/BJD"))  # the name is BJD, the values are BTJD
    time = times.btjd
    magnitude = _column(file, f"{_PHOTOMETRY}/Aperture_{aperture:03d}/{flux_key}", len(time))
    good = np.ones(len(time), dtype=bool) if quality == "none" else _good(file, time)
    return Columns(time, magnitude, good, flux_key, is_magnitude=True, notes=tuple(time_notes(times, None)))


def _column(file: Any, name: str, length: Optional[int] = None) -> Floats:
    import h5py

    try:
        dataset = h5py.h5d.open(file, name.encode())
    except KeyError:
        _require(file, name)
        raise
    _check_is_stored_here(file, dataset, name)
    shape = dataset.shape  # asks the file
    if len(shape) != 1 or length not in (None, shape[0]) or shape[0] > MAX_CADENCES:
        raise UnreadableLightCurveError(
            f"{name} has shape {shape}, BJD has {length} cadences: fetch or make the file again"
        )
    # A damaged file may claim a type that does not exist. HDF5 would convert it, but h5py has no dtype for it.
    if not any(map(dataset.get_type().equal, _usual_types())) and dataset.dtype.kind not in "iuf":
        raise UnreadableLightCurveError(f"{name} holds {dataset.dtype}, no numbers: fetch the file again")
    values = np.empty(shape, dtype=np.float64)
    dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values, h5py.h5t.NATIVE_DOUBLE)
    return values


def _check_is_stored_here(file: Any, dataset: Any, name: str) -> None:
    """Refuses datasets in external files, which could be any file of this machine, and chunks of absurd size."""
    import h5py

    is_own = h5py.h5f.get_name(dataset) == h5py.h5f.get_name(file)
    if is_own and dataset.get_offset() is not None:
        return  # contiguous, as the pipeline writes it; the checks for other layouts take 17 us
    stored = dataset.get_create_plist()
    if not is_own or stored.get_external_count() or stored.get_layout() == h5py.h5d.VIRTUAL:
        raise UnreadableLightCurveError(f"{name} is kept in another file: fetch one that is whole")
    if stored.get_layout() == h5py.h5d.CHUNKED and stored.get_chunk()[0] > MAX_CADENCES:
        raise UnreadableLightCurveError(f"{name} is in chunks of {stored.get_chunk()[0]}: fetch the file again")


def _require(file: Any, name: str) -> None:
    """Raises UnreadableLightCurveError if a group or dataset is missing; the message lists the existing ones."""
    import h5py

    group = h5py.File(file)
    for part in name.split("/"):
        if part not in group:
            members = ", ".join(group) or "nothing"
            raise UnreadableLightCurveError(
                f"no {part} in {group.name}, which holds {members}: ask for one of these, or fetch the file again"
            )
        group = group[part]


def _best_aperture(file: Any) -> int:
    """Returns the number of the best aperture from the attribute `bestap`: an integer, a float, "3", "Aperture_003"."""
    import h5py

    try:
        attribute = h5py.h5a.open(file, b"bestap", obj_name=_PHOTOMETRY.encode())
    except KeyError:
        _require(file, _PHOTOMETRY)
        raise UnreadableLightCurveError(
            f"/{_PHOTOMETRY} has no attribute bestap: add it, the number of the best aperture"
        ) from None
    if attribute.get_type().get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        value = np.empty(attribute.shape)
        attribute.read(value, h5py.h5t.NATIVE_DOUBLE)
    else:
        value = h5py.File(file)[_PHOTOMETRY].attrs["bestap"]
    (bestap,) = np.ravel(value)
    text = bestap.decode() if isinstance(bestap, bytes) else str(bestap)
    try:
        return int(float(text.replace("Aperture_", "")))
    except (ValueError, OverflowError):
        raise UnreadableLightCurveError(f"bestap is {text!r}: set it to the number of the best aperture") from None


def _good(file: Any, time: Floats) -> Bools:
    if file.links.exists(b"LightCurve/QFLAG"):  # checks the link, because a damaged dataset must not count as missing
        is_good: Bools = _column(file, "LightCurve/QFLAG", len(time)) == 0
        return is_good
    return _good_without_flags(time)


def _good_without_flags(time: Floats) -> Bools:
    good = np.ones(len(time), dtype=bool)
    if np.any(time < _SECTOR_1_END):
        for first, end in _SECTOR_1_BAD_CADENCES:
            good[first:end] = False
    return good
