"""What kept results were made from: one rule for everything that a later run might take for its own.

A result is kept with its *origin*: the content of its inputs, its settings, and the version of this package. A later
run compares the origin with its own before it changes anything. Where they differ, it makes the result again or
refuses to go on; it never mixes the two.

    mine = fingerprint.origin({"cube": [flags.cube], "angles": [flags.angles]}, num_samples=flags.num_samples)
    changed = fingerprint.changes(path, mine)  # ["inputs.cube"], say; [] where a run made the same; None: none there
    ...
    fingerprint.write(path, mine)
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional, Union

import astronet
from astronet.base import json_files

Path = Union[str, "os.PathLike[str]"]


def of_files(paths: Iterable[Path]) -> str:
    """Returns the SHA-256 of the contents of files in their order, as hexadecimal text; their names do not matter."""
    digest = hashlib.sha256()
    for path in paths:
        of_file = hashlib.sha256()
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                of_file.update(chunk)
        digest.update(of_file.digest())
    return digest.hexdigest()


def of_items(mapping: Mapping[Any, Any]) -> str:
    """Returns the SHA-256 of the items of a dictionary of numbers, texts and tuples, whatever their order."""
    return hashlib.sha256("\n".join(sorted(map(repr, mapping.items()))).encode()).hexdigest()


def stamp(path: Path) -> list[Union[str, int, None]]:
    """Returns name, size and time of change of a file, for many files that are too large to read twice, for JSON."""
    try:
        status = os.stat(path)
    except OSError:
        return [os.fspath(path), None, None]
    return [os.fspath(path), status.st_size, status.st_mtime_ns]


def origin(inputs: Mapping[str, Iterable[Path]], **settings: Any) -> dict[str, Any]:
    """Returns the origin of a result, for JSON: the version, the SHA-256 of each input, and the settings.

    Args:
      inputs: name of an input -> its files.
      **settings: whatever else decides the result, of kinds that JSON can hold.
    """
    hashes = {name: of_files(paths) for name, paths in inputs.items()}
    return {"version": astronet.__version__, "inputs": hashes, "settings": settings}


def changes(path: Path, current: Mapping[str, Any]) -> Optional[list[str]]:
    """Returns the names of all that differs between the origin in a file and another one.

    Args:
      path: JSON file that write() wrote.
      current: as origin() returns it; parts of it that are no dictionaries are compared as they are.

    Returns:
      List of names, such as "inputs.cube" or "version"; empty where both are the same. None where the file is absent,
      or no origin.
    """
    kept = json_files.read_or_nothing(path)
    if not kept:
        return None
    return sorted(_differences(kept, json.loads(json.dumps(current))))


def write(path: Path, current: Mapping[str, Any]) -> None:
    """Writes an origin into a JSON file, whole or not at all."""
    json_files.write(path, current)


def _differences(kept: Mapping[str, Any], current: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for key in {**kept, **current}:
        one, other = kept.get(key), current.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{where}{key}.")
        elif one != other:
            yield f"{where}{key}"
