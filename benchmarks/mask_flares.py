"""Whether masking flares before folding helps: transits injected into light curves, their views with and without.

Each light curve gets one transit signal at a time, at a random epoch, is flattened by the B-spline, and makes a local
view of 61 bins. What counts is the scatter of that view beside the event, in units of its depth (views are normalized
to a depth of 1), and how far the median depth misses the true one.
"""

import os
import sys

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.flares import flare_fit, mask
from light_curve_util import tess_io
from light_curve_util.detrend import detrend
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.view_generator import ViewGenerator

_DEPTH_IN_NOISE = 1.5  # of one cadence
_PERIODS, _DURATION_DAYS = (1.0, 6.0), 0.1
_BINS = 61
_IN_EVENT_BINS = slice(22, 39)  # of the local view, which is four durations wide


def _view(light_curve, event, depth):
    """Scatter of a local view beside its event, and error of the depth, both relative to the depth."""
    flat = detrend(light_curve, "spline", event)
    view = ViewGenerator(flat.time, flat.flux, event).view("local_view", _BINS)
    beside = np.delete(view, _IN_EVENT_BINS)
    phase = np.abs((flat.time - event.t0 + event.period / 2) % event.period - event.period / 2)
    measured = np.median(flat.flux[(phase > _DURATION_DAYS) & (phase < 2 * _DURATION_DAYS)]) - np.median(
        flat.flux[phase < 0.4 * _DURATION_DAYS]
    )
    return float(np.std(beside)), abs(measured - depth) / depth


def _compare(flags):
    random = np.random.default_rng(flags.seed)
    totals = []
    print(f"{'light curve':56s}{'masked':>8s}   scatter without, with the mask   error of the depth without, with")
    for path in flags.light_curves:
        light_curve = tess_io.read(path)
        masked = mask.without_flares(light_curve, flags.model_dir)
        kept = np.isin(light_curve.time, masked.time)
        depth = _DEPTH_IN_NOISE * flare_fit.noise_of(light_curve.flux)
        figures = []
        for _ in range(flags.num_transits):
            period = random.uniform(*_PERIODS)
            event = PeriodicEvent(light_curve.time[0] + random.uniform(0, period), period, _DURATION_DAYS)
            phase = np.abs((light_curve.time - event.t0 + period / 2) % period - period / 2)
            flux = light_curve.flux * np.where(phase < _DURATION_DAYS / 2, 1 - depth, 1)
            whole = tess_io.LightCurve(light_curve.time, flux, path)
            try:
                without = _view(whole, event, depth)
                figures.append((without, _view(tess_io.LightCurve(whole.time[kept], flux[kept], path), event, depth)))
            except LightCurveError:
                continue  # no transit falls on data
        figures = np.array(figures)  # [transits, without and with, scatter and error]
        totals.append(figures)
        _print(os.path.basename(path)[:54], 1 - kept.mean(), figures)
    _print("all", np.nan, np.concatenate(totals))


def _print(name, share, figures):
    (scatter, error), (masked_scatter, masked_error) = np.median(figures, axis=0)
    better = np.mean(figures[:, 1, 0] < figures[:, 0, 0])
    print(
        f"{name:56s}{share:8.2%}   {scatter:.4f}  {masked_scatter:.4f} (better in {better:.0%})   "
        f"{error:.4f}  {masked_error:.4f}",
        flush=True,
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("light_curves", nargs="+", metavar="LIGHT_CURVE", help="of flaring stars, 2 min or less")
    parser.add_argument("--model_dir", default="pretrained:flares", help="ensemble of flare networks")
    parser.add_argument("--num_transits", type=positive_integer, default=20, help="signals in each light curve")
    parser.add_argument("--seed", type=int, default=0, help="of their periods and epochs")
    return run(_compare, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
