"""Draws the figures of the scripts, without a display and without matplotlib's global state."""

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from astronet.base.files import write_aside
from astronet.base.terminal import printable
from astronet.config import nouns
from astronet.data.records import tf_example
from astronet.figures.style import BLUE, DPI, ORANGE, TIME_LABEL
from astronet.stats import intervals
from astronet.stats.metrics import is_positive, reliability
from light_curve_util.array_types import ArrayLike, Floats, Integers
from light_curve_util.median_filter import median_view
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import fold_and_sort
from light_curve_util.tess_io import LightCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from astronet.estimator.scoring import Prediction

_POINTS: dict[str, Any] = {"linestyle": "none", "marker": ".", "markersize": 3.5, "markeredgewidth": 0}
_VIEW: dict[str, Any] = {"color": BLUE, "linewidth": 1.1, "marker": "o", "markersize": 2.2}
_TITLES = {
    "global_view": "Global view: the whole orbit",
    "local_view": "Local view: the event",
    "twice_global_view": "Two orbits: every other event in the middle",
    "secondary_view": "Secondary view: the most likely secondary",
}
_PER_DAY = {"days": 1, "hours": 24}


def tce_title(
    tic_id: Optional[int],
    sector: Optional[int],
    period: float,
    disposition: Optional[str] = None,
    probability: Optional[float] = None,
    words: nouns.Nouns = nouns.TCES,
    time_btjd: Optional[float] = None,
) -> str:
    """Returns the title of the plots of a TCE, window or patch. Values that are None or empty are left out.

    Args:
      tic_id: TIC ID of the star, or number of another source; None if unknown.
      sector: sector; None if unknown.
      period: days; NaN if there is none.
      disposition: label.
      probability: probability of being positive.
      words: nouns.Nouns, the names of such objects.
      time_btjd: middle of a window.
    """
    when = f"P = {period:.5g} d" if np.isfinite(period) else time_btjd and f"BTJD {time_btjd:.4f}"
    star = None if tic_id is None else f"{words.label} {tic_id}"
    parts = [star, f"sector {sector}" if sector else None, when, disposition]
    if probability is not None:
        parts.append(f"probability {probability:.3f}")
    return printable("  |  ".join(part for part in parts if part))


def tce_path(
    save_dir: str,
    row_id: int,
    tic_id: int,
    sector: int,
    taken: set[str],
    words: nouns.Nouns = nouns.TCES,
    kind: str = "",
) -> str:
    """Returns a path for the plot of a TCE, window or patch. It is unique within a run.

    Args:
      save_dir: directory of the plots.
      row_id, tic_id, sector: identity of the TCE. (Tables that were joined may repeat a row_id.)
      taken: set of the paths returned so far; the new one is added.
      words: nouns.Nouns, the names of such objects.
      kind: part of the file name, so that plots of several scripts can be in one directory.
    """
    of_sector = f"_sector{sector}" if sector or words is nouns.TCES else ""
    stem = os.path.join(save_dir, f"{words.label.lower()}{tic_id}{of_sector}_row{row_id}{kind and f'_{kind}'}")
    path, repeat = f"{stem}.png", 1
    while path in taken:
        repeat += 1
        path = f"{stem}_{repeat}.png"
    taken.add(path)
    return path


def plot_prediction(path: str, prediction: "Prediction") -> None:
    """Draws the views of a TCE, with one panel for each view. The title has its identity and probability.

    Args:
      path: PNG file to write.
      prediction: astronet.estimator.scoring.Prediction.
    """
    tce, views = prediction.identity, prediction.views
    words = nouns.of(views)
    width = 5.4 * max(len(views), 1.3)
    figure = _figure(figsize=(width, 3.6))
    # matplotlib's automatic layout would double the time, and there may be thousands of these plots.
    figure.subplots_adjust(left=0.75 / width, right=1 - 0.15 / width, bottom=0.14, top=0.82, wspace=0.18)
    time_btjd = None if words is nouns.TCES else tf_example.value(prediction.example, "Epoc")
    title = tce_title(tce.tic_id, tce.sector, tce.period, tce.disposition, prediction.mean, words, time_btjd)
    figure.suptitle(title, parse_math=False)
    _draw_views(figure, views, tce.period, prediction.duration_days)
    save(figure, path)


