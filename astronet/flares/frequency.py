"""Measures how often stars flare: cumulative rates by size, corrected for completeness, and their power law."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from typing import Optional

import numpy as np
from numpy.typing import ArrayLike

from astronet.base import arguments
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.flares import table_rows

_LOG = logging.getLogger(__name__)

EQUIVALENT_DURATION, ENERGY = SIZES = "equivalent_duration", "energy_erg"  # columns that tell the size of a flare
_BINS_PER_DECADE = 4
_MIN_INJECTED = 10  # flares in a bin of completeness; smaller bins are joined with the next one


WRITTEN = ("flare_frequency.csv", "flare_frequency.png")  # names of the output files


@dataclasses.dataclass(frozen=True)
class FrequencyChoice:
    """Which flares are counted, and how.

    Attributes:
      flares_dir: output directory of find_flares.py.
      output_dir: directory of the table and the figure.
      by: column of the size, one of SIZES.
      injections: path of injections.csv, for the correction; None is no correction.
      least_completeness: completeness below which flares of that size are left out.
      least: least size of the power law [s or erg]; None is the size of the smallest flare that is corrected.
    """

    flares_dir: str
    output_dir: str
    by: str = EQUIVALENT_DURATION
    injections: Optional[str] = None
    least_completeness: float = 0.2
    least: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Rates:
    """Sizes and weights of the flares that are counted, and the power law of their rate.

    Attributes:
      sizes: [n] seconds or erg.
      shares: [n] completeness of a search at these sizes.
      weights: [n] 1 / completeness; 0 for flares that are too small to correct for.
      days: length of the searched light curves.
      left_out: flares that are not counted, in words.
      least: size from which the power law holds.
      slope, slope_error: slope of the cumulative rate; NaN for fewer than two flares.
      num_fitted: number of flares behind the slope.
    """

    sizes: np.ndarray
    shares: np.ndarray
    weights: np.ndarray
    days: float
    left_out: str
    least: float
    slope: float
    slope_error: float
    num_fitted: int

    @property
    def rate(self) -> float:
        """Corrected rate of flares of at least the size `least` [1/day]."""
        return float(self.weights[(self.weights > 0) & (self.sizes >= self.least)].sum() / self.days)


def fit_power_law(sizes: ArrayLike, least: float, weights: Optional[ArrayLike] = None) -> tuple[float, float, int]:
    """Fits the slope of a cumulative rate that goes as size ** -slope, by maximum likelihood.

    Source: Crawford et al. 1970 (ApJ 162, 405); weights count flares, their scatter widens the error.

    Args:
      sizes: [n].
      least: size from which the power law holds.
      weights: [n]; 1 by default.

    Returns:
      slope, its error, and the number of flares behind it; slope and error are NaN for fewer than two flares.

    >>> slope, error, number = fit_power_law([1, 2, 4, 8], least=1)
    >>> f"{slope:.2f} +- {error:.2f} from {number} flares"
    '0.72 +- 0.36 from 4 flares'
    """
    sizes = np.asarray(sizes, dtype=float)
    weights = np.ones(len(sizes)) if weights is None else np.asarray(weights, dtype=float)
    inside = sizes >= least
    number, total = int(inside.sum()), weights[inside].sum()
    logs = np.sum(weights[inside] * np.log(sizes[inside] / least))
    if number < 2 or logs <= 0:
        return np.nan, np.nan, number
    effective = total**2 / np.sum(weights[inside] ** 2)
    slope = (total / logs) * (effective - 1) / effective  # without the bias of a small sample
    return float(slope), float(slope / np.sqrt(effective)), number


def completeness_by_size(sizes: ArrayLike, is_found: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share of injected flares that is found, in bins of size.

    Args:
      sizes: [n], of the injected flares.
      is_found: [n], 1 or 0.

    Returns:
      Mean logarithm of size and share found of each bin; bins hold at least _MIN_INJECTED flares, and sizes rise.
    """
    order = np.argsort(sizes)
    logs, is_found_by_size = np.log(np.asarray(sizes, dtype=float)[order]), np.asarray(is_found, dtype=float)[order]
    width = np.log(10) / _BINS_PER_DECADE
    centers, shares, start = [], [], 0
    while start < len(logs):
        end = max(int(np.searchsorted(logs, logs[start] + width, side="right")), start + _MIN_INJECTED)
        if len(logs) - end < _MIN_INJECTED:
            end = len(logs)
        centers.append(logs[start:end].mean())
        shares.append(is_found_by_size[start:end].mean())
        start = end
    return np.array(centers), np.array(shares)


def measure(choice: FrequencyChoice) -> Rates:
    """Measures the flare frequency distribution, writes its table and figure, and returns it.

    Raises:
      ScriptError: a table cannot be read, or no flare can be counted.
    """
    read = [os.path.join(choice.flares_dir, name) for name in ("flares.csv", "searched.csv")]
    inputs = {"FLARES_DIR": read, "--injections": choice.injections}
    arguments.refuse_overwriting_in(choice.output_dir, WRITTEN, "--output_dir", inputs)
    rates = compute(choice)
    make_directory(choice.output_dir)
    _write(rates, choice)
    return rates


