"""Rules for the values of a TCE that hold for tables, catalogs and records alike."""

from collections.abc import Mapping
from typing import Any

from astronet.data.records.columns import STITCHED_SECTORS


def stitched_sectors(columns: Mapping[str, Any]) -> list[int]:
    """Returns the sectors whose light curves are joined for a row; [] if the row has only one sector.

    >>> stitched_sectors({"Stitched_Sectors": "1,2,28"}), stitched_sectors({"Sectors": 1})
    ([1, 2, 28], [])

    Args:
      columns: dict of the row's columns.
    """
    joined = columns.get(STITCHED_SECTORS, "")
    return [int(sector) for sector in joined.split(",")] if "," in joined else []


def longer_than_period(duration_hours: float, period_days: float) -> str:
    """Returns a message if the duration of a TCE is longer than its period; else "".

    >>> longer_than_period(60, 1.7)
    'Duration 60 h is longer than the Period, 1.7 d'
    """
    if not duration_hours > 24 * period_days:
        return ""
    return f"Duration {duration_hours:g} h is longer than the Period, {period_days:g} d"
