"""Writes completeness for each cell of period and radius (ECSV table and figure) and reliability (table)."""

import collections
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from astronet.base.files import write_aside, write_csv
from astronet.completeness.trial import CONTROLS, Results, Trial
from astronet.stats.intervals import wilson
from light_curve_util.numerals import numbered

_INJECTION_COLUMNS = (
    *(
        "name",
        "tic_id",
        "sector",
        "tmag",
        "star_radius",
        "period",
        "radius_earth",
        "impact",
        "t0_btjd",
        "duration_hours",
    ),
    *("depth_ppm", "num_transits", "is_alias", "found_period", "found_sn", "probabilities", "num_stages"),
)
_CONTROL_COLUMNS = ("name", "kind", "period", "probabilities", "num_stages")
WRITTEN = ("injections.csv", "controls.csv", "completeness.ecsv", "completeness.png", "reliability.csv")


def cells(results: Results, trial: Trial, num_bins: int) -> Iterator[dict[str, Any]]:
    """Yields, for each stage and each cell of period and radius, the numbers of planets injected and passed.

    A planet counts as passed if it passed this stage and all stages before it.

    Args:
      results: results of the trial.
      trial: the grid covers its ranges of period and radius.
      num_bins: number of bins in period and in radius.
    """
    periods, radii = (np.geomspace(*limits, num_bins + 1) for limits in (trial.periods, trial.radii))
    column = {
        name: np.array([row[name] for row in results.injections]) for name in ("period", "radius_earth", "num_stages")
    }
    for number, stage in enumerate(results.names, start=1):
        for i in range(num_bins):
            for j in range(num_bins):
                inside = (column["period"] >= periods[i]) & (column["period"] < periods[i + 1])
                inside &= (column["radius_earth"] >= radii[j]) & (column["radius_earth"] < radii[j + 1])
                total, passed = int(inside.sum()), int((column["num_stages"][inside] >= number).sum())
                low, high = wilson(passed, total)
                yield {
                    "stage": stage,
                    "period_low": periods[i],
                    "period_high": periods[i + 1],
                    "radius_low": radii[j],
                    "radius_high": radii[j + 1],
                    "num_injected": total,
                    "num_recovered": passed,
                    "completeness": passed / total if total else np.nan,
                    "completeness_low": low,
                    "completeness_high": high,
                }


def write(results: Results, trial: Trial, num_bins: int) -> None:
    """Writes the files named in WRITTEN to the directory of a trial."""
    _write_rows(os.path.join(trial.output_dir, "injections.csv"), _INJECTION_COLUMNS, results.injections)
    _write_rows(os.path.join(trial.output_dir, "controls.csv"), _CONTROL_COLUMNS, results.controls)
    rows = list(cells(results, trial, num_bins))
    _write_ecsv(os.path.join(trial.output_dir, "completeness.ecsv"), rows, results, trial)
    _draw(os.path.join(trial.output_dir, "completeness.png"), rows, results.names, num_bins)
    lines = [list(row.values()) for row in reliability(results)]
    columns = ("stage", "kind", "num_light_curves", "num_events", "per_thousand", "low", "high")
    write_csv(os.path.join(trial.output_dir, "reliability.csv"), columns, lines, lineterminator="\n")


def reliability(results: Results) -> Iterator[dict[str, Any]]:
    """Yields, for each stage and kind of control, the number of light curves with an event that passes the stage.

    The interval (Wilson) is for the number of such light curves in a thousand.
    """
    for number, stage in enumerate(results.names, start=1):
        for kind in CONTROLS:
            passing = [row for row in results.controls if row["kind"] == kind and row["num_stages"] >= number]
            num_curves = len({row["name"] for row in passing})
            low, high = wilson(num_curves, results.num_curves)
            yield {
                "stage": stage,
                "kind": kind,
                "num_light_curves": results.num_curves,
                "num_events": len(passing),
                "per_thousand": _rounded(1000 * num_curves / results.num_curves) if results.num_curves else "",
                "low": _rounded(1000 * low),
                "high": _rounded(1000 * high),
            }


