"""Light curves of K2 by K2SFF (Vanderburg & Johnson 2014, PASP 126, 948).

By default, FCOR of the best aperture is read: flux corrected for the pointing. FRAW is raw. Cadences during thruster
firings (MOVING) are dropped.
"""

from light_curve_util.products import fits_table
from light_curve_util.time_systems import BKJD

NAMES = (
    r"hlsp_k2sff_k2_lightcurve_(?P<tic>\d{9})-c(?P<sector>\d{2,3})_kepler_v\w+_llc\.fits(\.gz)?",
    r"hlsp_k2sff_.*\.fits(\.gz)?",
)
EXACT_NAMES = ()
IS_OF_TESS = False

FORMAT = fits_table.FitsFormat(
    product="a K2SFF",
    flux_keys=("FCOR",),
    masks=lambda quality, header: {"MOVING": 0 if quality == "none" else 1},
    is_of=lambda header, names: {"T", "FCOR", "MOVING"} < names,
    times=("T",),
    system=BKJD,
    extension="BESTAPER",
)

read = FORMAT.read
