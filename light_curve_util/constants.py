"""Constants that more than one module needs."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation from the median."""

MINUTES_PER_DAY = 1440
SECONDS_PER_DAY = 86400

EARTH_RADII_IN_SUN = 109.076
"""Radius of the Sun over the equatorial radius of the Earth: 695,700 km / 6,378.1 km (IAU 2015, nominal values)."""

LOGG_OF_SUN = 4.438
"""Decimal logarithm of the surface gravity of the Sun (cm/s2)."""

BTJD_ZERO = 2457000
"""BJD at which BTJD, the time of TESS, is 0 (days)."""

BKJD_ZERO = 2454833
"""BJD at which BKJD, the time of Kepler, is 0 (days)."""
