"""Light curves of the TESS All-Sky Rotation Survey (TARS, Boyle et al. 2026), without systematics.

FLUX is the only column of fluxes, and there are no flags.
"""

from light_curve_util.products import fits_table

NAMES = (
    r"hlsp_tars_tess_ffi_s(?P<sector>\d{4})-(?P<tic>\d{16})_tess_v\w+_lc\.fits(\.gz)?",
    r"hlsp_tars_.*_lc\.fits(\.gz)?",
)
EXACT_NAMES = ()

FORMAT = fits_table.FitsFormat(
    product="a TARS",
    flux_keys=("FLUX",),
    masks=lambda quality, header: {},
    is_of=lambda header, names: str(header.get("HLSPID", "")).strip().upper() == "TARS",
    is_guessed=True,
)

read = FORMAT.read
