"""Finds momentum dumps (the thrusters unload the reaction wheels), which may cause dips just after them."""

import gzip
import re
import warnings
from collections.abc import Sequence
from typing import Optional

import numpy as np

from light_curve_util import tess_io
from light_curve_util.products.quality import bits

_DUMP = bits(6)  # the bit of TESS's quality flags for a reaction wheel desaturation event
_TIME, _QUALITY = "TIME", "QUALITY"
_SAME_DUMP_DAYS = 0.2  # cadences this close are of one dump


def times(paths: Sequence[str]) -> Optional[np.ndarray]:
    """Returns the times of the momentum dumps that light curve files flag, BTJD, ascending, [n].

    Args:
      paths: files of one star.

    Returns:
      None if no file has TESS's quality flags beside its times: only FITS files of SPOC, QLP and a few others do.
    """
    by_file = [_of_file(path) for path in paths if re.fullmatch(r".*\.fits?(\.gz)?", path, re.IGNORECASE)]
    known = [flagged for flagged in by_file if flagged is not None]
    if not known:
        return None
    flagged = np.sort(np.concatenate(known))
    starts = np.diff(flagged, prepend=-np.inf) > _SAME_DUMP_DAYS
    return flagged[starts]


def _of_file(path: str) -> Optional[np.ndarray]:
    from astropy.io import fits

    if not tess_io.is_of_tess(path):
        return None
    try:
        with warnings.catch_warnings(), (gzip.open if path.lower().endswith(".gz") else open)(path, "rb") as file:
            warnings.simplefilter("ignore")
            with fits.open(file, memmap=False) as opened:
                for hdu in opened:
                    names = [name.upper() for name in getattr(hdu, "columns", fits.ColDefs([])).names]
                    if _TIME in names and _QUALITY in names:
                        time = np.asarray(hdu.data[_TIME], float)
                        is_dump = (np.asarray(hdu.data[_QUALITY]).astype(np.int64) & _DUMP) != 0
                        return time[is_dump & np.isfinite(time)]
    except Exception:  # the light curve itself was read: this file is sound in what it needs
        return None
    return None
