"""Injects artificial flares into one light curve and searches them: is each found, and with which amplitude?"""

import dataclasses
from collections.abc import Iterator
from typing import Optional

import numpy as np

from astronet.flares import detection, flare_fit, injection, search, windows
from astronet.stats.metrics import is_positive
from light_curve_util.products import quality as quality_masks
from light_curve_util.tess_io import LightCurve

_BEFORE, _AFTER = 2, 3  # cadences around the peak, besides the flare's width, in which a flare is looked for


@dataclasses.dataclass(frozen=True)
class Settings:
    """How flares are injected and searched.

    Attributes:
      amplitudes: least and greatest amplitude, relative to the median flux.
      widths_days: least and greatest full width at half maximum [days].
      threshold: probability from which a cadence belongs to a flare.
      least_significance: significance from which a flare is found.
      quality: quality mask that the light curve was read with; if it drops impulsive outliers, cadences of injected
        flares that would have been flagged are dropped, too.
    """

    amplitudes: injection.Limits
    widths_days: injection.Limits
    threshold: float
    least_significance: float = search.LEAST_SIGNIFICANCE
    quality: str = "flares"

    @property
    def drops_outliers(self) -> bool:
        """Whether impulsive outliers are dropped from light curves."""
        return bool(quality_masks.TESS[self.quality] & quality_masks.IMPULSIVE_OUTLIER)


@dataclasses.dataclass(frozen=True)
class Injected:
    """One artificial flare, and the result of the search.

    Attributes:
      peak_time: time of the peak [BTJD].
      amplitude: amplitude, relative to the median flux.
      width_days: full width at half maximum [days].
      equivalent_duration: [s].
      num_flagged: number of its cadences that SPOC would flag as impulsive outliers.
      probability: greatest probability near the peak.
      fitted: the fit; None if the network does not see the flare, or it cannot be fitted.
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
    """Yields flares injected into one light curve, with the results of the search; none if no stretch is quiet.

    Flares are injected a few at a time, so that none is in the window of another.

    Args:
      light_curve: light curve, read with the quality mask of the settings.
      scorer: the networks.
      settings: how flares are injected and searched.
      number: number of flares.
      random: random numbers, for times and shapes.
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
    """Returns, at most `number`, the candidates that are more than a window away from all chosen before them."""
    blocked, chosen = np.zeros(num_cadences, dtype=bool), []
    for candidate in candidates:
        if not blocked[candidate]:
            chosen.append(int(candidate))
            blocked[max(0, candidate - windows.LENGTH) : candidate + windows.LENGTH + 1] = True
            if len(chosen) == number:
                break
    return chosen


def _recover(light_curve, scorer, settings, peaks, peak_times, amplitude, rise, decay):
    """Yields the results of the search for flares that are injected together."""
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
        # Only those at injected flares: the light curve's own outliers are dropped already.
        dropped = np.concatenate([np.arange(len(time))[span][is_flagged[span]] for span in spans])
        kept = np.setdiff1d(np.arange(len(time)), dropped)
        spans = [slice(*np.searchsorted(kept, (span.start, min(span.stop, len(time))))) for span in spans]
        time, flux = time[kept], flux[kept]
    best, runs = _judge(time, flux, scorer, spans, settings.threshold)
    fitter = flare_fit.Fitter(time, flux)
    for i, run in enumerate(runs):
        duration = flare_fit.equivalent_duration(amplitude[i], rise[i], decay[i])
        flare = float(peak_times[i]), float(amplitude[i]), float(widths[i]), float(duration)
        yield Injected(*flare, num_flagged[i], float(best[i]), fitter.fit(run) if run else None)


def _judge(time, flux, scorer, spans, threshold):
    """Returns the greatest probability in each span, and the slice that reaches the threshold in it, or None."""
    cadences = [np.arange(len(time))[span] for span in spans]
    views = windows.centered(time, flux, np.concatenate(cadences), scorer.is_padded)
    known = ~np.isnan(views[:, 0])
    probability = np.zeros(len(views))
    probability[known] = scorer.windows(views[known]).mean(axis=1)
    best, runs = [], []
    for inside, probabilities in zip(cadences, np.split(probability, np.cumsum(list(map(len, cadences)))[:-1])):
        called = inside[is_positive(probabilities, threshold)]
        best.append(probabilities.max(initial=0.0))
        runs.append(slice(int(called[0]), int(called[-1]) + 1) if len(called) else None)
    return best, runs
