"""Searches a light curve for transits and eclipses.

Dips that stand out by themselves are found first (dips, dip_periods); the rest is folded (folding). Whether the events
at a period are alike, event_series judges.
"""

import dataclasses
import math

import numpy as np

from astronet.data.catalog import dip_periods, dips, event_series, flattening, folding, single_events, transit_fit
from astronet.data.catalog.blsanal import Peak
from astronet.data.catalog.flattening import TransitSearchError
from light_curve_util.array_types import ArrayLike
from light_curve_util.phase_fold import phase_fold

__all__ = ["MAX_PEAKS", "Found", "TransitSearchError", "find", "search"]

MAX_PEAKS = 3

_MAX_ROUNDS = 6  # of folding, with the events found so far left out
_MOST_FREQUENCIES = 2_000_000  # those of nine years: more than TESS has observed; a baseline of more is a wrong time
_MOST_UNEXPLAINED_DIPS = 5  # more are no single events but a star that varies
_LEAST_FOR_PERIOD = 15.0  # S/N of dips whose distances tell a period; folding does better with less
_LEFT_OUT_BEFORE_FOLDING = 25.0  # S/N of a dip without a period that would hide all that is folded
_LEFTOVER_DURATIONS = 1.5  # from the events of an earlier peak: what the mask has left of them
_BINARY_DEPTH, _BINARY_DEPTH_OF_TWO = 0.05, 0.02  # deeper dips are of a binary; the latter beside other ones
_LEAST_BESIDE_BINARY = 18.0  # signal to pink noise: what spots and tides of a binary leave behind has less


@dataclasses.dataclass(frozen=True)
class Found:
    """What find() has found.

    Attributes:
      peaks: threshold crossing events by signal to pink noise, then at most one that is none; at most MAX_PEAKS.
      single_events: dips that no period explains, in order of time.
    """

    peaks: list[Peak]
    single_events: list[single_events.SingleEvent]


def search(time: ArrayLike, flux: ArrayLike, magnitude: float) -> list[Peak]:
    """Returns the periodic dips of a light curve: the peaks of find()."""
    return find(time, flux, magnitude).peaks


def find(time: ArrayLike, flux: ArrayLike, magnitude: float) -> Found:
    """Searches a light curve for transits and eclipses.

    Slow variation is divided out by a running median of a day, cadences finer than ten minutes are binned. Dips that
    stand out by themselves are found first: those that repeat become peaks, the others single events. The rest is
    folded: the best peak of each round is measured, its events are left out, and the rest is searched again until a
    peak is no threshold crossing event.

    Args:
      time: BTJD days, [n], in any order; cadences of 20 s to 30 min, gaps, one sector or several.
      flux: relative to its median, [n]; NaNs are left out.
      magnitude: TESS magnitude of the star; with NaN, the cut for faint stars applies (Peak.why_not_tce).

    Returns:
      Found. `num_points_in_transit` counts half hours, whatever the cadence, as the cut was made for half-hour
      cadences.

    Raises:
      TransitSearchError: the light curve has too few cadences, too short a baseline, one so long that the search would
        have more than two million frequencies, or no positive median.
    """
    every, fluxes, cadence = flattening.prepared(time, flux)
    _check_baseline(every[-1] - every[0])
    every, fluxes, cadence = flattening.binned(every, fluxes, cadence)
    start = float(every[0])
    state = _Search(every - start, fluxes, cadence, magnitude)
    state.take_dips()
    state.fold()
    peaks = [
        dataclasses.replace(
            peak,
            t0=start + peak.t0,
            num_points_in_transit=round(peak.num_points_in_transit * min(1, cadence / flattening.HALF_HOUR)),
        )
        for peak in state.peaks
    ]
    peaks.sort(key=lambda peak: (bool(peak.why_not_tce()), -peak.pink_signal_to_noise))
    return Found(peaks, [single_events.from_dip(dip, state.time, cadence, start) for dip in state.single_dips()])


