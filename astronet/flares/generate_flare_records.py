"""Makes the record files of flare networks: windows of light curves, on cataloged flares and on quiet times.

Writes train-*, val-* and test-* (split by star), windows.csv (a line for each window), and what was left out, with the
reason: skipped_windows.csv (light curves and windows) and skipped_flares.csv (rows of the catalog).

Source: Feinstein et al. 2020 (AJ 160, 219), section 3.
"""

import collections
import glob
import os
import sys

import numpy as np

import astronet
from astronet.base import arguments, locks
from astronet.base.files import make_directory, sha256, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.flares import catalog, injection, light_curves, windows
from light_curve_util.errors import LightCurveError

_DECISIVE_FLAGS = (
    *("drop_quiet", "off_center", "inject", "padded", "flux_key", "quality", "cadence_seconds"),
    *("num_train_shards", "seed"),
)
_COLUMNS = ("row_id", "tic_id", "Sectors", "Disposition", "Epoc", "kind", "source", "light_curve")
_TABLES = ("windows.csv", "skipped_windows.csv", "skipped_flares.csv")
_QUIET_WIDTHS = 3  # full widths at half maximum after its peak, for which a flare is not quiet
_QUIET_CADENCES = 5  # least distance of a quiet window's cadences from a peak


def choose(time, flares, random, drop_quiet, off_center=0, padded=False, quiet_is_known=True):
    """Chooses the cadences whose windows become records.

    Args:
      time: [n] days, increasing.
      flares: rows of catalog.read() of this light curve.
      random: np.random.Generator.
      drop_quiet: share of the quiet windows that is dropped, so that flares are not too few beside them.
      off_center: number of quiet windows a flare that see it, but beside their center.
      padded: whether windows may reach beyond gaps and ends.
      quiet_is_known: false where the time of a flare is not known: then no window can be called quiet.

    Returns:
      List of (cadence, disposition, kind, source of the catalog's row).
    """
    step = windows.cadence_days(time)
    by_cadence = {}  # of two flares within a cadence the first counts, or that which is none if the other is one
    for flare in flares.itertuples():
        cadence = _nearest(time, flare.peak_time)
        if abs(time[cadence] - flare.peak_time) <= 2 * step:
            kind = ("flare", "catalogue") if flare.is_flare else ("quiet", "vetted")
            if cadence not in by_cadence or (flare.is_flare and by_cadence[cadence][1] == "quiet"):
                by_cadence[cadence] = (cadence, *kind, flare.source)
    chosen = list(by_cadence.values())
    if not quiet_is_known:
        return chosen
    peaks = np.array([cadence for cadence, *_ in chosen], dtype=int)
    busy = _busy(time, flares, step)
    chosen += [(cadence, "quiet", "quiet", "") for cadence in _quiet(time, busy, random, drop_quiet, padded)]
    for peak in peaks if off_center else ():
        distance = random.integers(2 * _QUIET_CADENCES, windows.HALF - 2 * _QUIET_CADENCES, off_center)
        sides = random.choice([-1, 1], off_center)
        inside = [c for c in peak + sides * distance if 0 <= c < len(time) and not busy[c]]
        chosen += [(int(cadence), "quiet", "off center", "") for cadence in inside]
    return chosen


def _nearest(time, wanted):
    """The cadence nearest to a time, the first of two."""
    after = min(int(np.searchsorted(time, wanted)), len(time) - 1)
    return after - (after > 0 and wanted - time[after - 1] <= time[after] - wanted)


def _quiet(time, busy, random, drop_quiet, padded):
    """Centers of windows that lie side by side in each segment and see no flare, less those that are dropped."""
    centers = []
    for segment in windows.segments(time):
        margin = 0 if padded else windows.HALF
        first, last = segment.start + margin, segment.stop - margin
        if segment.stop - segment.start >= windows.LENGTH:
            start = first + int(random.integers(0, windows.HALF))
            centers += range(start, last, windows.LENGTH)
    return [
        center
        for center in centers
        if not busy[max(0, center - windows.HALF) : center + windows.HALF].any() and random.random() >= drop_quiet
    ]


def _busy(time, flares, step):
    """Whether each cadence may belong to a flare. [n]"""
    busy = np.zeros(len(time), dtype=bool)
    for flare in flares.itertuples():
        width = flare.duration if flare.duration > 0 else 10 * step
        first = np.searchsorted(time, flare.peak_time - _QUIET_CADENCES * step - width, side="right")
        busy[first : np.searchsorted(time, flare.peak_time + _QUIET_CADENCES * step + _QUIET_WIDTHS * width)] = True
    return busy