def plot_tce(path: str, light_curve: LightCurve, event: PeriodicEvent, views: Mapping[str, Floats], title: str) -> None:
    """Writes the page of a TCE to a PNG file. The other arguments are those of tce_page()."""
    save(tce_page(light_curve, event, views, title), path)


def tce_page(light_curve: LightCurve, event: PeriodicEvent, views: Mapping[str, Floats], title: str) -> "Figure":
    """Returns the page of a TCE as a matplotlib Figure: light curve, folded light curve, and views.

    Args:
      light_curve: light_curve_util.tess_io.LightCurve.
      event: light_curve_util.periodic_event.PeriodicEvent.
      views: dict of the name of a view to normalized flux [num_bins].
      title: line above the panels.
    """
    figure = _figure(figsize=(11, 9.5), layout="constrained")
    figure.suptitle(title, parse_math=False)
    rows: Any = figure.subfigures(3, 1)
    _draw_light_curve(rows[0].subplots(), light_curve, event)
    whole, near = rows[1].subplots(1, 2)
    _draw_folded(whole, light_curve, event, "global_view", num_bins=201)
    _draw_folded(near, light_curve, event, "local_view", num_bins=61)
    whole.set_title("Folded, with running median: the whole orbit")
    near.set_title("Folded, with running median: the event")
    _draw_views(rows[2], views, event.period, event.duration_days)
    return figure


