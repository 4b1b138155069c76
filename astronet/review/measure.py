"""Measures the events in the light curve of a TCE, for its panel and its checks."""

import dataclasses
import math
from typing import Optional

import numpy as np

from astronet.data.catalog import transit_fit
from astronet.data.catalog.blsanal import Peak
from astronet.review.photometry import Photometry
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold

_GAP_DAYS = 0.5  # a longer interval between cadences is a gap, whose ends are edges
_AWAY = 0.75  # out of transit: more than so many durations from the middle of an event
_BESIDE = 3.0  # the baseline of an event: out of transit within so many durations from its middle
_SEEN_SHARE = 0.5  # an event counts as seen if so large a fraction of its cadences exists
_MOST_EVENTS = 20_000
_STEPS_OF_DURATION = 4  # steps per duration in which the box moves over the folded light curve


@dataclasses.dataclass(frozen=True)
class Noise:
    """Scatter of the light curve out of transit.

    Attributes:
      white: standard deviation of one cadence.
      red_variance: variance of means over one duration, minus that of white noise.
    """

    white: float
    red_variance: float

    def of_mean(self, num_cadences: np.ndarray, num_events: np.ndarray) -> np.ndarray:
        """Returns the standard deviation of a mean over so many cadences in so many events; inf for none."""
        with np.errstate(divide="ignore"):
            return np.sqrt(self.white**2 / num_cadences + self.red_variance / num_events)


@dataclasses.dataclass(frozen=True)
class Events:
    """The events that the ephemeris predicts from the first to the last cadence, arrays [num_events].

    Attributes:
      number: number of periods since the epoch.
      time: time of the middle, BTJD.
      num_cadences: number of cadences in transit.
      is_seen: whether at least half of the cadences of the event exist.
      depth, sigma: depth relative to the baseline before and after the event, and its standard deviation; NaN if the
        event is not seen.
    """

    number: np.ndarray
    time: np.ndarray
    num_cadences: np.ndarray
    is_seen: np.ndarray
    depth: np.ndarray
    sigma: np.ndarray

    @property
    def signal_to_noise(self) -> np.ndarray:
        return self.depth / self.sigma


@dataclasses.dataclass(frozen=True)
class Dip:
    """A dip of the folded light curve.

    Attributes:
      phase: phase of its middle, in periods, -0.25 to 0.75.
      depth: relative flux; negative for a brightening.
      sigma: standard deviation of the depth, red noise included.
    """

    phase: float
    depth: float
    sigma: float

    @property
    def significance(self) -> float:
        return abs(self.depth) / self.sigma if self.sigma > 0 else 0.0


@dataclasses.dataclass(frozen=True)
class Half:
    """The odd or the even events.

    Attributes:
      num_events: number of events that are seen.
      depth, sigma: mean depth and its standard deviation.
      shape_depth: depth of the fitted trapezoid; NaN without a fit.
      time_days, time_sigma_days: how much later than the ephemeris the middle of the fitted trapezoid is, and its
        standard deviation; NaN without a fit.
    """

    num_events: int
    depth: float
    sigma: float
    shape_depth: float
    time_days: float
    time_sigma_days: float


@dataclasses.dataclass(frozen=True)
class Measured:
    """All measurements of a TCE.

    Attributes:
      noise: noise out of transit.
      events: the single events.
      peak: trapezoid fit of the folded event; None if there is no dip.
      odd, even: events of odd and of even number.
      primary: box at phase 0, with the duration in the catalog.
      secondary, third: the two deepest other dips, apart from the event and from each other; None without data.
      brightening: highest bump outside the event.
      phase_coverage: fraction of the phases with cadences.
      sine_sigma: amplitude divided by its standard deviation, of the strongest sinusoid at half, one and two periods.
      sine_period_days: period of that sinusoid.
      edges: BTJD of the first and last cadence of each stretch without gaps.
      apertures: (name, depth, sigma) for each aperture.
      dumps: times of momentum dumps, BTJD, [num_dumps]; None if the files do not tell.
    """

    noise: Noise
    events: Events
    peak: Optional[Peak]
    odd: Half
    even: Half
    primary: Dip
    secondary: Optional[Dip]
    third: Optional[Dip]
    brightening: Optional[Dip]
    phase_coverage: float
    sine_sigma: float
    sine_period_days: float
    edges: np.ndarray
    apertures: tuple[tuple[str, float, float], ...]
    dumps: Optional[np.ndarray] = None