def compute(choice: FrequencyChoice) -> Rates:
    """Returns the flare frequency distribution; writes nothing. Raises ScriptError as measure() does."""
    sizes, days, left_out = _read_flares(choice)
    if not len(sizes) or not days > 0:
        raise ScriptError(
            f"no flare in {choice.flares_dir} can be counted ({left_out} left out, {days:.2f} days searched): search "
            "more light curves, or see --by"
        )
    shares = _completeness(choice, sizes)
    usable = shares >= choice.least_completeness
    if not usable.any():
        raise ScriptError(f"no flare is of a size that is complete to {choice.least_completeness:g}: lower it")
    weights = np.where(usable, 1 / np.maximum(shares, choice.least_completeness), 0)
    least = choice.least or float(sizes[usable].min())
    return Rates(sizes, shares, weights, days, left_out, least, *fit_power_law(sizes[usable], least, weights[usable]))


def _read_flares(choice: FrequencyChoice) -> tuple[np.ndarray, float, str]:
    """Returns the sizes of the flares that count, the days that were searched, and in words what is left out."""
    path = os.path.join(choice.flares_dir, "flares.csv")
    flares = _read(path, [choice.by], ["is_significant"])
    days = _read(os.path.join(choice.flares_dir, "searched.csv"), ["days_searched"])["days_searched"]
    is_flagged = flares["is_significant"] == 0
    left_out = [f"{is_flagged.sum()} not significant"] if is_flagged.any() else []
    if np.isnan(flares["is_significant"]).any():
        _LOG.warning(f"warning: {path} does not say which flares are significant: find them again")
    sizes = flares[choice.by][~is_flagged]
    left_out.append(f"{np.count_nonzero(~(sizes > 0))} without {choice.by}")
    return sizes[sizes > 0], float(np.nansum(days)), " and ".join(left_out)


def _read(path: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Returns columns of a table as arrays; NaN for an empty cell, and in an optional column that is absent."""
    names = (*required, *optional)
    advice = "; find_flares.py and injection_recovery.py make such tables: make it again"
    table = table_rows.read(path, {name: (name,) for name in names}, required, advice)
    columns: dict[str, list[float]] = {name: [] for name in names}
    for row in table.rows:
        for name, values in columns.items():
            try:
                value = row.value(name)
            except ValueError as error:
                raise ScriptError(f"{path}, row {row.number}: {error}: make the table again") from error
            values.append(np.nan if value is None else value)
    for number, reason in table.broken:
        raise ScriptError(f"{path}, row {number}: {reason}: make the table again")
    return {name: np.array(values) for name, values in columns.items()}


def _completeness(choice: FrequencyChoice, sizes: np.ndarray) -> np.ndarray:
    """Returns the share of flares of each size that a search finds. [n]"""
    if not choice.injections:
        return np.ones(len(sizes))
    if choice.by != EQUIVALENT_DURATION:
        raise ScriptError(f"injected flares have no {choice.by}: correct with --by=equivalent_duration")
    injected = _read(choice.injections, [EQUIVALENT_DURATION, "is_found"])
    usable = (injected[EQUIVALENT_DURATION] > 0) & np.isin(injected["is_found"], (0, 1))
    if not usable.any():
        raise ScriptError(f"{choice.injections} has no flare: make it again with injection_recovery.py")
    log_sizes, shares = completeness_by_size(*(injected[name][usable] for name in (EQUIVALENT_DURATION, "is_found")))
    return np.interp(np.log(sizes), log_sizes, shares)


def _write(rates: Rates, choice: FrequencyChoice) -> None:
    """Writes flare_frequency.csv and flare_frequency.png."""
    from astronet.flares import plots

    order = np.argsort(-rates.sizes)
    rates_found, corrected = (np.cumsum(counts[order]) / rates.days for counts in (np.ones(len(order)), rates.weights))
    corrected = np.where(rates.weights[order] > 0, corrected, np.nan)
    rows = zip(rates.sizes[order], rates.shares[order], rates_found, corrected)
    cells = [["" if np.isnan(value) else f"{value:.6g}" for value in row] for row in rows]
    columns = (choice.by, "completeness", "rate_found", "rate_corrected")
    write_csv(os.path.join(choice.output_dir, "flare_frequency.csv"), columns, cells)
    path = os.path.join(choice.output_dir, "flare_frequency.png")
    power_law = rates.slope, rates.least, rates.rate
    plots.plot_frequency(path, choice.by, rates.sizes, rates.weights, rates.days, power_law)


def summary(rates: Rates, choice: FrequencyChoice) -> list[str]:
    """Returns lines on the flare frequency distribution, for the user."""
    num_too_small = np.count_nonzero(rates.weights == 0)
    return [
        f"{len(rates.sizes)} flares in {rates.days:.2f} days ({rates.left_out} left out)",
        f"{num_too_small} of them too small for a completeness of {choice.least_completeness:g}: left out",
        f"rate of {choice.by} >= {rates.least:g}: {rates.rate:.4g} a day, falling as its power -{rates.slope:.3f} +- "
        f"{rates.slope_error:.3f}",
        f"({rates.num_fitted} flares; the differential slope is one more); {choice.output_dir}: flare_frequency.csv "
        "and .png",
    ]
