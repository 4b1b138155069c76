"""Makes the records, tables and plot of generate_flare_records.py from light curves and a catalog of flares."""

import collections
import dataclasses
import glob
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from astronet.base import arguments, messages, version
from astronet.base.files import make_directory, sha256, write_csv
from astronet.base.script import ScriptError
from astronet.flares import catalog, injection, light_curves, window_choice, windows
from astronet.flares.light_curves import LightCurveReading
from light_curve_util.errors import LightCurveError
from light_curve_util.tess_io import LightCurve

_LOG = logging.getLogger(__name__)

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("row_id", "tic_id", "Sectors", "Disposition", "Epoc", "kind", "source", "light_curve")
_TABLES = {  # columns by the names of the files
    "windows.csv": (*_COLUMNS, "shard"),
    "skipped_windows.csv": ("light_curve", "reason"),
    "skipped_flares.csv": ("row", "tic_id", "sector", "reason"),
}
_NUM_PLOTTED = 16  # windows

Skips = list[tuple[str, str]]  # (path of a light curve, reason)
Shards = dict[str, list[dict[str, Any]]]  # name of a shard -> its rows


@dataclasses.dataclass(frozen=True)
class RecordChoice:
    """Which records are made, from which files.

    Attributes:
      flare_catalog: path of the catalog of flares.
      light_curves: paths of light curve files, or patterns.
      output_dir: directory of the records.
      reading: how the light curves are read.
      listed_only: whether light curves without a row in the catalog are left out.
      drop_quiet: share of the quiet windows that is dropped.
      off_center: number of quiet windows for each flare that show the flare beside their center.
      inject: number of artificial flares for each quiet window, in training only.
      padded: whether windows may reach beyond gaps and ends.
      make_test_set: whether all windows become one test set.
      plot: whether some windows are plotted.
      num_train_shards: number of files of the training set.
      seed: seed of the split, the choice of windows and the injections.
    """

    flare_catalog: str
    light_curves: Sequence[str]
    output_dir: str
    reading: LightCurveReading
    listed_only: bool = False
    drop_quiet: float = 0.73
    off_center: int = 0
    inject: float = 0
    padded: bool = False
    make_test_set: bool = False
    plot: bool = False
    num_train_shards: int = 8
    seed: int = 123

    def settings(self) -> dict[str, Any]:
        """Returns the settings that decide on the records, as records.json lists them."""
        before = ("drop_quiet", "off_center", "inject", "padded")
        return {
            **{name: getattr(self, name) for name in before},
            **dataclasses.asdict(self.reading),
            **{name: getattr(self, name) for name in ("num_train_shards", "seed")},
        }


def generate(choice: RecordChoice) -> list[str]:
    """Makes the records of a choice, writes all tables, and returns a line on the windows of each set.

    Raises:
      ScriptError: the catalog or all light curves cannot be used, or an output would overwrite an input.
    """
    tables = [os.path.join(choice.output_dir, name) for name in _TABLES]
    arguments.refuse_overwriting_inputs({"--output_dir": tables}, {"--flare_catalog": choice.flare_catalog})
    known = catalog.read(choice.flare_catalog)
    skips: Skips = []
    make_directory(choice.output_dir)
    _report_catalog(choice, known)
    rows, views = _make_windows(choice, known, skips)
    write_csv(os.path.join(choice.output_dir, "skipped_windows.csv"), _TABLES["skipped_windows.csv"], skips)
    if not rows:
        raise ScriptError(f"no window; {choice.output_dir}/skipped_windows.csv has the reasons")
    splits, shards = _split(choice, rows)
    manifest = _write(choice, known, shards, views, skips)
    if choice.plot:
        _plot(choice, rows, views)
    lines = []
    for name, entry in manifest["splits"].items():
        windows = f"{entry['num_records']} windows of {splits[name].tic_id.nunique()} stars"
        counts = ", ".join(f"{kind} {count}" for kind, count in entry["dispositions"].items())
        lines.append(f"{name}: {windows} ({counts}) in {choice.output_dir}/{name}-*")
    return lines


def _refuse_overwriting(choice: RecordChoice, paths: Sequence[str]) -> None:
    """Refuses light curves that a table would overwrite; a pattern may match the tables of an earlier run."""
    tables = {os.path.join(choice.output_dir, name): columns for name, columns in _TABLES.items()}
    foreign = [
        path
        for path, columns in tables.items()
        if os.path.isfile(path) and not arguments.is_of_earlier_run(path, columns)
    ]
    arguments.refuse_overwriting_inputs({"--output_dir": foreign}, {"--light_curves": paths})


