"""Reads and writes JSON files, with clear errors for damaged files."""

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


def read(path: Path, expected: str, remedy: str) -> dict[str, Any]:
    """Returns the dictionary in a JSON file.

    Args:
      path: path of the file.
      expected: what the file should be, such as "a calibration", for the error message.
      remedy: what the user should do if it is not, for the error message.

    Raises:
      ScriptError: the file is cut off, or does not hold a dictionary in JSON.
      FileNotFoundError: there is no such file.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
        if not isinstance(values, dict):
            raise ValueError(f"it holds a {type(values).__name__}, not a dictionary")
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
        raise ScriptError(f"{os.fspath(path)} is not {expected} ({error}): {remedy}") from error
    return values


def read_or_nothing(path: Path) -> dict[str, Any]:
    """Returns the dictionary in a JSON file; an empty one if the file is absent, cut off, or holds anything else."""
    try:
        return read(path, "", "")
    except (FileNotFoundError, NotADirectoryError, ScriptError):
        return {}


def record(kind: type[Record], values: Any) -> Optional[Record]:
    """Makes an instance of a dataclass from a dictionary. Returns None if a name or a type does not fit.

    Args:
      kind: a dataclass whose fields have plain types (str, int, dict, list).
      values: content of a JSON file.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or not values.keys() <= fields.keys():
        return None
    if any(type(value) is not fields[name].type for name, value in values.items()):
        return None
    try:
        return kind(**values)
    except TypeError:  # a field is missing
        return None


def write(
    path: Path, values: Mapping[str, Any], durable: bool = False, indent: Optional[int] = 2, keeps_nan: bool = False
) -> None:
    """Writes a dictionary to a JSON file. If it fails, there is no file. NaN becomes null, because JSON has no NaN.

    Args:
      path: path of the file.
      values: dictionary that json.dump can write.
      durable: whether the file must survive a power failure after this function has returned.
      indent: indentation, as in json.dump; None writes one line.
      keeps_nan: whether NaN is written as NaN, which Python reads and other programs may not.
    """
    with write_aside(path, durable) as aside, open(aside, "w", encoding="utf-8") as file:
        json.dump(values if keeps_nan else _without_nan(values), file, indent=indent)
        file.write("\n")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
