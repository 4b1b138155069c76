"""Metrics of predictions: accuracy, ROC, precision and recall, calibration. All scripts that judge a model use them."""

from typing import Optional

import numpy as np

from light_curve_util.array_types import ArrayLike, Bools, Floats, Integers

DEFAULT_THRESHOLD = 0.5


def probability(logits: ArrayLike) -> Floats:
    """Returns the probability of being positive (of any class except 0), [...].

    >>> probability([[0.0], [2.0]]).round(3).tolist()
    [0.5, 0.881]

    Args:
      logits: array [..., output_dim]. If output_dim is 1, the probability is their sigmoid, else by softmax.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1:
        sigmoid: Floats = np.exp(-np.logaddexp(0, -logits[..., 0]))  # this form cannot overflow
        return sigmoid
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    positive: Floats = 1 - weights[..., 0] / weights.sum(axis=-1)
    return positive


def is_positive(probabilities: ArrayLike, threshold: float = DEFAULT_THRESHOLD) -> Bools:
    """Returns whether each probability is called positive: it is at least the threshold."""
    return np.asarray(probabilities) >= threshold


def evaluate(labels: ArrayLike, logits: ArrayLike, threshold: float = DEFAULT_THRESHOLD) -> dict[str, float]:
    """Computes the metrics that evaluate.py prints.

    Args:
      labels: int array [n]; 0 is negative.
      logits: array [n, output_dim].
      threshold: a TCE is called positive if its probability is at least this.

    Returns:
      Dictionary of floats. Both losses are means over TCEs. auc is exact; it is NaN if all TCEs have the same label.
    """
    labels, logits = np.asarray(labels), np.asarray(logits, dtype=np.float64)
    probabilities = probability(logits)
    truth, called = labels > 0, is_positive(probabilities, threshold)
    loss = _cross_entropy(labels, logits).mean()
    values = {
        "accuracy/accuracy": np.mean(truth == called),
        "accuracy/num_correct": np.sum(truth == called),
        "auc": summary(labels, probabilities)["auc"],
        "confusion_matrix/false_negatives": np.sum(truth & ~called),
        "confusion_matrix/false_positives": np.sum(~truth & called),
        "confusion_matrix/true_negatives": np.sum(~truth & ~called),
        "confusion_matrix/true_positives": np.sum(truth & called),
        "loss": loss,
        "losses/weighted_cross_entropy": loss,
        "num_examples": len(labels),
    }
    return {name: float(value) for name, value in values.items()}


def by_class(labels: ArrayLike, logits: ArrayLike) -> tuple[Floats, Integers]:
    """Judges each class of a model of several classes.

    Args:
      labels: int array [n].
      logits: array [n, num_classes].

    Returns:
      Average precision of each class against all others, [num_classes], NaN for a class without TCEs. Confusion matrix
      [num_classes, num_classes]: the number of TCEs of a class (row) that are called a class (column), the most
      probable one.
    """
    labels, logits = np.asarray(labels), np.asarray(logits, dtype=np.float64)
    classes = range(logits.shape[-1])
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = weights / weights.sum(axis=-1, keepdims=True)
    precisions = [
        summary(labels == one_class, probabilities[:, one_class])["average_precision"] for one_class in classes
    ]
    confusion = np.zeros([len(classes), len(classes)], np.int64)
    np.add.at(confusion, (labels, logits.argmax(axis=-1)), 1)
    return np.array(precisions), confusion


def _cross_entropy(labels: Integers, logits: Floats) -> Floats:
    """Returns the cross-entropy of each TCE, [n]. Computed from logits, it stays exact for confident mistakes."""
    losses: Floats
    if logits.shape[-1] == 1:
        losses = np.logaddexp(0, logits[:, 0]) - labels * logits[:, 0]
    else:
        losses = np.logaddexp.reduce(logits, axis=-1) - logits[np.arange(len(labels)), labels]
    return losses


def summary(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float = DEFAULT_THRESHOLD,
    weights: Optional[ArrayLike] = None,
) -> dict[str, float]:
    """Computes the figures of an evaluation report.

    >>> figures = summary([1, 1, 0], [0.9, 0.3, 0.4])
    >>> figures["recall"], figures["precision"]
    (0.5, 1.0)

    Args:
      labels: [n]; 0 is negative.
      probabilities: probability of being positive. [n]
      threshold: a TCE is called positive if its probability is at least this.
      weights: how often each TCE counts, [n]; None means once.

    Returns:
      Dictionary of floats. A figure is NaN if it is not defined: without positives, negatives, or TCEs called positive.
    """
    order = np.argsort(-np.asarray(probabilities, dtype=np.float64), kind="stable")
    probabilities, truth = np.asarray(probabilities, dtype=np.float64)[order], np.asarray(labels)[order] > 0
    weights = np.ones(len(order)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    right = weights * truth
    ends_of_ties = np.append(np.flatnonzero(np.diff(probabilities)), len(order) - 1)
    num_called, num_right = np.cumsum(weights)[ends_of_ties], np.cumsum(right)[ends_of_ties]
    num_wrong = num_called - num_right
    called = is_positive(probabilities, threshold)
    with np.errstate(invalid="ignore", divide="ignore"):
        precisions = np.nan_to_num(num_right / num_called)
        recalls, false_positive_rates = num_right / num_right[-1], num_wrong / num_wrong[-1]
        rises = np.diff(recalls, prepend=0)
        values = {
            "average_precision": np.sum(rises * precisions),
            "auc": np.sum(np.diff(false_positive_rates, prepend=0) * (recalls - rises / 2)),
            "accuracy": np.average(truth == called, weights=weights),
            "cross_entropy": np.average(_binary_cross_entropy(truth, probabilities), weights=weights),
            "brier_score": np.average((probabilities - truth) ** 2, weights=weights),
            "recall": right[called].sum() / right.sum(),
            "precision": right[called].sum() / weights[called].sum(),
        }
    return {name: float(value) for name, value in values.items()}


def reliability(labels: ArrayLike, probabilities: ArrayLike, num_bins: int = 10) -> tuple[Integers, Floats, Floats]:
    """Compares probabilities with fractions of positives, in bins of equal width.

    >>> counts, means, fractions = reliability([0, 0, 1, 1], [0.125, 0.125, 0.75, 0.75])
    >>> counts.tolist(), means.tolist(), fractions.tolist()
    ([2, 2], [0.125, 0.75], [0.0, 1.0])

    Returns:
      Three arrays over the bins that are not empty: number of TCEs, mean probability, and fraction of positives.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    which = np.minimum((probabilities * num_bins).astype(int), num_bins - 1)
    counts = np.bincount(which, minlength=num_bins)
    sums = [np.bincount(which, values, minlength=num_bins) for values in (probabilities, np.asarray(labels) > 0)]
    filled = counts > 0
    probability_sums, positives = sums
    return counts[filled], probability_sums[filled] / counts[filled], positives[filled] / counts[filled]


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean difference between probability and fraction of positives over bins, weighted by their TCEs.

    Source: Naeini et al. 2015, AAAI 29, 2901; Guo et al. 2017, ICML 70, 1321.
    """
    counts, means, fractions = reliability(labels, probabilities)
    return float(np.average(np.abs(means - fractions), weights=counts))


def log_odds(probabilities: ArrayLike) -> Floats:
    """Returns the logarithm of the odds of probabilities, the inverse of a sigmoid.

    Probabilities are limited to the range from 1e-15 to 1 - 1e-15, the precision of a double.
    """
    probabilities = np.clip(probabilities, 1e-15, 1 - 1e-15)
    odds: Floats = np.log(probabilities) - np.log1p(-probabilities)
    return odds


def temper(probabilities: Floats, temperature: float) -> Floats:
    """Divides the log odds of probabilities by a temperature. A temperature above 1 moves them toward 0.5.

    >>> temper(np.array([0.1, 0.5, 0.9]), temperature=2.0).round(2).tolist()
    [0.25, 0.5, 0.75]
    """
    return probabilities if temperature == 1 else probability(log_odds(probabilities)[..., np.newaxis] / temperature)


def average(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Returns the logits of an ensemble: the logits of the mean of its members' tempered probabilities.

    Args:
      logits: array [n, num_members, output_dim].
      temperature: divisor of the log odds, positive against negative, of each member (see temper). The ratios between
        the positive classes do not change.

    Returns:
      Array [n, output_dim].
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1:
        return np.diff(average(np.concatenate([np.zeros_like(logits), logits], axis=-1), temperature), axis=-1)
    positive = np.logaddexp.reduce(logits[..., 1:], axis=-1, keepdims=True)
    odds, shares = (positive - logits[..., :1]) / temperature, logits[..., 1:] - positive
    tempered = np.concatenate([np.zeros_like(odds), shares + odds], axis=-1)
    log_probabilities = tempered - np.logaddexp(0, odds)
    averaged: Floats = np.logaddexp.reduce(log_probabilities, axis=1) - np.log(logits.shape[1])
    return averaged


def _binary_cross_entropy(truth: Bools, probabilities: Floats) -> Floats:
    odds = log_odds(probabilities)
    return np.logaddexp(0, np.where(truth, -odds, odds))
