"""Computes 95 % intervals of the figures of an evaluation, by bootstrap over stars, and of fractions, by Wilson."""

import numpy as np

from astronet.stats import metrics
from light_curve_util.array_types import ArrayLike

LEVELS = (2.5, 97.5)  # percentiles of an interval of 95 %
_Z = 1.959964  # standard deviations of a normal distribution that hold 95 %


def bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    tic_ids: ArrayLike,
    threshold: float,
    num_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Returns the 95 % intervals of the figures of metrics.summary(), by bootstrap over stars.

    Each resample draws stars with replacement. All TCEs of a star are drawn together.

    Args:
      labels: [n]; 0 is negative.
      probabilities: [n].
      tic_ids: [n].
      threshold: a TCE is called positive if its probability is at least this.
      num_resamples: number of resamples. Each has as many stars as the data.
      seed: seed of the random numbers.

    Returns:
      Dictionary of the name of a figure to (low, high); NaN if no resample defines the figure.
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")  # summary() sorts again, which is fast then
    labels, probabilities = np.asarray(labels)[order], np.asarray(probabilities)[order]
    stars, star_of_tce = np.unique(np.asarray(tic_ids)[order], return_inverse=True)
    random = np.random.default_rng(seed)
    resamples = []
    for _ in range(num_resamples):
        counts = np.bincount(random.integers(len(stars), size=len(stars)), minlength=len(stars))
        resamples.append(metrics.summary(labels, probabilities, threshold, counts[star_of_tce]))
    return {name: _middle([values[name] for values in resamples]) for name in resamples[0]}


def _middle(values: ArrayLike) -> tuple[float, float]:
    defined = np.array(values)[~np.isnan(values)]
    low, high = np.percentile(defined, LEVELS) if len(defined) else (np.nan, np.nan)
    return float(low), float(high)


def wilson(count: float, total: float, z: float = _Z) -> tuple[float, float]:
    """Returns the Wilson score interval of a fraction count / total. It is also valid if the fraction is 0 or 1.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209.

    >>> low, high = wilson(10, 10)
    >>> round(low, 3), round(high, 3)
    (0.722, 1.0)

    Args:
      count: number of successes.
      total: number of trials.
      z: half the width of the interval, in standard deviations; the default is 95 %.

    Returns:
      (low, high); NaN if total is 0.
    """
    if not total:
        return np.nan, np.nan
    fraction, shrink = count / total, 1 + z**2 / total
    center = (fraction + z**2 / (2 * total)) / shrink
    half = z / shrink * np.sqrt(fraction * (1 - fraction) / total + z**2 / (4 * total**2))
    return float(max(0.0, center - half)), float(min(1.0, center + half))
