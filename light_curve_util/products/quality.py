"""Quality masks by name: which flagged cadences are dropped. docs/light_curves.md explains each bit.

Bits are counted from 1, as in the archive manuals: bit n has the value 2 ** (n - 1).
"""

QUALITIES = ("none", "default", "hard")


def bits(*numbers):
    """The mask that has these bits."""
    return sum(1 << (number - 1) for number in numbers)


def _masks(default, hard):
    return {"none": 0, "default": bits(*default), "hard": bits(*default, *hard)}


# Left in by `hard`: 9, a discontinuity that the pipeline has corrected.
TESS = _masks(default=(1, 2, 3, 4, 5, 6, 8, 10, 15), hard=(7, 11, 12, 13, 14, 16))
"""Masks of the flags of TESS (SPOC, and those who copy its flags) by name. Source: TESS Science Data Products
Description Document, table of data quality flags."""

# Left in by `hard`: 5, the reversal of a reaction wheel, which does no harm by itself; 10, not used.
KEPLER = _masks(default=(1, 2, 3, 4, 6, 9, 15, 17, 21), hard=(7, 8, 11, 12, 13, 14, 16, 18, 19, 20))
"""Masks of Kepler's flags by name. Source: Kepler Archive Manual, KDMC-10008, table of SAP_QUALITY."""
