"""Light curves of the Kepler mission, long and short cadence."""

from light_curve_util.products import fits_table
from light_curve_util.products.columns import expect_no_aperture
from light_curve_util.products.quality import KEPLER
from light_curve_util.time_systems import BKJD_ZERO

# The KIC ID stands for the TIC ID. No name tells the quarter, which stands for the sector.
NAMES = (
    r"kplr(?P<tic>\d{9})-\d{13}_llc\.fits(\.gz)?",
    r"kplr(?P<tic>\d{9})-\d{13}_slc\.fits(\.gz)?",
    r"kplr.*\.fits(\.gz)?",
)
EXACT_NAMES = ()
IS_OF_TESS = False

_DEFAULT_FLUX = "PDCSAP_FLUX"


def read(path, flux_key=None, aperture=None, quality="default"):
    """Reads one file.

    Args:
      path: file name.
      flux_key: column of the flux; None is PDCSAP_FLUX, free of systematics.
      aperture: None: there is only one.
      quality: name of the mask, see quality.KEPLER.

    Returns:
      Columns; the time is BTJD, and so negative.

    Raises:
      UnreadableLightCurveError: for a damaged file, and for an absent extension or column.
    """
    expect_no_aperture(path, aperture)
    masks = {"SAP_QUALITY": KEPLER[quality]}
    return fits_table.read(path, lambda table: table.light_curve([flux_key or _DEFAULT_FLUX], masks, BKJD_ZERO))
