"""Injects artificial flares into light curves, and says which of them a network finds: the completeness of a search.

injections.csv has each flare, completeness.csv the share that is found by amplitude and duration, completeness.png a
picture of it. flare_frequency.py corrects by injections.csv. A flare is found if a cadence at its peak reaches the
threshold, and its fit the least significance, as find_flares.py asks for. Cadences at its peak that SPOC would flag as
impulsive outliers are dropped where --quality drops such cadences.
"""

import os
import sys
import time

import numpy as np

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_csv
from astronet.base.script import Parser, ScriptError, run, tell_problems
from astronet.estimator import ensemble
from astronet.flares import detection, flare_fit, light_curves, recovery, search
from astronet.stats import intervals
from astronet.stats.metrics import is_positive
from light_curve_util.errors import LightCurveError

_COLUMNS = (
    *("tic_id", "sector", "light_curve", "peak_time", "amplitude", "duration_minutes", "equivalent_duration", "noise"),
    *("probability", "is_found", "significance", "measured_amplitude", "num_flagged"),
)
_MINUTES_PER_DAY = 1440
_MOST_FLARES = 100_000  # in each light curve
_IN_NOISE = ((0, 3), (3, 5), (5, 10), (10, 30), (30, np.inf))


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
        if not low < high:
            raise ScriptError(f"--{name} {low:g} {high:g}: the lower of two different numbers goes first")
    models = ensemble.load(ensemble.ModelChoice.from_flags(flags))
    threshold, scorer = models.threshold(flags.threshold), detection.Scorer(models, len(flags.light_curves))
    widths_days = np.array(flags.durations) / _MINUTES_PER_DAY
    settings = recovery.Settings(flags.amplitudes, widths_days, threshold, flags.least_significance, flags.quality)
    make_directory(flags.output_dir)
    rows, skips = _inject_all(flags, scorer, settings)
    write_csv(os.path.join(flags.output_dir, "skipped.csv"), ("light_curve", "reason"), skips)
    if not rows:
        raise ScriptError("no flare could be injected: " + "; ".join(reason for _, reason in skips))
    shown = [[_shown(row[name]) for name in _COLUMNS] for row in rows]
    write_csv(os.path.join(flags.output_dir, "injections.csv"), _COLUMNS, shown)
    _summarize(rows, flags)
    return tell_problems([reason for _, reason in skips])


def _inject_all(flags, scorer, settings):
    """Rows of injections.csv, and (file, reason) of the light curves that are left out; tells how far it has come."""
    from tqdm import tqdm

    rows, skips, start = [], [], time.monotonic()
    num_files = len(flags.light_curves)
    with tqdm(total=num_files * flags.num_flares, unit=" flares", disable=None) as bar:
        for number, path in enumerate(flags.light_curves):
            before = len(rows)
            try:
                for row in _inject(path, number, flags, scorer, settings):
                    rows.append(row)
                    bar.update()
                if len(rows) == before:
                    raise ScriptError(f"{path} has no room for a flare beside its own: give longer or quieter ones")
            except (ScriptError, LightCurveError, OSError) as error:
                skips.append((path, str(error)))
                continue
            num_found = sum(row["is_found"] for row in rows[before:])
            left = (time.monotonic() - start) / (number + 1) * (num_files - number - 1)
            bar.write(
                f"{path}: {num_found} of {len(rows) - before} injected flares found"
                + (
                    f"; {number + 1} of {num_files} light curves done, about {tqdm.format_interval(left)} to go"
                    if left
                    else ""
                ),
                file=sys.stdout,
            )
            sys.stdout.flush()
    return rows, skips