def measure(photometry: Photometry, event: PeriodicEvent) -> Measured:
    """Measures the events of an ephemeris in a light curve."""
    time, flux = photometry.time, photometry.flux
    phase_days = phase_fold(time, event.period, event.t0)
    noise = _noise(time, flux, phase_days, event)
    events = _events(time, flux, phase_days, event, noise, photometry.cadence_days)
    scan = _Scan(time, flux, event, noise)
    primary = scan.at_event()
    secondary = scan.deepest([0.0])
    third = scan.deepest([0.0, secondary.phase]) if secondary else None
    sine_sigma, sine_period_days = _sine(time, flux, phase_days, event, noise)
    return Measured(
        noise=noise,
        events=events,
        peak=_peak(time, flux, event),
        odd=_half(time, flux, event, events, 1),
        even=_half(time, flux, event, events, 0),
        primary=primary,
        secondary=secondary,
        third=third,
        brightening=scan.highest([0.0]),
        phase_coverage=scan.coverage,
        sine_sigma=sine_sigma,
        sine_period_days=sine_period_days,
        edges=edges_of(time),
        apertures=tuple(_aperture_depths(photometry, event)),
        dumps=photometry.dumps,
    )


def edges_of(time: np.ndarray) -> np.ndarray:
    """Returns the times of the first and last cadence of each stretch without gaps: [2 * num_stretches]."""
    if not len(time):
        return np.zeros(0)
    after = np.flatnonzero(np.diff(time) > _GAP_DAYS) + 1
    first, last = np.concatenate([[0], after]), np.concatenate([after - 1, [len(time) - 1]])
    return np.stack([time[first], time[last]], axis=1).ravel()


def _noise(time, flux, phase_days, event):
    outside = np.abs(phase_days) > min(_AWAY * event.duration_days, 0.4 * event.period)
    if outside.sum() < 10:
        outside = np.ones(len(time), bool)
    white = transit_fit.white_scatter(flux[outside])
    red = transit_fit.red_variance(time[outside] - time[0], flux[outside], event.duration_days, white)
    return Noise(float(white), float(red))


def _events(time, flux, phase_days, event, noise, cadence_days):
    first = math.ceil((time[0] - event.duration_days / 2 - event.t0) / event.period)
    last = math.floor((time[-1] + event.duration_days / 2 - event.t0) / event.period)
    number = np.arange(first, min(last, first + _MOST_EVENTS) + 1)
    of_cadence = np.round((time - event.t0 - phase_days) / event.period).astype(int) - first
    is_listed = (of_cadence >= 0) & (of_cadence < len(number))
    inside = is_listed & (np.abs(phase_days) < event.duration_days / 2)
    beside = is_listed & (np.abs(phase_days) > _AWAY * event.duration_days)
    beside &= np.abs(phase_days) < _BESIDE * event.duration_days
    num_inside, mean_inside = _means(of_cadence[inside], flux[inside], len(number))
    num_beside, mean_beside = _means(of_cadence[beside], flux[beside], len(number))
    lone = num_beside < 2  # the whole light curve is the baseline
    mean_beside = np.where(lone, 1.0, mean_beside)
    wanted = max(1.0, event.duration_days / cadence_days) if cadence_days > 0 else 1.0
    is_seen = num_inside >= max(1.0, _SEEN_SHARE * wanted)
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.sqrt(
            noise.of_mean(num_inside, np.ones(len(number))) ** 2 + noise.white**2 / np.maximum(num_beside, 2)
        )
    depth = np.where(is_seen, mean_beside - mean_inside, np.nan)
    return Events(
        number, event.t0 + number * event.period, num_inside, is_seen, depth, np.where(is_seen, sigma, np.nan)
    )


def _means(group, values, num_groups):
    """Returns the number and the mean of the values of each group; the mean is NaN for an empty group."""
    count = np.bincount(group, minlength=num_groups)
    with np.errstate(invalid="ignore"):
        return count, np.bincount(group, values, minlength=num_groups) / count


def _peak(time, flux, event):
    if len(time) < 20:
        return None
    return transit_fit.measure(time, flux, 0.0, event.period, event.t0, event.duration_days, longest=event.period / 2)


def _half(time, flux, event, events, remainder):
    chosen = (events.number % 2 == remainder) & events.is_seen
    weight = 1 / events.sigma[chosen] ** 2
    depth = float(np.sum(weight * events.depth[chosen]) / weight.sum()) if chosen.any() else math.nan
    sigma = float(weight.sum() ** -0.5) if chosen.any() else math.nan
    peak = None
    if chosen.sum() >= 1:
        phase_days = phase_fold(time, 2 * event.period, event.t0 + remainder * event.period)
        near = np.abs(phase_days) < event.period / 2
        if near.sum() > 60:
            folded = PeriodicEvent(event.t0 + remainder * event.period, 2 * event.period, event.duration_days)
            peak = _peak(time[near], flux[near], folded)
    if peak is None:
        return Half(int(chosen.sum()), depth, sigma, math.nan, math.nan, math.nan)
    shift = (peak.t0 - event.t0 - remainder * event.period + event.period) % (2 * event.period) - event.period
    # Of a trapezoid: its ingress and egress tell the time, by as many sigma as the depth has (Carter et al. 2008).
    ingress_days = max(peak.ingress_fraction, 0.05) * peak.duration_phase * peak.period
    time_sigma = sigma / max(depth, 1e-9) * math.sqrt(ingress_days * event.duration_days / 2) if depth > 0 else math.nan
    return Half(int(chosen.sum()), depth, sigma, float(peak.depth), float(shift), float(time_sigma))


