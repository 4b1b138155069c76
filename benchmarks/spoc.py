"""Turns the SPOC TFRecords of Nigraha into records of this project, split by star.

What those hold, how their views differ from ours, and what their labels mean: docs/spoc.md.
"""

import collections
import glob
import itertools
import os
import sys

import numpy as np
import pandas as pd

from astronet.base import version
from astronet.base.files import make_directory
from astronet.base.script import Parser, ScriptError, run
from astronet.data.catalog import tce_table
from astronet.data.catalog.tce_table import Skip
from astronet.data.records import record_set, split, tf_example, tfrecord
from light_curve_util.errors import LightCurveError
from light_curve_util.normalize import normalize_view

LENGTHS = {"global_view": 201, "local_view": 81}  # theirs, in bins
HALF_WIDTH = 2.0  # durations to either side of the event that a local view covers, theirs and ours
BIN_WIDTH = 0.16  # durations that a bin of our local view covers
SAME_PERIOD = 0.003  # largest relative difference between two periods of one signal

_PLANETS = {"KP": "PC", "CP": "PC"}  # known and confirmed planets
_KNOWN = ("PC", "EB", "V", "IS", "J", *_PLANETS)


def resample_local(view, num_bins):
    """Means of a local view over the ranges that the bins of ours cover.

    An approximation: ours are medians of cadences, and the cadences are lost.

    Args:
      view: [n], bins that touch and cover HALF_WIDTH durations to either side.
      num_bins: bins of the result, which overlap where they are wider than their spacing.

    Returns:
      [num_bins].
    """
    edges = np.linspace(-HALF_WIDTH, HALF_WIDTH, len(view) + 1)
    integral = np.concatenate([[0], np.cumsum(view * np.diff(edges))])
    lower = np.linspace(-HALF_WIDTH, HALF_WIDTH - BIN_WIDTH, num_bins)
    return (np.interp(lower + BIN_WIDTH, edges, integral) - np.interp(lower, edges, integral)) / BIN_WIDTH


def _convert(flags):
    files = tfrecord.expand(os.path.join(glob.escape(flags.input_dir), "*.tfRecords"))
    catalog = _by_star(tce_table.read(flags.catalog)[0]) if flags.catalog else None
    tces, skips, known = [], [], collections.Counter()
    for row_id, serialized in enumerate(itertools.chain.from_iterable(map(tfrecord.read, files))):
        example = tf_example.from_serialized(serialized)
        columns = _columns(example, row_id)
        views, reason = _views(example, columns, flags.local_bins)
        if not reason and catalog is not None:
            found = _look_up(columns, catalog)
            known.update(found)
            if "at the period of one" not in found:
                reason = "signal: the catalogue has no TCE of this star at this period"
        if reason:
            skips.append(Skip(row_id, columns["tic_id"], None, reason))
        else:
            tces.append((columns, views))
    make_directory(flags.output_dir)
    record_set.write_skips(flags.output_dir, skips)
    if known:
        print("in the catalogue: " + ", ".join(f"{count} {what}" for what, count in known.items()))
    kinds = collections.Counter(skip.reason.partition(":")[0] for skip in skips)
    skipped = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "none"
    print(f"{len(tces) + len(skips)} rows = {len(tces)} records + {len(skips)} skipped ({skipped})")
    if not tces:
        raise ScriptError(f"no row gives a record: {flags.output_dir}/skipped.csv has the reason for each")

    table = pd.DataFrame({"tic_id": [columns["tic_id"] for columns, _ in tces]})
    shards = {
        f"{name}-00000-of-00001": [tces[i] for i in part.index]
        for name, part in split.by_tic(table, flags.seed).items()
    }
    counts = {}
    for name, rows in shards.items():
        serialized = (tf_example.to_example(*tce).SerializeToString(deterministic=True) for tce in rows)
        tfrecord.write_shard(os.path.join(flags.output_dir, name), serialized)
        counts[name] = collections.Counter(columns["Disposition"] for columns, _ in rows)
    manifest = record_set.write_manifest(
        flags.output_dir,
        counts,
        version=version.VERSION,
        files=[os.path.basename(path) for path in files],
        views={**LENGTHS, "local_view": flags.local_bins},
        catalogue=flags.catalog and os.path.basename(flags.catalog),
        seed=flags.seed,
        skipped=kinds,
    )
    for name, made in manifest["splits"].items():
        told = ", ".join(f"{disposition} {count}" for disposition, count in made["dispositions"].items())
        print(f"{name}: {made['num_records']} records ({told})")