def _report_catalog(choice: RecordChoice, known: catalog.Catalog) -> None:
    """Lists the rows of the catalog that are left out, and logs what was converted."""
    path = os.path.join(choice.output_dir, "skipped_flares.csv")
    write_csv(path, _TABLES["skipped_flares.csv"], [_skip_cells(skip) for skip in known.skips])
    for note in known.notes:
        _LOG.warning(f"{choice.flare_catalog}: {note}")
    if known.skips:
        reasons = f"{path} has the reasons, the first: row {known.skips[0].row}, {known.skips[0].reason}"
        rows = f"{len(known.skips)} row{'s' if len(known.skips) > 1 else ''}"
        _LOG.warning(f"warning: {rows} of {choice.flare_catalog} left out: {reasons}")
    if not len(known.flares):
        raise ScriptError(f"{choice.flare_catalog} has no row that can be used")


def _skip_cells(skip: catalog.Skip) -> list[Any]:
    return [skip.row, *("" if value is None else value for value in (skip.tic_id, skip.sector)), skip.reason]


def _make_windows(
    choice: RecordChoice, known: catalog.Catalog, skips: Skips
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Returns the columns of each record and its window, in the order of the light curves; appends to `skips`."""
    rows: list[dict[str, Any]] = []
    views: list[np.ndarray] = []
    unusable: dict[Any, Any] = {(skip.tic_id, skip.sector): skip.row for skip in known.skips if skip.tic_id is not None}
    for path, star, light_curve, flares in _light_curves(choice, known, skips):
        unusable_row = unusable.get((star.tic_id, star.sector))
        if unusable_row is not None:
            skips.append((path, f"its quiet windows: row {unusable_row} of the catalog may be a flare in any of them"))
        for choice_of_window, window in _windows_of(choice, star, light_curve, flares, unusable_row is None):
            cadence, disposition, kind, source = choice_of_window
            epoch = float(light_curve.time[cadence])
            if np.isnan(window).any():
                skips.append((path, f"{disposition} at {epoch:.4f}: within half a window of a gap or an end"))
                continue
            values = (len(rows), star.tic_id, star.sector, disposition, epoch, kind, source, os.path.basename(path))
            rows.append(dict(zip(_COLUMNS, values)))
            views.append(window)
    return rows, views


def _light_curves(
    choice: RecordChoice, known: catalog.Catalog, skips: Skips
) -> Iterator[tuple[str, light_curves.Star, LightCurve, "pd.DataFrame"]]:
    """Yields (path, star, light curve, its flares) of the files whose sector the catalog covers."""
    paths = sorted({path for pattern in choice.light_curves for path in _expand(pattern)})
    _refuse_overwriting(choice, paths)
    if not paths:
        raise ScriptError(f"no file matches {' '.join(choice.light_curves)}: name files or patterns")
    flares = known.flares
    sectors = set(flares.sector)
    by_star = dict(list(flares.groupby(["tic_id", "sector"])))
    path_of_star: dict[tuple[int, int], str] = {}
    for path in messages.bar(paths, desc="light curves"):
        try:
            star = light_curves.star(path)
            if star.tic_id is None or star.sector is None:
                raise ScriptError("its name and header do not tell TIC ID and sector")
            key = star.tic_id, star.sector
            if star.sector not in sectors or (choice.listed_only and key not in by_star):
                raise ScriptError(f"the catalog has no flares of sector {star.sector} (or of this star) to learn from")
            if key in path_of_star:
                raise ScriptError(f"TIC {star.tic_id}, sector {star.sector} has been read from {path_of_star[key]}")
            light_curve = light_curves.read(path, choice.reading)
        except (ScriptError, LightCurveError, OSError) as error:
            skips.append((path, str(error)))
            continue
        path_of_star[key] = path
        yield path, star, light_curve, by_star.get(key, flares[:0])


def _expand(pattern: str) -> Iterable[str]:
    """Returns the files that a pattern matches; a file with that very name, whatever its brackets, matches alone."""
    return [pattern] if os.path.isfile(pattern) else filter(os.path.isfile, glob.glob(pattern))


def _windows_of(
    choice: RecordChoice,
    star: light_curves.Star,
    light_curve: LightCurve,
    flares: "pd.DataFrame",
    quiet_is_known: bool,
) -> list[tuple[window_choice.Choice, np.ndarray]]:
    """Returns the chosen windows of a light curve, artificial flares last; a window that reaches a gap has NaN."""
    seeds: Any = [choice.seed, star.tic_id, star.sector]
    random = np.random.default_rng(seeds)
    time, flux = light_curve.time, light_curve.flux
    choices = window_choice.choose(
        time, flares, random, choice.drop_quiet, choice.off_center, choice.padded, quiet_is_known
    )
    views = list(windows.centered(time, flux, [chosen.cadence for chosen in choices], choice.padded))
    quiet = [(chosen, view) for chosen, view in zip(choices, views) if chosen.kind == window_choice.QUIET]
    if quiet and choice.inject:
        injected = injection.into_windows(np.array([view for _, view in quiet]), choice.inject, random)
        for i, view in enumerate(injected):
            cadence = quiet[i % len(quiet)][0].cadence
            choices.append(window_choice.Choice(cadence, window_choice.FLARE, "injected", ""))
            views.append(view)
    return list(zip(choices, views))


def _split(choice: RecordChoice, rows: list[dict[str, Any]]) -> tuple[dict[str, "pd.DataFrame"], Shards]:
    """Splits rows by star; returns the table of each set, and the rows of each shard."""
    import pandas as pd

    from astronet.data.records import split

    table = pd.DataFrame(rows)
    splits = {"test": table} if choice.make_test_set else split.by_tic(table, choice.seed)
    shards = {}
    for name, part in splits.items():
        if name != "train":
            part = part[part.kind != "injected"]
        num_shards = choice.num_train_shards if name == "train" else 1
        for number, positions in enumerate(np.array_split(np.arange(len(part)), num_shards)):
            shards[f"{name}-{number:05d}-of-{num_shards:05d}"] = part.iloc[positions].to_dict("records")
    return splits, shards


def _write(
    choice: RecordChoice, known: catalog.Catalog, shards: Shards, views: Sequence[np.ndarray], skips: Skips
) -> dict[str, Any]:
    """Writes the shards, windows.csv and records.json; returns the content of records.json."""
    from astronet.data.records import record_set

    counts = _write_shards(choice.output_dir, shards, views)
    table = [[row[name] for name in _COLUMNS] + [shard] for shard, part in shards.items() for row in part]
    write_csv(os.path.join(choice.output_dir, "windows.csv"), _TABLES["windows.csv"], table)
    return record_set.write_manifest(
        choice.output_dir,
        counts,
        version=version.VERSION,
        catalogue={
            "path": choice.flare_catalog,
            "sha256": known.sha256,
            "num_rows": len(known.flares),
            "num_skipped_rows": len(known.skips),
        },
        configuration={"views": {windows.NAME: windows.LENGTH}},
        settings=choice.settings(),
        skipped=collections.Counter(reason.partition(" at ")[0][:60] for _, reason in skips),
    )


def _write_shards(
    directory: str, shards: Mapping[str, list[dict[str, Any]]], views: Sequence[np.ndarray]
) -> dict[str, collections.Counter]:
    """Writes record files; returns the number of records of each disposition in each file.

    Args:
      directory: directory of the files.
      shards: rows of each file, by its name.
      views: window of each row, by row_id.
    """
    from astronet.data.records import record_set, tf_example, tfrecord

    staging, entries = record_set.staging_directory(directory), {}
    for name, rows in shards.items():
        path = os.path.join(staging, name)
        examples = (tf_example.to_example(row, {windows.NAME: views[row["row_id"]]}) for row in rows)
        tfrecord.write_shard(path, (example.SerializeToString(deterministic=True) for example in examples))
        dispositions = collections.Counter(row["Disposition"] for row in rows)
        entries[name] = path, record_set.Entry("", "", sha256(path), dict(dispositions), [])
    record_set.publish(directory, entries)
    return {name: collections.Counter(entry.dispositions) for name, (_, entry) in entries.items()}


def _plot(choice: RecordChoice, rows: list[dict[str, Any]], views: Sequence[np.ndarray]) -> None:
    from astronet.flares import plots

    shown = np.random.default_rng(choice.seed).permutation(len(rows))[:_NUM_PLOTTED]
    dispositions = [rows[row]["Disposition"] for row in shown]
    plots.plot_windows(os.path.join(choice.output_dir, "windows.png"), [views[row] for row in shown], dispositions)
