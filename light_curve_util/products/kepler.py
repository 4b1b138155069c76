"""Light curves of the Kepler mission and of K2, long and short cadence.

PDCSAP_FLUX, free of systematics, is read unless another is asked for.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import KEPLER
from light_curve_util.time_systems import BKJD

# The KIC or EPIC ID stands for the TIC ID, the campaign for the sector. No name tells the quarter, which does so, too.
NAMES = (
    r"kplr(?P<tic>\d{9})-\d{13}_llc\.fits(\.gz)?",
    r"kplr(?P<tic>\d{9})-\d{13}_slc\.fits(\.gz)?",
    r"ktwo(?P<tic>\d{9})-c(?P<sector>\d{2,3})_llc\.fits(\.gz)?",
    r"ktwo(?P<tic>\d{9})-c(?P<sector>\d{2,3})_slc\.fits(\.gz)?",
    r"kplr.*\.fits(\.gz)?",
)
EXACT_NAMES = ()
IS_OF_TESS = False

FORMAT = fits_table.FitsFormat(
    product="a Kepler",
    flux_keys=("PDCSAP_FLUX",),
    masks=lambda quality, header: {"SAP_QUALITY": KEPLER[quality]},
    is_of=lambda header, names: {"PDCSAP_FLUX", "SAP_QUALITY"} < names,
    system=BKJD,
)

read = FORMAT.read
