"""Flare frequency distribution of the flares in find_flares.py's output, corrected for those that a search misses.

flare_frequency.csv has the cumulative rate, as found and corrected; flare_frequency.png shows it with a power law.
"""

import os
import sys

import numpy as np

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.flares import table_rows

_BINS_PER_DECADE = 4
_MIN_INJECTED = 10  # in a bin; else it is joined with the next


def fit_power_law(sizes, least, weights=None):
    """Fits the slope of a rate that goes as size ** -slope, cumulative, by maximum likelihood.

    Source: Crawford et al. 1970 (ApJ 162, 405); weights count flares, their scatter widens the error.

    Args:
      sizes: [n].
      least: size from which the power law is to hold.
      weights: [n]; default 1.

    Returns:
      slope, its error, number of flares behind it; NaN for fewer than two.
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


def completeness_by_size(sizes, is_found):
    """Measures the share of injected flares that is found, by size.

    Returns:
      Mean logarithm of size, and share found, in bins that rise in size and hold at least _MIN_INJECTED flares each.
    """
    order = np.argsort(sizes)
    logs, found = np.log(np.asarray(sizes, dtype=float)[order]), np.asarray(is_found, dtype=float)[order]
    width = np.log(10) / _BINS_PER_DECADE
    centers, shares, start = [], [], 0
    while start < len(logs):
        end = max(int(np.searchsorted(logs, logs[start] + width, side="right")), start + _MIN_INJECTED)
        if len(logs) - end < _MIN_INJECTED:
            end = len(logs)
        centers.append(logs[start:end].mean())
        shares.append(found[start:end].mean())
        start = end
    return np.array(centers), np.array(shares)


def _read(path, required, optional=()):
    """Columns of a table as arrays, NaN where a cell is empty, and for optional ones where they are missing."""
    names = (*required, *optional)
    advice = "; find_flares.py and injection_recovery.py make such tables: make it again"
    table = table_rows.read(path, {name: (name,) for name in names}, required, advice)
    columns = {name: [] for name in names}
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


def _read_flares(flags):
    """Sizes of the flares that count, days that were searched; and what was left out, in words."""
    path = os.path.join(flags.flares_dir, "flares.csv")
    flares = _read(path, [flags.by], ["is_significant"])
    days = _read(os.path.join(flags.flares_dir, "searched.csv"), ["days_searched"])["days_searched"]
    is_flagged = flares["is_significant"] == 0
    left_out = [f"{is_flagged.sum()} not significant"] if is_flagged.any() else []
    if np.isnan(flares["is_significant"]).any():
        print(f"warning: {path} does not say which flares are significant: find them again", file=sys.stderr)
    sizes = flares[flags.by][~is_flagged]
    left_out.append(f"{np.count_nonzero(~(sizes > 0))} without {flags.by}")
    return sizes[sizes > 0], float(np.nansum(days)), " and ".join(left_out)


def _completeness(flags, sizes):
    """The share of flares of each size that a search finds. [n]"""
    if not flags.injections:
        return np.ones(len(sizes))
    if flags.by != "equivalent_duration":
        raise ScriptError(f"injected flares have no {flags.by}: correct with --by=equivalent_duration")
    injected = _read(flags.injections, ["equivalent_duration", "is_found"])
    usable = (injected["equivalent_duration"] > 0) & np.isin(injected["is_found"], (0, 1))
    if not usable.any():
        raise ScriptError(f"{flags.injections} has no flare: make it again with injection_recovery.py")
    of_size = completeness_by_size(*(injected[name][usable] for name in ("equivalent_duration", "is_found")))
    return np.interp(np.log(sizes), *of_size)


def _run(flags):
    from astronet.flares import plots

    sizes, days, left_out = _read_flares(flags)
    if not len(sizes) or not days > 0:
        raise ScriptError(
            f"no flare in {flags.flares_dir} can be counted ({left_out} left out, {days:.2f} days searched): search "
            "more light curves, or see --by"
        )
    shares = _completeness(flags, sizes)
    usable = shares >= flags.least_completeness
    if not usable.any():
        raise ScriptError(f"no flare is of a size that is complete to {flags.least_completeness:g}: lower it")
    weights = np.where(usable, 1 / np.maximum(shares, flags.least_completeness), 0)
    least = flags.least or float(sizes[usable].min())
    slope, error, number = fit_power_law(sizes[usable], least, weights[usable])
    make_directory(flags.output_dir)
    order = np.argsort(-sizes)
    found, corrected = (np.cumsum(values[order]) / days for values in (np.ones(len(sizes)), weights))
    rows = zip(sizes[order], shares[order], found, np.where(usable[order], corrected, np.nan))
    shown = [["" if np.isnan(value) else f"{value:.6g}" for value in row] for row in rows]
    columns = (flags.by, "completeness", "rate_found", "rate_corrected")
    write_csv(os.path.join(flags.output_dir, "flare_frequency.csv"), columns, shown)
    normalization = weights[usable & (sizes >= least)].sum() / days
    path = os.path.join(flags.output_dir, "flare_frequency.png")
    plots.plot_frequency(path, flags.by, sizes, weights, days, (slope, least, normalization))
    print(f"{len(sizes)} flares in {days:.2f} days ({left_out} left out)")
    print(f"{np.count_nonzero(~usable)} of them too small for a completeness of {flags.least_completeness:g}: left out")
    print(
        f"rate of {flags.by} >= {least:g}: {normalization:.4g} a day, falling as its power -{slope:.3f} +- {error:.3f}"
    )
    print(f"({number} flares; the differential slope is one more); {flags.output_dir}: flare_frequency.csv and .png")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("flares_dir", type=arguments.input_directory, help="output directory of find_flares.py")
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the table and the figure"
    )
    parser.add_argument(
        "--by",
        choices=("equivalent_duration", "energy_erg"),
        default="equivalent_duration",
        help="size to count by; energies need temperature and radius of the stars",
    )
    parser.add_argument(
        "--injections",
        type=arguments.input_file,
        help="injections.csv of injection_recovery.py, to correct by; made with the threshold and least significance "
        "that the flares were found with",
    )
    parser.add_argument(
        "--least_completeness",
        type=arguments.positive_fraction,
        default=0.2,
        help="sizes of which a smaller share is found are left out: there are too few to correct by",
    )
    parser.add_argument(
        "--least",
        type=arguments.positive_number,
        help="least size of the power law, seconds or erg (default: that of the smallest flare that is corrected)",
    )
    return run(locks.holding(_run, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
