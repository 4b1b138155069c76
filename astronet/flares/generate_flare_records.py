"""Makes the record files of flare networks: windows of light curves, on catalogued flares and on quiet times.

Source: Feinstein et al. 2020 (AJ 160, 219), section 3.
"""

import collections
import glob
import os
import sys

import numpy as np

import astronet
from astronet.flares import catalog, injection, light_curves, windows
from astronet.util import locks
from astronet.util.arguments import positive_integer
from astronet.util.files import make_directory, sha256, write_csv
from astronet.util.script import Parser, ScriptError, run
from light_curve_util.errors import LightCurveError

_DECISIVE_FLAGS = (
    *("drop_quiet", "off_center", "inject", "padded", "flux_key", "quality", "cadence_seconds"),
    *("num_train_shards", "seed"),
)
_COLUMNS = ("row_id", "tic_id", "Sectors", "Disposition", "Epoc", "kind", "source", "light_curve")
_QUIET_WIDTHS = 3  # full widths at half maximum after its peak, for which a flare is not quiet
_QUIET_CADENCES = 5  # least distance of a quiet window's cadences from a peak


def choose(time, flux, flares, random, drop_quiet, off_center=0, padded=False):
    """Chooses the cadences whose windows become records.

    Args:
      time, flux: [n].
      flares: rows of catalog.read() of this light curve.
      random: np.random.Generator.
      drop_quiet: share of the quiet windows that is dropped, so that flares are not too few beside them.
      off_center: number of quiet windows a flare that see it, but beside their center.
      padded: whether windows may reach beyond gaps and ends.

    Returns:
      List of (cadence, disposition, kind, source of the catalogue's row).
    """
    step = windows.cadence_days(time)
    chosen = []
    for flare in flares.itertuples():
        cadence = int(np.argmin(np.abs(time - flare.peak_time)))
        if abs(time[cadence] - flare.peak_time) <= 2 * step:
            kind = ("flare", "catalogue") if flare.is_flare else ("quiet", "vetted")
            chosen.append((cadence, *kind, flare.source))
    peaks = np.array([cadence for cadence, *_ in chosen], dtype=int)
    chosen += [(cadence, "quiet", "quiet", "") for cadence in _quiet(time, flares, random, drop_quiet, padded)]
    busy = _busy(time, flares, step)
    for peak in peaks if off_center else ():
        distance = random.integers(2 * _QUIET_CADENCES, windows.HALF - 2 * _QUIET_CADENCES, off_center)
        sides = random.choice([-1, 1], off_center)
        inside = [c for c in peak + sides * distance if 0 <= c < len(time) and not busy[c]]
        chosen += [(int(cadence), "quiet", "off center", "") for cadence in inside]
    return chosen


def _quiet(time, flares, random, drop_quiet, padded):
    """Centers of windows that lie side by side in each segment and see no flare, less those that are dropped."""
    busy = _busy(time, flares, windows.cadence_days(time))
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
        busy |= (time > flare.peak_time - _QUIET_CADENCES * step - width) & (
            time < flare.peak_time + _QUIET_CADENCES * step + _QUIET_WIDTHS * width
        )
    return busy


def _light_curves(flags, flares, skips):
    """Yields (path, star, light curve, its flares) of the files whose sector the catalogue covers."""
    paths = sorted({path for pattern in flags.light_curves for path in glob.glob(pattern)})
    if not paths:
        raise ScriptError(f"no file matches {' '.join(flags.light_curves)}: name files or patterns")
    sectors = set(flares.sector)
    vetted = set(zip(flares.tic_id, flares.sector))
    seen = set()
    for path in paths:
        try:
            star = light_curves.star(path)
            if star.tic_id is None or star.sector is None:
                raise ScriptError("its name and header do not tell TIC ID and sector")
            if star.sector not in sectors or (flags.listed_only and (star.tic_id, star.sector) not in vetted):
                raise ScriptError(
                    f"the catalogue has no flares of sector {star.sector} (or of this star) to learn from"
                )
            if (star.tic_id, star.sector) in seen:
                raise ScriptError(f"another light curve of TIC {star.tic_id}, sector {star.sector} has been read")
            light_curve = light_curves.read(path, flags)
        except (ScriptError, LightCurveError, OSError) as error:
            skips.append((path, str(error)))
            continue
        seen.add((star.tic_id, star.sector))
        of_star = flares[(flares.tic_id == star.tic_id) & (flares.sector == star.sector)]
        yield path, star, light_curve, of_star