def _check_baseline(baseline):
    num_frequencies = sum(number for _, _, _, number in folding.octaves(baseline))
    if num_frequencies > _MOST_FREQUENCIES:
        raise TransitSearchError(
            f"a baseline of {baseline:.6g} d: the search would have {num_frequencies:.3g} frequencies, and the limit "
            f"is {_MOST_FREQUENCIES:,}; check that the times are in days, and leave out wild ones, or search fewer "
            "sectors at once"
        )


class _Search:
    """A search on its way: what has been found, and which cadences are left.

    Attributes:
      time: days since the first cadence, sorted, [n].
      free: whether a cadence is in none of the events found so far, [n].
      peaks: list of Peak.
      left: Dips that stand out, and that no period of their own explains.
      is_binary: whether one of the peaks is an eclipse of a binary.
    """

    def __init__(self, time, flux, cadence, magnitude):
        self.time, self.flux, self.cadence, self.magnitude = time, flux, cadence, magnitude
        self.free = np.full(len(time), True)
        self.peaks, self.left = [], []
        self.is_binary = False

    def take_dips(self):
        """Takes out the dips that stand out by themselves: those that repeat become peaks, the others single events."""
        found, light_curve = dips.find(self.time, self.flux, self.free, self.cadence)
        if not found:
            return
        strong = [dip for dip in found if dip.signal_to_noise > _LEAST_FOR_PERIOD]
        repetitions = dip_periods.find(strong, light_curve)
        quiet = ~dips.in_dips(self.time, found)
        for repetition in repetitions[:MAX_PEAKS]:
            others = [dip for dip in found if not repetition.predicts(dip)]
            used = flattening.usable(self.time, self.flux, self.free & ~dips.in_dips(self.time, others), quiet)
            peak = _measured_repetition(*used, self.magnitude, repetition)
            peak = peak and event_series.consistent(*used, peak, folding.LONGEST_FITTED_PHASE * peak.period, True)
            if peak is None or peak.why_not_tce() or self._is_leftover(peak):
                continue
            self.peaks.append(peak)
            self.is_binary |= _is_binary(peak, bool(repetition.secondaries))
            self.free &= ~folding.in_transit(self.time, peak)
            for dip in repetition.secondaries[:1]:
                self.free &= ~folding.near_events(self.time, peak.period, dip.mid_time, dip.duration_days)
        self.left = [dip for dip in found if not self._is_taken(dip)]
        if len(self.left) <= _MOST_UNEXPLAINED_DIPS:
            self.free &= ~dips.in_dips(
                self.time, [d for d in self.left if d.signal_to_noise > _LEFT_OUT_BEFORE_FOLDING]
            )

    def single_dips(self):
        """List of the Dips that are no event of a peak; none where they are so many that the star varies."""
        if len(self.left) > _MOST_UNEXPLAINED_DIPS:
            return []
        tces = [peak for peak in self.peaks if not peak.why_not_tce()]
        middles = np.array([dip.mid_time for dip in self.left])
        explained = (
            np.any([folding.in_transit(middles, peak) for peak in tces], axis=0)
            if tces
            else np.zeros(len(middles), bool)
        )
        return [dip for dip, is_explained in zip(self.left, explained) if dip.is_whole and not is_explained]

    def _is_taken(self, dip):
        near = np.abs(self.time - dip.mid_time) < dip.duration_days / 4
        return not self.free[near].any()

    def fold(self):
        """Searches the rest by folding, peak by peak."""
        for _ in range(_MAX_ROUNDS):
            if self.free.mean() < 0.5 or len(self.peaks) == MAX_PEAKS:
                return
            peak, single = _best_peak(self.time, self.flux, self.free, self.magnitude)
            if peak is None:
                return
            if single is not None:
                width = max(flattening.MASKED_DURATIONS * peak.duration_phase * peak.period, flattening.HALF_HOUR)
                self.free &= np.abs(self.time - single) > width
                continue
            peak, has_secondary = peak
            is_leftover = self._is_leftover(peak)
            self.free &= ~folding.in_transit(self.time, peak)
            if is_leftover:
                if self.is_binary:
                    return
                continue
            self.peaks.append(peak)
            self.is_binary |= _is_binary(peak, has_secondary)
            if peak.why_not_tce():
                return

    def _is_leftover(self, peak):
        """Whether a peak is what is left of an earlier one, or the other eclipse of that binary."""
        if self.is_binary and not peak.pink_signal_to_noise > _LEAST_BESIDE_BINARY:
            return True
        return any(self._is_leftover_of(peak, earlier) for earlier in self.peaks)

    def _is_leftover_of(self, peak, earlier):
        if not _is_harmonic(peak, earlier, self.time[-1]):
            return False
        short = min(peak.period, earlier.period)
        ratio = peak.period / earlier.period
        multiple = round(ratio) if ratio > 0.75 else 0  # 0: a fraction of the earlier period
        apart = abs(phase_fold(np.array([peak.t0]), short, earlier.t0)[0])
        reach = _LEFTOVER_DURATIONS * (earlier.duration_hours + peak.duration_hours) / 48
        if multiple == 1 or apart < reach:
            return True
        if multiple == 0:
            return self.is_binary
        # A second planet has events of its own at every second cycle, say, of the first; the rest is flat.
        every = dataclasses.replace(peak, period=peak.period / multiple)
        flat = flattening.usable(self.time, self.flux, self.free, self.free & ~folding.in_transit(self.time, every))
        numbers, depths, variances = transit_fit.event_depths(*flat, every)
        own = numbers % multiple == 0
        if own.all() or not own.any():
            return True
        variance = peak.depth**2 / peak.pink_signal_to_noise**2
        means = [np.average(depths[one], weights=1 / variances[one]) for one in (own, ~own)]
        return not (
            means[1] < event_series.LEAST_SHARE * means[0]
            and means[0] - means[1] > event_series.UNLIKE_SIGMA * math.sqrt(variance)
        )