def _light_curves(flags, known, skips):
    """Yields (path, star, light curve, its flares) of the files whose sector the catalog covers."""
    from tqdm import tqdm

    paths = sorted({path for pattern in flags.light_curves for path in _expand(pattern)})
    if not paths:
        raise ScriptError(f"no file matches {' '.join(flags.light_curves)}: name files or patterns")
    flares = known.flares
    sectors = set(flares.sector)
    by_star = dict(list(flares.groupby(["tic_id", "sector"])))
    seen = {}
    for path in tqdm(paths, desc="light curves", disable=None):
        try:
            star = light_curves.star(path)
            if star.tic_id is None or star.sector is None:
                raise ScriptError("its name and header do not tell TIC ID and sector")
            key = star.tic_id, star.sector
            if star.sector not in sectors or (flags.listed_only and key not in by_star):
                raise ScriptError(f"the catalog has no flares of sector {star.sector} (or of this star) to learn from")
            if key in seen:
                raise ScriptError(f"TIC {star.tic_id}, sector {star.sector} has been read from {seen[key]}")
            light_curve = light_curves.read(path, arguments.from_flags(light_curves.LightCurveReading, flags))
        except (ScriptError, LightCurveError, OSError) as error:
            skips.append((path, str(error)))
            continue
        seen[key] = path
        yield path, star, light_curve, by_star.get(key, flares[:0])


def _expand(pattern):
    """The files that a pattern matches; a file of that very name, whatever brackets it has, is one."""
    return [pattern] if os.path.isfile(pattern) else filter(os.path.isfile, glob.glob(pattern))


def _rows(flags, known, skips):
    """Columns of each record and its window, in the order of the light curves."""
    rows, views = [], []
    lost = {(skip.tic_id, skip.sector): skip.row for skip in known.skips if skip.tic_id is not None}
    for path, star, light_curve, of_star in _light_curves(flags, known, skips):
        random = np.random.default_rng([flags.seed, star.tic_id, star.sector])
        time, flux = light_curve.time, light_curve.flux
        lost_row = lost.get((star.tic_id, star.sector))
        if lost_row is not None:
            skips.append((path, f"its quiet windows: row {lost_row} of the catalog may be a flare in any of them"))
        chosen = choose(time, of_star, random, flags.drop_quiet, flags.off_center, flags.padded, lost_row is None)
        found = windows.centered(time, flux, [cadence for cadence, *_ in chosen], flags.padded)
        quiet = [window for window, (_, _, kind, _) in zip(found, chosen) if kind == "quiet"]
        injected = injection.into_windows(np.array(quiet), flags.inject, random) if quiet and flags.inject else []
        below = [cadence for cadence, _, kind, _ in chosen if kind == "quiet"]
        chosen += [(below[i % len(below)], "flare", "injected", "") for i in range(len(injected))]
        for (cadence, disposition, kind, source), window in zip(chosen, [*found, *injected]):
            if np.isnan(window).any():
                skips.append((path, f"{disposition} at {time[cadence]:.4f}: within half a window of a gap or an end"))
                continue
            identity = {"row_id": len(rows), "tic_id": star.tic_id, "Sectors": star.sector, "Disposition": disposition}
            where = {"Epoc": float(time[cadence]), "kind": kind, "source": source}
            rows.append({**identity, **where, "light_curve": os.path.basename(path)})
            views.append(window)
    return rows, views


def _write_shards(directory, shards, views):
    """Writes the shards of a set; returns a dict of name to a Counter of its records' dispositions.

    Args:
      directory: where they go.
      shards: dict of name to a list of rows.
      views: list of windows, by row_id.
    """
    from astronet.data.records import record_set, tf_example, tfrecord

    staging, made = record_set.staging_directory(directory), {}
    for name, rows in shards.items():
        path = os.path.join(staging, name)
        examples = (tf_example.to_example(row, {windows.NAME: views[row["row_id"]]}) for row in rows)
        tfrecord.write_shard(path, (example.SerializeToString(deterministic=True) for example in examples))
        dispositions = collections.Counter(row["Disposition"] for row in rows)
        made[name] = path, record_set.Entry("", "", sha256(path), dict(dispositions), [])
    record_set.publish(directory, made)
    return {name: collections.Counter(entry.dispositions) for name, (_, entry) in made.items()}


