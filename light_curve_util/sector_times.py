"""When each sector of TESS ran, by tess-point's table of pointings; no network is needed."""

import functools
from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

from light_curve_util.array_types import Floats, Integers
from light_curve_util.constants import BTJD_ZERO
from light_curve_util.sector_middles import MIDDLES_BTJD
from light_curve_util.time_systems import bkjd_hint

_LEAST_COVERED = 5.0  # days of a sector, more than a neighbor and the slack can cover: a light curve of several sectors
_SLACK = 4.0  # days beyond halfway to the next sector; sectors begin up to 3 d off tess-point's middle


@functools.cache
def _middles_of_tess_point() -> dict[int, float]:
    """Dict of sector to its middle, BTJD days; empty where tess-point is not installed."""
    try:
        import tess_stars2px  # takes half a second
    except ImportError:
        return {}
    table = tess_stars2px.TESS_Spacecraft_Pointing_Data
    return {int(sector): round(float(middle) - BTJD_ZERO, 4) for sector, middle in zip(table.sectors, table.midtimes)}


def middle(sector: int) -> Optional[float]:
    """The middle of a sector, BTJD days; None where tess-point's table lacks it."""
    sector = int(sector)
    if 1 <= sector <= len(MIDDLES_BTJD):
        return MIDDLES_BTJD[sector - 1]
    return _middles_of_tess_point().get(sector) if sector > 0 else None


@functools.lru_cache(maxsize=1000)
def window(sector: int) -> Optional[tuple[float, float]]:
    """Start and end of a sector, BTJD days, some days wider than it was; None where tess-point's table lacks it."""
    before, own, after = (middle(int(sector) + offset) for offset in (-1, 0, 1))
    neighbors = [other for other in (before, after) if other is not None]
    if own is None or not neighbors:
        return None
    half = max(abs(other - own) for other in neighbors) / 2 + _SLACK
    return own - half, own + half


def windows(sectors: Union[Sequence[int], Integers]) -> Floats:
    """Start and end of each of many sectors, as window() gives them; NaN where unknown. [n, 2]"""
    known = {int(sector): window(sector) or (np.nan, np.nan) for sector in np.unique(sectors)}
    return np.array([known[int(sector)] for sector in sectors], np.float64).reshape(-1, 2)


def problem(time_btjd: Floats, sector: int, ran: Optional[tuple[float, float]] = None) -> str:
    """What is wrong with the times of a light curve that are not of a sector.

    It is "" where half of them are, or where they cover days of the sector (a light curve of several), or where it is
    not known when the sector ran.

    Args:
      time_btjd: days, finite. [n], n >= 1
      sector: number of the sector; 0 is unknown.
      ran: what window(sector) returns, where that is known already.
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