def plot_curves(path: str, predictions: Mapping[str, tuple[Integers, Floats]], threshold: float) -> None:
    """Draws precision-recall and ROC curves, with a dot at the decision threshold.

    Args:
      path: image file to write; its suffix decides the format.
      predictions: dict of the name of a curve to (labels [n] of 0 and 1, probabilities [n]). Both labels must occur.
      threshold: decision threshold.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    figure = _figure(figsize=(11, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (labels, probabilities) in predictions.items():
        is_true, is_called = labels == 1, is_positive(probabilities, threshold)
        recall = is_called[is_true].mean()

        precisions, recalls, _ = precision_recall_curve(labels, probabilities)
        label = f"{name} (AP = {average_precision_score(labels, probabilities):.3f})"
        (line,) = left.step(recalls, precisions, where="post", label=label)
        dot = {"linestyle": "none", "marker": "o", "color": line.get_color()}
        if is_called.any():
            left.plot(recall, is_true[is_called].mean(), **dot)

        false_positive_rates, recalls, _ = roc_curve(labels, probabilities)
        label = f"{name} (AUC = {roc_auc_score(labels, probabilities):.3f})"
        right.plot(false_positive_rates, recalls, color=line.get_color(), label=label)
        right.plot(is_called[~is_true].mean(), recall, **dot)
    right.plot([0, 1], [0, 1], ":", color="0.6", label="chance")
    left.set(title="Precision-recall", xlabel="Recall", ylabel="Precision")
    right.set(title="ROC", xlabel="False positive rate", ylabel="True positive rate (recall)")
    for axes, corner in ((left, "lower left"), (right, "lower right")):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), box_aspect=1)
        axes.grid(color="0.92")
        axes.legend(loc=corner, title=f"dots: probability = {threshold:.3g}", frameon=False)
    save(figure, path)


def plot_reliability(
    path: str, predictions: Mapping[str, tuple[Integers, Floats]], words: nouns.Nouns = nouns.TCES
) -> None:
    """Draws the reliability diagram: fraction of positives by probability, with 95 % intervals, above a histogram.

    Args:
      path: image file to write.
      predictions: dict of the name of a curve to (labels [n] of 0 and 1, probabilities [n]).
      words: nouns.Nouns, the names of the predicted objects.
    """
    figure = _figure(figsize=(6.4, 8), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], ":", color="0.6", label="perfectly calibrated")
    for (name, (labels, probabilities)), color, marker in zip(predictions.items(), (ORANGE, BLUE), "so"):
        counts, means, fractions = reliability(labels, probabilities)
        limits = _limits([intervals.wilson(n * fraction, n) for n, fraction in zip(counts, fractions)], fractions)
        upper.errorbar(means, fractions, limits, color=color, marker=marker, linewidth=1, capsize=2, label=name)
        lower.hist(probabilities, np.linspace(0, 1, 11), histtype="step", color=color, linewidth=1.4)
    upper.set(title="Reliability: do probabilities come true?", ylabel="Fraction of positives", ylim=(-0.02, 1.02))
    lower.set(xlabel="Probability, mean of the bin", ylabel=words.many, yscale="log", xlim=(-0.02, 1.02))
    upper.grid(color="0.92")
    upper.legend(loc="upper left", frameon=False, fontsize="small")
    save(figure, path)


def plot_confusion(path: str, labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> None:
    """Draws the confusion matrix: each row shows the fractions of a true class that are called positive and negative.

    Args:
      path: PNG file to write.
      labels: [n]; 0 is negative.
      probabilities: [n].
      threshold: an example is called positive if its probability is at least this.
    """
    truth, called = np.asarray(labels) > 0, is_positive(probabilities, threshold)
    counts = np.array([[np.sum((truth == row) & (called == column)) for column in (1, 0)] for row in (1, 0)])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(2):
        for column in range(2):
            color = "white" if shares[row, column] > 0.5 else "black"
            text = f"{shares[row, column]:.3f}\n({counts[row, column]})"
            axes.text(column, row, text, ha="center", va="center", color=color)
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks([0, 1], ["positive", "negative"])
    axes.set(xlabel="Called", ylabel="True", title=f"Confusion matrix, threshold {threshold:.3g}")
    save(figure, path)


def plot_kinds(
    path: str, kinds: Mapping[str, Sequence[Mapping[str, Any]]], title: str, words: nouns.Nouns = nouns.TCES
) -> None:
    """Draws recall and precision by kind of TCE, with 95 % intervals and the numbers of TCEs.

    The panel of dispositions shows the false positive rate instead of precision, because the disposition decides what
    is positive.

    Args:
      path: image file to write.
      kinds: dict of the name of a kind to rows for its bins, from evaluation.report.compute; kinds without rows are
        left out.
      title: line above the panels.
      words: nouns.Nouns, the names of the predicted objects.
    """
    kinds = {name: rows for name, rows in kinds.items() if rows}
    num_columns = min(4, len(kinds))
    num_rows = -(-len(kinds) // num_columns)
    figure = _figure(figsize=(4.2 * num_columns, 3.9 * num_rows), layout="constrained")
    figure.suptitle(title, parse_math=False)
    panels = figure.subplots(num_rows, num_columns, sharey=True, squeeze=False)
    for axes, (name, rows) in zip(panels.flat, kinds.items()):
        other = "false_positive_rate" if name == "Disposition" else "precision"
        for key, color, marker, shift in (("recall", BLUE, "o", -0.1), (other, ORANGE, "s", 0.1)):
            figures = [row[key] for row in rows]
            values = [of_bin["value"] for of_bin in figures]
            limits = _limits([(of_bin["low"], of_bin["high"]) for of_bin in figures], values)
            style = {"linestyle": "none", "color": color, "marker": marker, "capsize": 2}
            axes.errorbar(np.arange(len(rows)) + shift, values, limits, label=key.replace("_", " "), **style)
        labels = [f"{row['bin']}\n{row['num_positive']} of\n{row['num_tces']}" for row in rows]
        axes.set_xticks(range(len(rows)), labels, fontsize="x-small")
        axes.set(title=name, xlim=(-0.5, len(rows) - 0.5), ylim=(-0.02, 1.04))
        axes.grid(axis="y", color="0.92")
        axes.legend(loc="best", frameon=False, fontsize="x-small")
    for axes in panels.flat[len(kinds) :]:
        axes.set_axis_off()
    figure.supxlabel(f"under each bin: positives of all its {words.many}", fontsize="small")
    save(figure, path)


def _limits(pairs: Sequence[tuple[float, float]], values: ArrayLike) -> Floats:
    """Returns error bars [2, n] that reach from the values to (low, high)."""
    low, high = np.transpose(pairs)
    reach: Floats = np.maximum(0, [values - low, high - values])
    return reach


def _figure(**options: Any) -> "Figure":
    """Returns a matplotlib Figure that is not registered with pyplot."""
    from astronet.figures.page import Page

    return Page(**options)


def save(figure: "Figure", path: str) -> None:
    """Writes a Figure to a file, whose suffix decides the format. If it fails, there is no file."""
    with write_aside(path) as aside:
        figure.savefig(aside, dpi=DPI, format=os.path.splitext(path)[1][1:] or "png")


def _window(name: str, num_bins: int, period: float, duration_days: float) -> Optional[tuple[float, float, str]]:
    """Returns half the width of a view about the event (days), the width of a bin (days), and the unit of its axis.

    Returns None for a view of another phase, because the view does not tell which.
    """
    if name == "local_view":
        return min(period / 2, 2 * duration_days), 0.16 * duration_days, "hours"
    turns = {"global_view": 1, "twice_global_view": 2}.get(name)
    return (turns * period / 2, 1.2 * period / num_bins, "days") if turns else None


# Name of a feature that is not a view of a TCE -> module and function(axes, values, style) that draw it.
_DRAWERS = {
    "flare_window": ("astronet.flares.plots", "draw_window"),
    "residuals": ("astronet.direct_imaging.plots", "draw_patch"),
}


def _draw_views(figure: Any, views: Mapping[str, Any], period: float, duration_days: float) -> None:
    for axes, (name, view) in zip(np.ravel(figure.subplots(1, len(views))), views.items()):
        if name in _DRAWERS:
            module, function = _DRAWERS[name]
            getattr(importlib.import_module(module), function)(axes, view, _VIEW)
            continue
        axes.axhline(0, color="0.85", linewidth=0.8, zorder=0)
        window = _window(name, len(view), period, duration_days)
        if window:
            axes.plot(_bin_centers(len(view), *window), view, **_VIEW)
            _mark_event(axes, duration_days, window[-1])
        else:
            axes.plot(view, **_VIEW)
            axes.set_xlabel("Bin")
        axes.set(title=_TITLES.get(name, name), ylabel="Normalized flux")


def _bin_centers(num_bins: int, half_width: float, bin_width: float, unit: str) -> Floats:
    last = (half_width - bin_width / 2) * _PER_DAY[unit]
    return np.linspace(-last, last, num_bins)


def _draw_light_curve(axes: "Axes", light_curve: LightCurve, event: PeriodicEvent) -> None:
    time, flux = light_curve.time, light_curve.flux
    axes.plot(time, flux, color="0.35", **_POINTS)
    first, last = np.ceil((time.min() - event.t0) / event.period), np.floor((time.max() - event.t0) / event.period)
    events = event.t0 + event.period * np.arange(first, last + 1)
    axes.plot(events, np.full(len(events), 0.03), "^", color=ORANGE, markersize=5, transform=axes.get_xaxis_transform())
    axes.set(title="Light curve, its events marked", xlabel=TIME_LABEL, ylabel="Relative flux")
    axes.ticklabel_format(useOffset=False)


def _draw_folded(axes: "Axes", light_curve: LightCurve, event: PeriodicEvent, view_name: str, num_bins: int) -> None:
    window = _window(view_name, num_bins, event.period, event.duration_days)
    if window is None:
        raise ValueError(f"{view_name} is about no event")
    half_width, bin_width, unit = window
    time, flux = fold_and_sort(light_curve.time, light_curve.flux, event.period, event.t0)
    near = np.abs(time) <= half_width
    axes.plot(time[near] * _PER_DAY[unit], flux[near], color="0.6", **_POINTS)
    medians = median_view(time, flux, num_bins, bin_width, -half_width, half_width)
    starts = np.linspace(-half_width, half_width - bin_width, num_bins)
    is_empty = np.searchsorted(time, starts) == np.searchsorted(time, starts + bin_width)
    medians[is_empty] = np.nan  # views interpolate over gaps in the data, but this panel shows the gaps
    axes.plot(_bin_centers(num_bins, half_width, bin_width, unit), medians, color=BLUE, linewidth=1.1)
    _mark_event(axes, event.duration_days, unit)
    axes.set_ylabel("Relative flux")
    axes.ticklabel_format(useOffset=False)


def _mark_event(axes: "Axes", duration_days: float, unit: str) -> None:
    half = duration_days / 2 * _PER_DAY[unit]
    axes.axvspan(-half, half, color=ORANGE, alpha=0.1, linewidth=0)
    axes.set_xlabel(f"Time from mid-event ({unit})")
