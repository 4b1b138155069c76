"""Makes the record files that networks train on and predict from: for each TCE of a table, views of its light curve."""

import collections
import contextlib
import functools
import hashlib
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

import astronet
from astronet.data import preprocess, split, tce_table
from astronet.util import configuration
from astronet.util.files import make_directory
from astronet.util.script import Parser, ScriptError, positive_integer, run
from astronet.util.workers import map_in_order
from light_curve_util.view_generator import VIEW_NAMES

# The flags that decide what the records hold, for the manifest.
_DECISIVE_FLAGS = ("make_test_set", "clean", "threshold", "split_by", "seed", "flux_key", "quality", "detrend")
_TCES_PER_TASK = 16


def _generate(flags):
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    settings = preprocess.Settings(_views(spec), flags.flux_key, flags.detrend, flags.quality)
    if not os.path.isdir(flags.tess_data_dir):
        raise ScriptError(f"no directory {flags.tess_data_dir}: --tess_data_dir is the one that holds sector-1, ...")
    make_directory(flags.output_dir)

    table, skips = tce_table.read(flags.input_tce_csv_file, also_required=["SN"] if flags.clean else [])
    num_rows = len(table) + len(skips)
    table, unusable = tce_table.drop_unusable(table, allow_unlabeled=flags.make_test_set)
    splits, faint = _splits(tce_table.to_record_columns(table), flags)
    shards = _shards(splits, flags)

    # TensorFlow comes in here and not above, because each worker imports this file anew.
    from astronet.data import record_set

    tces = [tce for rows in shards.values() for tce in rows]
    with contextlib.closing(_with_progress(_results(tces, flags, settings), len(tces))) as results:
        counts, failed = record_set.write_shards(flags.output_dir, shards, results)
    skips += unusable + faint + failed
    record_set.write_skips(flags.output_dir, skips)

    skipped = collections.Counter(skip.reason.partition(":")[0] for skip in skips)
    num_records = len(tces) - len(failed)
    assert num_rows == num_records + len(skips), "a row was lost"
    print(f"{num_rows} rows = {num_records} records + {len(skips)} skipped ({_listed(skipped)})")
    if not num_records:
        raise ScriptError(f"no TCE gives a record; {flags.output_dir}/skipped.csv has the reason for each row")
    manifest = record_set.write_manifest(
        flags.output_dir,
        counts,
        version=astronet.__version__,
        catalogue={"path": flags.input_tce_csv_file, "sha256": _sha256(flags.input_tce_csv_file), "num_rows": num_rows},
        configuration={"model": spec.model, "config_name": spec.config_name, "views": settings.views},
        settings={name: getattr(flags, name) for name in _DECISIVE_FLAGS},
        skipped=skipped,
    )
    for name, made in manifest["splits"].items():
        print(f"{name}: {made['num_records']} records ({_listed(made['dispositions'])}) in {flags.output_dir}/{name}-*")


def _views(spec):
    """View lengths of a configuration, if these are views that can be made."""
    views = configuration.view_lengths(spec.config)
    unknown = sorted(set(views) - set(VIEW_NAMES))
    if unknown or not views:
        raise ScriptError(f"cannot make {', '.join(unknown) or 'no view'}: the views are {', '.join(VIEW_NAMES)}")
    return views


def _splits(table, flags):
    """Tables by split, and the list of Skip of the TCEs that --clean leaves out."""
    if flags.make_test_set:
        splits = {"test": table}
    elif flags.split_by == "tic":
        splits = split.by_tic(table, flags.seed)
    else:
        splits = split.by_row(table, flags.seed)
    faint = []
    if flags.clean:
        for name in ("test",) if flags.make_test_set else ("train", "val"):
            splits[name], skips = tce_table.drop_faint(splits[name], flags.threshold)
            faint += skips
    return splits, faint


def _shards(splits, flags):
    """Dict of record file name to the TCEs that go into it, as dicts of columns."""
    shards = {}
    for name, table in splits.items():
        total = flags.num_train_shards if name == "train" or flags.make_test_set else 1
        for i, rows in enumerate(np.array_split(np.arange(len(table)), total)):
            shards[f"{name}-{i:05d}-of-{total:05d}"] = table.iloc[rows].to_dict("records")
    return shards


def _results(tces, flags, settings):
    """Yields views or a reason for each TCE, in order."""
    work = functools.partial(preprocess.views_or_reason, tess_data_dir=flags.tess_data_dir, settings=settings)
    return map_in_order(work, tces, flags.num_worker_processes, _TCES_PER_TASK)


def _with_progress(results, total):
    with tqdm(desc="views", total=total, unit="TCE") as progress:
        for result in results:
            progress.update()
            yield result


def _sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _listed(counts):
    return (
        ", ".join(f"{name or 'no disposition'} {count}" for name, count in collections.Counter(counts).most_common())
        or "none"
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--input_tce_csv_file", required=True, help="table of TCEs, as make_catalog.py writes it")
    parser.add_argument("--tess_data_dir", required=True, help="directory of light curves: sector-1/<tic>.h5, ...")
    parser.add_argument("--output_dir", required=True, help="directory of the record files")
    parser.add_argument("--num_worker_processes", type=positive_integer, default=1, help="processes that make views")
    parser.add_argument(
        "--num_train_shards", type=positive_integer, default=8, help="files of the training or new test set"
    )
    parser.add_argument("--clean", action="store_true", help="train and validate only on TCEs of high enough S/N")
    parser.add_argument("--threshold", type=float, default=15, help="lowest S/N for --clean")
    parser.add_argument("--make_test_set", action="store_true", help="make one test set of all TCEs, in their order")
    parser.add_argument("--split_by", choices=("tic", "row"), default="tic", help="row lets a star be on several sides")
    parser.add_argument("--seed", type=int, default=123, help="decides the split and the order of the records")
    preprocess.add_flags(parser)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    return run(_generate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