class _Scan:
    """Moves a box of the event's duration over the folded light curve."""

    def __init__(self, time, flux, event, noise):
        steps = int(np.clip(round(_STEPS_OF_DURATION * event.period / event.duration_days), 8, 4000))
        phase = (phase_fold(time, event.period, event.t0) / event.period) % 1.0
        bins = np.minimum((phase * steps + 0.5).astype(int) % steps, steps - 1)
        count, total = np.bincount(bins, minlength=steps), np.bincount(bins, flux, minlength=steps)
        width = min(_STEPS_OF_DURATION, max(1, steps // 4))
        outside = np.abs((phase + 0.5) % 1 - 0.5) * event.period > _AWAY * event.duration_days
        baseline = np.median(flux[outside]) if outside.sum() > 5 else np.median(flux)
        kernel = np.arange(width) - width // 2
        around = (np.arange(steps)[:, np.newaxis] + kernel) % steps
        box_count, box_total = count[around].sum(axis=1), total[around].sum(axis=1)
        per_event = max(1.0, box_count.max() / max(1.0, (time[-1] - time[0]) / event.period)) if len(time) else 1.0
        with np.errstate(invalid="ignore", divide="ignore"):
            self._depth = np.where(box_count > 0, baseline - box_total / box_count, 0.0)
            self._sigma = noise.of_mean(box_count, np.maximum(box_count / per_event, 1e-9))
        enough = box_count >= max(3, 0.3 * np.median(box_count))
        self._steps, self._enough = steps, enough
        self._away = 1.5 * event.duration_days / event.period
        self.coverage = float(np.mean(count > 0))

    def at_event(self):
        return self._dip(0)

    def deepest(self, phases):
        return self._best(phases, 1)

    def highest(self, phases):
        return self._best(phases, -1)

    def _best(self, phases, sign):
        allowed = self._enough.copy()
        place = np.arange(self._steps) / self._steps
        for phase in phases:
            allowed &= np.abs((place - phase + 0.5) % 1 - 0.5) > self._away
        if not allowed.any():
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            significance = np.where(allowed, sign * self._depth / self._sigma, -np.inf)
        return self._dip(int(np.argmax(significance)))

    def _dip(self, step):
        phase = step / self._steps
        phase = phase - 1 if phase > 0.75 else phase
        sigma = float(self._sigma[step])
        return Dip(phase, float(self._depth[step]), sigma if math.isfinite(sigma) else math.inf)


def _sine(time, flux, phase_days, event, noise):
    """Returns amplitude / sigma, and the period (days), of the strongest sinusoid out of transit at P/2, P and 2 P."""
    outside = np.abs(phase_days) > _AWAY * event.duration_days
    if outside.sum() < 20:
        return 0.0, event.period
    x, y = time[outside] - time[0], flux[outside] - np.median(flux[outside])
    y = np.clip(y, -10 * noise.white, 10 * noise.white)
    best = (0.0, event.period)
    for period in (event.period / 2, event.period, 2 * event.period):
        if period > (time[-1] - time[0]):
            continue
        angle = 2 * np.pi * x / period
        basis = np.stack([np.sin(angle), np.cos(angle), np.ones(len(x))])
        a, b, _ = np.linalg.lstsq(basis @ basis.T, basis @ y, rcond=None)[0]
        left = y - a * basis[0] - b * basis[1]
        sigma = max(transit_fit.white_scatter(left), noise.white) * math.sqrt(2 / len(x))
        best = max(best, (float(math.hypot(a, b) / sigma), period))
    return best


def _aperture_depths(photometry, event):
    """Yields (name, depth, sigma) of each aperture that has cadences in transit."""
    for name, (time, flux) in photometry.apertures.items():
        phase_days = phase_fold(time, event.period, event.t0)
        inside = np.abs(phase_days) < event.duration_days / 2
        beside = (np.abs(phase_days) > _AWAY * event.duration_days) & (
            np.abs(phase_days) < _BESIDE * event.duration_days
        )
        if not inside.any() or beside.sum() < 5:
            continue
        noise = _noise(time, flux, phase_days, event)
        num_events = len(np.unique(np.round((time[inside] - event.t0) / event.period)))
        sigma = math.hypot(float(noise.of_mean(inside.sum(), num_events)), noise.white / math.sqrt(beside.sum()))
        yield name, float(np.mean(flux[beside]) - np.mean(flux[inside])), sigma
