"""How good probabilities are, and what counts as positive. Everything that judges a model asks here."""

import numpy as np
from sklearn.metrics import roc_auc_score

DEFAULT_THRESHOLD = 0.5


def probability(logits):
    """Returns the probability of a positive (any class but 0).

    Args:
      logits: array [..., output_dim]; sigmoid where output_dim is 1, else softmax.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1:
        return np.exp(-np.logaddexp(0, -logits[..., 0]))  # a sigmoid that cannot overflow
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return 1 - weights[..., 0] / weights.sum(axis=-1)


def is_positive(probabilities, threshold=DEFAULT_THRESHOLD):
    """Returns which probabilities the threshold calls positive: those that reach it."""
    return np.asarray(probabilities) >= threshold


def evaluate(labels, logits, threshold=DEFAULT_THRESHOLD):
    """Computes the metrics that evaluate.py prints.

    Args:
      labels: int array [n]; 0 is negative.
      logits: array [n, output_dim].
      threshold: probability from which a TCE is called positive.

    Returns:
      Dictionary of floats. Both losses are the mean over TCEs. auc is exact, and NaN where all TCEs are of one label.
    """
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


def _cross_entropy(labels, logits):
    """[n], from logits rather than probabilities so that a confident mistake costs its full price."""
    if logits.shape[-1] == 1:
        return np.logaddexp(0, logits[:, 0]) - labels * logits[:, 0]
    return np.logaddexp.reduce(logits, axis=-1) - logits[np.arange(len(labels)), labels]