def _inject(path, number, flags, scorer, settings):
    """Yields the rows of one light curve."""
    light_curve, star = (
        light_curves.read(path, arguments.from_flags(light_curves.LightCurveReading, flags)),
        light_curves.star(path),
    )
    random = np.random.default_rng([flags.seed, number])
    noise = flare_fit.noise_of(light_curve.flux)
    for flare in recovery.inject(light_curve, scorer, settings, flags.num_flares, random):
        is_called = is_positive(flare.probability, settings.threshold)
        yield {
            "tic_id": star.tic_id,
            "sector": star.sector,
            "light_curve": os.path.basename(path),
            "peak_time": f"{flare.peak_time:.6f}",
            "amplitude": flare.amplitude,
            "duration_minutes": f"{flare.width_days * _MINUTES_PER_DAY:.4f}",
            "equivalent_duration": flare.equivalent_duration,
            "noise": noise,
            "probability": f"{flare.probability:.6f}",
            "is_found": int(is_called and search.is_significant(flare.fitted, settings.least_significance)),
            "significance": f"{flare.fitted.significance:.2f}" if flare.fitted else "",
            "measured_amplitude": flare.fitted.amplitude if flare.fitted else "",
            "num_flagged": flare.num_flagged,
        }


def _shown(value):
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else value


def _summarize(rows, flags):
    from astronet.flares import plots

    amplitudes, widths, noise, is_found, num_flagged = (
        np.array([float(row[name]) for row in rows])
        for name in ("amplitude", "duration_minutes", "noise", "is_found", "num_flagged")
    )
    edges = [np.geomspace(*limits, flags.num_bins + 1) for limits in (flags.amplitudes, flags.durations)]
    table = list(completeness(amplitudes, widths, is_found, *edges))
    columns = ("amplitude_from", "amplitude_to", "minutes_from", "minutes_to", "injected", "found", "share")
    shown = [[*(f"{edge:.6g}" for edge in row[:4]), *row[4:6], *(f"{v:.4f}" for v in row[6:])] for row in table]
    write_csv(os.path.join(flags.output_dir, "completeness.csv"), (*columns, "low", "high"), shown)
    plots.plot_completeness(os.path.join(flags.output_dir, "completeness.png"), table, *edges)
    print(f"{int(is_found.sum())} of {len(rows)} injected flares found ({is_found.mean():.1%})")
    for low, high in _IN_NOISE:
        inside = (amplitudes / noise >= low) & (amplitudes / noise < high)
        if inside.any():
            share = is_found[inside].mean()
            print(f"  amplitude {low:g} to {high:g} times the noise of a cadence: {share:.3f} of {inside.sum()}")
    _tell_amplitudes(rows, amplitudes, is_found > 0, num_flagged > 0)
    print(f"{flags.output_dir}: injections.csv, completeness.csv, completeness.png")


def _tell_amplitudes(rows, amplitudes, is_found, is_flagged):
    """Prints how measured amplitudes compare with the injected ones, of all and of those with a flagged peak."""
    measured = np.array([float(row["measured_amplitude"] or "nan") for row in rows])
    for what, inside in (("", np.ones(len(rows), bool)), (" with a peak that SPOC would flag", is_flagged)):
        if what and inside.any():
            print(f"{inside.sum()} flares{what}: {is_found[inside].mean():.3f} found")
        ratios = (measured / amplitudes)[inside & is_found]
        if len(ratios):
            low, middle, high = np.percentile(ratios, (16, 50, 84))
            print(f"  amplitude of those found{what}, over the injected one: {middle:.2f} ({low:.2f} to {high:.2f})")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "light_curves",
        nargs="+",
        metavar="LIGHT_CURVE",
        help="light curve files of any product that is read (docs/light_curves.md), of 2 min or less",
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    search.add_significance_flag(parser, "flares of a lower significance are not found; as given to find_flares.py")
    light_curves.add_flags(parser)
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the tables and the figure"
    )
    parser.add_argument(
        "--num_flares",
        type=arguments.whole_number(1, _MOST_FLARES),
        default=200,
        help="flares to inject in each light curve",
    )
    parser.add_argument(
        "--amplitudes",
        type=arguments.positive_number,
        nargs=2,
        metavar=("LEAST", "GREATEST"),
        default=(0.002, 1.0),
        help="of the flares, relative to the light curve's median",
    )
    parser.add_argument(
        "--durations",
        type=arguments.number(above=0, most=_MINUTES_PER_DAY, unit="minutes"),
        nargs=2,
        metavar=("LEAST", "GREATEST"),
        default=(1.0, 60.0),
        help="full width at half maximum of the flares [min]",
    )
    parser.add_argument(
        "--num_bins", type=arguments.whole_number(1, 50), default=6, help="bins of amplitude, and of duration"
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of the flares and their times")
    return run(locks.holding(_run, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