def lines(results: Results) -> Iterator[str]:
    """Yields the lines that a script prints about a trial."""
    total = len(results.injections)
    yield f"{numbered(total, 'planet')} in {numbered(results.num_curves, 'light curve')}"
    if results.num_solar:
        yield (
            f"warning: the radius of {numbered(results.num_solar, 'star')} is not known, and the Sun's is used "
            "(--star_catalog reads radii)"
        )
    observed = [row for row in results.injections if row["num_transits"] >= 2]
    yield f"  with two transits or more in the data: {len(observed)}"
    for number, stage in enumerate(results.names, start=1):
        passed = sum(row["num_stages"] >= number for row in results.injections)
        of_observed = sum(row["num_stages"] >= number for row in observed)
        low, high = wilson(of_observed, len(observed))
        share = _share(of_observed, len(observed), low, high)
        yield f"  {stage:12s} {passed:5d} recovered; of those with two transits {share}"
    yield f"  found at a multiple of the period instead: {sum(row['is_alias'] for row in results.injections)}"
    yield "light curves with an event that passes, in a thousand:"
    by_stage: dict[str, list[str]] = collections.defaultdict(list)
    for row in reliability(results):
        by_stage[row["stage"]].append(f"{row['kind']} {row['per_thousand']} ({row['low']} to {row['high']})")
    for stage, shares in by_stage.items():
        yield f"  {stage:12s} {', '.join(shares)}"


def _share(count, total, low, high):
    return f"{count / total:.3f} ({low:.3f} to {high:.3f})" if total else "none"


def _rounded(value):
    return "" if np.isnan(value) else round(value, 2)


def _write_rows(path, columns, rows):
    write_csv(path, columns, ([_cell(row[name]) for name in columns] for row in rows), lineterminator="\n")


def _cell(value):
    if isinstance(value, list):
        return ";".join(f"{item:.6f}" for item in value)
    if isinstance(value, bool):
        return int(value)
    return f"{value:.8g}" if isinstance(value, float) else "" if value is None else value


def _write_ecsv(path, rows, results, trial):
    """Writes a table for codes of occurrence rates: units in the header, what was injected in the metadata."""
    from astropy.table import Table

    table = Table({name: [row[name] for row in rows] for name in rows[0]})
    for name in ("period_low", "period_high"):
        table[name].unit = "d"
    for name in ("radius_low", "radius_high"):
        table[name].unit = "R_earth"
    table.meta["comments"] = [
        "completeness of the chain: share of injected planets that a stage and all before it pass, 95 % intervals",
        "planets are uniform in log period, log radius, impact parameter (0 to 1) and phase; orbits are circular",
        f"{results.num_curves} light curves, seed {trial.seed}, detrend {trial.detrend}, {', '.join(trial.model_dirs)}",
    ]
    with write_aside(path) as aside:
        table.write(aside, format="ascii.ecsv", overwrite=True)


def _draw(path, rows: Sequence[dict[str, Any]], names: Sequence[str], num_bins: int) -> None:
    from matplotlib.figure import Figure

    from astronet.figures import tce

    figure = Figure(figsize=(5.2 * len(names), 4.9), layout="constrained")
    panels = np.ravel(figure.subplots(1, len(names), squeeze=False))
    for axes, stage in zip(panels, names):
        of_stage = [row for row in rows if row["stage"] == stage]
        periods = [of_stage[i * num_bins]["period_low"] for i in range(num_bins)] + [of_stage[-1]["period_high"]]
        radii = [of_stage[j]["radius_low"] for j in range(num_bins)] + [of_stage[-1]["radius_high"]]
        shares = np.array([row["completeness"] for row in of_stage]).reshape(num_bins, num_bins).T
        mesh = axes.pcolormesh(
            periods, radii, shares, vmin=0, vmax=1, cmap="cividis", edgecolors="white", linewidth=0.5
        )
        for row in of_stage:
            if row["num_injected"]:
                color = "white" if row["completeness"] < 0.6 else "black"
                text = f"{row['completeness']:.2f}\n({row['num_injected']})"
                middle = [np.sqrt(row[f"{name}_low"] * row[f"{name}_high"]) for name in ("period", "radius")]
                axes.text(*middle, text, ha="center", va="center", fontsize=8, color=color)
        axes.set(xscale="log", yscale="log", xlabel="Period (days)", title=f"Passed: {stage}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
        axes.set_xticks(periods, [f"{value:.3g}" for value in periods])
        axes.set_yticks(radii, [f"{value:.3g}" for value in radii])
    panels[0].set_ylabel("Radius (Earth radii)")
    figure.colorbar(mesh, ax=list(panels), label="Completeness (number injected)")
    tce.save(figure, path)
