"""Injects artificial flares into light curves, and says which of them a network finds: the completeness of a search.

injections.csv has each flare, completeness.csv the share that is found by amplitude and duration, completeness.png a
picture of it. flare_frequency.py corrects by injections.csv.
"""

import os
import sys

import numpy as np

from astronet import ensemble
from astronet.flares import detection, flare_fit, injection, light_curves, windows
from astronet.ops import intervals
from astronet.ops.metrics import is_positive
from astronet.util import locks
from astronet.util.arguments import positive_integer
from astronet.util.files import make_directory, write_csv
from astronet.util.script import Parser, ScriptError, run

_COLUMNS = (
    *("tic_id", "sector", "light_curve", "peak_time", "amplitude", "duration_minutes", "equivalent_duration", "noise"),
    *("probability", "is_found"),
)
_BEFORE, _AFTER = 2, 3  # cadences about the peak, besides the flare's own width, in which it is looked for
_MINUTES_PER_DAY = 1440


def inject(light_curve, scorer, threshold, number, amplitudes, widths_days, random):
    """Injects flares into one light curve, some of them at a time, so that none is in another's window.

    Args:
      light_curve: tess_io.LightCurve.
      scorer: detection.Scorer.
      threshold: probability from which a flare is found.
      number: of flares.
      amplitudes: least and greatest, relative to the light curve's median.
      widths_days: least and greatest full width at half maximum.
      random: np.random.Generator.

    Yields:
      (peak_time, amplitude, width_days, equivalent_duration, noise, probability) of each; width is the full width at
      half maximum, probability the greatest at its peak.
    """
    time, flux = light_curve.time, light_curve.flux
    step, noise = windows.cadence_days(time), flare_fit.noise_of(flux)
    probability = scorer.cadences(light_curve).mean(axis=1)
    free = ~np.isnan(probability)
    for flare in detection.group(time, probability, threshold):
        free[max(0, flare.start - windows.HALF) : flare.stop + windows.HALF] = False
    if not free.any():
        return
    while number > 0:
        peaks = _apart(random.permutation(np.flatnonzero(free)), number)
        number -= len(peaks)
        amplitude, rise, decay = injection.draw(random, len(peaks), amplitudes, widths_days)
        peak_times = time[peaks] + random.uniform(-0.5, 0.5, len(peaks)) * step
        with_flares, looked_at, owners = flux.copy(), [], []
        for i, peak in enumerate(peaks):
            near = slice(max(0, peak - windows.LENGTH), peak + windows.LENGTH)
            with_flares[near] += amplitude[i] * flare_fit.shape(time[near], peak_times[i], rise[i], decay[i], step)
            last = peak + _AFTER + int(injection.width(rise[i], decay[i]) / step)
            cadences = np.arange(max(0, peak - _BEFORE), min(len(time), last + 1))
            looked_at += cadences.tolist()
            owners += [i] * len(cadences)
        views = windows.centered(time, with_flares, looked_at, scorer.is_padded)
        known = ~np.isnan(views[:, 0])
        best = np.zeros(len(peaks))
        np.maximum.at(best, np.array(owners)[known], scorer.windows(views[known]).mean(axis=1))
        for i in range(len(peaks)):
            duration = flare_fit.equivalent_duration(amplitude[i], rise[i], decay[i])
            yield peak_times[i], amplitude[i], injection.width(rise[i], decay[i]), duration, noise, best[i]


def _apart(candidates, number):
    """The first of some cadences that lie a window apart from all before them, at most `number`."""
    chosen = []
    for candidate in candidates:
        if all(abs(candidate - other) > windows.LENGTH for other in chosen):
            chosen.append(int(candidate))
            if len(chosen) == number:
                break
    return chosen


def completeness(amplitudes, widths, is_found, amplitude_edges, width_edges):
    """Yields [low and high edge of amplitude, of width, number, found, share, low, high of its 95 % interval]."""
    for low, high in zip(amplitude_edges, amplitude_edges[1:]):
        for short, long in zip(width_edges, width_edges[1:]):
            inside = (amplitudes >= low) & (amplitudes < high) & (widths >= short) & (widths < long)
            number, found = int(inside.sum()), int(is_found[inside].sum())
            share = found / number if number else np.nan
            yield [low, high, short, long, number, found, share, *intervals.wilson(found, number)]


