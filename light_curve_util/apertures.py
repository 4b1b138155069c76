"""The light curves of a star in a small and in a large aperture, as one file holds them."""

from typing import Any

import numpy as np

from light_curve_util import tess_io
from light_curve_util.array_types import Floats
from light_curve_util.errors import LightCurveError, UnreadableLightCurveError

# What tess_io.read() is given for the small and for the large aperture, by the file name's ending and beginning.
_QLP_HDF5: tuple[dict[str, Any], dict[str, Any]] = {"aperture": 2}, {"aperture": 3}
_IN_FITS: dict[str, tuple[tuple[dict[str, Any], dict[str, Any]], ...]] = {
    "hlsp_qlp": (
        ({"flux_key": "KSPSAP_FLUX_SML"}, {"flux_key": "KSPSAP_FLUX_LAG"}),
        ({"flux_key": "DET_FLUX_SML"}, {"flux_key": "DET_FLUX_LAG"}),  # from sector 56 on
    ),
    "hlsp_cdips": (({"flux_key": "TFA1"}, {"flux_key": "TFA3"}),),
}


def read_pair(path: str, quality: str = "default") -> tuple[Floats, Floats, Floats]:
    """Reads a light curve in two apertures.

    Args:
      path: QLP's HDF5 file (apertures 2 and 3, as Yu et al. 2019 compare them), or a FITS file of QLP or CDIPS.
      quality: which flagged cadences are dropped, one of tess_io.QUALITIES.

    Returns:
      Time (BTJD), flux in the small and in the large aperture, [n] each: the cadences that are usable in both.

    Raises:
      LightCurveError: the file cannot be read, is of a product whose apertures are not known, or lacks them.
    """
    error: LightCurveError = UnreadableLightCurveError(f"{path}: its product has no apertures that are known here")
    for wanted in _choices(path):
        try:
            small, large = (tess_io.read(path, quality=quality, **one) for one in wanted)
        except LightCurveError as refusal:
            error = refusal
            continue
        time, in_small, in_large = np.intersect1d(small.time, large.time, return_indices=True)
        return time, small.flux[in_small], large.flux[in_large]
    raise error


def _choices(path: str) -> tuple[tuple[dict[str, Any], dict[str, Any]], ...]:
    name = path.replace("\\", "/").rpartition("/")[2]
    if name.endswith((".h5", ".hdf5")):
        return (_QLP_HDF5,)
    return next((choices for beginning, choices in _IN_FITS.items() if name.startswith(beginning)), ())
