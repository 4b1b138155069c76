"""TESS-Gaia Light Curves (TGLC, Han & Brandt 2023, AJ 165, 71): HLSP FITS files, named by Gaia DR3 ID.

By default, cal_aper_flux is read: detrended flux in an aperture of 3 x 3 pixels. cal_psf_flux may be better for faint
stars or in crowded fields.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS

NAMES = (r"hlsp_tglc_.*-s(?P<sector>\d{4})-.*\.fits(\.gz)?", r"hlsp_tglc_.*\.fits(\.gz)?")
EXACT_NAMES = ()

_ANY = -1  # any bit of TGLC_flags means that the background is not reliable

FORMAT = fits_table.FitsFormat(
    product="a TGLC",
    flux_keys=("cal_aper_flux",),
    masks=lambda quality, header: {"TESS_flags": TESS[quality], "TGLC_flags": _ANY if TESS[quality] else 0},
    is_of=lambda header, names: "CAL_APER_FLUX" in names,
    times=("time",),
)

read = FORMAT.read
