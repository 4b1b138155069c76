"""Configurations by name, by JSON, and as saved with the weights. Imports no TensorFlow: worker processes need none."""

import argparse
import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any, Optional

import astronet
from astronet.base import json_files
from astronet.base.script import ScriptError
from astronet.config import registry
from astronet.config.schema import Config, Hparams, Inputs, choose, from_dict, merge

DEFAULT_MODEL = "AstroCNNModel"
DEFAULT_CONFIG_NAME = "local_global"
PUBLISHED_STEPS = 14000


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """All that is needed to build a model again: what a model_dir's config.json holds.

    train_steps and seed are None for a checkpoint that was trained elsewhere.
    """

    model: str
    config_name: Optional[str]
    config: Config
    train_steps: Optional[int] = None
    seed: Optional[int] = None


def add_flags(parser: argparse.ArgumentParser, model: Optional[str] = None, config_name: Optional[str] = None) -> None:
    """Adds --model, --config_name and --config_json to an ArgumentParser, with these defaults."""
    of_model_dir = "" if model else " (default: what the config.json of the model says)"
    parser.add_argument("--model", default=model, help=f"one of {', '.join(registry.MODELS)}{of_model_dir}")
    parser.add_argument(
        "--config_name",
        default=config_name,
        help="base, local_global (views of 201 and 81 bins), yu2019 (201, 61), or a newer recipe: triage (201, 61, and "
        "scalars), triage_views (201, 61); for flares stella (published) or flares; not needed for "
        "sodinn, sodinn_conv3d and sodirf, which find companions in direct images",
    )
    parser.add_argument(
        "--config_json",
        help="JSON text or file: the whole configuration, or changes to that of --config_name, or to the only one of a "
        "model (null removes a key)",
    )


def get(model: str = DEFAULT_MODEL, config_name: str = DEFAULT_CONFIG_NAME) -> Config:
    """Returns the Config that a model has under a name; a ScriptError names the nearest where there is none."""
    return choose(registry.configurations(model), config_name, f"configuration of {model}")


def _only_name(model: str) -> Optional[str]:
    """The name of a model's configuration; None where it has several."""
    names = list(registry.configurations(model))
    return names[0] if len(names) == 1 else None


def resolve(
    model: Optional[str] = None, config_name: Optional[str] = None, config_json: Optional[str] = None
) -> ModelSpec:
    """Returns the ModelSpec that flags name.

    Args:
      model: name of the model, default AstroCNNModel.
      config_name: name of the configuration, default the only one of the model, else local_global unless config_json is
        given.
      config_json: JSON text or file: the whole configuration, or changes to the named one (null removes a key).

    Raises:
      ScriptError: for an unknown name or key, or JSON that cannot be read.
    """
    model = model or DEFAULT_MODEL
    config_name = config_name or _only_name(model)
    if not config_json:
        config_name = config_name or DEFAULT_CONFIG_NAME
        return ModelSpec(model, config_name, get(model, config_name))
    base = dataclasses.asdict(get(model, config_name)) if config_name else {}
    return ModelSpec(model, config_name, _typed(model, merge(base, _parse_json(config_json))))


