import math

import numpy as np
import pytest

from astronet.stats import metrics

LOGITS = np.array([[2.0], [-1.0], [0.0], [-3.0]])
LABELS = np.array([1, 1, 0, 0])


def test_metrics_of_a_case_done_by_hand():
    values = metrics.evaluate(LABELS, LOGITS)
    assert values["accuracy/num_correct"] == 2 and values["accuracy/accuracy"] == 0.5
    counts = [values[f"confusion_matrix/{name}"] for name in ("true_positives", "false_positives")]
    assert counts == [1, 1]  # a probability that equals the threshold is positive
    assert values["auc"] == 0.75  # of the four pairs of a positive and a negative, three are in order
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(1)) + math.log(2) + math.log1p(math.exp(-3))) / 4
    assert values["loss"] == values["losses/weighted_cross_entropy"] == pytest.approx(expected)


def test_threshold_moves_the_decision_alone():
    strict = metrics.evaluate(LABELS, LOGITS, threshold=0.6)
    assert (strict["confusion_matrix/false_positives"], strict["confusion_matrix/true_negatives"]) == (0, 2)
    assert strict["auc"] == metrics.evaluate(LABELS, LOGITS)["auc"]


def test_two_softmax_classes_are_the_sigmoid_of_their_difference():
    both = np.hstack([np.ones_like(LOGITS), LOGITS + 1])
    assert metrics.evaluate(LABELS, both) == pytest.approx(metrics.evaluate(LABELS, LOGITS))


def test_one_label_only_has_no_auc():
    values = metrics.evaluate(np.zeros(4, int), LOGITS)
    assert math.isnan(values["auc"]) and values["accuracy/accuracy"] == 0.5


def test_confident_mistakes_cost_their_full_price():
    assert metrics.evaluate([1], [[-1000.0]])["loss"] == 1000


def test_each_class_is_judged_against_the_others():
    labels = np.array([0, 0, 1, 2, 2])
    logits = np.log([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.1, 0.3]])
    precisions, confusion = metrics.by_class(labels, logits)
    np.testing.assert_array_equal(confusion, [[1, 1, 0], [0, 1, 0], [1, 0, 1]])
    np.testing.assert_allclose(precisions, [(1 + 2 / 3) / 2, 1 / 2, (1 + 2 / 3) / 2])
