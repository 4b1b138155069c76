"""Light curves of the TESS Science Processing Operations Center (SPOC): 2 min, 20 s, and full-frame images.

Files that lightkurve writes (`to_fits`) have the same form and names, with a column FLUX.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.columns import expect_no_aperture
from light_curve_util.products.quality import TESS

NAMES = (
    r"(.*_)?tess\d+-s(?P<sector>\d{4})-(?P<tic>\d{16})-\d{4}-s_lc\.fits(\.gz)?",
    r"hlsp_.*_(?P<tic>\d{11,16})-s(?P<sector>\d{2,4})_tess_v\w+_lc\.fits(\.gz)?",
    r"(?i:tic)?[-_ ]?(?P<tic>\d+)_lc\.fits(\.gz)?",
    r"(.*_)?tess\d+-s(?P<sector>\d{4})-(?P<tic>\d{16})-\d{4}-a_fast-lc\.fits(\.gz)?",
    r".*[-_]lc\.fits(\.gz)?",
)
EXACT_NAMES = ()

_DEFAULT_FLUX = ("PDCSAP_FLUX", "FLUX")


def read(path, flux_key=None, aperture=None, quality="default"):
    """Reads one file.

    Args:
      path: file name.
      flux_key: column of the flux; None is PDCSAP_FLUX, free of systematics, or the FLUX of lightkurve.
      aperture: None: there is only one.
      quality: name of the mask, see quality.TESS.

    Returns:
      Columns.

    Raises:
      UnreadableLightCurveError: for a damaged file, and for an absent extension or column.
    """
    expect_no_aperture(path, aperture)
    flux_keys = [flux_key] if flux_key else _DEFAULT_FLUX
    return fits_table.read(path, lambda table: table.light_curve(flux_keys, {"QUALITY": TESS[quality]}))
