"""Light curves of the MIT Quick-Look Pipeline as it writes them: one HDF5 file a star and sector."""

import h5py
import numpy as np

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.products.columns import Columns

NAMES = (r"(?P<tic>\d+)\.h5", r".*\.h5")
EXACT_NAMES = ("{tic_id}.h5",)

_DEFAULT_FLUX = "KSPMagnitude"

# The first files of sector 1 came without QFLAG. These cadences are bad, as positions [first, end) in the file.
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


def read(path, flux_key=None, aperture=None, quality="default"):
    """Reads one file.

    Args:
      path: file name.
      flux_key: dataset of the aperture; None is "KSPMagnitude" (detrended), another is "RawMagnitude".
      aperture: number of the aperture; None is the one that the file's `bestap` names.
      quality: "default" and "hard" keep the cadences with QFLAG 0; "none" keeps all.

    Returns:
      Columns.

    Raises:
      UnreadableLightCurveError: for a damaged file, and for an absent dataset or attribute.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(file, flux_key or _DEFAULT_FLUX, aperture, quality)
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {error}") from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableLightCurveError(
            f"{path}: not a whole QLP HDF5 light curve ({reason}): fetch the file again"
        ) from error


def _read(file, flux_key, aperture, quality):
    photometry = _member(file, "LightCurve/AperturePhotometry")
    if aperture is None:
        aperture = _best_aperture(photometry)
    time = _column(file, "LightCurve/BJD")
    magnitude = _column(photometry, f"Aperture_{aperture:03d}/{flux_key}", len(time))
    if quality == "none":
        good = np.ones(len(time), dtype=bool)
    elif "QFLAG" in file["LightCurve"]:
        good = _column(file, "LightCurve/QFLAG", len(time)) == 0
    else:
        good = _good_without_flags(time)
    return Columns(time, magnitude, good, flux_key, is_magnitude=True)


def _member(group, name):
    """The group or dataset of this name; its absence is an error that lists what is there instead."""
    for part in name.split("/"):
        if part not in group:
            there = ", ".join(group) or "nothing"
            raise UnreadableLightCurveError(
                f"no {part} in {group.name}, which holds {there}: ask for one of these, or fetch the file again"
            )
        group = group[part]
    return group


def _column(group, name, length=None):
    column = np.asarray(_member(group, name), dtype=np.float64)
    if column.ndim != 1 or length not in (None, len(column)):
        raise UnreadableLightCurveError(
            f"{name} has shape {column.shape}, BJD has {length} cadences: fetch or make the file again"
        )
    return column


def _best_aperture(photometry):
    """The aperture that attribute `bestap` names, as an integer, a float or text ("3", "Aperture_003")."""
    if "bestap" not in photometry.attrs:
        raise UnreadableLightCurveError(
            f"{photometry.name} has no attribute bestap: add it, the number of the best aperture"
        )
    (bestap,) = np.ravel(photometry.attrs["bestap"])
    text = bestap.decode() if isinstance(bestap, bytes) else str(bestap)
    try:
        return int(float(text.replace("Aperture_", "")))
    except (ValueError, OverflowError):
        raise UnreadableLightCurveError(f"bestap is {text!r}: set it to the number of the best aperture") from None


def _good_without_flags(time):
    good = np.ones(len(time), dtype=bool)
    if np.any(time < _SECTOR_1_END):
        for first, end in _SECTOR_1_BAD_CADENCES:
            good[first:end] = False
    return good
