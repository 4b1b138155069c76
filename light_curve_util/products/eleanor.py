"""Light curves of eleanor (Feinstein et al. 2019, PASP 131, 094502); GSFC-ELEANOR-LITE is made by it.

CORR_FLUX is read unless another is asked for: PCA_FLUX and PSF_FLUX may be there. Quality "hard" also drops what
eleanor itself flags.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS, bits

NAMES = (
    r"hlsp_gsfc-eleanor-lite_tess_ffi_s(?P<sector>\d{4})-(?P<tic>\d{16})_tess_v[\w.]+_lc\.fits(\.gz)?",
    r"hlsp_eleanor_tess_ffi_tic(?P<tic>\d+)_s(?P<sector>\d{2,4})_tess_v[\w.]+_lc\.fits(\.gz)?",
    r"hlsp_eleanor_.*_lc\.fits(\.gz)?",
)
EXACT_NAMES = ()

_OWN = bits(18, 19)  # of eleanor, beside those of SPOC

FORMAT = fits_table.FitsFormat(
    product="an eleanor",
    flux_keys=("CORR_FLUX",),
    masks=lambda quality, header: {"QUALITY": TESS[quality] | (_OWN if quality == "hard" else 0)},
    is_of=lambda header, names: {"TIME", "CORR_FLUX", "RAW_FLUX"} < names,
)

read = FORMAT.read
