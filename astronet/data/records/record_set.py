"""A set of records in a directory: its shards, the list of rows that were skipped, and the manifest.

`shards.json` tells of each shard what it was made from, which rows are not in it, and its hash, so that whatever was
interrupted when, a shard that does not fit is known and made again.
"""

import collections
import contextlib
import dataclasses
import glob
import hashlib
import os
import re
import shutil
import socket
import sys

from astronet.base import json_files
from astronet.base.files import INCOMPLETE, sha256, sync, write_aside, write_csv
from astronet.base.script import ScriptError
from astronet.data.catalog.tce_table import Skip, Warned

_SHARD = re.compile(r"(train|val|test)-\d{5}-of-\d{5}")
_STAGING = "incomplete-records"
_ENTRIES = "shards.json"
_KEY_LENGTH = 16  # characters of a hash, which tell the sets of this world apart


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of one shard.

    Attributes:
      made_from: hash of its rows of the catalog, the settings and the version.
      light_curves: hash of the names, sizes and times of change of the light curves.
      sha256: of the file.
      dispositions: dict of disposition to the number of its records.
      skipped: list of [row_id, tic_id, sector, reason].
      warned: list of [row_id, tic_id, sector, warning], of rows that are not skipped.
    """

    made_from: str
    light_curves: str
    sha256: str
    dispositions: dict
    skipped: list
    warned: list = dataclasses.field(default_factory=list)

    def is_sound(self):
        """Whether an entry that was read from a file holds what it should."""
        counts = all(type(count) is int for count in self.dispositions.values())
        rows = [*self.skipped, *self.warned]
        return counts and all(isinstance(row, list) and len(row) == len(Skip._fields) for row in rows)


def check_directory(directory, table_path, tess_data_dir):
    """Refuses inputs that making the set would remove, and staging that is no directory.

    Args:
      directory: of the set, which need not exist.
      table_path, tess_data_dir: table and directory of light curves that the set is made from.

    Raises:
      ScriptError: naming the path and the remedy.
    """
    staging = os.path.join(directory, _STAGING)
    if os.path.islink(staging) or (os.path.lexists(staging) and not os.path.isdir(staging)):
        raise ScriptError(f"{staging} is a file or a link, where a directory is needed: remove it, or rename it")
    real, real_staging = os.path.realpath(directory), os.path.realpath(staging)
    for flag, path in (("--input_tce_csv_file", table_path), ("--tess_data_dir", tess_data_dir)):
        for home, name in map(os.path.split, (os.path.abspath(path), os.path.realpath(path))):
            home = os.path.realpath(home)
            is_staged = os.path.commonpath([os.path.join(home, name), real_staging]) == real_staging
            if is_staged or (home == real and _SHARD.fullmatch(name)):
                raise ScriptError(
                    f"--output_dir would remove or overwrite {path}, which {flag} reads: move that, or give another "
                    "--output_dir"
                )


def staging_directory(directory):
    """Makes, and returns the name of, the directory of what is not yet published; a run that is killed leaves it."""
    staging = os.path.join(directory, _STAGING)
    os.makedirs(staging, exist_ok=True)
    for name in os.listdir(staging):
        if name.endswith(".watch") or INCOMPLETE in name:  # of processes that an earlier run left in the middle
            os.remove(os.path.join(staging, name))
    return staging


def candidates(directory, name):
    """Where a shard may have been made before: in its place, or in staging, where an interrupted run left it.

    Args:
      directory: of the set.
      name: of the shard.

    Returns:
      List of path and Entry. Whether the file is as the entry says has yet to be seen.
    """
    in_place = json_files.read_or_nothing(os.path.join(directory, _ENTRIES)).get(name)
    paths_and_fields = [(os.path.join(directory, name), in_place)]
    staging = glob.escape(os.path.join(directory, _STAGING))
    for path in sorted(glob.glob(_staged(staging, name, "?" * _KEY_LENGTH) + ".json")):
        paths_and_fields.append((path[: -len(".json")], json_files.read_or_nothing(path)))
    paths_and_entries = [(path, json_files.record(Entry, fields)) for path, fields in paths_and_fields]
    return [(path, entry) for path, entry in paths_and_entries if entry and entry.is_sound() and os.path.exists(path)]


def _staged(staging, name, made_from):
    """Path of a shard that is not published; runs with other settings have other ones."""
    return os.path.join(staging, f"{name}.{made_from[:_KEY_LENGTH]}")


def is_whole(path, entry):
    """Whether a shard is as its entry says."""
    return sha256(path) == entry.sha256


def combined(hashes):
    """One hash of the hashes of a shard's pieces: of their keys, or of their light curves."""
    digest = hashlib.sha256()
    for piece_hash in hashes:
        digest.update(piece_hash.encode())
    return digest.hexdigest()