def _is_binary(peak, has_secondary):
    """Whether a peak is of a binary; shallow dips of two kinds may be two planets in resonance."""
    return peak.depth > (_BINARY_DEPTH_OF_TWO if has_secondary else _BINARY_DEPTH)


def _measured_repetition(time, flux, magnitude, repetition):
    """The Peak of dips that repeat; None where a fold of them does not dip."""
    period, first = repetition.period, repetition.primaries[0]
    duration = float(np.median([dip.duration_days for dip in repetition.primaries]))
    longest = folding.LONGEST_FITTED_PHASE * period
    peak = transit_fit.measure(time, flux, magnitude, period, first.mid_time, min(duration, longest), longest, np.std)
    return peak and folding.refined_peak(time, flux, peak, longest)


def _is_harmonic(peak, other, baseline):
    """Whether one period is an integer times the other, as far as the baseline tells."""
    long, short = sorted((peak.period, other.period), reverse=True)
    ratio = long / short
    drift = abs(ratio - round(ratio)) * short * baseline / long  # days, of the events of one against the other's
    return drift < max(peak.duration_hours, other.duration_hours) / 24


def _best_peak(time, flux, free, magnitude):
    """The best peak among free cadences.

    Returns:
      ((Peak, whether it has a secondary eclipse), None); (Peak, mid-time of an event) where that event makes the peak
      nearly alone, or no multiple of the period has events that are alike; (None, None).
    """
    used = flattening.usable(time, flux, free, free)
    box = folding.best_box(*used)
    if box is None:
        return None, None
    peak = folding.measured(*used, magnitude, *box)
    if peak is None:
        return None, None
    # Now that the place of the events is known, the trend need not follow them.
    quiet = free & ~folding.in_transit(time, peak)
    used = flattening.usable(time, flux, free, quiet)
    box = folding.refined_box(*used, peak.period, peak.t0, peak.duration_phase * peak.period)
    peak = folding.refined_peak(*used, folding.measured(*used, magnitude, *box) or peak)
    single = event_series.dominant_event(*used, peak)
    if single is not None:
        return peak, single
    resolved = event_series.consistent(*used, peak)
    if resolved is None:
        return peak, event_series.strongest_event(*used, peak)
    return event_series.without_secondary(*used, resolved), None
