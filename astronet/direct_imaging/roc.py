"""ROCs of companion detectors: the candidates of a map, and what is found of companions by false positives.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 4; VIP's ROC, too, counts false positives of whole frames.
"""

from typing import NamedTuple

import numpy as np


def candidates(y, x, scores, fwhm):
    """The local maxima of scores: the pixels that are the best within one FWHM.

    Args:
      y, x: [n], of the pixels.
      scores: [n].
      fwhm: [px].

    Returns:
      Which of the pixels, integers; the best first.
    """
    distance = np.hypot(y[:, np.newaxis] - y, x[:, np.newaxis] - x)
    # Of equals, such as pixels that a detector is as sure of as it can be, the one in their midst.
    weights = np.exp(-((2 * distance / fwhm) ** 2))
    order = np.lexsort([weights @ scores / weights.sum(axis=1), scores])
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    best = np.where(distance < fwhm, rank, -1).max(axis=1)
    return order[::-1][(rank == best)[order[::-1]]]


def of_frame(numbers, found, fwhm):
    """The candidates of a whole frame, of those of its annuli: none is within one FWHM of a better one next door.

    Args:
      numbers: of the annuli.
      found: for each, a dictionary, method -> list of candidates (score, y, x).
      fwhm: [px].

    Returns:
      Dictionary, method -> list of (number of the annulus, score, y, x), the best first.
    """
    frame = {}
    for method in found[0]:
        listed = [(number, *each) for number, maps in zip(numbers, found) for each in maps[method]]
        _, scores, y, x = np.transpose(listed)
        frame[method] = [listed[i] for i in candidates(y, x, scores, fwhm)]
    return frame


class Curve(NamedTuple):
    """A ROC, a point for each threshold that changes it, the highest first: four arrays."""

    thresholds: np.ndarray
    num_found: np.ndarray  # companions
    false_positives: np.ndarray  # per map, of the whole frame
    in_annulus: np.ndarray  # of these, in the companions' annulus


def curve(scores, is_companion, elsewhere, num_maps):
    """The Curve of one method at one separation.

    Args:
      scores: [num_candidates], of the companions' annulus in all maps.
      is_companion: [num_candidates].
      elsewhere: [n], scores of the candidates in all other annuli, the same in each map.
      num_maps: how many maps there are, each with one companion.
    """
    thresholds = np.unique(np.concatenate([scores, elsewhere]))[::-1]

    def above(values):
        return len(values) - np.searchsorted(np.sort(values), thresholds)

    in_annulus = above(scores[~is_companion]) / num_maps
    return Curve(thresholds, above(scores[is_companion]), in_annulus + above(elsewhere), in_annulus)


def found_at(num_found, false_positives, rate):
    """The most companions found where there are no more false positives per map than `rate`."""
    return int(max(num_found[false_positives <= rate], default=0))
