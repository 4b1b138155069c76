"""What the values of a TCE must be, wherever they come from: one rule for tables, catalogs and records."""

from astronet.data.records.columns import STITCHED_SECTORS


def stitched_sectors(columns):
    """The sectors of a row, dict of its columns, whose light curves are joined; none where it has one sector."""
    joined = columns.get(STITCHED_SECTORS, "")
    return [int(sector) for sector in joined.split(",")] if "," in joined else []


def longer_than_period(duration_hours: float, period_days: float) -> str:
    """What is wrong with a TCE whose duration is longer than its period; "" where it is not.

    >>> longer_than_period(60, 1.7)
    'Duration 60 h is longer than the Period, 1.7 d'
    """
    if not duration_hours > 24 * period_days:
        return ""
    return f"Duration {duration_hours:g} h is longer than the Period, {period_days:g} d"
