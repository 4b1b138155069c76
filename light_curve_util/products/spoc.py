"""Light curves of the TESS Science Processing Operations Center (SPOC): 2 min, 20 s, and full-frame images.

By default, PDCSAP_FLUX is read (flux without systematics), or FLUX in files that lightkurve has written (`to_fits`),
which have the same format and names.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS

NAMES = (
    r"(.*_)?tess\d+-s(?P<sector>\d{4})-(?P<tic>\d{16})-\d{4}-s_lc\.fits(\.gz)?",
    r"hlsp_.*_(?P<tic>\d{11,16})-s(?P<sector>\d{2,4})_tess_v\w+_lc\.fits(\.gz)?",
    r"(?i:tic)?[-_ ]?(?P<tic>\d+)_lc\.fits(\.gz)?",
    r"(.*_)?tess\d+-s(?P<sector>\d{4})-(?P<tic>\d{16})-\d{4}-a_fast-lc\.fits(\.gz)?",
    # Files of other products also end in _lc.fits, and have other readers.
    r"(?!hlsp_(gsfc-eleanor-lite|eleanor|tasoc|tars|everest|cdips|t16)_).*[-_]lc\.fits(\.gz)?",
)
EXACT_NAMES = ()

FORMAT = fits_table.FitsFormat(
    product="a SPOC",
    flux_keys=("PDCSAP_FLUX", "FLUX"),
    masks=lambda quality, header: {"QUALITY": TESS[quality]},
    is_of=lambda header, names: {"TIME", "QUALITY"} < names and bool({"PDCSAP_FLUX", "FLUX"} & names),
)

read = FORMAT.read
