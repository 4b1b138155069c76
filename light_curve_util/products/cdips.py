"""Light curves of CDIPS, young stars and members of clusters, by difference images (Bouma et al. 2019, ApJS 245, 13).

TFA2 is read unless another is asked for: magnitudes of the aperture of 1.5 pixels, free of trends. PCA2 keeps more of a
variable star, IRM2 is raw; 1 and 3 are the apertures of 1 and 2.25 pixels. Cadences are kept whose IRQ2 is "G" or "0".
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
