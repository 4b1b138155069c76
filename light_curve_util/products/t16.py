"""Light curves of T16: stars to 16 mag, from difference images (Hartman et al. 2025, arXiv:2502.13792).

They were made with the programs of CDIPS, so the same column names are assumed.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.cdips import GOOD, MAGNITUDES

NAMES = (
    r"hlsp_t16_tess_ffi_s(?P<sector>\d{4})-cam(?P<camera>\d)-ccd(?P<ccd>\d)-\d{20}_tess_v\w+\.fits(\.gz)?",
    r"hlsp_t16_.*\.fits(\.gz)?",
)
EXACT_NAMES = ()

FORMAT = fits_table.FitsFormat(
    product="a T16",
    flux_keys=("TFA2", "PCA2", "EPD2", "IRM2"),
    masks=lambda quality, header: {"IRQ2": frozenset() if quality == "none" else GOOD},
    is_of=lambda header, names: str(header.get("HLSPID", "")).strip().upper() == "T16",
    times=("TMID_BJD", "BJD", "BTJD", "TIME"),
    magnitudes=MAGNITUDES,
    has_masks=False,
    is_guessed=True,
)

read = FORMAT.read
