"""Writes light curves in the format of QLP's HDF5 files."""

from collections.abc import Sequence

from astronet.base.files import write_aside
from light_curve_util.array_types import Floats, Integers


def write(path: str, time: Floats, qflag: Integers, apertures: Sequence[tuple[Floats, Floats]], best: int) -> None:
    """Writes a light curve, whole or not at all.

    Args:
      path: of the file.
      time: times [n], BTJD.
      qflag: quality flags [n]; 0 is good.
      apertures: raw and detrended magnitudes, each [n], of each aperture.
      best: number of the best aperture.
    """
    import h5py

    with write_aside(path) as aside, h5py.File(aside, "w") as file:
        group = file.create_group("LightCurve")
        group["BJD"], group["QFLAG"] = time, qflag
        photometry = group.create_group("AperturePhotometry")
        photometry.attrs["bestap"] = best
        for number, (raw, detrended) in enumerate(apertures):
            aperture = photometry.create_group(f"Aperture_{number:03d}")
            aperture["RawMagnitude"], aperture["KSPMagnitude"] = raw, detrended