def _run(flags):
    for name in ("amplitudes", "durations"):
        low, high = getattr(flags, name)
        if not 0 < low < high:
            raise ScriptError(f"--{name} {low:g} {high:g}: two numbers above 0 needed, the lower first")
    models = ensemble.load(flags)
    threshold, scorer = models.threshold(flags.threshold), detection.Scorer(models)
    make_directory(flags.output_dir)
    rows = []
    for number, path in enumerate(flags.light_curves):
        light_curve, star = light_curves.read(path, flags), light_curves.star(path)
        random = np.random.default_rng([flags.seed, number])
        widths = np.array(flags.durations) / _MINUTES_PER_DAY
        injected = inject(light_curve, scorer, threshold, flags.num_flares, flags.amplitudes, widths, random)
        name = os.path.basename(path)
        for peak_time, amplitude, width, duration, noise, probability in injected:
            shown = f"{peak_time:.6f}", f"{amplitude:.6g}", f"{width * _MINUTES_PER_DAY:.4f}", f"{duration:.6g}"
            found = int(is_positive(probability, threshold))
            rows.append((star.tic_id, star.sector, name, *shown, f"{noise:.6g}", f"{probability:.6f}", found))
    if not rows:
        raise ScriptError("no light curve has room for a flare: give longer or quieter ones")
    write_csv(os.path.join(flags.output_dir, "injections.csv"), _COLUMNS, rows)
    _summarize(rows, flags)


def _summarize(rows, flags):
    from astronet.flares import plots

    values = [np.array([float(row[_COLUMNS.index(name)]) for row in rows]) for name in _COLUMNS[4:]]
    amplitudes, widths, _, noise, _, is_found = values
    edges = [np.geomspace(*limits, flags.num_bins + 1) for limits in (flags.amplitudes, flags.durations)]
    table = list(completeness(amplitudes, widths, is_found, *edges))
    columns = ("amplitude_from", "amplitude_to", "minutes_from", "minutes_to", "injected", "found", "share")
    shown = [[*(f"{edge:.6g}" for edge in row[:4]), *row[4:6], *(f"{v:.4f}" for v in row[6:])] for row in table]
    write_csv(os.path.join(flags.output_dir, "completeness.csv"), (*columns, "low", "high"), shown)
    plots.plot_completeness(os.path.join(flags.output_dir, "completeness.png"), table, *edges)
    print(f"{int(is_found.sum())} of {len(rows)} injected flares found ({is_found.mean():.1%})")
    in_noise = amplitudes / noise
    for low, high in ((0, 3), (3, 5), (5, 10), (10, 30), (30, np.inf)):
        inside = (in_noise >= low) & (in_noise < high)
        if inside.any():
            share = is_found[inside].mean()
            print(f"  amplitude {low:g} to {high:g} times the noise of a cadence: {share:.3f} of {inside.sum()}")
    print(f"{flags.output_dir}: injections.csv, completeness.csv, completeness.png")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("light_curves", nargs="+", metavar="LIGHT_CURVE", help="files of any product that can be read")
    ensemble.add_flags(parser)
    ensemble.add_threshold_flag(parser)
    light_curves.add_flags(parser)
    parser.add_argument("--output_dir", required=True, help="directory of the tables and the figure")
    parser.add_argument("--num_flares", type=positive_integer, default=200, help="flares to inject in each light curve")
    parser.add_argument("--amplitudes", type=float, nargs=2, default=(0.002, 1.0), help="least and greatest, relative")
    parser.add_argument(
        "--durations", type=float, nargs=2, default=(1.0, 60.0), help="full width at half maximum [min]"
    )
    parser.add_argument("--num_bins", type=positive_integer, default=6, help="bins of amplitude, and of duration")
    parser.add_argument("--seed", type=int, default=0, help="of the flares and their times")
    return run(locks.holding(_run, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