def assemble(staging, name, summaries):
    """Writes a shard in the staging directory.

    Args:
      staging: the directory.
      name: of the shard.
      summaries: iterator over the pieces.Summary of its pieces, in order.

    Returns:
      Its path and Entry.

    Raises:
      ScriptError: a piece is not as its summary says.
    """
    digest, dispositions, pieces = hashlib.sha256(), collections.Counter(), []
    unnamed = f"{os.path.join(staging, name)}.{socket.gethostname()}-{os.getpid()}"
    with write_aside(unnamed, durable=True) as aside, open(aside, "wb") as file:
        for summary in summaries:
            data = summary.read_data()
            if data is None:
                raise ScriptError(f"{summary.path} was changed or removed: run the same command again")
            file.write(data)
            digest.update(data)
            dispositions.update(summary.dispositions)
            pieces.append(summary)
    entry = Entry(
        made_from=combined(piece.key for piece in pieces),
        light_curves=combined(piece.light_curves for piece in pieces),
        sha256=digest.hexdigest(),
        dispositions=dict(dispositions),
        skipped=[skip for piece in pieces for skip in piece.skipped],
        warned=[warned for piece in pieces for warned in piece.warned],
    )
    path = _staged(staging, name, entry.made_from)
    os.replace(unnamed, path)
    json_files.write(f"{path}.json", dataclasses.asdict(entry), indent=None)
    for piece in pieces:
        piece.remove()
    return path, entry


def publish(directory, shards):
    """Makes shards the set in a directory: those that are not in their place yet are moved there.

    Shards of the same splits that an earlier set left in the directory are removed, for a reader of `train*` would mix
    the two. Other splits stay: a new test set can join a training set. Where no TCE gives a record, nothing changes.

    Whenever this process is killed, the shards that are in their place are of one set: the old one, or the new one,
    some of which may be missing until the same command is given again.

    Args:
      directory: where they go.
      shards: dict of name to path and Entry.

    Raises:
      ScriptError: a shard is not as its entry says, so that nothing was published.
    """
    if any(entry.dispositions for _, entry in shards.values()):
        to_move = {
            name: path for name, (path, _) in shards.items() if path != os.path.join(directory, name)
        }  # those in their place have been compared with their entries before
        for name, path in to_move.items():
            if not is_whole(path, shards[name][1]):
                raise ScriptError(f"{path} was changed meanwhile, perhaps by another run: run the same command again")
        others = {name: split for name, split in _shards_in(directory) if name not in shards}
        stale = [name for name, split in others.items() if split in _splits(shards)]
        entries = json_files.read_or_nothing(os.path.join(directory, _ENTRIES))
        entries = {name: entry for name, entry in entries.items() if name in others and name not in stale}
        entries.update({name: dataclasses.asdict(entry) for name, (_, entry) in shards.items()})
        json_files.write(os.path.join(directory, _ENTRIES), entries, durable=True, indent=None)
        for name in [*stale, *to_move]:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(directory, name))
        for name, path in to_move.items():
            os.replace(path, os.path.join(directory, name))
        sync(directory)
    shutil.rmtree(os.path.join(directory, _STAGING))


def _shards_in(directory):
    """Names and splits of the shards in a directory."""
    return [(match[0], match[1]) for match in map(_SHARD.fullmatch, sorted(os.listdir(directory))) if match]


def _splits(names):
    return list(dict.fromkeys(_SHARD.fullmatch(name)[1] for name in names))


def write_skips(directory, skips):
    """Writes skipped.csv: row_id, tic_id, sector, reason."""
    write_csv(os.path.join(directory, "skipped.csv"), Skip._fields, skips)


def write_warnings(directory, warned):
    """Writes warnings.csv about rows that have a record: row_id, tic_id, sector, warning; returns its path.

    Without a warning there is no such file, nor that of an earlier run.
    """
    path = os.path.join(directory, "warnings.csv")
    if warned:
        write_csv(path, Warned._fields, warned)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return path


def write_manifest(directory, counts, **origin):
    """Writes records.json: what the set holds and how it came to be.

    Where shards of other splits lie beside the set, the manifest that told of them is kept in it as "earlier".

    Args:
      directory: where it goes.
      counts: dict of shard name to a dict of disposition to the number of its records.
      **origin: whatever says how the set came to be.

    Returns:
      The manifest, as the file holds it.
    """
    path = os.path.join(directory, "records.json")
    manifest = {**origin, **_summary(counts), "splits": {}}
    for split in _splits(counts):
        counts_of_split = {name: dispositions for name, dispositions in counts.items() if name.startswith(split)}
        shards = {name: sum(dispositions.values()) for name, dispositions in counts_of_split.items()}
        manifest["splits"][split] = {**_summary(counts_of_split), "shards": shards}
    if os.path.exists(path) and len(_shards_in(directory)) > len(counts):
        earlier = json_files.read_or_nothing(path)
        if not earlier:
            print(f"warning: {path} was damaged: what it told of the other splits here is lost", file=sys.stderr)
        manifest["earlier"] = earlier.get("earlier", earlier)
    json_files.write(path, manifest)
    return manifest


def _summary(counts):
    dispositions = sum(map(collections.Counter, counts.values()), collections.Counter())
    return {"num_records": sum(dispositions.values()), "dispositions": dict(sorted(dispositions.items()))}
