"""Measures the completeness of flare searches: injects flares into light curve files and tells which are found."""

import dataclasses
import logging
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from astronet.base import arguments, messages
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.estimator.ensemble import Ensemble
from astronet.flares import detection, flare_fit, light_curves, recovery, search
from astronet.flares.light_curves import LightCurveReading
from astronet.stats import intervals
from astronet.stats.metrics import is_positive
from light_curve_util.constants import MINUTES_PER_DAY
from light_curve_util.errors import LightCurveError

_LOG = logging.getLogger(__name__)
_INJECTION_COLUMNS = (
    *("tic_id", "sector", "light_curve", "peak_time", "amplitude", "duration_minutes", "equivalent_duration", "noise"),
    *("probability", "is_found", "significance", "measured_amplitude", "num_flagged"),
)
_SHARE_COLUMNS = (
    *("amplitude_from", "amplitude_to", "minutes_from", "minutes_to", "injected", "found", "share", "low", "high"),
)
WRITTEN = ("injections.csv", "completeness.csv", "completeness.png", "skipped.csv")  # names of the output files
_AMPLITUDES_IN_NOISE = ((0, 3), (3, 5), (5, 10), (10, 30), (30, np.inf))

Skips = list[tuple[str, str]]  # (path, reason)


@dataclasses.dataclass(frozen=True)
class InjectionTrial:
    """Which flares are injected into which light curves, and how they are searched.

    Attributes:
      light_curves: paths of the light curve files.
      reading: how the light curves are read.
      output_dir: directory of the tables and the figure.
      num_flares: number of flares in each light curve.
      amplitudes: least and greatest amplitude, relative to the median flux.
      durations: least and greatest full width at half maximum [minutes].
      threshold: probability from which a cadence belongs to a flare; None is the ensemble's own threshold.
      least_significance: significance from which a flare is found.
      num_bins: number of bins in amplitude and in duration.
      seed: seed of the flares and their times.
    """

    light_curves: Sequence[str]
    reading: LightCurveReading
    output_dir: str
    num_flares: int = 200
    amplitudes: Sequence[float] = (0.002, 1.0)
    durations: Sequence[float] = (1.0, 60.0)
    threshold: Optional[float] = None
    least_significance: float = search.LEAST_SIGNIFICANCE
    num_bins: int = 6
    seed: int = 0

    def check(self) -> None:
        """Raises ScriptError if a range of amplitudes or durations is empty, or an output would overwrite an input."""
        arguments.refuse_overwriting_in(self.output_dir, WRITTEN, "--output_dir", {"LIGHT_CURVE": self.light_curves})
        for name in ("amplitudes", "durations"):
            low, high = getattr(self, name)
            if not low < high:
                raise ScriptError(f"--{name} {low:g} {high:g}: the lower of two different numbers goes first")


class Completeness(NamedTuple):
    """The result of injections and searches.

    Attributes:
      skips: pairs (path, reason) of the light curves that are left out.
      summary: lines on the share of injected flares that is found.
    """

    skips: Skips
    summary: list[str]


def measure(models: Ensemble, trial: InjectionTrial) -> Completeness:
    """Injects and searches flares, and writes injections.csv, completeness.csv, completeness.png and skipped.csv.

    Logs a line for each light curve.

    Args:
      models: ensemble of flare networks.
      trial: the flares and the search.

    Raises:
      ScriptError: no flare could be injected, or a range is empty.
    """
    trial.check()
    threshold, scorer = models.threshold(trial.threshold), detection.Scorer(models, len(trial.light_curves))
    widths_days = np.array(trial.durations) / MINUTES_PER_DAY
    settings = recovery.Settings(
        trial.amplitudes, widths_days, threshold, trial.least_significance, trial.reading.quality
    )
    make_directory(trial.output_dir)
    rows, skips = _inject_all(trial, scorer, settings)
    write_csv(os.path.join(trial.output_dir, "skipped.csv"), ("light_curve", "reason"), skips)
    if not rows:
        raise ScriptError("no flare could be injected: " + "; ".join(reason for _, reason in skips))
    cells = [[_cell(row[name]) for name in _INJECTION_COLUMNS] for row in rows]
    write_csv(os.path.join(trial.output_dir, "injections.csv"), _INJECTION_COLUMNS, cells)
    _write_shares(rows, trial)
    return Completeness(skips, list(_summary(rows, trial.output_dir)))


def shares_by_bin(
    amplitudes: np.ndarray,
    widths: np.ndarray,
    is_found: np.ndarray,
    amplitude_edges: Union[Sequence[float], np.ndarray],
    width_edges: Union[Sequence[float], np.ndarray],
) -> Iterator[list[float]]:
    """Yields the share of injected flares that is found, in bins of amplitude and width.

    Args:
      amplitudes, widths, is_found: [n], of the injected flares.
      amplitude_edges, width_edges: edges of the bins, in the units of `amplitudes` and `widths`.

    Yields:
      [low amplitude, high amplitude, low width, high width, number injected, number found, share, low end and high end
      of the 95 % interval of the share].
    """
    for low, high in zip(amplitude_edges, amplitude_edges[1:]):
        for short, long in zip(width_edges, width_edges[1:]):
            inside = (amplitudes >= low) & (amplitudes < high) & (widths >= short) & (widths < long)
            num_injected, num_found = int(inside.sum()), int(is_found[inside].sum())
            share = num_found / num_injected if num_injected else np.nan
            yield [low, high, short, long, num_injected, num_found, share, *intervals.wilson(num_found, num_injected)]


