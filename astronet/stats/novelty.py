"""Detects views and scalars that are unlike those of training.

A view is unlike training if it is rougher than training views, has no dip at its center, or is constant. Real views are
smooth even if they contain only noise, because their bins overlap and share cadences; and a TCE has a dip at the center
of its views. Limits on smoothness and depth are fitted to the training views.

A scalar (a period, duration, depth or S/N that the model reads) is unlike training if it is lower or higher than in
training, for example because it was given in another unit.
"""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # single or double precision
Limits = dict[str, dict[str, float]]  # name of a view or column -> name of a limit -> its value

_TAIL = 0.5  # percent of training views that are beyond each limit
_SCALAR_TAIL = 0.1  # percent of training scalars that are beyond each limit
_CENTER = 15  # the center of a view is one in this many of its bins
_FLAGS = ("constant", "rough, no dip", "rough", "no dip")


def fit(views: Mapping[str, Array]) -> Limits:
    """Fits the limits of training views.

    Args:
      views: dict of the name of a view to an array [num_tces, num_bins].

    Returns:
      Dict of the name of a view to {"least_smoothness", "greatest_center"}.
    """
    limits = {}
    for name, of_all in views.items():
        smoothness, center = _measure(of_all)
        limits[name] = {
            "least_smoothness": float(np.nanpercentile(smoothness, _TAIL)),
            "greatest_center": float(np.nanpercentile(center, 100 - _TAIL)),
        }
    return limits


def fit_scalars(columns: Mapping[str, Array]) -> Limits:
    """Fits the limits of training scalars.

    Args:
      columns: dict of the name of a column to an array [num_tces]; a value that is NaN or not positive is missing.

    Returns:
      Dict of the name of a column to {"least", "greatest"}, without columns that are missing for all TCEs.
    """
    limits = {}
    for name, values in columns.items():
        known = values[np.isfinite(values) & (values > 0)]
        if len(known):
            limits[name] = {
                "least": float(np.percentile(known, _SCALAR_TAIL, method="lower")),
                "greatest": float(np.percentile(known, 100 - _SCALAR_TAIL, method="higher")),
            }
    return limits


def describe(
    features: Mapping[str, Array], view_limits: Optional[Limits], scalar_limits: Optional[Limits] = None
) -> list[str]:
    """Returns how the inputs of each TCE differ from training.

    >>> describe({"SN": np.array([5.0, 900.0])}, {}, {"SN": {"least": 8.0, "greatest": 500.0}})
    ['SN: low', 'SN: high']

    Args:
      features: dict of the name of a view to an array [num_tces, num_bins], and of the name of a column to an array
        [num_tces] or [num_tces, 1].
      view_limits: limits from fit(), or None.
      scalar_limits: limits from fit_scalars(), or None.

    Returns:
      List of texts [num_tces], such as "global_view: no dip; local_view: rough; SN: high"; "" for a TCE within all
      limits. A missing scalar is within the limits.
    """
    messages = []
    for name, limit in (view_limits or {}).items():
        smoothness, center = _measure(features[name])
        rough, no_dip = smoothness < limit["least_smoothness"], center > limit["greatest_center"]
        flags = np.select([np.isnan(smoothness), rough & no_dip, rough, no_dip], _FLAGS, "")
        messages.append([f"{name}: {flag}" if flag else "" for flag in flags])
    for name, limit in (scalar_limits or {}).items():
        values = np.ravel(features[name])
        low, high = (values > 0) & (values < limit["least"]), values > limit["greatest"]
        messages.append(np.select([low, high], [f"{name}: low", f"{name}: high"], "").tolist())
    return ["; ".join(filter(None, of_tce)) for of_tce in zip(*messages)]


def altered(views: Mapping[str, Array], seed: int = 0) -> dict[str, dict[str, Array]]:
    """Alters views in ways that the limits should detect. Returns a dict of the kind of alteration to views."""
    random = np.random.default_rng(seed)
    return {
        "inverted": {name: -of_all for name, of_all in views.items()},
        "scrambled": {name: random.permuted(of_all, axis=1) for name, of_all in views.items()},
        "constant": {name: np.zeros_like(of_all) for name, of_all in views.items()},
    }


def altered_scalars(columns: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Alters columns in ways that the limits should detect. Returns a dict of the kind of alteration to columns."""
    kinds = {
        "Duration of days in hours": ("Duration", 24),
        "Duration of hours in days": ("Duration", 1 / 24),
        "Transit_Depth as a fraction": ("Transit_Depth", 1e-6),
        "Transit_Depth in percent": ("Transit_Depth", 1e-4),
    }
    return {
        kind: {**columns, name: columns[name] * factor} for kind, (name, factor) in kinds.items() if name in columns
    }


def _measure(view: Array) -> tuple[Array, Array]:
    """Returns the autocorrelation of neighboring bins, and the mean flux of the center relative to the median.

    The center is in units of the standard deviation, so both do not depend on the scale. They are NaN for a constant
    view.

    Args:
      view: [num_tces, num_bins].

    Returns:
      Two arrays [num_tces].
    """
    deviation = view - view.mean(axis=1, keepdims=True)
    variance = np.mean(deviation**2, axis=1)
    variance[variance < 1e-12] = np.nan
    middle, half = view.shape[1] // 2, view.shape[1] // (2 * _CENTER)
    center = view[:, middle - half : middle + half + 1].mean(axis=1) - np.median(view, axis=1)
    return np.mean(deviation[:, 1:] * deviation[:, :-1], axis=1) / variance, center / np.sqrt(variance)
