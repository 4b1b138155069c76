"""Light curves of the TESS Asteroseismic Science Operations Center (TASOC; Lund et al. 2021, ApJS 257, 53).

By default, FLUX_CORR is read: flux without systematics, in ppm about 0. FLUX_RAW is in electrons per second. The mask
applies to PIXEL_QUALITY; QUALITY describes the correction of systematics.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS, bits

NAMES = (
    r"hlsp_tasoc_tess_(ffi|tpf)_tic(?P<tic>\d{11})-s(?P<sector>\d{2,4})-(cam(?P<camera>\d)-ccd(?P<ccd>\d)-)?c\d{4}_tess_v\w+[-_]lc\.fits(\.gz)?",
    r"hlsp_tasoc_.*lc\.fits(\.gz)?",
)
EXACT_NAMES = ()

# Bit 1: bad data; 2: excluded by hand; 3: clipped as an outlier, which dips may be; 9: doubtful background.
_OWN = {"none": 0, "flares": bits(1, 2), "default": bits(1, 2), "hard": bits(1, 2, 9)}

FORMAT = fits_table.FitsFormat(
    product="a TASOC",
    flux_keys=("FLUX_CORR",),
    masks=lambda quality, header: {"PIXEL_QUALITY": TESS[quality], "QUALITY": _OWN[quality]},
    is_of=lambda header, names: {"FLUX_CORR", "FLUX_RAW"} < names,
)

read = FORMAT.read