def _inject_all(
    trial: InjectionTrial, scorer: detection.Scorer, settings: recovery.Settings
) -> tuple[list[dict[str, Any]], Skips]:
    """Returns the rows of injections.csv, and (path, reason) of the light curves left out; logs the progress."""
    from tqdm import tqdm

    rows: list[dict[str, Any]] = []
    skips: Skips = []
    start = time.monotonic()
    num_files = len(trial.light_curves)
    with messages.bar(total=num_files * trial.num_flares, unit=" flares") as bar:
        for number, path in enumerate(trial.light_curves):
            before = len(rows)
            try:
                for row in _inject(path, number, trial, scorer, settings):
                    rows.append(row)
                    bar.update()
                if len(rows) == before:
                    raise ScriptError(f"{path} has no room for a flare beside its own: give longer or quieter ones")
            except (ScriptError, LightCurveError, OSError) as error:
                skips.append((path, str(error)))
                continue
            line = (
                f"{path}: {sum(row['is_found'] for row in rows[before:])} of {len(rows) - before} injected flares found"
            )
            seconds_left = (time.monotonic() - start) / (number + 1) * (num_files - number - 1)
            if seconds_left:
                line += (
                    f"; {number + 1} of {num_files} light curves done, about {tqdm.format_interval(seconds_left)} to go"
                )
            _LOG.info(line)
    return rows, skips


def _inject(
    path: str, number: int, trial: InjectionTrial, scorer: detection.Scorer, settings: recovery.Settings
) -> Iterator[dict[str, Any]]:
    """Yields the rows of injections.csv of one light curve; `number` is its place in the list of files."""
    light_curve, star = light_curves.read(path, trial.reading), light_curves.star(path)
    random = np.random.default_rng([trial.seed, number])
    noise = flare_fit.noise_of(light_curve.flux)
    for flare in recovery.inject(light_curve, scorer, settings, trial.num_flares, random):
        is_called = is_positive(flare.probability, settings.threshold)
        yield {
            "tic_id": star.tic_id,
            "sector": star.sector,
            "light_curve": os.path.basename(path),
            "peak_time": f"{flare.peak_time:.6f}",
            "amplitude": flare.amplitude,
            "duration_minutes": f"{flare.width_days * MINUTES_PER_DAY:.4f}",
            "equivalent_duration": flare.equivalent_duration,
            "noise": noise,
            "probability": f"{flare.probability:.6f}",
            "is_found": int(is_called and search.is_significant(flare.fitted, settings.least_significance)),
            "significance": f"{flare.fitted.significance:.2f}" if flare.fitted else "",
            "measured_amplitude": flare.fitted.amplitude if flare.fitted else "",
            "num_flagged": flare.num_flagged,
        }


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else value


def _column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    """Returns a column of injections.csv as numbers, NaN for empty cells. [n]"""
    return np.array([float(row[name]) if row[name] != "" else np.nan for row in rows])


def _write_shares(rows: list[dict[str, Any]], trial: InjectionTrial) -> None:
    """Writes completeness.csv and completeness.png."""
    from astronet.flares import plots

    edges = [
        np.geomspace(least, greatest, trial.num_bins + 1) for least, greatest in (trial.amplitudes, trial.durations)
    ]
    amplitudes, widths, is_found = (_column(rows, name) for name in ("amplitude", "duration_minutes", "is_found"))
    table = list(shares_by_bin(amplitudes, widths, is_found, *edges))
    cells = [[*(f"{edge:.6g}" for edge in row[:4]), *row[4:6], *(f"{share:.4f}" for share in row[6:])] for row in table]
    write_csv(os.path.join(trial.output_dir, "completeness.csv"), _SHARE_COLUMNS, cells)
    plots.plot_completeness(os.path.join(trial.output_dir, "completeness.png"), table, *edges)


def _summary(rows: list[dict[str, Any]], output_dir: str) -> Iterator[str]:
    """Yields lines on the share of injected flares that is found."""
    amplitudes, noise, is_found = (_column(rows, name) for name in ("amplitude", "noise", "is_found"))
    yield f"{int(is_found.sum())} of {len(rows)} injected flares found ({is_found.mean():.1%})"
    for low, high in _AMPLITUDES_IN_NOISE:
        inside = (amplitudes / noise >= low) & (amplitudes / noise < high)
        if inside.any():
            share = is_found[inside].mean()
            yield f"  amplitude {low:g} to {high:g} times the noise of a cadence: {share:.3f} of {inside.sum()}"
    yield from _measured_amplitudes(rows, amplitudes, is_found > 0)
    yield f"{output_dir}: injections.csv, completeness.csv, completeness.png"


def _measured_amplitudes(rows: list[dict[str, Any]], amplitudes: np.ndarray, is_found: np.ndarray) -> Iterator[str]:
    """Yields lines on measured over injected amplitudes, of all flares and of those with a flagged peak."""
    measured, is_flagged = _column(rows, "measured_amplitude"), _column(rows, "num_flagged") > 0
    for group, inside in (("", np.ones(len(rows), bool)), (" with a peak that SPOC would flag", is_flagged)):
        if group and inside.any():
            yield f"{inside.sum()} flares{group}: {is_found[inside].mean():.3f} found"
        ratios = (measured / amplitudes)[inside & is_found]
        if len(ratios):
            low, middle, high = np.percentile(ratios, (16, 50, 84))
            yield f"  amplitude of those found{group}, over the injected one: {middle:.2f} ({low:.2f} to {high:.2f})"
