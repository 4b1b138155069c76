"""Quality masks: which flagged cadences are dropped. docs/light_curves.md explains each bit.

Bits are counted from 1, as in the archive manuals: bit n has the value 2 ** (n - 1).
"""

from collections.abc import Iterable

QUALITIES = ("none", "flares", "default", "hard")


def bits(*numbers: int) -> int:
    """Returns the mask with these bits.

    >>> bits(1, 3)
    5
    """
    return sum(1 << (number - 1) for number in numbers)


def _masks(flares: Iterable[int], outlier: Iterable[int], hard: Iterable[int]) -> dict[str, int]:
    """Returns masks by name; each mask includes the bits of the mask before it."""
    return {
        "none": 0,
        "flares": bits(*flares),
        "default": bits(*flares, *outlier),
        "hard": bits(*flares, *outlier, *hard),
    }


IMPULSIVE_OUTLIER = bits(10)
"""TESS's flag of a lone bright cadence. A search for transits is better without it, but it may be a short flare's peak;
in a CSV file, whose mission is not told, Kepler does not use it."""

# `hard` does not use bit 9, a discontinuity that the pipeline has corrected.
TESS = _masks(flares=(1, 2, 3, 4, 5, 6, 8, 15), outlier=(10,), hard=(7, 11, 12, 13, 14, 16))
"""Masks of the flags of TESS (SPOC, and those who copy its flags) by name. Source: TESS Science Data Products
Description Document, table of data quality flags."""

# `hard` does not use bit 5, the reversal of a reaction wheel, which is harmless, nor bit 10, which is unused.
# `default` keeps impulsive outliers (bit 12), so `flares` is the same mask.
KEPLER = _masks(flares=(1, 2, 3, 4, 6, 9, 15, 17, 21), outlier=(), hard=(7, 8, 11, 12, 13, 14, 16, 18, 19, 20))
"""Masks of Kepler's flags by name. Source: Kepler Archive Manual, KDMC-10008, table of SAP_QUALITY."""
