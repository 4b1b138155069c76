"""The space that a search of hyperparameters draws from: a JSON file of names and ranges."""

import json
from collections.abc import Mapping
from typing import Any

from astronet.base import json_files
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.configuration import ModelSpec

Space = Mapping[str, Mapping[str, Any]]


def read(path: str) -> Space:
    """Reads a search space: a JSON object of a hyperparameter's name to its range.

    A range is {"low": 1e-4, "high": 1e-2, "log": true}, {"low": 1, "high": 4} (whole numbers where both limits are),
    the same with "step", or {"choices": [32, 64, 128]}. A name is that of hparams, with dots: "learning_rate",
    "columns.local_view.num_blocks".

    Raises:
      ScriptError: naming the entry that is wrong, and what is.
    """
    space = json_files.read(path, "a search space", "write one as docs/tuning.md shows")
    if not space:
        raise ScriptError(f"{path} is empty: name at least one hyperparameter")
    for name, limits in space.items():
        problem = _problem(limits)
        if problem:
            raise ScriptError(f"{path}: {name}: {problem}")
    return space


def _problem(limits):
    """Says what is wrong with a range; "" where nothing is."""
    if not isinstance(limits, dict):
        return 'give {"low": ..., "high": ...} or {"choices": [...]}'
    if "choices" in limits:
        is_list = isinstance(limits["choices"], list) and len(limits["choices"]) > 1
        return "" if is_list and set(limits) == {"choices"} else "choices are a list of two or more, and stand alone"
    unknown = set(limits) - {"low", "high", "log", "step"}
    if unknown:
        return f"unknown key {', '.join(sorted(unknown))}; there are low, high, log, step and choices"
    low, high = limits.get("low"), limits.get("high")
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)) or not low < high:
        return "low and high are numbers, low being the lower"
    if limits.get("log") and not low > 0:
        return "with log, low is above 0"
    if limits.get("log") and "step" in limits:
        return "log and step do not go together"
    return ""


def check_names(space: Space, spec: ModelSpec) -> None:
    """Raises a ScriptError where a name is no hyperparameter of a configuration, or cannot have its first value."""
    for name, limits in space.items():
        value = limits["choices"][0] if "choices" in limits else limits["low"]
        configuration.changed(spec, json.dumps(nested({name: value})))


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of a configuration from values by dotted name.

    >>> nested({"learning_rate": 0.1, "columns.local_view.num_blocks": 2})
    {'hparams': {'learning_rate': 0.1, 'columns': {'local_view': {'num_blocks': 2}}}}
    """
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *parents, last = name.split(".")
        place = nested.setdefault("hparams", {})
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return nested


def suggest(trial: Any, name: str, limits: Mapping[str, Any]) -> Any:
    """Returns the value that an Optuna trial takes from the range of a hyperparameter."""
    if "choices" in limits:
        return trial.suggest_categorical(name, limits["choices"])
    low, high, log, step = limits["low"], limits["high"], limits.get("log", False), limits.get("step")
    if type(low) is int and type(high) is int and type(step) in (int, type(None)):
        return trial.suggest_int(name, low, high, log=log, **({"step": step} if step else {}))
    return trial.suggest_float(name, low, high, log=log, step=step)
