"""Finds TCEs of different stars with the same ephemeris: light of one star in the apertures of others, or an artifact.

Source: Coughlin et al. 2014, AJ 147, 119, section 3.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import erfcinv

from astronet.review.checks import Twin, thresholds
from astronet.review.tce import ReviewTce

_MOST_TWINS = 20  # largest number that is listed for one TCE


def find(tces: Sequence[ReviewTce]) -> list[tuple[Twin, ...]]:
    """Returns the twins of each TCE: those of the same sector whose periods agree better than by chance.

    The strength of a match of two periods is sigma = sqrt(2) erfcinv(|difference| / period). The events must overlap.
    """
    least_sigma = float(thresholds()["same_ephemeris_sigma"]["value"])
    twins: list[tuple[Twin, ...]] = [()] * len(tces)
    by_sector: dict[int, list[int]] = {}
    for index, tce in enumerate(tces):
        if tce.period_days > 0 and math.isfinite(tce.epoch_btjd):
            by_sector.setdefault(tce.sector, []).append(index)
    for indices in by_sector.values():
        for index, others in _matches(tces, indices, least_sigma):
            twins[index] = tuple(_twin(tces[index], tces[other]) for other in others[:_MOST_TWINS])
    return twins


def _matches(tces, indices, least_sigma):
    """Yields the index of each TCE of a sector, with the indices of its matches."""
    order = sorted(indices, key=lambda index: tces[index].period_days)
    period = np.array([tces[index].period_days for index in order])
    epoch = np.array([tces[index].epoch_btjd for index in order])
    duration = np.array([tces[index].duration_days for index in order])
    star = np.array([tces[index].tic_id for index in order])
    tolerance = _largest_difference(least_sigma)
    for place, index in enumerate(order):
        low, high = np.searchsorted(period, [period[place] * (1 - tolerance), period[place] * (1 + tolerance)])
        near = np.arange(low, high)
        near = near[star[near] != star[place]]
        apart = np.abs((epoch[near] - epoch[place] + period[place] / 2) % period[place] - period[place] / 2)
        near = near[apart < 0.25 * (duration[near] + duration[place])]
        if len(near):
            yield index, [order[other] for other in near]


def _largest_difference(sigma: float) -> float:
    """Returns the relative difference of two periods whose match has this strength."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.sqrt(2) * float(erfcinv(max(middle, 1e-300))) > sigma else (low, middle)
    return low


def _twin(tce: ReviewTce, other: ReviewTce) -> Twin:
    return Twin(other.row_id, other.tic_id, _separation_arcsec(tce, other), other.tmag < tce.tmag)


def _separation_arcsec(tce: ReviewTce, other: ReviewTce) -> float:
    ra, dec, other_ra, other_dec = map(
        math.radians, (tce.ra_degrees, tce.dec_degrees, other.ra_degrees, other.dec_degrees)
    )
    half = (
        math.sin((other_dec - dec) / 2) ** 2 + math.cos(dec) * math.cos(other_dec) * math.sin((other_ra - ra) / 2) ** 2
    )
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half)))) * 3600 if math.isfinite(half) else math.nan
