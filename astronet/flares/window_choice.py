"""Chooses the cadences of a light curve whose windows become records: flares, quiet times, and flares off center."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from astronet.flares import windows

if TYPE_CHECKING:
    import pandas as pd

_QUIET_WIDTHS = 3  # full widths at half maximum after the peak, for which a flare lasts
_QUIET_CADENCES = 5  # least distance of the cadences of a quiet window from a peak
FLARE, QUIET = "flare", "quiet"  # dispositions


class Choice(NamedTuple):
    """A chosen window.

    Attributes:
      cadence: index of its center.
      disposition: FLARE or QUIET.
      kind: column `kind` of windows.csv: catalogue, vetted (no flare by the catalog), quiet, off center or injected.
      source: column `source` of the catalog's row; "" if there is none.
    """

    cadence: int
    disposition: str
    kind: str
    source: str


def choose(
    time: np.ndarray,
    flares: "pd.DataFrame",
    random: np.random.Generator,
    drop_quiet: float,
    off_center: int = 0,
    padded: bool = False,
    quiet_is_known: bool = True,
) -> list[Choice]:
    """Returns the windows of a light curve that become records.

    Args:
      time: [n] days, increasing.
      flares: rows of catalog.read() of this star and sector.
      random: random numbers.
      drop_quiet: share of the quiet windows that is dropped, because they outnumber the flares.
      off_center: number of quiet windows for each flare that show the flare beside their center.
      padded: whether windows may reach beyond gaps and ends.
      quiet_is_known: whether the times of all flares are known; otherwise no window can be called quiet.
    """
    step = windows.cadence_days(time)
    by_cadence: dict[int, Choice] = {}  # of two rows at one cadence the first counts, but a flare before no flare
    for flare in flares.itertuples():
        cadence = _nearest(time, flare.peak_time)
        if abs(time[cadence] - flare.peak_time) <= 2 * step:
            disposition, kind = (FLARE, "catalogue") if flare.is_flare else (QUIET, "vetted")
            if cadence not in by_cadence or (flare.is_flare and by_cadence[cadence].disposition == QUIET):
                by_cadence[cadence] = Choice(cadence, disposition, kind, flare.source)
    choices = list(by_cadence.values())
    if not quiet_is_known:
        return choices
    peaks = np.array([choice.cadence for choice in choices], dtype=int)
    busy = _busy(time, flares, step)
    choices += [Choice(cadence, QUIET, QUIET, "") for cadence in _quiet(time, busy, random, drop_quiet, padded)]
    for peak in peaks if off_center else ():
        distance = random.integers(2 * _QUIET_CADENCES, windows.HALF - 2 * _QUIET_CADENCES, off_center)
        sides = random.choice([-1, 1], off_center)
        inside = [cadence for cadence in peak + sides * distance if 0 <= cadence < len(time) and not busy[cadence]]
        choices += [Choice(int(cadence), QUIET, "off center", "") for cadence in inside]
    return choices


def _nearest(time: np.ndarray, wanted: float) -> int:
    """Returns the cadence nearest to a time; of two at the same distance the first."""
    after = min(int(np.searchsorted(time, wanted)), len(time) - 1)
    return after - (after > 0 and wanted - time[after - 1] <= time[after] - wanted)


def _quiet(
    time: np.ndarray, busy: np.ndarray, random: np.random.Generator, drop_quiet: float, padded: bool
) -> list[int]:
    """Returns the centers of windows without a flare, side by side in each segment, after a share is dropped."""
    centers: list[int] = []
    for segment in windows.segments(time):
        margin = 0 if padded else windows.HALF
        first, last = segment.start + margin, segment.stop - margin
        if segment.stop - segment.start >= windows.LENGTH:
            start = first + int(random.integers(0, windows.HALF))
            centers += range(start, last, windows.LENGTH)
    return [
        center
        for center in centers
        if not busy[max(0, center - windows.HALF) : center + windows.HALF].any() and random.random() >= drop_quiet
    ]


def _busy(time: np.ndarray, flares: "pd.DataFrame", step: float) -> np.ndarray:
    """Returns whether each cadence may belong to a flare: bool [n]."""
    busy = np.zeros(len(time), dtype=bool)
    for flare in flares.itertuples():
        width = flare.duration if flare.duration > 0 else 10 * step
        first = np.searchsorted(time, flare.peak_time - _QUIET_CADENCES * step - width, side="right")
        busy[first : np.searchsorted(time, flare.peak_time + _QUIET_CADENCES * step + _QUIET_WIDTHS * width)] = True
    return busy
