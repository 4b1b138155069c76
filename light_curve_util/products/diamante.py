"""Light curves of DIAmante, with all sectors of a star in one file (Montalto et al. 2020, MNRAS 498, 1726).

By default, LC1_AP1 is read: flux without systematics. LC0_AP1 is raw, and LC2_AP1 normalized; AP2 is the larger
aperture. Cadences with FLAG_AP1 0 are kept.
"""

from light_curve_util.products import fits_table

NAMES = (
    r"hlsp_diamante_tess_lightcurve_tic-(?P<tic>\d{16})_tess_v\w+_llc\.fits(\.gz)?",
    r"hlsp_diamante_.*\.fits(\.gz)?",
)
EXACT_NAMES = ()

_ANY = -1  # the bits of FLAG_AP1 are not documented: 0 is good

FORMAT = fits_table.FitsFormat(
    product="a DIAmante",
    flux_keys=("LC1_AP1", "LC1_AP2"),
    masks=lambda quality, header: {"FLAG_AP1": 0 if quality == "none" else _ANY},
    is_of=lambda header, names: {"BTJD", "LC1_AP1"} < names,
    times=("BTJD",),
    is_guessed=True,
)

read = FORMAT.read
