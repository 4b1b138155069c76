"""Light curves of the MIT Quick-Look Pipeline in the archive: HLSP FITS files.

By default, the detrended flux is read: KSPSAP_FLUX, or DET_FLUX from sector 56 on. Quality masks also drop cadences
that QLP flags for low precision.
"""

from typing import Any

from light_curve_util.products import fits_table
from light_curve_util.products.quality import TESS, bits

NAMES = (
    r"hlsp_qlp_tess_ffi_s(?P<sector>\d{4})-(?P<tic>\d{16})_tess_v\w+_llc\.fits(\.gz)?",
    r"hlsp_qlp_.*\.fits(\.gz)?",
)
EXACT_NAMES = (
    "hlsp_qlp_tess_ffi_s{sector:04d}-{tic_id:016d}_tess_v01_llc.fits",
    "hlsp_qlp_tess_ffi_s{sector:04d}-{tic_id:016d}_tess_v01_llc.fits.gz",
)

# QLP moved its flag for low precision to another bit when SPOC began to use bit 13.
_FIRST_SECTOR_WITH_BIT_31 = 56


def _masks(quality: str, header: Any) -> fits_table.Masks:
    low_precision = bits(31 if header.get("SECTOR", 0) >= _FIRST_SECTOR_WITH_BIT_31 else 13)
    return {"QUALITY": TESS[quality] | low_precision if TESS[quality] else 0}


FORMAT = fits_table.FitsFormat(
    product="a QLP",
    flux_keys=("KSPSAP_FLUX", "DET_FLUX"),  # the name changed with sector 56
    masks=_masks,
    is_of=lambda header, names: bool({"KSPSAP_FLUX", "DET_FLUX"} & names),
)

read = FORMAT.read
