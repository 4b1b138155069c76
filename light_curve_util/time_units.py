"""Units of time as tables write them."""

from typing import Optional

from light_curve_util.constants import MINUTES_PER_DAY, SECONDS_PER_DAY

PER_DAY = {
    **dict.fromkeys(("d", "day"), 1),
    **dict.fromkeys(("h", "hr", "hour"), 24),
    **dict.fromkeys(("min", "minute"), MINUTES_PER_DAY),
    **dict.fromkeys(("s", "sec", "second"), SECONDS_PER_DAY),
}
"""How many of a unit make a day, by its names in the singular."""


def per_day(unit: str) -> Optional[int]:
    """How many of a unit of time make a day; None where the unit is not known.

    >>> per_day("Hours"), per_day("s"), per_day("cadences")
    (24, 86400, None)
    """
    word = unit.strip().lower()
    return PER_DAY.get(word, PER_DAY.get(word[:-1] if word.endswith("s") else word))
