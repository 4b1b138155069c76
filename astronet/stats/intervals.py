"""95 % intervals: of the figures of an evaluation, by bootstrap over stars; of a fraction, by Wilson's formula."""

import numpy as np

from astronet.stats import metrics
from light_curve_util.array_types import ArrayLike

_LEVELS = (2.5, 97.5)
_Z = 1.959964  # standard deviations of a normal distribution that hold 95 %


def bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    tic_ids: ArrayLike,
    threshold: float,
    num_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Draws stars with replacement, all TCEs of a star together, and asks how far the figures scatter.

    Args:
      labels, probabilities, tic_ids: [n].
      threshold: probability from which a TCE is called positive.
      num_resamples: how often to draw as many stars as there are.
      seed: of the draws.

    Returns:
      Dictionary, name of a figure of metrics.summary -> (low, high); NaN where no resample defines it.
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")  # summary() sorts again; the sorted sorts fast
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
    low, high = np.percentile(defined, _LEVELS) if len(defined) else (np.nan, np.nan)
    return float(low), float(high)


def wilson(count: float, total: float, z: float = _Z) -> tuple[float, float]:
    """Interval of a fraction count / total; unlike a bootstrap's it is honest where all or none succeed.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209.

    Args:
      count: how many succeed.
      total: of how many.
      z: half the interval's width, in standard deviations; 95 % by default.

    Returns:
      (low, high); NaN where total is 0.
    """
    if not total:
        return np.nan, np.nan
    fraction, shrink = count / total, 1 + z**2 / total
    center = (fraction + z**2 / (2 * total)) / shrink
    half = z / shrink * np.sqrt(fraction * (1 - fraction) / total + z**2 / (4 * total**2))
    return float(max(0.0, center - half)), float(min(1.0, center + half))
