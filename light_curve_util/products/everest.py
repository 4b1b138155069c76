"""Light curves of K2 by EVEREST (Luger et al. 2016, AJ 152, 100; 2018, AJ 156, 99).

By default, FLUX is read: flux without systematics. FCOR is also corrected for trends that stars have in common, and
FRAW is raw. OUTLIER is ignored, because transits are outliers. The first version has no other flags.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import KEPLER
from light_curve_util.time_systems import BKJD

NAMES = (
    r"hlsp_everest_k2_llc_(?P<tic>\d{9})-c(?P<sector>\d{2,3})_kepler_v[\w.]+_[ls]c\.fits(\.gz)?",
    r"hlsp_everest_.*\.fits(\.gz)?",
)
EXACT_NAMES = ()
IS_OF_TESS = False

FORMAT = fits_table.FitsFormat(
    product="an EVEREST",
    flux_keys=("FLUX", "FCOR"),
    masks=lambda quality, header: {"QUALITY": KEPLER[quality]},
    is_of=lambda header, names: {"TIME", "FLUX", "CADN"} < names or {"TIME", "FLUX", "OUTLIER"} < names,
    system=BKJD,
    has_masks=False,
)

read = FORMAT.read