def _generate(flags):
    import pandas as pd

    from astronet.data.records import record_set, split

    tables = [os.path.join(flags.output_dir, name) for name in _TABLES]
    arguments.refuse_overwriting_inputs({"--output_dir": tables}, {"--catalog": flags.catalog})
    known, skips = catalog.read(flags.catalog), []
    make_directory(flags.output_dir)
    _tell_catalog(flags, known)
    rows, views = _rows(flags, known, skips)
    write_csv(os.path.join(flags.output_dir, "skipped_windows.csv"), ("light_curve", "reason"), skips)
    if not rows:
        raise ScriptError(f"no window; {flags.output_dir}/skipped_windows.csv has the reasons")
    table = pd.DataFrame(rows)
    splits = {"test": table} if flags.make_test_set else split.by_tic(table, flags.seed)
    shards = {}
    for name, part in splits.items():
        if name != "train":
            part = part[part.kind != "injected"]
        total = flags.num_train_shards if name == "train" else 1
        for i, which in enumerate(np.array_split(np.arange(len(part)), total)):
            shards[f"{name}-{i:05d}-of-{total:05d}"] = part.iloc[which].to_dict("records")
    counts = _write_shards(flags.output_dir, shards, views)
    listed = [[row[name] for name in _COLUMNS] + [shard] for shard, part in shards.items() for row in part]
    write_csv(os.path.join(flags.output_dir, "windows.csv"), (*_COLUMNS, "shard"), listed)
    manifest = record_set.write_manifest(
        flags.output_dir,
        counts,
        version=astronet.__version__,
        catalogue={
            "path": flags.catalog,
            "sha256": known.sha256,
            "num_rows": len(known.flares),
            "num_skipped_rows": len(known.skips),
        },
        configuration={"views": {windows.NAME: windows.LENGTH}},
        settings={name: getattr(flags, name) for name in _DECISIVE_FLAGS},
        skipped=collections.Counter(reason.partition(" at ")[0][:60] for _, reason in skips),
    )
    if flags.plot:
        from astronet.flares import plots

        shown = np.random.default_rng(flags.seed).permutation(len(rows))[:16]
        dispositions = [rows[row]["Disposition"] for row in shown]
        plots.plot_windows(os.path.join(flags.output_dir, "windows.png"), [views[row] for row in shown], dispositions)
    for name, made in manifest["splits"].items():
        stars = splits[name].tic_id.nunique()
        told = ", ".join(f"{kind} {count}" for kind, count in made["dispositions"].items())
        print(f"{name}: {made['num_records']} windows of {stars} stars ({told}) in {flags.output_dir}/{name}-*")


def _tell_catalog(flags, known):
    """Lists the rows of the catalog that are left out, and says what was converted."""
    path = os.path.join(flags.output_dir, "skipped_flares.csv")
    write_csv(path, ("row", "tic_id", "sector", "reason"), [_skip_cells(skip) for skip in known.skips])
    for note in known.notes:
        print(f"{flags.catalog}: {note}")
    if known.skips:
        reasons = f"{path} has the reasons, the first: row {known.skips[0].row}, {known.skips[0].reason}"
        rows = f"{len(known.skips)} row{'s' if len(known.skips) > 1 else ''}"
        print(f"warning: {rows} of {flags.catalog} left out: {reasons}", file=sys.stderr)
    if not len(known.flares):
        raise ScriptError(f"{flags.catalog} has no row that can be used")


def _skip_cells(skip):
    return [skip.row, *("" if value is None else value for value in (skip.tic_id, skip.sector)), skip.reason]


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--catalog",
        type=arguments.input_file,
        required=True,
        help="flares: the table of Guenther et al. 2020, or a table with tic_id, sector and peak_time (docs/flares.md)",
    )
    parser.add_argument(
        "--light_curves",
        nargs="+",
        required=True,
        help="light curve files, or patterns in quotes; those of sectors that the catalog does not cover are skipped",
    )
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    parser.add_argument("--listed_only", action="store_true", help="only light curves that the catalog has rows of")
    parser.add_argument(
        "--drop_quiet",
        type=arguments.number(least=0, most=0.999, advice="a share, such as 0.7"),
        default=0.73,
        help="share of the quiet windows that is dropped",
    )
    parser.add_argument(
        "--off_center",
        type=arguments.whole_number(0, 1000),
        default=0,
        help="quiet windows for each flare that have it beside their center",
    )
    parser.add_argument(
        "--inject",
        type=arguments.number(least=0, most=100),
        default=0,
        help="artificial flares for each quiet window, in training only",
    )
    parser.add_argument("--padded", action="store_true", help="windows near gaps and ends too, padded")
    parser.add_argument("--make_test_set", action="store_true", help="make one test set of all windows")
    parser.add_argument("--plot", action="store_true", help="plot 16 of the windows")
    parser.add_argument("--num_train_shards", type=arguments.num_shards, default=8, help="files of the training set")
    parser.add_argument(
        "--seed", type=arguments.seed, default=123, help="of the split, the choice of windows and the injections"
    )
    light_curves.add_flags(parser)
    return run(locks.holding(_generate, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
