"""Records what a result was made from, so that a later run can tell whether it may reuse the result.

A result is kept with its *origin*: the content of its inputs, its settings, and the version of this package. A later
run compares that origin with its own before it changes anything. If they differ, it makes the result again or stops
with an error. It never mixes the two.

>>> import tempfile
>>> path = os.path.join(tempfile.mkdtemp(), "origin.json")
>>> changes(path, origin({}, num_samples=3)) is None  # there is no earlier result
True
>>> write(path, origin({}, num_samples=3))
>>> changes(path, origin({}, num_samples=4))
['settings.num_samples']
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional, Union

from astronet.base import json_files, version

Path = Union[str, "os.PathLike[str]"]


def of_files(paths: Iterable[Path]) -> str:
    """Returns one SHA-256 of the contents of files, in order, as hexadecimal text. File names do not matter."""
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
    """Returns [name, size, modification time] of a file: a quick substitute for a hash of many large files."""
    try:
        status = os.stat(path)
    except OSError:
        return [os.fspath(path), None, None]
    return [os.fspath(path), status.st_size, status.st_mtime_ns]


def origin(inputs: Mapping[str, Iterable[Path]], **settings: Any) -> dict[str, Any]:
    """Returns the origin of a result: the version, the SHA-256 of each input, and the settings.

    Args:
      inputs: dict of the name of an input to its files.
      **settings: everything else that decides the result; values must be of types that JSON can hold.
    """
    hashes = {name: of_files(paths) for name, paths in inputs.items()}
    return {"version": version.VERSION, "inputs": hashes, "settings": settings}


def changes(path: Path, current: Mapping[str, Any]) -> Optional[list[str]]:
    """Compares the origin in a file with another origin.

    Args:
      path: path of a JSON file that write() wrote.
      current: an origin, as origin() returns it.

    Returns:
      Sorted list of the names that differ, such as "inputs.cube" or "version". None if the file does not exist, or
      does not hold an origin.
    """
    kept = json_files.read_or_nothing(path)
    if not kept:
        return None
    return sorted(_differences(kept, json.loads(json.dumps(current))))


def write(path: Path, current: Mapping[str, Any]) -> None:
    """Writes an origin to a JSON file."""
    json_files.write(path, current)


def _differences(kept: Mapping[str, Any], current: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for key in {**kept, **current}:
        one, other = kept.get(key), current.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{where}{key}.")
        elif one != other:
            yield f"{where}{key}"
