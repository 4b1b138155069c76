"""Writes the tables and the figure of companion_roc.py: candidates.csv, false_positives.csv, roc.csv, roc.png."""

import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from astronet.base.files import write_csv
from astronet.direct_imaging import injected_maps, roc
from astronet.direct_imaging.cube import AdiCube
from astronet.direct_imaging.injected_maps import PCA
from astronet.stats import intervals, metrics

_LOG = logging.getLogger(__name__)

CANDIDATE_COLUMNS = (
    *("method", "separation", "map", "score", "x", "y", "distance_fwhm", "is_companion"),
    *("injected_snr", "injected_flux", "injected_x", "injected_y"),
)
ROC_COLUMNS = (
    *("method", "separation", "threshold", "true_positive_rate", "low", "high"),
    *("false_positives_per_map", "of_these_in_annulus"),
)
FALSE_POSITIVE_COLUMNS = (
    *("method", "annulus", "num_components", "threshold", "false_positives", "candidates", "highest", "num_pixels"),
)
OUTPUTS = ("candidates.csv", "roc.csv", "roc.png", "false_positives.csv")
_FOUND_WITHIN = 0.75  # FWHM of the companion: the speckle that it sits on may move its peak by more than half a FWHM
_TABLE_RATES = (0.1, 1.0, 3.0)  # false positives per map
_CELL_WIDTH = 32  # characters of a rate in the printed tables
_ONE_SIGMA = 1.0  # of the intervals: 68 %

Candidates = Sequence[tuple[float, int, int]]  # (score, y, x), the best first
FrameCandidates = Mapping[str, Sequence[tuple[int, float, int, int]]]  # method -> (annulus, score, y, x)


class FalsePositiveThresholds(NamedTuple):
    """Probability of a detector, and S/N of an image, from which a candidate counts as a false positive."""

    probability: float
    snr: float


@dataclasses.dataclass(frozen=True)
class Trial:
    """What is compared.

    Attributes:
      output_dir: directory of all output files.
      methods: names of the methods, in the order of the tables.
      separations: distances of the injections from the star [FWHM], increasing.
      num_maps: number of injections at each separation.
      snr_range: least and greatest S/N of the injected companions.
      thresholds: scores from which a candidate counts as a false positive.
    """

    output_dir: str
    methods: Sequence[str]
    separations: Sequence[int]
    num_maps: int
    snr_range: Sequence[float]
    thresholds: FalsePositiveThresholds

    def path(self, name: str) -> str:
        """Returns the path of an output file."""
        return os.path.join(self.output_dir, name)


class Results(NamedTuple):
    """The candidates in all maps.

    Attributes:
      rows: rows of candidates.csv of the maps with an injection.
      without: candidates of the cube without an injection, as roc.of_frame() returns them.
    """

    rows: list[list[Any]]
    without: FrameCandidates


def write(results: Results, trial: Trial) -> list[str]:
    """Writes roc.csv, roc.png and candidates.csv; returns lines on how many companions are found."""
    curves = _curves(results, trial)
    _write_roc(curves, trial)
    rows = list(results.rows)
    for method, candidates in results.without.items():
        rows += [[method, number, "", f"{score:.6g}", x, y, "", 0, *[""] * 4] for number, score, y, x in candidates]
    write_csv(trial.path("candidates.csv"), CANDIDATE_COLUMNS, rows)
    return list(_found(curves, trial))


def candidate_cells(
    candidates: Candidates, companion: tuple[float, float, float, float], fwhm: float
) -> Iterator[list[Any]]:
    """Yields the cells of candidates.csv, from `score` on, of the candidates of one map.

    Args:
      candidates: the candidates, the best first.
      companion: y and x of the injected companion, its flux and its S/N.
      fwhm: [px].
    """
    companion_y, companion_x, flux, snr = companion
    is_found = False
    for score, y, x in candidates:
        distance = np.hypot(y - companion_y, x - companion_x) / fwhm
        is_companion = distance <= _FOUND_WITHIN and not is_found
        is_found |= is_companion
        measured = f"{score:.6g}", x, y, f"{distance:.3f}", int(is_companion)
        yield [*measured, f"{snr:.3f}", f"{flux:.5g}", f"{companion_x:.2f}", f"{companion_y:.2f}"]


