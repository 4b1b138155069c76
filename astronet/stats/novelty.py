"""Views and scalars unlike those of training.

A view is rougher than those of training, without a dip where the event should be, or constant. Real views are smooth
even where they hold noise alone, for their bins overlap and their cadences are shared; and what triggered the search is
a dip at their middle. The limits say how far training views stray from that.

A scalar (a period, duration, depth or S/N that the model reads) is lower or higher than those of training, as it is
where it was given in another unit.
"""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # single precision in records, double in what the scripts make
Limits = dict[str, dict[str, float]]  # name of a view or column -> name of a limit -> its value

_TAIL = 0.5  # percent of training views that lie beyond each limit
_SCALAR_TAIL = 0.1  # percent of training scalars that lie beyond each limit
_CENTER = 15  # a view's middle is this fraction of its bins
_FLAGS = ("constant", "rough, no dip", "rough", "no dip")


def fit(views: Mapping[str, Array]) -> Limits:
    """Finds the limits of training views.

    Args:
      views: dict, name of a view -> [num_tces, num_bins].

    Returns:
      Dict, name of a view -> {"least_smoothness", "greatest_center"}.
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
    """Finds the limits of training scalars.

    Args:
      columns: dict, name of a column -> [num_tces]; what is NaN or not positive is missing.

    Returns:
      Dict, name of a column -> {"least", "greatest"}; a column that all TCEs lack is not in it.
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
    """Says what is unlike training about each TCE.

    Args:
      features: dict, name of a view -> [num_tces, num_bins], name of a column -> [num_tces] or [num_tces, 1].
      view_limits: of fit(); None is {}.
      scalar_limits: of fit_scalars(); None is {}.

    Returns:
      List of strings [num_tces], such as "global_view: no dip; local_view: rough; SN: high"; empty where all is as in
      training. A missing scalar is not unlike training.
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
    """What limits should catch: dict, kind of alteration -> views with it (see fit)."""
    random = np.random.default_rng(seed)
    return {
        "inverted": {name: -of_all for name, of_all in views.items()},
        "scrambled": {name: random.permuted(of_all, axis=1) for name, of_all in views.items()},
        "constant": {name: np.zeros_like(of_all) for name, of_all in views.items()},
    }


def altered_scalars(columns: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """What scalar limits should catch: dict, kind of alteration -> columns with it (see fit_scalars)."""
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
    """Autocorrelation of neighboring bins, and mean flux of the middle in standard deviations about the median.

    Both are the same for a view and its multiples; NaN for a constant view.

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