def num_steps(hparams: Hparams, num_train: int) -> int:
    """Returns the number of steps of a training for which none is given.

    Args:
      hparams: Hparams.
      num_train: number of TCEs to train on.
    """
    if hparams.train_epochs is None:
        return PUBLISHED_STEPS
    return hparams.train_epochs * max(1, num_train // hparams.batch_size)


def view_lengths(config: Config) -> dict[str, int]:
    """Returns the number of bins of each view that a configuration reads, by name."""
    return {name: feature.length for name, feature in config.inputs.features.items() if feature.is_time_series}


def scalar_columns(config: Config) -> list[str]:
    """Returns the sorted names of the record columns that the scalars of a configuration are made of."""
    return sorted({column for scalar in config.inputs.scalars.values() for column in scalar.powers})


def input_lengths(config: Config) -> dict[str, int]:
    """Returns the length of all that a model reads from a record, by name: time series, scalars, their columns."""
    features = sorted(config.inputs.features.items(), key=lambda item: (not item[1].is_time_series, item[0]))
    return {**dict.fromkeys(scalar_columns(config), 1), **{name: feature.length for name, feature in features}}


def names_that_fit(lengths: Mapping[str, int]) -> list[str]:
    """Returns the names of the configurations whose views all have the given lengths [bins], most views first."""
    by_name = {name: view_lengths(get(config_name=name)) for name in registry.configurations(DEFAULT_MODEL)}
    fitting = [name for name, needed in by_name.items() if needed.items() <= lengths.items()]
    return sorted(fitting, key=lambda name: -len(by_name[name]))


def save(model_dir: str, spec: ModelSpec) -> None:
    """Writes model_dir/config.json.

    Raises:
      ScriptError: where model_dir already holds a model of another configuration or seed; names the first difference.
    """
    path = _path(model_dir)
    if os.path.exists(path):
        there = dataclasses.replace(_read(path), train_steps=spec.train_steps, config_name=spec.config_name)
        difference = _first_difference(dataclasses.asdict(there), dataclasses.asdict(spec))
        if difference:
            raise ScriptError(f"{model_dir} holds another model: {difference}; choose another --model_dir")
    os.makedirs(model_dir, exist_ok=True)
    json_files.write(path, {**dataclasses.asdict(spec), "version": astronet.__version__})


def load(
    model_dir: str, model: Optional[str] = None, config_name: Optional[str] = None, config_json: Optional[str] = None
) -> ModelSpec:
    """Returns the ModelSpec of a model_dir: what the flags say, else what its config.json says.

    Raises:
      ScriptError: where neither does; it says which flags to give.
    """
    path = _path(model_dir)
    saved = _read(path) if os.path.exists(path) else None
    if config_name or config_json:
        named = resolve(model or (saved.model if saved else None), config_name, config_json)
        if not saved:
            return named
        config = named.config
        if not config.inputs.sector_events:  # which are measured, and in no checkpoint
            inputs = dataclasses.replace(config.inputs, sector_events=saved.config.inputs.sector_events)
            config = dataclasses.replace(config, inputs=inputs)
        return dataclasses.replace(named, config=config, train_steps=saved.train_steps, seed=saved.seed)
    if saved and model in (None, saved.model):
        return saved
    what = f"is of {saved.model}" if saved else "is missing"
    raise ScriptError(f"{path} {what}: give --config_name (or --config_json) and --model")


def _path(model_dir: str) -> str:
    return os.path.join(model_dir, "config.json")


_KINDS = {"config_name": str, "train_steps": int, "seed": int}  # of what a config.json tells beside the model, or null


def _read(path: str) -> ModelSpec:
    try:
        saved = json_files.read(
            path, "a model's configuration", "train into another --model_dir, or copy the model again"
        )
        lacking = [key for key in ("model", "config", *_KINDS) if key not in saved]
        if lacking:
            raise ValueError(f"it lacks {', '.join(lacking)}")
        for key, kind in _KINDS.items():
            if saved[key] is not None and type(saved[key]) is not kind:
                raise ValueError(f"{key} is {saved[key]!r}: {kind.__name__} needed")
        if not isinstance(saved["model"], str):
            raise ValueError(f"model is {saved['model']!r}: str needed")
        config = _typed(saved["model"], saved["config"])
        return ModelSpec(config=config, **{key: saved[key] for key in ("model", "config_name", "train_steps", "seed")})
    except (ValueError, KeyError, TypeError) as error:
        raise ScriptError(
            f"{path} is not a model's configuration ({error}): train into another --model_dir, or copy the model again"
        ) from error


def _typed(model: str, values: Any) -> Config:
    """Config from a dictionary; the class of hparams is the model's own."""
    if not isinstance(values, dict):
        raise ScriptError(f"a configuration is a dictionary, not {values!r}")
    sections: dict[str, type[Any]] = {
        "inputs": Inputs,
        "hparams": type(get(model, _only_name(model) or "base").hparams),
    }
    for key in values:
        choose(sections, key, "configuration key")
    return Config(**{name: from_dict(section, values.get(name, {}), name) for name, section in sections.items()})


def _parse_json(text_or_path: str) -> Any:
    text = text_or_path
    if not text.lstrip().startswith("{"):
        return json_files.read(text_or_path, "a configuration", "--config_json needs JSON, as text or in a file")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"--config_json is not JSON: {error}") from error


def _first_difference(there: Any, here: Any, where: str = "") -> Optional[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({**there, **here}):
            difference = _first_difference(there.get(key), here.get(key), f"{where}.{key}".strip("."))
            if difference:
                return difference
        return None
    return f"{where} is {there} there, {here} here" if there != here else None
