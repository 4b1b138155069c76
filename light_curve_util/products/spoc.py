"""Light curves of the TESS Science Processing Operations Center (SPOC): 2 min, 20 s, and full-frame images.

PDCSAP_FLUX, free of systematics, is read unless another is asked for, or the FLUX of lightkurve: files that it writes
(`to_fits`) have the same form and names.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS

NAMES = (
    r"(.*_)?tess\d+-s(?P<sector>\d{4})-(?P<tic>\d{16})-\d{4}-s_lc\.fits(\.gz)?",
    r"hlsp_.*_(?P<tic>\d{11,16})-s(?P<sector>\d{2,4})_tess_v\w+_lc\.fits(\.gz)?",
    r"(?i:tic)?[-_ ]?(?P<tic>\d+)_lc\.fits(\.gz)?",
    r"(.*_)?tess\d+-s(?P<sector>\d{4})-(?P<tic>\d{16})-\d{4}-a_fast-lc\.fits(\.gz)?",
    # Others end in _lc.fits as well, and have readers of their own.
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
