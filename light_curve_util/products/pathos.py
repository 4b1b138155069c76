"""Light curves of PATHOS, members of star clusters (Nardiello et al. 2019, MNRAS 490, 3806).

By default, PSF_FLUX_COR is read. AP1_FLUX_COR to AP4_FLUX_COR are fluxes in apertures of 1 to 4 pixels.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS

NAMES = (
    r"hlsp_pathos_tess_lightcurve_tic-(?P<tic>\d{10})-s(?P<sector>\d{3,4})_tess_v\w+_llc\.fits(\.gz)?",
    r"hlsp_pathos_.*\.fits(\.gz)?",
)
EXACT_NAMES = ()

FORMAT = fits_table.FitsFormat(
    product="a PATHOS",
    flux_keys=("PSF_FLUX_COR", "AP1_FLUX_COR"),
    masks=lambda quality, header: {"DQUALITY": TESS[quality]},
    is_of=lambda header, names: {"PSF_FLUX_COR", "AP1_FLUX_COR"} < names,
)

read = FORMAT.read
