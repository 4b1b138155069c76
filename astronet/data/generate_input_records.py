"""Makes the record files that networks train on and predict from: for each TCE of a table, views of its light curve."""

import collections
import errno
import os
import sys

import astronet
from astronet.base import arguments, locks, workers
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration
from astronet.data.records import preprocess
from light_curve_util.view_generator import VIEW_NAMES

# The flags that decide what the records hold, for the manifest.
_DECISIVE_FLAGS = (
    *("make_test_set", "clean", "threshold", "split_by", "seed", "flux_key", "quality", "detrend", "mask_flares"),
    "stitch",
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _generate_unless_full(flags):
    try:
        _generate(flags)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ScriptError(
            f"{flags.output_dir}: {error.strerror}: make room there, and run the same command again, which goes on "
            "from here"
        ) from error


def _generate(flags):
    # These bring in pandas. They are here because each worker imports this file anew, and does without.
    from astronet.data.catalog.tce_table import Skip, Warned
    from astronet.data.records import record_set, shards

    written = ("skipped.csv", "warnings.csv", "records.json", "shards.json")
    table = {"--input_tce_csv_file": flags.input_tce_csv_file}
    arguments.refuse_overwriting_in(flags.output_dir, written, "--output_dir", table)
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    settings = preprocess.Settings(
        _views(spec), flags.flux_key, flags.detrend, flags.quality, _flare_mask(flags.mask_flares)
    )
    if not os.path.isdir(flags.tess_data_dir):
        raise ScriptError(f"no directory {flags.tess_data_dir}: --tess_data_dir is the one that holds sector-1, ...")

    tables, skips, doubts, num_rows, catalog_sha256 = _read(flags)
    made = shards.make(
        flags.output_dir,
        tables,
        flags.tess_data_dir,
        settings,
        num_worker_processes=flags.num_worker_processes,
        time_limit=flags.tce_time_limit,
        cluster=flags.cluster,
    )
    record_set.publish(flags.output_dir, made)
    skips += [Skip(*skip) for _, entry in made.values() for skip in entry.skipped]
    record_set.write_skips(flags.output_dir, skips)
    doubts += [Warned(*warned) for _, entry in made.values() for warned in entry.warned]
    _write_warnings(flags.output_dir, doubts, skips)

    skipped = collections.Counter(skip.reason.partition(":")[0] for skip in skips)
    counts = {name: entry.dispositions for name, (_, entry) in made.items()}
    num_records = sum(sum(dispositions.values()) for dispositions in counts.values())
    assert num_rows == num_records + len(skips), "a row was lost"
    print(f"{num_rows} rows = {num_records} records + {len(skips)} skipped ({_listed(skipped)})")
    if not num_records:
        raise ScriptError(f"no TCE gives a record; {flags.output_dir}/skipped.csv has the reason for each row")
    manifest = record_set.write_manifest(
        flags.output_dir,
        counts,
        version=astronet.__version__,
        catalogue={"path": flags.input_tce_csv_file, "sha256": catalog_sha256, "num_rows": num_rows},
        configuration={"model": spec.model, "config_name": spec.config_name, "views": settings.views},
        settings={
            **{name: getattr(flags, name) for name in _DECISIVE_FLAGS},
            **({"mask_sha256": settings.mask_flares.sha256} if settings.mask_flares else {}),
        },
        skipped=skipped,
    )
    for name, held in manifest["splits"].items():
        print(f"{name}: {held['num_records']} records ({_listed(held['dispositions'])}) in {flags.output_dir}/{name}-*")


def _flare_mask(model_dir):
    if model_dir is None:
        return None
    from astronet.flares import mask  # which most runs do without

    return mask.of_directory(model_dir)


def _write_warnings(directory, doubts, skips):
    """Writes warnings.csv of the rows that are not skipped, and says that there are some."""
    from astronet.data.records import record_set

    skipped = {skip[:3] for skip in skips}
    warned = [doubt for doubt in doubts if doubt[:3] not in skipped]
    path = record_set.write_warnings(directory, warned)
    if warned:
        rows = len({doubt[:3] for doubt in warned})
        print(f"warning: {rows} row(s) have a record but are doubtful: {path} says why", file=sys.stderr)


def _views(spec):
    """View lengths of a configuration, if these are views that can be made."""
    views = configuration.view_lengths(spec.config)
    unknown = sorted(set(views) - set(VIEW_NAMES))
    if unknown or not views:
        raise ScriptError(f"cannot make {', '.join(unknown) or 'no view'}: the views are {', '.join(VIEW_NAMES)}")
    return views


def _read(flags):
    """Tables of the TCEs by record file, lists of Skip and of Warned, the number of all rows, SHA-256 of the table.

    Once this has ended, each TCE is in memory once.
    """
    from astronet.data.catalog import observed, tce_table
    from astronet.data.records import event_density

    request = tce_table.Request(
        required=("SN",) if flags.clean else (),
        for_training=not flags.make_test_set,
        choose_sectors=observed.ObservedSectors(flags.tess_data_dir),
        stitch=flags.stitch,
    )
    catalog = tce_table.load(flags.input_tce_csv_file, request)
    for note in catalog.notes:
        print(f"{flags.input_tce_csv_file}: {note}", file=sys.stderr)
    num_rows = len(catalog.table) + len(catalog.skips)
    table, repeated = tce_table.drop_repeated(catalog.table)
    doubts = tce_table.doubts(flags.input_tce_csv_file, table)
    table = tce_table.to_record_columns(table)
    table = table.assign(**event_density.of_table(table))
    splits, faint = _splits(table, flags)
    return _tables(splits, flags), catalog.skips + repeated + faint, doubts, num_rows, catalog.sha256


def _splits(table, flags):
    """Tables by split, and the list of Skip of the TCEs that --clean leaves out."""
    from astronet.data.catalog import tce_table
    from astronet.data.records import split

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


def _tables(splits, flags):
    """Dict of record file name to the DataFrame of the TCEs that go into it."""
    import numpy as np

    tables = {}
    for name, table in splits.items():
        total = flags.num_train_shards if name == "train" or flags.make_test_set else 1
        ends = np.cumsum([len(rows) for rows in np.array_split(np.arange(len(table)), total)])
        for i, (start, end) in enumerate(zip([0, *ends], ends)):
            tables[f"{name}-{i:05d}-of-{total:05d}"] = table.iloc[start:end]
    return tables


def _listed(counts):
    return (
        ", ".join(f"{name or 'no disposition'} {count}" for name, count in collections.Counter(counts).most_common())
        or "none"
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--input_tce_csv_file",
        type=arguments.input_file,
        required=True,
        help="table of TCEs, as make_catalog.py writes it, or any public table that docs/data.md lists",
    )
    parser.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        required=True,
        help="directory of light curves: sector-1/<tic>.h5, ...",
    )
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    parser.add_argument(
        "--num_worker_processes",
        type=arguments.whole_number(0, arguments.MAX_PROCESSES),
        default=1,
        help="processes that make views; 0 makes them in this one",
    )
    workers.add_cluster_flag(parser)
    parser.add_argument(
        "--tce_time_limit",
        type=arguments.number(least=0, unit="seconds"),
        default=60,
        help="seconds after which a TCE that hangs is skipped, with its process; 0 is none, as without processes",
    )
    parser.add_argument(
        "--num_train_shards", type=arguments.num_shards, default=8, help="files of the training or new test set"
    )
    parser.add_argument("--clean", action="store_true", help="train and validate only on TCEs of high enough S/N")
    parser.add_argument("--threshold", type=arguments.finite_number, default=15, help="lowest S/N for --clean")
    parser.add_argument("--make_test_set", action="store_true", help="make one test set of all TCEs, in their order")
    parser.add_argument(
        "--stitch",
        action="store_true",
        help="fold the light curves of all sectors of a row together (Sectors such as 1,2,28), not each by itself",
    )
    parser.add_argument("--split_by", choices=("tic", "row"), default="tic", help="row lets a star be on several sides")
    parser.add_argument(
        "--seed", type=arguments.seed, default=123, help="decides the split and the order of the records"
    )
    preprocess.add_flags(parser)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    flags = parser.parse_args(argv)
    return run(
        locks.holding(_generate_unless_full, "output_dir"),
        flags,
        go_on="the same command, given again, goes on from here",
    )


if __name__ == "__main__":
    sys.exit(main())
