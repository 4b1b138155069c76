"""Constants that more than one module needs."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation from the median."""

MINUTES_PER_DAY = 1440
SECONDS_PER_DAY = 86400

BTJD_ZERO = 2457000
"""BJD at which BTJD, the time of TESS, is 0 (days)."""

BKJD_ZERO = 2454833
"""BJD at which BKJD, the time of Kepler, is 0 (days)."""
