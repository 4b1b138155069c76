"""Measures how well two reviewers agree: Cohen's kappa with its interval, agreement per class, confusion matrix.

Sources: Cohen 1960, Educational and Psychological Measurement 20, 37. Agreement per class: Cicchetti and Feinstein
1990, J. Clin. Epidemiol. 43, 551 (kappa is low for rare classes even if reviewers agree on them).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from astronet.review.label_columns import LABELS, UNSURE

CLASSES = tuple(label for label in LABELS if label != UNSURE)
POSITIVE = ("PC", "EB")  # the positive class of the triage; the others are negative


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Agreement of two lists of labels of the same TCEs.

    Attributes:
      num_tces: number of TCEs to which both gave a label other than U (unsure).
      num_unsure: number of TCEs that at least one called U.
      observed: fraction of TCEs with the same label; NaN if there are none.
      kappa, low, high: Cohen's kappa of the six classes and its 95 % interval; NaN if there are no TCEs, or if both
        reviewers only gave one and the same label.
      binary_kappa, binary_low, binary_high: the same for two classes, PC or EB and all others.
      per_class: dictionary of each class to 2 n_both / (n_first + n_second); NaN if neither gave it.
      matrix: number of TCEs by class of the first reviewer (rows) and of the second (columns), [6, 6].
    """

    num_tces: int
    num_unsure: int
    observed: float
    kappa: float
    low: float
    high: float
    binary_kappa: float
    binary_low: float
    binary_high: float
    per_class: dict[str, float]
    matrix: list[list[int]]


def compare(first: Sequence[str], second: Sequence[str], num_resamples: int = 1000, seed: int = 0) -> Agreement:
    """Compares the labels of two reviewers.

    Args:
      first, second: labels of the same TCEs, [num_tces] each.
      num_resamples: number of resamples of the bootstrap over TCEs.
      seed: seed of the bootstrap.

    >>> both = compare(["PC", "EB", "J", "J"], ["PC", "EB", "J", "V"])
    >>> round(both.kappa, 3), both.observed, both.per_class["J"]
    (0.667, 0.75, 0.6666666666666666)
    """
    pairs = [(one, other) for one, other in zip(first, second) if UNSURE not in (one, other)]
    matrix = np.zeros((len(CLASSES), len(CLASSES)), int)
    for one, other in pairs:
        matrix[CLASSES.index(one), CLASSES.index(other)] += 1
    binary = _binary(matrix)
    random = np.random.default_rng(seed)
    six, two = (_resampled(counts, num_resamples, random) for counts in (matrix, binary))
    total, sums = matrix.sum(), matrix.sum(axis=0) + matrix.sum(axis=1)
    return Agreement(
        num_tces=len(pairs),
        num_unsure=len(first) - len(pairs),
        observed=float(np.trace(matrix) / total) if total else math.nan,
        kappa=kappa(matrix),
        low=six[0],
        high=six[1],
        binary_kappa=kappa(binary),
        binary_low=two[0],
        binary_high=two[1],
        per_class={name: float(2 * matrix[i, i] / sums[i]) if sums[i] else math.nan for i, name in enumerate(CLASSES)},
        matrix=matrix.tolist(),
    )


def kappa(matrix: np.ndarray) -> float:
    """Returns Cohen's kappa of a confusion matrix [n, n]; NaN if it has at most one label."""
    total = matrix.sum()
    if not total:
        return math.nan
    expected = float(matrix.sum(axis=0) @ matrix.sum(axis=1)) / total**2
    observed = float(np.trace(matrix)) / total
    return (observed - expected) / (1 - expected) if expected < 1 else math.nan


def _binary(matrix):
    positive = np.array([name in POSITIVE for name in CLASSES])
    groups = (positive, ~positive)
    return np.array([[matrix[np.ix_(rows, columns)].sum() for columns in groups] for rows in groups])


def _resampled(matrix, num_resamples, random):
    """Returns the 95 % interval of kappa by bootstrap; NaN if kappa is not defined for any resample."""
    total = int(matrix.sum())
    if not total:
        return math.nan, math.nan
    draws = random.multinomial(total, matrix.ravel() / total, size=num_resamples)
    kappas = np.array([kappa(draw.reshape(matrix.shape)) for draw in draws])
    kappas = kappas[~np.isnan(kappas)]
    return tuple(map(float, np.percentile(kappas, (2.5, 97.5)))) if len(kappas) else (math.nan, math.nan)
