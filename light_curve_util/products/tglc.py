"""TESS-Gaia Light Curves (TGLC, Han & Brandt 2023, AJ 165, 71): HLSP FITS files, named by Gaia DR3 ID."""

from light_curve_util.products import fits_table
from light_curve_util.products.columns import expect_no_aperture
from light_curve_util.products.quality import TESS

NAMES = (r"hlsp_tglc_.*-s(?P<sector>\d{4})-.*\.fits(\.gz)?", r"hlsp_tglc_.*\.fits(\.gz)?")
EXACT_NAMES = ()

_DEFAULT_FLUX = "cal_aper_flux"
_ANY = -1  # TGLC_flags is 0, or tells that the background is not to be trusted


def read(path, flux_key=None, aperture=None, quality="default"):
    """Reads one file.

    Args:
      path: file name.
      flux_key: column of the flux; None is cal_aper_flux, detrended, of 3 x 3 pixels; cal_psf_flux may serve better for
        faint or crowded stars.
      aperture: None: other apertures are columns of their own.
      quality: name of the mask, see quality.TESS, for TESS_flags; "default" and "hard" also drop what TGLC flags.

    Returns:
      Columns.

    Raises:
      UnreadableLightCurveError: for a damaged file, and for an absent extension or column.
    """
    expect_no_aperture(path, aperture)
    masks = {"TESS_flags": TESS[quality], "TGLC_flags": _ANY if TESS[quality] else 0}
    return fits_table.read(path, lambda table: table.light_curve([flux_key or _DEFAULT_FLUX], masks))
