"""JSON files: written whole, and read as what they should be, with a message where they are damaged or foreign."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from typing import Any, Optional, TypeVar, Union

from astronet.base.files import write_aside
from astronet.base.script import ScriptError

Path = Union[str, "os.PathLike[str]"]
Record = TypeVar("Record")


def read(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Returns the dictionary that a JSON file holds.

    Args:
      path: of the file.
      what: the file should be, such as "a calibration", and the remedy where it is not, for the message.

    Raises:
      ScriptError: the file is cut off, or holds something else than a dictionary in JSON.
      FileNotFoundError: there is none.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
        if not isinstance(values, dict):
            raise ValueError(f"it holds a {type(values).__name__}, not a dictionary")
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
        raise ScriptError(f"{os.fspath(path)} is not {what} ({error}): {remedy}") from error
    return values


def read_or_nothing(path: Path) -> dict[str, Any]:
    """Returns the dictionary that a JSON file holds; an empty one where it is absent, cut off or foreign."""
    try:
        return read(path, "", "")
    except (FileNotFoundError, NotADirectoryError, ScriptError):
        return {}


def record(kind: type[Record], values: Any) -> Optional[Record]:
    """Returns the dataclass instance whose fields a dictionary holds; None where names or types are others.

    Args:
      kind: dataclass whose fields have plain types (str, int, dict, list).
      values: what a JSON file holds.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or not values.keys() <= fields.keys():
        return None
    if any(type(value) is not fields[name].type for name, value in values.items()):
        return None
    try:
        return kind(**values)
    except TypeError:  # one is lacking
        return None


def write(path: Path, values: Mapping[str, Any], durable: bool = False, indent: Optional[int] = 2) -> None:
    """Writes a dictionary, whole or not at all; NaN, which JSON lacks, becomes null.

    Args:
      path: of the file.
      values: what json.dump can write.
      durable: whether the file outlasts a loss of power once this has returned.
      indent: of nested values, as json.dump has it; None writes one line.
    """
    with write_aside(path, durable) as aside, open(aside, "w", encoding="utf-8") as file:
        json.dump(_without_nan(values), file, indent=indent)
        file.write("\n")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
