"""Views unlike those of training: rougher than they are, without a dip where the event should be, or constant.

Real views are smooth even where they hold noise alone, for their bins overlap and their cadences are shared; and what
triggered the search is a dip at their middle. The limits say how far training views stray from that.
"""

import numpy as np

_TAIL = 0.5  # percent of training views that lie beyond each limit
_CENTER = 15  # a view's middle is this fraction of its bins
_FLAGS = ("constant", "rough, no dip", "rough", "no dip")


def fit(views):
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


def describe(views, limits):
    """Says what is unlike training about each TCE.

    Args:
      views: dict, name of a view -> [num_tces, num_bins].
      limits: of fit().

    Returns:
      List of strings [num_tces], such as "global_view: no dip; local_view: rough"; empty where all is as in training.
    """
    told = []
    for name, limit in limits.items():
        smoothness, center = _measure(views[name])
        rough, no_dip = smoothness < limit["least_smoothness"], center > limit["greatest_center"]
        flags = np.select([np.isnan(smoothness), rough & no_dip, rough, no_dip], _FLAGS, "")
        told.append([f"{name}: {flag}" if flag else "" for flag in flags])
    return ["; ".join(filter(None, of_tce)) for of_tce in zip(*told)]


def altered(views, seed=0):
    """What limits should catch: dict, kind of alteration -> views with it (see fit)."""
    random = np.random.default_rng(seed)
    return {
        "inverted": {name: -of_all for name, of_all in views.items()},
        "scrambled": {name: random.permuted(of_all, axis=1) for name, of_all in views.items()},
        "constant": {name: np.zeros_like(of_all) for name, of_all in views.items()},
    }


def _measure(view):
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
