"""Finds and reads the light curve of one star in one sector, whatever product it comes from.

A product is a module with FILE_NAME (the pattern of its files' names), LOCATIONS (where they lie below the data
directory) and read(path, flux_key, aperture) -> time, magnitude, good. Its line in PRODUCTS registers it.
"""

import dataclasses
import fnmatch
import glob
import os

import numpy as np

from light_curve_util import qlp_hdf5
from light_curve_util.errors import EmptyLightCurveError, MissingLightCurveError, UnreadableLightCurveError

PRODUCTS = (qlp_hdf5,)

_MAX_BRIGHT_DEVIATION = 5  # in robust standard deviations; only bright outliers go, since dips are the signal
_MAD_TO_SIGMA = 1.4826


@dataclasses.dataclass(frozen=True)
class LightCurve:
    """The usable cadences of one star in one sector.

    Attributes:
      time: float64 [n], BTJD days, finite, in the file's order.
      flux: float64 [n], relative to the median of the light curve.
      path: the file it came from.
    """

    time: np.ndarray
    flux: np.ndarray
    path: str


def find(tess_data_dir, tic_id, sector, camera=None, ccd=None):
    """Finds the file of a star and sector.

    Args:
      tess_data_dir: directory that holds sector-1, sector-2, ...
      tic_id: TIC ID of the star.
      sector: number of the sector.
      camera, ccd: detector that saw the star; where they are not known (None or 0), all detectors are tried.

    Returns:
      The path of the file.

    Raises:
      MissingLightCurveError: naming the paths that were tried.
    """
    place = {"tic_id": tic_id, "sector": sector, "camera": camera or "*", "ccd": ccd or "*"}
    tried = []
    for location in (location for product in PRODUCTS for location in product.LOCATIONS):
        tried.append(location.format(**place))
        found = sorted(glob.glob(os.path.join(glob.escape(os.fspath(tess_data_dir)), tried[-1])))
        if found:
            return found[0]
    raise MissingLightCurveError(
        f"no light curve of TIC {tic_id} in sector {sector}: {tess_data_dir} has none of {', '.join(tried)}; "
        "fetch the file or give another data directory"
    )


def read(path, flux_key="KSPMagnitude", aperture=None):
    """Reads a light curve and keeps its usable cadences.

    Flagged cadences and those without a finite time or magnitude are dropped, then those brighter than the median by
    more than 5 robust standard deviations.

    Args:
      path: file name; its pattern decides which product's reader reads it.
      flux_key: the product's name for the magnitudes to read.
      aperture: number of the aperture; None is the file's own choice.

    Returns:
      A LightCurve.

    Raises:
      MissingLightCurveError: there is no such file.
      UnreadableLightCurveError: the file is damaged or lacks something that is needed.
      EmptyLightCurveError: no cadence is usable.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise MissingLightCurveError(f"no file {path}: check its name, or fetch it")
    time, magnitude, good = _product(path).read(path, flux_key, aperture)
    finite = np.isfinite(time) & np.isfinite(magnitude)
    usable = good & finite
    if not usable.any():
        raise EmptyLightCurveError(
            f"{path}: none of {len(time)} cadences is usable ({np.count_nonzero(~good)} flagged, "
            f"{np.count_nonzero(~finite)} without finite time and {flux_key}): "
            "leave this TCE out, or read another aperture"
        )
    return LightCurve(*to_flux(time[usable], magnitude[usable]), path)


def to_flux(time, magnitude):
    """Drops bright outliers and turns magnitudes into flux.

    Args:
      time: [n] days.
      magnitude: [n] finite, n >= 1.

    Returns:
      time and flux of the cadences kept; flux is relative to their median.
    """
    deviation = magnitude - np.median(magnitude)
    sigma = _MAD_TO_SIGMA * np.median(np.abs(deviation))
    # A constant light curve has no outliers: what is wrong with it is that its views are flat, and they say so.
    kept = magnitude > np.median(magnitude) - _MAX_BRIGHT_DEVIATION * sigma if sigma > 0 else np.full(len(time), True)
    time, magnitude = time[kept], magnitude[kept]
    return time, 10 ** (-(magnitude - np.median(magnitude)) / 2.5)


def _product(path):
    for product in PRODUCTS:
        if fnmatch.fnmatch(os.path.basename(path), product.FILE_NAME):
            return product
    known = ", ".join(product.FILE_NAME for product in PRODUCTS)
    raise UnreadableLightCurveError(f"{path}: no reader for a file of this name; there are readers for {known}")
