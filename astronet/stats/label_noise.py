"""Finds labels that are probably wrong, by confident learning: from predictions of models not trained on them.

Source: Northcutt, Jiang & Chuang 2021, J. Artif. Intell. Res. 70, 1373, section 3.1.
"""

import dataclasses

import numpy as np

from light_curve_util.array_types import ArrayLike, Bools, Floats, Integers


@dataclasses.dataclass(frozen=True)
class LabelNoise:
    """The result of confident learning for labels of two classes, 0 and 1.

    Attributes:
      is_suspect: whether a TCE confidently belongs to the class that is not its label. [n]
      thresholds: for each class, the least probability of a TCE that confidently belongs to it. [2]
      counts: number of TCEs by label (row) and by the class that they confidently belong to (column). [2, 2]
      joint: the same as fractions of all TCEs; TCEs that belong to neither class are distributed over the classes in
        proportion to the other TCEs with their label. [2, 2]
    """

    is_suspect: Bools
    thresholds: Floats
    counts: Integers
    joint: Floats

    @property
    def share(self) -> float:
        """The estimated fraction of wrong labels."""
        return float(self.joint[0, 1] + self.joint[1, 0])


def self_confidence(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Returns the probability of each TCE's label. [n]

    >>> self_confidence([1, 0], [0.75, 0.75]).tolist()
    [0.75, 0.25]

    Args:
      labels: [n]; 0 is negative.
      probabilities: probability of being positive. [n]
    """
    probabilities = np.asarray(probabilities)
    return np.where(np.asarray(labels) > 0, probabilities, 1 - probabilities)


def find(labels: ArrayLike, probabilities: ArrayLike) -> LabelNoise:
    """Finds the labels that are probably wrong.

    The threshold of a class is the mean probability of this class over the TCEs with its label. A TCE that reaches both
    thresholds belongs to the more probable class.

    Args:
      labels: [n]; 0 is negative. Both classes are present.
      probabilities: [n] of being positive, by models that were not trained on the TCE.

    Returns:
      LabelNoise.
    """
    labels = (np.asarray(labels) > 0).astype(int)
    confidence, opposite_confidence = self_confidence(labels, probabilities), self_confidence(1 - labels, probabilities)
    thresholds = np.array([confidence[labels == label].mean() for label in (0, 1)])
    reaches_own, reaches_other = confidence >= thresholds[labels], opposite_confidence >= thresholds[1 - labels]
    is_suspect = reaches_other & ~(reaches_own & (confidence >= opposite_confidence))
    is_confirmed = reaches_own & ~is_suspect

    counts = np.zeros((2, 2), dtype=int)
    np.add.at(counts, (labels[is_confirmed], labels[is_confirmed]), 1)
    np.add.at(counts, (labels[is_suspect], 1 - labels[is_suspect]), 1)
    # A row can be empty if all probabilities are equal, and rounding makes their mean greater than each of them.
    fractions = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    joint = fractions * np.bincount(labels, minlength=2)[:, np.newaxis] / len(labels)
    return LabelNoise(is_suspect, thresholds, counts, joint)
