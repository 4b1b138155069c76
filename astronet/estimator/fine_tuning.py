"""Whether a fine-tuning helped: the models before and after it, judged on the same validation TCEs."""

import math
from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np

from astronet.config.configuration import ModelSpec
from astronet.estimator import checkpoints, tensorflow_engine
from astronet.estimator.ensemble import Ensemble
from astronet.ops import dataset
from astronet.stats import intervals, metrics
from light_curve_util.array_types import Floats

_FIGURES = ("average_precision", "auc", "log_loss")


def compare(
    before: Ensemble, spec: ModelSpec, directories: Sequence[str], validation: dataset.Tces, seed: int = 0
) -> Iterator[str]:
    """Yields lines on how good the models are before and after a fine-tuning, and whether the TCEs can tell.

    Args:
      before: the models that it began with.
      spec: ModelSpec of the models after it.
      directories: where these are.
      validation: TCEs that none of them was fitted to.
      seed: of the bootstrap over stars.
    """
    labels, stars = validation.labels, [star for _, star in validation.identities]
    first = _probabilities(before.spec, list(before.checkpoints.values()), validation)
    second = _probabilities(spec, [checkpoints.find(directory) for directory in directories], validation)
    yield f"fine-tuning, judged on {len(labels)} validation TCEs ({int(np.sum(labels > 0))} positive):"
    for name, values in (("before", first), ("after", second)):
        figures = metrics.summary(labels, values)
        yield f"  {name:6s} " + "  ".join(f"{key} {figures[key]:.4f}" for key in _FIGURES if key in figures)
    difference, low, high = difference_of_log_loss(labels, first, second, stars, seed)
    yield f"  log loss after minus before: {difference:+.4f} ({low:+.4f} to {high:+.4f}, 95 %, by star)"
    needed = num_needed(difference, low, high, len(labels))
    if needed is not None:
        yield (
            f"warning: {len(labels)} validation TCEs are too few to tell whether it helped; to tell a difference of "
            f"this size takes about {needed}"
        )


def _probabilities(spec, members, tces) -> Floats:
    """The mean probability of the members. [num_tces]"""
    score = tensorflow_engine.scorer(spec, members)
    return np.concatenate([score(batch).mean(axis=1) for batch in dataset.evaluation_batches(tces)])


def difference_of_log_loss(
    labels: np.ndarray, before: Floats, after: Floats, stars: Sequence[object], seed: int = 0, num_resamples: int = 1000
) -> tuple[float, float, float]:
    """Returns the mean difference of the log loss, after minus before, and its 95 % interval (paired, by star).

    Args:
      labels: 0 is negative. [n]
      before, after: probabilities. [n]
      stars: the star of each TCE. [n]
      seed: of the bootstrap.
      num_resamples: of the bootstrap.
    """
    losses = [-np.log(np.clip(np.where(labels > 0, values, 1 - values), 1e-7, 1)) for values in (before, after)]
    difference = losses[1] - losses[0]
    _, star_of = np.unique([str(star) for star in stars], return_inverse=True)
    sums, counts = (np.bincount(star_of, weights) for weights in (difference, np.ones(len(difference))))
    random = np.random.default_rng(seed)
    drawn = random.integers(len(sums), size=(num_resamples, len(sums)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), intervals.LEVELS)
    return float(difference.mean()), float(low), float(high)


def num_needed(difference: float, low: float, high: float, number: int) -> Optional[int]:
    """Returns how many TCEs it takes to tell a difference of this size from zero; None where these tell it.

    >>> num_needed(-0.02, -0.06, 0.02, 100)
    400
    """
    if low > 0 or high < 0:
        return None
    half_width = (high - low) / 2
    return math.ceil(number * (half_width / max(abs(difference), 1e-6)) ** 2) if half_width > 0 else None
