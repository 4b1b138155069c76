"""Light curves of the Kepler mission and of K2, long and short cadence.

By default, PDCSAP_FLUX is read: flux without systematics.
"""

from light_curve_util.products import fits_table
from light_curve_util.products.quality import KEPLER
from light_curve_util.time_systems import BKJD

# The KIC or EPIC ID is used as the TIC ID, and the quarter or campaign as the sector. No file name has the quarter.
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