def _rows(flags, flares, skips):
    """Columns of each record and its window, in the order of the light curves."""
    rows, views = [], []
    for path, star, light_curve, of_star in _light_curves(flags, flares, skips):
        random = np.random.default_rng([flags.seed, star.tic_id, star.sector])
        time, flux = light_curve.time, light_curve.flux
        chosen = choose(time, flux, of_star, random, flags.drop_quiet, flags.off_center, flags.padded)
        cadences = [cadence for cadence, *_ in chosen]
        found = windows.centered(time, flux, cadences, flags.padded)
        quiet = [window for window, (_, _, kind, _) in zip(found, chosen) if kind == "quiet"]
        injected = injection.into_windows(np.array(quiet), flags.inject, random) if quiet and flags.inject else []
        below = [cadence for cadence, _, kind, _ in chosen if kind == "quiet"]
        chosen += [(below[i % len(below)], "flare", "injected", "") for i in range(len(injected))]
        for (cadence, disposition, kind, source), window in zip(chosen, [*found, *injected]):
            if np.isnan(window).any():
                skips.append((path, f"{disposition} at {time[cadence]:.4f}: within half a window of a gap or an end"))
                continue
            rows.append(
                {
                    "row_id": len(rows),
                    "tic_id": star.tic_id,
                    "Sectors": star.sector,
                    "Disposition": disposition,
                    "Epoc": float(time[cadence]),
                    "kind": kind,
                    "source": source,
                    "light_curve": os.path.basename(path),
                }
            )
            views.append(window)
    return rows, views


def _write_shards(directory, shards, views):
    """Writes the shards of a set; returns a dict of name to a Counter of its records' dispositions.

    Args:
      directory: where they go.
      shards: dict of name to a list of rows.
      views: list of windows, by row_id.
    """
    from astronet.data import record_set
    from astronet.util import example_util, records

    staging, made = record_set.staging_directory(directory), {}
    for name, rows in shards.items():
        path = os.path.join(staging, name)
        examples = (example_util.to_example(row, {windows.NAME: views[row["row_id"]]}) for row in rows)
        records.write_shard(path, (example.SerializeToString(deterministic=True) for example in examples))
        dispositions = collections.Counter(row["Disposition"] for row in rows)
        made[name] = path, record_set.Entry("", "", sha256(path), dict(dispositions), [])
    record_set.publish(directory, made)
    return {name: collections.Counter(entry.dispositions) for name, (_, entry) in made.items()}


def _generate(flags):
    import pandas as pd

    from astronet.data import record_set, split

    flares, skips = catalog.read(flags.catalog), []
    make_directory(flags.output_dir)
    rows, views = _rows(flags, flares, skips)
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
        catalogue={"path": flags.catalog, "num_rows": len(flares)},
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


def _share(text):
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--catalog", required=True, help="flares: the table of Guenther et al. 2020, or a CSV file")
    parser.add_argument("--light_curves", nargs="+", required=True, help="files or patterns; others of unknown sectors")
    parser.add_argument("--output_dir", required=True, help="directory of the record files")
    parser.add_argument("--listed_only", action="store_true", help="only light curves that the catalogue has rows of")
    parser.add_argument("--drop_quiet", type=_share, default=0.73, help="share of the quiet windows that is dropped")
    parser.add_argument("--off_center", type=int, default=0, help="quiet windows a flare that see it beside the center")
    parser.add_argument("--inject", type=float, default=0, help="artificial flares for each quiet window in training")
    parser.add_argument("--padded", action="store_true", help="windows near gaps and ends too, padded")
    parser.add_argument("--make_test_set", action="store_true", help="make one test set of all windows")
    parser.add_argument("--plot", action="store_true", help="plot 16 of the windows")
    parser.add_argument("--num_train_shards", type=positive_integer, default=8, help="files of the training set")
    parser.add_argument("--seed", type=int, default=123, help="of the split, the choice of windows and the injections")
    light_curves.add_flags(parser)
    return run(locks.holding(_generate, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
