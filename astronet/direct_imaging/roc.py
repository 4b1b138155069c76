"""Computes ROCs of companion detectors: candidates of a map, and the number of companions found by false positives.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 4; VIP's ROC, too, counts false positives of whole frames.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Union

import numpy as np


def candidates(y: np.ndarray, x: np.ndarray, scores: np.ndarray, fwhm: float) -> np.ndarray:
    """Returns the pixels with the highest score within one FWHM, as indices; the best first.

    Args:
      y, x: [n] pixels.
      scores: [n] their scores.
      fwhm: [px].
    """
    distance = np.hypot(y[:, np.newaxis] - y, x[:, np.newaxis] - x)
    # Of pixels with equal scores, such as the highest possible one, the pixel in their middle counts.
    weights = np.exp(-((2 * distance / fwhm) ** 2))
    order = np.lexsort([weights @ scores / weights.sum(axis=1), scores])
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    best = np.where(distance < fwhm, rank, -1).max(axis=1)
    return order[::-1][(rank == best)[order[::-1]]]


def of_frame(
    numbers: Sequence[int], maps: Sequence[Mapping[str, Sequence[tuple[float, int, int]]]], fwhm: float
) -> dict[str, list[tuple[int, float, int, int]]]:
    """Returns the candidates of a whole frame: those of its annuli, unless a better one is within one FWHM.

    Args:
      numbers: numbers of the annuli.
      maps: candidates (score, y, x) of each annulus, by method.
      fwhm: [px].

    Returns:
      Candidates (number of the annulus, score, y, x) by method, the best first.
    """
    frame = {}
    for method in maps[0]:
        rows = [(number, *candidate) for number, annulus in zip(numbers, maps) for candidate in annulus[method]]
        _, scores, y, x = np.transpose(rows)
        frame[method] = [rows[i] for i in candidates(y, x, scores, fwhm)]
    return frame


class Curve(NamedTuple):
    """A ROC, with a point for each threshold that changes it, the highest first.

    Attributes:
      thresholds: [n] scores.
      num_found: [n] number of companions found.
      false_positives: [n] false positives per map, of the whole frame.
      in_annulus: [n] false positives per map, of the companions' annulus alone.
    """

    thresholds: np.ndarray
    num_found: np.ndarray
    false_positives: np.ndarray
    in_annulus: np.ndarray


def curve(scores: np.ndarray, is_companion: np.ndarray, elsewhere: Sequence[float], num_maps: int) -> Curve:
    """Returns the ROC of one method at one separation.

    Args:
      scores: [num_candidates] scores of the candidates in the companions' annulus, in all maps.
      is_companion: [num_candidates] whether a candidate is the companion.
      elsewhere: scores of the candidates in all other annuli, which are the same in each map.
      num_maps: number of maps; each has one companion.
    """
    thresholds = np.unique(np.concatenate([scores, elsewhere]))[::-1]

    def above(values: Union[Sequence[float], np.ndarray]) -> np.ndarray:
        return len(values) - np.searchsorted(np.sort(values), thresholds)

    in_annulus = above(scores[~is_companion]) / num_maps
    return Curve(thresholds, above(scores[is_companion]), in_annulus + above(elsewhere), in_annulus)


def found_at(num_found: np.ndarray, false_positives: np.ndarray, rate: float) -> int:
    """Returns the greatest number of companions found with at most `rate` false positives per map."""
    return int(max(num_found[false_positives <= rate], default=0))
