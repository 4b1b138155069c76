"""Artificial flares in one light curve, and what a search makes of each: is it found, and with which amplitude."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Optional, Union

import numpy as np

from astronet.flares import detection, flare_fit, injection, search, windows
from astronet.stats.metrics import is_positive
from light_curve_util.products import quality as quality_masks
from light_curve_util.tess_io import LightCurve

_BEFORE, _AFTER = 2, 3  # cadences about the peak, besides the flare's own width, in which it is looked for


@dataclasses.dataclass(frozen=True)
class Settings:
    """How flares are injected and searched.

    Attributes:
      amplitudes: least and greatest, relative to the light curve's median.
      widths_days: least and greatest full width at half maximum.
      threshold: probability from which a cadence belongs to a flare.
      least_significance: from which a flare is found.
      quality: mask that the light curve was read with; where it drops impulsive outliers, those that the injected
        flares would have been flagged as are dropped, too.
    """

    amplitudes: Sequence[float]
    widths_days: Union[Sequence[float], np.ndarray]
    threshold: float
    least_significance: float = search.LEAST_SIGNIFICANCE
    quality: str = "flares"

    @property
    def drops_outliers(self) -> bool:
        """Whether impulsive outliers are dropped from light curves."""
        return bool(quality_masks.TESS[self.quality] & quality_masks.IMPULSIVE_OUTLIER)


@dataclasses.dataclass(frozen=True)
class Injected:
    """One artificial flare, and what the search makes of it.

    Attributes:
      peak_time: BTJD.
      amplitude: over the light curve's median.
      width_days: full width at half maximum.
      equivalent_duration: seconds.
      num_flagged: of its cadences, how many SPOC would flag as impulsive outliers.
      probability: the greatest at its peak.
      fitted: the fit, None where the network does not see the flare, or it cannot be fitted.
    """

    peak_time: float
    amplitude: float
    width_days: float
    equivalent_duration: float
    num_flagged: int
    probability: float
    fitted: Optional[flare_fit.Fit]


def inject(
    light_curve: LightCurve, scorer: detection.Scorer, settings: Settings, number: int, random: np.random.Generator
) -> Iterator[Injected]:
    """Injects flares into one light curve, some of them at a time, so that none is in another's window.

    Args:
      light_curve: n cadences, read with the quality of the settings.
      scorer: the network.
      settings: of the flares and the search.
      number: of flares.
      random: chooses times and shapes.

    Yields:
      Each flare; none where the light curve has no quiet stretch.
    """
    time = light_curve.time
    probability = scorer.cadences(light_curve).mean(axis=1)
    free = ~np.isnan(probability)
    for flare in detection.group(time, probability, settings.threshold):
        free[max(0, flare.start - windows.HALF) : flare.stop + windows.HALF] = False
    if not free.any():
        return
    step = windows.cadence_days(time)
    while number > 0:
        peaks = apart(random.permutation(np.flatnonzero(free)), number, len(time))
        number -= len(peaks)
        shapes = injection.draw(random, len(peaks), settings.amplitudes, settings.widths_days)
        peak_times = time[peaks] + random.uniform(-0.5, 0.5, len(peaks)) * step
        yield from _recover(light_curve, scorer, settings, peaks, peak_times, *shapes)


def apart(candidates: np.ndarray, number: int, num_cadences: int) -> list[int]:
    """Returns the first of some cadences that lie a window apart from all before them, at most `number`."""
    blocked, chosen = np.zeros(num_cadences, dtype=bool), []
    for candidate in candidates:
        if not blocked[candidate]:
            chosen.append(int(candidate))
            blocked[max(0, candidate - windows.LENGTH) : candidate + windows.LENGTH + 1] = True
            if len(chosen) == number:
                break
    return chosen


def _recover(light_curve, scorer, settings, peaks, peak_times, amplitude, rise, decay):
    """Yields what the search makes of flares that are injected together."""
    time, flux = light_curve.time, light_curve.flux.copy()
    step = windows.cadence_days(time)
    for i, peak in enumerate(peaks):
        near = slice(max(0, peak - windows.LENGTH), peak + windows.LENGTH)
        flux[near] += amplitude[i] * flare_fit.shape(time[near], peak_times[i], rise[i], decay[i], step)
    widths = injection.width(rise, decay)
    spans = [slice(max(0, p - _BEFORE), p + _AFTER + int(w / step) + 1) for p, w in zip(peaks, widths)]
    is_flagged = injection.impulsive_outliers(flux)
    num_flagged = [int(is_flagged[span].sum()) for span in spans]
    if settings.drops_outliers:
        # Only the injected flares' own: those of the light curve are dropped already.
        dropped = np.concatenate([np.arange(len(time))[span][is_flagged[span]] for span in spans])
        kept = np.setdiff1d(np.arange(len(time)), dropped)
        spans = [slice(*np.searchsorted(kept, (span.start, min(span.stop, len(time))))) for span in spans]
        time, flux = time[kept], flux[kept]
    best, runs = _judge(time, flux, scorer, spans, settings.threshold)
    fitter = flare_fit.Fitter(time, flux)
    for i, run in enumerate(runs):
        duration = flare_fit.equivalent_duration(amplitude[i], rise[i], decay[i])
        flare = peak_times[i], amplitude[i], widths[i], duration, num_flagged[i], best[i]
        yield Injected(*map(float, flare[:4]), flare[4], float(flare[5]), fitter.fit(run) if run else None)


def _judge(time, flux, scorer, spans, threshold):
    """The greatest probability within each of some spans, and the slice that reaches the threshold there, or None."""
    cadences = [np.arange(len(time))[span] for span in spans]
    views = windows.centered(time, flux, np.concatenate(cadences), scorer.is_padded)
    known = ~np.isnan(views[:, 0])
    probability = np.zeros(len(views))
    probability[known] = scorer.windows(views[known]).mean(axis=1)
    best, runs = [], []
    for inside, of_span in zip(cadences, np.split(probability, np.cumsum(list(map(len, cadences)))[:-1])):
        called = inside[is_positive(of_span, threshold)]
        best.append(of_span.max(initial=0.0))
        runs.append(slice(int(called[0]), int(called[-1]) + 1) if len(called) else None)
    return best, runs
