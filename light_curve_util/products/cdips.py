"""Light curves of CDIPS: young stars and cluster members, from difference images (Bouma et al. 2019, ApJS 245, 13).

By default, TFA2 is read: detrended magnitudes in an aperture of 1.5 pixels. PCA2 preserves the variations of stars
better, and IRM2 is raw; the numbers 1 and 3 stand for apertures of 1 and 2.25 pixels. Cadences with IRQ2 "G" or "0" are
kept.
"""

from light_curve_util.products import fits_table

NAMES = (
    r"hlsp_cdips_tess_ffi_gaiatwo\d{22}-(?P<sector>\d{4})-cam(?P<camera>\d)-ccd(?P<ccd>\d)_tess_v\w+_llc\.fits(\.gz)?",
    r"hlsp_cdips_.*\.fits(\.gz)?",
)
EXACT_NAMES = ()

MAGNITUDES = r"(IRM|EPD|TFA|PCA)\d"
GOOD = frozenset({"G", "0"})  # "X" is bad

FORMAT = fits_table.FitsFormat(
    product="a CDIPS",
    flux_keys=("TFA2", "PCA2", "IRM2"),
    masks=lambda quality, header: {"IRQ2": frozenset() if quality == "none" else GOOD},
    is_of=lambda header, names: "TMID_BJD" in names and "T16" not in str(header.get("HLSPID", "")).upper(),
    times=("TMID_BJD",),
    magnitudes=MAGNITUDES,
)

read = FORMAT.read
