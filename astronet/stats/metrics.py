"""How good probabilities are, and what counts as positive. Everything that judges a model asks here."""

from typing import Optional

import numpy as np

from light_curve_util.array_types import ArrayLike, Bools, Floats, Integers

DEFAULT_THRESHOLD = 0.5


def probability(logits: ArrayLike) -> Floats:
    """Returns the probability of a positive (any class but 0).

    Args:
      logits: array [..., output_dim]; sigmoid where output_dim is 1, else softmax.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1:
        sigmoid: Floats = np.exp(-np.logaddexp(0, -logits[..., 0]))  # it cannot overflow
        return sigmoid
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    positive: Floats = 1 - weights[..., 0] / weights.sum(axis=-1)
    return positive


def is_positive(probabilities: ArrayLike, threshold: float = DEFAULT_THRESHOLD) -> Bools:
    """Returns which probabilities the threshold calls positive: those that reach it."""
    return np.asarray(probabilities) >= threshold


def evaluate(labels: ArrayLike, logits: ArrayLike, threshold: float = DEFAULT_THRESHOLD) -> dict[str, float]:
    """Computes the metrics that evaluate.py prints.

    Args:
      labels: int array [n]; 0 is negative.
      logits: array [n, output_dim].
      threshold: probability from which a TCE is called positive.

    Returns:
      Dictionary of floats. Both losses are the mean over TCEs. auc is exact, and NaN where all TCEs are of one label.
    """
    from sklearn.metrics import roc_auc_score

    labels, logits = np.asarray(labels), np.asarray(logits, dtype=np.float64)
    probabilities = probability(logits)
    truth, called = labels > 0, is_positive(probabilities, threshold)
    loss = _cross_entropy(labels, logits).mean()
    values = {
        "accuracy/accuracy": np.mean(truth == called),
        "accuracy/num_correct": np.sum(truth == called),
        "auc": roc_auc_score(truth, probabilities) if truth.any() and not truth.all() else np.nan,
        "confusion_matrix/false_negatives": np.sum(truth & ~called),
        "confusion_matrix/false_positives": np.sum(~truth & called),
        "confusion_matrix/true_negatives": np.sum(~truth & ~called),
        "confusion_matrix/true_positives": np.sum(truth & called),
        "loss": loss,
        "losses/weighted_cross_entropy": loss,
        "num_examples": len(labels),
    }
    return {name: float(value) for name, value in values.items()}


def _cross_entropy(labels: Integers, logits: Floats) -> Floats:
    """[n], from logits rather than probabilities so that a confident mistake costs its full price."""
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
    """Computes what an evaluation report says about all TCEs.

    Args:
      labels: [n]; 0 is negative.
      probabilities: [n] of being positive.
      threshold: probability from which a TCE is called positive.
      weights: [n], how often each TCE counts; default once.

    Returns:
      Dictionary of floats; NaN where nothing defines one, for want of positives, negatives or TCEs called positive.
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
    """Compares probabilities with how often they come true, in bins of equal width.

    Returns:
      Three arrays, of the bins that hold TCEs: their number, mean probability, and fraction of positives.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    which = np.minimum((probabilities * num_bins).astype(int), num_bins - 1)
    counts = np.bincount(which, minlength=num_bins)
    sums = [np.bincount(which, values, minlength=num_bins) for values in (probabilities, np.asarray(labels) > 0)]
    filled = counts > 0
    probability_sums, positives = sums
    return counts[filled], probability_sums[filled] / counts[filled], positives[filled] / counts[filled]


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean distance between probability and fraction of positives over the bins of reliability(), by TCEs.

    Source: Naeini et al. 2015, AAAI 29, 2901; Guo et al. 2017, ICML 70, 1321.
    """
    counts, means, fractions = reliability(labels, probabilities)
    return float(np.average(np.abs(means - fractions), weights=counts))


def log_odds(probabilities: ArrayLike) -> Floats:
    """Undoes a sigmoid; certainty is cut at 1e-15, about what a double can tell from it."""
    probabilities = np.clip(probabilities, 1e-15, 1 - 1e-15)
    odds: Floats = np.log(probabilities) - np.log1p(-probabilities)
    return odds


def temper(probabilities: Floats, temperature: float) -> Floats:
    """Divides the log odds of probabilities by a temperature: above 1 it makes them less sure, below 1 surer."""
    return probabilities if temperature == 1 else probability(log_odds(probabilities)[..., np.newaxis] / temperature)


def average(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Returns the logits of an ensemble: of the mean of its members' tempered probabilities.

    Args:
      logits: array [n, num_members, output_dim].
      temperature: what the log odds of each member, of positive against negative, are divided by (see temper); how
        likely the positive classes are beside each other stays as it is.

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
