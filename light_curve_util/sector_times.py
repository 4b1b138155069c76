"""Gives the start and end of each TESS sector, from tess-point's table of pointings. Needs no network."""

import functools
from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

from light_curve_util.array_types import Floats, Integers
from light_curve_util.constants import BTJD_ZERO
from light_curve_util.sector_middles import MIDDLES_BTJD
from light_curve_util.time_systems import bkjd_hint

_LEAST_COVERED = 5.0  # days; a light curve of several sectors covers more of a sector than this
_SLACK = 4.0  # days added beyond the halfway point to the next sector: sectors may begin 3 d off tess-point's times


@functools.cache
def _middles_of_tess_point() -> dict[int, float]:
    """Returns a dict of sector to its middle, BTJD; an empty dict if tess-point is not installed."""
    try:
        import tess_stars2px  # takes half a second
    except ImportError:
        return {}
    table = tess_stars2px.TESS_Spacecraft_Pointing_Data
    return {int(sector): round(float(middle) - BTJD_ZERO, 4) for sector, middle in zip(table.sectors, table.midtimes)}


def middle(sector: int) -> Optional[float]:
    """Returns the middle of a sector, BTJD; None if tess-point's table lacks the sector."""
    sector = int(sector)
    if 1 <= sector <= len(MIDDLES_BTJD):
        return MIDDLES_BTJD[sector - 1]
    return _middles_of_tess_point().get(sector) if sector > 0 else None


@functools.lru_cache(maxsize=1000)
def window(sector: int) -> Optional[tuple[float, float]]:
    """Returns start and end of a sector, BTJD, with a margin of some days; None for an unknown sector."""
    before, center, after = (middle(int(sector) + offset) for offset in (-1, 0, 1))
    neighbors = [other for other in (before, after) if other is not None]
    if center is None or not neighbors:
        return None
    half = max(abs(other - center) for other in neighbors) / 2 + _SLACK
    return center - half, center + half


def windows(sectors: Union[Sequence[int], Integers]) -> Floats:
    """Returns start and end of many sectors, as window() does; NaN for unknown sectors. [n, 2]"""
    known = {int(sector): window(sector) or (np.nan, np.nan) for sector in np.unique(sectors)}
    return np.array([known[int(sector)] for sector in sectors], np.float64).reshape(-1, 2)


def problem(time_btjd: Floats, sector: int, ran: Optional[tuple[float, float]] = None) -> str:
    """Returns a message if the times of a light curve are not in its sector; else "".

    Times are accepted if half of them are in the sector, or if they cover several days of it (a light curve of several
    sectors), or if the start and end of the sector are not known.

    Args:
      time_btjd: times, finite. [n], n >= 1
      sector: number of the sector; 0 if unknown.
      ran: window(sector), if it is known already.
    """
    ran = ran or window(sector)
    if ran is None:
        return ""
    start, end = ran
    inside = time_btjd[(start <= time_btjd) & (time_btjd <= end)]
    if len(inside) * 2 >= len(time_btjd) or (len(inside) and np.ptp(inside) > _LEAST_COVERED):
        return ""
    text = (
        f"the times, BTJD {time_btjd.min():.1f} to {time_btjd.max():.1f}, do not lie in sector {sector}, "
        f"which ran from about BTJD {start + _SLACK:.0f} to {end - _SLACK:.0f}"
    )
    hint = bkjd_hint(float(np.median(time_btjd)), ran)
    return f"{text}; {hint}" if hint else text
