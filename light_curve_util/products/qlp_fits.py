"""Light curves of the MIT Quick-Look Pipeline as the archive has them: HLSP FITS files."""

from light_curve_util.products import fits_table
from light_curve_util.products.columns import expect_no_aperture
from light_curve_util.products.quality import TESS, bits

NAMES = (
    r"hlsp_qlp_tess_ffi_s(?P<sector>\d{4})-(?P<tic>\d{16})_tess_v\w+_llc\.fits(\.gz)?",
    r"hlsp_qlp_.*\.fits(\.gz)?",
)
EXACT_NAMES = (
    "hlsp_qlp_tess_ffi_s{sector:04d}-{tic_id:016d}_tess_v01_llc.fits",
    "hlsp_qlp_tess_ffi_s{sector:04d}-{tic_id:016d}_tess_v01_llc.fits.gz",
)

_DEFAULT_FLUX = ("KSPSAP_FLUX", "DET_FLUX")  # the name changed with sector 56

# QLP's own flag, low precision, has moved when SPOC began to use bit 13.
_FIRST_SECTOR_WITH_BIT_31 = 56


def read(path, flux_key=None, aperture=None, quality="default"):
    """Reads one file.

    Args:
      path: file name.
      flux_key: column of the flux; None is the detrended one, KSPSAP_FLUX or (from sector 56 on) DET_FLUX.
      aperture: None: other apertures are columns of their own.
      quality: name of the mask, see quality.TESS; "default" and "hard" also drop what QLP flags as of low precision.

    Returns:
      Columns.

    Raises:
      UnreadableLightCurveError: for a damaged file, and for an absent extension or column.
    """
    expect_no_aperture(path, aperture)
    flux_keys = [flux_key] if flux_key else _DEFAULT_FLUX

    def light_curve(table):
        low_precision = bits(31 if table.sector >= _FIRST_SECTOR_WITH_BIT_31 else 13)
        return table.light_curve(flux_keys, {"QUALITY": TESS[quality] | low_precision if TESS[quality] else 0})

    return fits_table.read(path, light_curve)
