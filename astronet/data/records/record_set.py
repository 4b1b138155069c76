"""Writes a set of records into a directory: its shards, the list of skipped rows, and the manifest.

`shards.json` records for each shard what it was made from, which rows were skipped, and the hash of the file. An
interrupted run can therefore be resumed at any point: a shard that does not match its entry is made again.
"""

import collections
import contextlib
import dataclasses
import glob
import hashlib
import logging
import os
import re
import shutil
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from astronet.base import json_files
from astronet.base.files import INCOMPLETE, sha256, sync, write_aside, write_csv
from astronet.base.script import ScriptError
from astronet.data.catalog.tce_table import Skip, Warned

_LOG = logging.getLogger(__name__)
if TYPE_CHECKING:
    from astronet.data.records import pieces

_SHARD = re.compile(r"(train|val|test)-\d{5}-of-\d{5}")
_STAGING = "incomplete-records"
_ENTRIES = "shards.json"
_KEY_LENGTH = 16  # characters of a hash in a file name: enough to be unique


@dataclasses.dataclass(frozen=True)
class Entry:
    """The entry of one shard in shards.json.

    Attributes:
      made_from: hash of its rows of the catalog, of the settings and of the version.
      light_curves: hash of the names, sizes and modification times of the light curves.
      sha256: hash of the shard's file.
      dispositions: dict of disposition to number of records.
      skipped: list of [row_id, tic_id, sector, reason].
      warned: list of [row_id, tic_id, sector, warning] of rows that have a record.
    """

    made_from: str
    light_curves: str
    sha256: str
    dispositions: dict
    skipped: list
    warned: list = dataclasses.field(default_factory=list)

    def is_sound(self) -> bool:
        """Returns whether the values of an entry read from a file have the right types."""
        counts = all(type(count) is int for count in self.dispositions.values())
        rows = [*self.skipped, *self.warned]
        return counts and all(isinstance(row, list) and len(row) == len(Skip._fields) for row in rows)


def check_directory(directory: str, table_path: str, tess_data_dir: str) -> None:
    """Refuses a directory if making the set there would remove an input, or if its staging path is not a directory.

    Args:
      directory: directory of the set; it need not exist.
      table_path: table of TCEs that the set is made from.
      tess_data_dir: directory of light curves that the set is made from.

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
                    f"--output_dir would remove or overwrite {path}, which {flag} reads: move that file, or give "
                    "another --output_dir"
                )


def staging_directory(directory: str) -> str:
    """Makes the staging directory, which holds shards that are not published yet. Returns its path.

    A killed run leaves the directory behind, and the next run uses its shards.
    """
    staging = os.path.join(directory, _STAGING)
    os.makedirs(staging, exist_ok=True)
    for name in os.listdir(staging):
        if name.endswith(".watch") or INCOMPLETE in name:  # unfinished files of an earlier run
            os.remove(os.path.join(staging, name))
    return staging


def candidates(directory: str, name: str) -> list[tuple[str, Entry]]:
    """Returns files that may be a shard made by an earlier run: published, or left in the staging directory.

    Args:
      directory: directory of the set.
      name: name of the shard.

    Returns:
      List of (path, Entry). It is not yet checked that a file matches its entry.
    """
    in_place = json_files.read_or_nothing(os.path.join(directory, _ENTRIES)).get(name)
    paths_and_fields = [(os.path.join(directory, name), in_place)]
    staging = glob.escape(os.path.join(directory, _STAGING))
    for path in sorted(glob.glob(_staged(staging, name, "?" * _KEY_LENGTH) + ".json")):
        paths_and_fields.append((path[: -len(".json")], json_files.read_or_nothing(path)))
    paths_and_entries = [(path, json_files.record(Entry, fields)) for path, fields in paths_and_fields]
    return [(path, entry) for path, entry in paths_and_entries if entry and entry.is_sound() and os.path.exists(path)]


def _staged(staging, name, made_from):
    """Returns the path of an unpublished shard. It depends on the settings of the run (`made_from`)."""
    return os.path.join(staging, f"{name}.{made_from[:_KEY_LENGTH]}")


def is_whole(path: str, entry: Entry) -> bool:
    """Returns whether the file of a shard has the hash in its entry."""
    return sha256(path) == entry.sha256


def combined(hashes: Iterable[str]) -> str:
    """Returns the hash of several hashes, such as the keys of a shard's pieces."""
    digest = hashlib.sha256()
    for piece_hash in hashes:
        digest.update(piece_hash.encode())
    return digest.hexdigest()


def assemble(staging: str, name: str, summaries: "Iterable[pieces.Summary]") -> tuple[str, Entry]:
    """Joins the pieces of a shard into one file in the staging directory.

    Args:
      staging: path of the staging directory.
      name: name of the shard.
      summaries: iterator over the pieces.Summary of the shard's pieces, in order.

    Returns:
      Path of the file, and Entry.

    Raises:
      ScriptError: the file of a piece does not match its summary.
    """
    digest, pieces = hashlib.sha256(), []
    dispositions: collections.Counter[str] = collections.Counter()
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


def publish(directory: str, shards: Mapping[str, tuple[str, Entry]]) -> None:
    """Publishes shards: moves them from the staging directory into the directory of the set.

    Shards of an earlier set with the same splits are removed, because a reader of `train*` would mix the two sets.
    Other splits stay, so a new test set can be added to a training set. If no TCE gives a record, nothing changes.

    If this process is killed, the published shards still belong to one set: either the old one or the new one. Some of
    the new shards may then be missing until the same command is run again.

    Args:
      directory: directory of the set.
      shards: dict of name to (path, Entry).

    Raises:
      ScriptError: a shard does not match its entry; nothing was published.
    """
    if any(entry.dispositions for _, entry in shards.values()):
        to_move = {
            name: path for name, (path, _) in shards.items() if path != os.path.join(directory, name)
        }  # published shards have been compared with their entries before
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
    """Returns (name, split) of the shards in a directory."""
    return [(match[0], match[1]) for match in map(_SHARD.fullmatch, sorted(os.listdir(directory))) if match]


def _splits(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(match[1] for match in map(_SHARD.fullmatch, names) if match))


def write_skips(directory: str, skips: Iterable[Sequence[object]]) -> None:
    """Writes skipped.csv, with the columns row_id, tic_id, sector and reason."""
    write_csv(os.path.join(directory, "skipped.csv"), Skip._fields, skips)


def write_warnings(directory: str, warned: Collection[Sequence[object]]) -> str:
    """Writes warnings.csv, with the columns row_id, tic_id, sector and warning. Returns its path.

    The warnings are about rows that have a record. If there are none, the file of an earlier run is removed.
    """
    path = os.path.join(directory, "warnings.csv")
    if warned:
        write_csv(path, Warned._fields, warned)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return path


def write_manifest(directory: str, counts: Mapping[str, Mapping[str, int]], **origin: Any) -> dict[str, Any]:
    """Writes the manifest, records.json: what the set holds, and how it was made.

    If the directory also has shards of other splits, their manifest is kept under the key "earlier".

    Args:
      directory: directory of the set.
      counts: dict of shard name to a dict of disposition to number of records.
      **origin: how the set was made.

    Returns:
      Dict with the content of the file.
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
            _LOG.warning(f"warning: {path} was damaged: its entries about the other splits are lost")
        manifest["earlier"] = earlier.get("earlier", earlier)
    json_files.write(path, manifest)
    return manifest


def _summary(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    dispositions: collections.Counter[str] = sum(map(collections.Counter, counts.values()), collections.Counter())
    return {"num_records": sum(dispositions.values()), "dispositions": dict(sorted(dispositions.items()))}