def write_false_positives(
    adi_cube: AdiCube, tasks: Sequence[Mapping[str, Any]], without: FrameCandidates, trial: Trial
) -> None:
    """Writes false_positives.csv, on the cube without an injection, and logs its sums.

    Args:
      adi_cube: the cube.
      tasks: task of injected_maps.search() of each annulus.
      without: candidates of the cube without an injection.
      trial: what is compared.
    """
    rows: list[list[Any]] = []
    sums: dict[str, int] = {}
    sizes = [int(np.count_nonzero(injected_maps.searched(adi_cube, task["annulus"])[3])) for task in tasks]
    probability, snr = trial.thresholds
    for method, candidates in without.items():
        threshold = snr if method in injected_maps.IMAGES else metrics.log_odds(probability)
        for task, num_pixels in zip(tasks, sizes):
            number = task["annulus"]
            scores = [score for annulus, score, _, _ in candidates if annulus == number]
            count = sum(bool(score >= threshold) for score in scores)
            sums[method] = sums.get(method, 0) + count
            highest = f"{max(scores):.6g}" if scores else ""
            measured = f"{threshold:.6g}", count, len(scores), highest, num_pixels
            rows.append([method, number, task["ranks"].get(method, ""), *measured])
    path = trial.path("false_positives.csv")
    write_csv(path, FALSE_POSITIVE_COLUMNS, rows)
    counts = "; ".join(f"{method} {count}" for method, count in sums.items())
    _LOG.info(
        f"{path}: without an injection, in {len(tasks)} annuli, candidates from a probability of {probability:g} "
        f"or an S/N of {snr:g} on: {counts}. They are false positives, if the cube has no companion"
    )


def _curves(results: Results, trial: Trial) -> dict[tuple[int, str], roc.Curve]:
    """Returns the ROC of each separation and method."""
    curves = {}
    for separation in trial.separations:
        for method in trial.methods:
            rows = [row for row in results.rows if row[:2] == [method, separation]]
            scores, is_companion = np.array([float(row[3]) for row in rows]), np.array([row[7] == 1 for row in rows])
            elsewhere = [score for annulus, score, _, _ in results.without[method] if annulus != separation]
            curves[separation, method] = roc.curve(scores, is_companion, elsewhere, trial.num_maps)
    return curves


def _write_roc(curves: Mapping[tuple[int, str], roc.Curve], trial: Trial) -> None:
    """Writes roc.csv and roc.png."""
    from astronet.direct_imaging import plots

    table = []
    for (separation, method), points in curves.items():
        for threshold, num_found, *rates in zip(*points):
            limits = intervals.wilson(num_found, trial.num_maps, _ONE_SIGMA)
            shares = [f"{share:.4f}" for share in (num_found / trial.num_maps, *limits, *rates)]
            table.append([method, separation, f"{threshold:.6g}", *shares])
    write_csv(trial.path("roc.csv"), ROC_COLUMNS, table)
    plots.plot_companion_roc(trial.path("roc.png"), curves, trial.num_maps, trial.snr_range, _ONE_SIGMA)


def _found(curves: Mapping[tuple[int, str], roc.Curve], trial: Trial) -> Iterator[str]:
    """Yields lines on the share of companions that is found at some rates of false positives."""
    yield (
        f"{trial.path('roc.csv')}: of {trial.num_maps} companions a separation, of S/N {trial.snr_range[0]:g} to "
        f"{trial.snr_range[1]:g}, found (68 % interval; times as many as by {PCA}),"
    )
    width = 2 + max(map(len, ("method", *trial.methods)))
    for rate_name, place in (("false_positives", "the whole frame"), ("in_annulus", "the companion's annulus")):
        yield f" by false positives per map of {place}:"
        rates = "".join(f"{rate:g} per map".ljust(_CELL_WIDTH) for rate in _TABLE_RATES)
        yield "  FWHM  " + "method".ljust(width) + rates
        for separation in trial.separations:
            for method in trial.methods:
                shares = _shares(curves[separation, method], curves[separation, PCA], rate_name, trial.num_maps)
                yield f"  {separation:<6}{method:<{width}}{shares}".rstrip()


def _shares(curve: roc.Curve, reference: roc.Curve, rate_name: str, num_maps: int) -> str:
    """Returns, as text, the share of companions that a method finds at each of _TABLE_RATES.

    Args:
      curve: ROC of the method.
      reference: ROC of the method that it is compared with.
      rate_name: attribute of a roc.Curve that has the rates of false positives.
      num_maps: number of companions.
    """
    cells = []
    for rate in _TABLE_RATES:
        num_found, num_reference = (
            roc.found_at(points.num_found, getattr(points, rate_name), rate) for points in (curve, reference)
        )
        low, high = intervals.wilson(num_found, num_maps, _ONE_SIGMA)
        ratio = f"x{num_found / num_reference:.2f}" if num_reference else "-"
        cells.append(f"{num_found / num_maps:.2f} ({low:.2f} to {high:.2f}; {ratio})".ljust(_CELL_WIDTH))
    return "".join(cells)
