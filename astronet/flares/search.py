"""Makes the rows of the tables of one light curve: its flares with their fits, and how much of it was searched."""

import dataclasses
import os
import re
from collections.abc import Iterator
from typing import Any, Optional, Union

import numpy as np

from astronet.base import arguments
from astronet.base.script import Parser
from astronet.estimator import ensemble
from astronet.flares import detection, energy, flare_fit, light_curves, windows
from light_curve_util.constants import MINUTES_PER_DAY
from light_curve_util.tess_io import LightCurve

LEAST_SIGNIFICANCE = 5.0
FLARE_COLUMNS = (
    *("tic_id", "sector", "light_curve", "flare", "start", "end", "num_cadences", "probability", "standard_deviation"),
    *("peak_time", "peak_time_error", "amplitude", "amplitude_error", "rise_minutes", "rise_minutes_error"),
    *("decay_minutes", "decay_minutes_error", "equivalent_duration", "equivalent_duration_error"),
    *("energy_erg", "energy_erg_error", "chi_squared", "significance", "is_significant"),
)
UNSEARCHED_COLUMNS = (
    *("tic_id", "sector", "light_curve", "start", "end", "num_cadences", "peak_time", "peak_flux", "height_in_scatter"),
)
SEARCHED_COLUMNS = (
    *("tic_id", "sector", "light_curve", "num_cadences", "cadences_searched", "days_searched", "num_flares"),
    *("num_significant", "num_bright_unsearched"),
)
_FITTED = {
    "peak_time": 1,
    "amplitude": 1,
    "rise": MINUTES_PER_DAY,
    "decay": MINUTES_PER_DAY,
    "equivalent_duration": 1,
}
_IN_MINUTES = {"rise": "rise_minutes", "decay": "decay_minutes"}


def add_flags(parser: Parser, significance_help: str) -> None:
    """Adds what scripts that search light curves share: files, models, --threshold, --least_significance, reading."""
    parser.input.add_argument(
        "light_curves",
        nargs="+",
        metavar="LIGHT_CURVE",
        help="light curve files of any supported product (docs/light_curves.md), with a cadence of 2 min or less",
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    parser.settings.add_argument(
        "--least_significance",
        type=arguments.number(least=0, most=1000),
        default=LEAST_SIGNIFICANCE,
        metavar="SIGMA",
        help=significance_help,
    )
    light_curves.add_flags(parser)


@dataclasses.dataclass(frozen=True)
class Found:
    """The result of the search of one light curve; its str() is a line for the user.

    Attributes:
      flares: rows of flares.csv, by FLARE_COLUMNS.
      unsearched: rows of unsearched.csv, by UNSEARCHED_COLUMNS.
      searched: row of searched.csv, by SEARCHED_COLUMNS.
    """

    flares: list[dict[str, Any]]
    unsearched: list[dict[str, Any]]
    searched: dict[str, Any]

    def __str__(self) -> str:
        num_flares, num_cadences = self.searched["num_flares"], self.searched["num_cadences"]
        num_faint = num_flares - self.searched["num_significant"]
        share = self.searched["cadences_searched"] / num_cadences
        return (
            f"{num_flares} flare{'' if num_flares == 1 else 's'}"
            + (f", {num_faint} of them not significant" if num_faint else "")
            + f"; {share:.1%} of {num_cadences} cadences searched"
            + (f"; {len(self.unsearched)} bright stretches among the rest" if self.unsearched else "")
        )


def collect(
    light_curve: LightCurve, probabilities: np.ndarray, threshold: float, star: light_curves.Star, least: float
) -> Found:
    """Returns the rows of the tables for one light curve.

    Args:
      light_curve: light curve of n cadences.
      probabilities: [n, num_members]; NaN for cadences that were not judged.
      threshold: probability from which a cadence belongs to a flare.
      star: star of the light curve.
      least: significance from which a flare counts as significant.
    """
    identity = {"tic_id": star.tic_id, "sector": star.sector, "light_curve": stem(light_curve.path)}
    mean = probabilities.mean(axis=1)
    flares = [{**identity, **row} for row in _flares(light_curve, probabilities, threshold, star, least)]
    unsearched = [{**identity, **row} for row in _unsearched(light_curve, mean)]
    num_searched = int(np.count_nonzero(~np.isnan(mean)))
    searched = {
        **identity,
        "num_cadences": len(mean),
        "cadences_searched": num_searched,
        "days_searched": f"{num_searched * windows.cadence_days(light_curve.time):.4f}",
        "num_flares": len(flares),
        "num_significant": sum(row["is_significant"] for row in flares),
        "num_bright_unsearched": len(unsearched),
    }
    return Found(flares, unsearched, searched)


def _flares(light_curve, probabilities, threshold, star, least) -> Iterator[dict[str, Any]]:
    mean = probabilities.mean(axis=1)
    flares = detection.group(light_curve.time, mean, threshold)
    fitter = flare_fit.Fitter(light_curve.time, light_curve.flux)
    for number, flare in enumerate(flares):
        surest = flare.start + int(np.nanargmax(mean[flare]))
        fitted = fitter.fit(flare, flare_fit.near(flares, number))
        yield {
            "flare": number + 1,
            "start": f"{light_curve.time[flare.start]:.6f}",
            "end": f"{light_curve.time[flare.stop - 1]:.6f}",
            "num_cadences": flare.stop - flare.start,
            "probability": f"{mean[surest]:.6f}",
            "standard_deviation": f"{probabilities[surest].std():.6f}",
            "peak_time": f"{light_curve.time[flare][np.argmax(light_curve.flux[flare])]:.6f}",
            **(_fit_columns(fitted, star) if fitted else {}),
            "is_significant": int(is_significant(fitted, least)),
        }


def is_significant(fitted: Optional[flare_fit.Fit], least: float) -> bool:
    """Returns whether a flare has a fit whose significance is at least `least`."""
    return fitted is not None and fitted.significance >= least


def _fit_columns(fitted, star):
    columns = {"chi_squared": f"{fitted.chi_squared:.3f}", "significance": f"{fitted.significance:.2f}"}
    for name, factor in _FITTED.items():
        column, digits = _IN_MINUTES.get(name, name), ".6f" if name == "peak_time" else ".6g"
        columns[column] = f"{getattr(fitted, name) * factor:{digits}}"
        columns[f"{column}_error"] = f"{fitted.errors[name] * factor:.3g}"
    if star.teff and star.radius:
        per_second = energy.energy(1.0, star.teff, star.radius)
        columns["energy_erg"] = f"{per_second * fitted.equivalent_duration:.4e}"
        columns["energy_erg_error"] = f"{per_second * fitted.errors['equivalent_duration']:.2e}"
    return columns


def _unsearched(light_curve, probability) -> Iterator[dict[str, Any]]:
    for run, height in detection.bright_unsearched(light_curve.time, light_curve.flux, probability):
        time, flux = light_curve.time[run], light_curve.flux[run]
        brightest = int(np.argmax(flux))
        yield {
            "start": f"{time[0]:.6f}",
            "end": f"{time[-1]:.6f}",
            "num_cadences": len(time),
            "peak_time": f"{time[brightest]:.6f}",
            "peak_flux": f"{flux[brightest]:.6g}",
            "height_in_scatter": f"{height:.2f}",
        }


def stem(path: Union[str, os.PathLike]) -> str:
    """Returns the name of a light curve file without its directory and suffix.

    >>> stem("lc/tess-s0001-1001_lc.fits.gz")
    'tess-s0001-1001_lc'
    """
    return re.sub(r"\.(fits|csv|h5)(\.gz)?$", "", os.path.basename(path))
