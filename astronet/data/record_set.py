"""A set of records in a directory: its shards, the list of rows that were skipped, and the manifest."""

import collections
import csv
import json
import os
import re
import tempfile

from astronet.data.tce_table import Skip
from astronet.util import example_util, records
from astronet.util.files import write_aside

_SHARD = re.compile(r"(train|val|test)-\d{5}-of-\d{5}")


def write_shards(directory, shards, results):
    """Writes all shards of a set, which appear once all of them are whole.

    Shards of the same splits that an earlier set left in the directory are removed, for a reader of `train*` would mix
    the two. Other splits stay: a new test set can join a training set. Where no TCE gives a record, nothing changes.

    Args:
      directory: where they go.
      shards: dict of file name to a list of TCEs (dicts of record columns).
      results: iterator over the (views, reason) of these TCEs, in order, as preprocess.views_or_reason gives them.

    Returns:
      Dict of file name to a Counter of its records' dispositions.
      List of Skip.
    """
    counts, skips = {}, []

    def examples(name):
        counts[name] = collections.Counter()
        for columns, (views, reason) in zip(shards[name], results):
            if reason:
                skips.append(Skip(columns["row_id"], columns["tic_id"], columns["Sectors"], reason))
            else:
                counts[name][columns["Disposition"]] += 1
                yield example_util.to_example(columns, views).SerializeToString(deterministic=True)

    with tempfile.TemporaryDirectory(prefix="incomplete-", dir=directory) as aside:
        for name in shards:
            records.write_shard(os.path.join(aside, name), examples(name))
        if any(counts.values()):
            stale = [name for name, split in _there(directory) if split in _splits(shards) and name not in shards]
            for name in shards:
                os.replace(os.path.join(aside, name), os.path.join(directory, name))
            for name in stale:
                os.remove(os.path.join(directory, name))
    return counts, skips


def _there(directory):
    """Names and splits of the shards in a directory."""
    return [(match[0], match[1]) for match in map(_SHARD.fullmatch, sorted(os.listdir(directory))) if match]


def _splits(shards):
    return list(dict.fromkeys(_SHARD.fullmatch(name)[1] for name in shards))


def write_skips(directory, skips):
    """Writes skipped.csv: row_id, tic_id, sector, reason."""
    with write_aside(os.path.join(directory, "skipped.csv")) as aside, open(aside, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Skip._fields)
        writer.writerows(skips)


def write_manifest(directory, counts, **origin):
    """Writes records.json: what the set holds and how it came to be.

    Where shards of other splits lie beside the set, the manifest that told of them is kept in it as "earlier".

    Args:
      directory: where it goes.
      counts: dict of shard name to a Counter of its records' dispositions.
      **origin: whatever says how the set came to be.

    Returns:
      The manifest, as the file holds it.
    """
    path = os.path.join(directory, "records.json")
    manifest = {**origin, **_summary(counts), "splits": {}}
    for split in _splits(counts):
        own = {name: dispositions for name, dispositions in counts.items() if name.startswith(split)}
        shards = {name: sum(dispositions.values()) for name, dispositions in own.items()}
        manifest["splits"][split] = {**_summary(own), "shards": shards}
    if os.path.exists(path) and len(_there(directory)) > len(counts):
        with open(path) as file:
            earlier = json.load(file)
        manifest["earlier"] = earlier.get("earlier", earlier)
    with write_aside(path) as aside, open(aside, "w") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")
    return manifest


def _summary(counts):
    dispositions = sum(counts.values(), collections.Counter())
    return {"num_records": sum(dispositions.values()), "dispositions": dict(sorted(dispositions.items()))}
