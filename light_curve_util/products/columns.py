"""What every reader returns: the columns of one file, as they stand."""

import dataclasses

import numpy as np

from light_curve_util.errors import UnreadableLightCurveError

BTJD_ZERO = 2457000  # BJD at which BTJD, the time of TESS, is 0


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of one light curve file; no cadence is dropped yet.

    Attributes:
      time: float64 [n], BTJD days.
      values: float64 [n], flux in any unit, or magnitudes.
      good: bool [n], the cadences that the quality mask keeps.
      flux_key: name of the column that the values are from.
      is_magnitude: whether the values are magnitudes.
    """

    time: np.ndarray
    values: np.ndarray
    good: np.ndarray
    flux_key: str
    is_magnitude: bool = False


def expect_no_aperture(path, aperture):
    """Raises UnreadableLightCurveError where an aperture is asked for, but the product does not number any."""
    if aperture is not None:
        raise UnreadableLightCurveError(
            f"{path}: aperture {aperture} was asked for, but only QLP HDF5 files number their apertures: leave it out"
        )