def _columns(example, row_id):
    """Columns as our records have them. Of theirs, snr is to white noise: no SN, which is to pink noise."""
    disposition = tf_example.value(example, "Disposition", "")
    values = {
        name: tf_example.value(example, name, np.nan) for name in ("Period", "T0", "Duration", "Depth", "TMag", "snr")
    }
    return {
        "row_id": row_id,
        "tic_id": tf_example.value(example, "TIC_ID"),
        "Disposition": _PLANETS.get(disposition, disposition),
        "original_disposition": disposition,
        "Period": values["Period"],
        "Epoc": values["T0"],
        "Duration": values["Duration"] / 24,  # theirs is in hours
        "Transit_Depth": 1e6 * (1 - values["Depth"]),  # theirs is the flux that is left at the bottom
        "Tmag": values["TMag"],
        "snr_white": values["snr"],
    }


def _views(example, columns, local_bins):
    """Views and None; or None and the reason why there are none."""
    views = {}
    for name, length in LENGTHS.items():
        theirs = name.replace("_", " ")
        held = example.features.feature
        view = np.array(held[theirs].float_list.value if theirs in held else [], dtype=np.float64)
        if len(view) != length:
            return None, f"length: {theirs} has {len(view)} values, not {length}"
        views[name] = view
    for name, value in {**views, **{name: columns[name] for name in ("Period", "Epoc", "Duration")}}.items():
        if not np.isfinite(value).all():
            return None, f"not finite: {name}"
    if columns["original_disposition"] not in _KNOWN:
        return None, f"invalid: unknown disposition {columns['original_disposition']!r}"
    if not columns["Transit_Depth"] > 0:
        return None, f"invalid: depth of {columns['Transit_Depth']:g} ppm"
    if local_bins != LENGTHS["local_view"]:
        views["local_view"] = resample_local(views["local_view"], local_bins)
    try:
        return {name: normalize_view(view) for name, view in views.items()}, None
    except LightCurveError as error:
        return None, f"{error.reason}: {error}"


def _by_star(catalog):
    return {tic_id: (set(tces.Disposition), tces.Period.to_numpy()) for tic_id, tces in catalog.groupby("tic_id")}


def _look_up(columns, catalog):
    """What the TCEs of a catalogue have in common with a row."""
    if columns["tic_id"] not in catalog:
        return []
    dispositions, periods = catalog[columns["tic_id"]]
    found = {
        "rows of its stars": True,
        "with the disposition of one of the star's TCEs": columns["Disposition"] in dispositions,
        "at the period of one": (np.abs(columns["Period"] / periods - 1) < SAME_PERIOD).any(),
    }
    return [what for what, is_so in found.items() if is_so]


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--input_dir", required=True, help="directory of Nigraha's *.tfRecords")
    parser.add_argument("--output_dir", required=True, help="directory of the record files")
    parser.add_argument(
        "--local_bins", type=int, choices=(61, 81), default=81, help="of the local view; 61 resamples it to our bins"
    )
    parser.add_argument("--catalog", help="CSV file of TCEs: keep only rows at the period of a TCE of the same star")
    parser.add_argument("--seed", type=int, default=123, help="decides the split and the order of the records")
    return run(_convert, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
