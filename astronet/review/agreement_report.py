"""Reports how well reviewers agree with each other and with controls, as lines of text and as JSON."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from astronet.base import json_files
from astronet.review import agreement
from astronet.review.agreement import Agreement
from astronet.review.controls import Figure
from astronet.review.labels import Label, reviewers
from light_curve_util.numerals import numbered

Pairs = Mapping[tuple[str, str], Agreement]
Judged = Mapping[str, Mapping[str, Figure]]


def of_pairs(labels: Sequence[Label], seed: int = 0) -> dict[tuple[str, str], Agreement]:
    """Returns the Agreement of each pair of reviewers, over the TCEs that both labeled one by one.

    Args:
      labels: labels of all reviewers.
      seed: seed of the bootstrap of kappa.
    """
    label_of = {
        reviewer: {
            (label.row_id, label.tic_id): label.counts
            for label in labels
            if label.reviewer == reviewer and label.method == "single" and label.counts
        }
        for reviewer in reviewers(labels)
    }
    pairs = {}
    for first, second in itertools.combinations(label_of, 2):
        both = sorted(label_of[first].keys() & label_of[second].keys())
        if both:
            pairs[first, second] = agreement.compare(
                [label_of[first][tce] for tce in both], [label_of[second][tce] for tce in both], seed=seed
            )
    return pairs


def lines(pairs: Pairs, judged: Judged) -> Iterator[str]:
    """Yields lines of text about pairs of reviewers, and about the controls of each reviewer (controls.judge())."""
    for (first, second), both in pairs.items():
        yield (
            f"{first} and {second}: agree on {both.observed:.3f} of {numbered(both.num_tces, 'TCE')} "
            f"({both.num_unsure} more where one is unsure)"
        )
        yield f"  kappa of six classes      {_with_interval(both.kappa, both.low, both.high)}"
        yield f"  kappa of PC, EB or not    {_with_interval(both.binary_kappa, both.binary_low, both.binary_high)}"
        defined = {name: value for name, value in both.per_class.items() if not math.isnan(value)}
        yield "  agreement per class       " + ", ".join(f"{name} {value:.2f}" for name, value in defined.items())
    for reviewer, figures in judged.items():
        results = ", ".join(
            f"{name} {figure.count} of {figure.total} ({figure.low:.2f} to {figure.high:.2f})"
            for name, figure in figures.items()
        )
        yield f"controls, {reviewer}: {results or 'none labeled'}"


def _with_interval(value, low, high):
    return "not defined" if math.isnan(value) else f"{value:.3f} ({low:.3f} to {high:.3f})"


def write(path: str, pairs: Pairs, judged: Judged) -> None:
    """Writes the same figures as JSON; a figure that is not defined is null."""
    figures_of = {name: {key: dataclasses.asdict(value) for key, value in of.items()} for name, of in judged.items()}
    of_pairs = [{"reviewers": list(names), **_defined(dataclasses.asdict(both))} for names, both in pairs.items()]
    json_files.write(path, {"classes": list(agreement.CLASSES), "pairs": of_pairs, "controls": figures_of})


def _defined(value):
    if isinstance(value, dict):
        return {key: _defined(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
