"""Light curves of eleanor (Feinstein et al. 2019, PASP 131, 094502), which include GSFC-ELEANOR-LITE.

By default, CORR_FLUX is read; some files also have PCA_FLUX and PSF_FLUX. Quality "hard" also drops the cadences that
eleanor flags.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS, bits

NAMES = (
    r"hlsp_gsfc-eleanor-lite_tess_ffi_s(?P<sector>\d{4})-(?P<tic>\d{16})_tess_v[\w.]+_lc\.fits(\.gz)?",
    r"hlsp_eleanor_tess_ffi_tic(?P<tic>\d+)_s(?P<sector>\d{2,4})_tess_v[\w.]+_lc\.fits(\.gz)?",
    r"hlsp_eleanor_.*_lc\.fits(\.gz)?",
)
EXACT_NAMES = ()

_OWN = bits(18, 19)  # flags of eleanor, in addition to those of SPOC

FORMAT = fits_table.FitsFormat(
    product="an eleanor",
    flux_keys=("CORR_FLUX",),
    masks=lambda quality, header: {"QUALITY": TESS[quality] | (_OWN if quality == "hard" else 0)},
    is_of=lambda header, names: {"TIME", "CORR_FLUX", "RAW_FLUX"} < names,
)

read = FORMAT.read
