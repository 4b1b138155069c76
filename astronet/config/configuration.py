"""Finds configurations by name, changes them by JSON, and saves and loads them with the weights of a model.

Worker processes import this module, so it does not import TensorFlow.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any, Optional

from astronet.base import json_files, version
from astronet.base.script import Parser, ScriptError
from astronet.config import registry
from astronet.config.schema import Config, Hparams, Inputs, choose, from_dict, merge

DEFAULT_MODEL = "AstroCNNModel"
DEFAULT_CONFIG_NAME = "local_global"
PUBLISHED_STEPS = 14000


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """Everything that is needed to build a model; config.json in a model directory holds it.

    Attributes:
      model: name of the model, such as "AstroCNNModel".
      config_name: name of the configuration; None if it was given by JSON only.
      config: the configuration.
      train_steps: number of training steps; None for a checkpoint that another program trained.
      seed: seed of the training; None for a checkpoint that another program trained.
    """

    model: str
    config_name: Optional[str]
    config: Config
    train_steps: Optional[int] = None
    seed: Optional[int] = None


def add_flags(parser: Parser, model: Optional[str] = None, config_name: Optional[str] = None) -> None:
    """Adds --model, --config_name and --config_json; `model` and `config_name` are defaults."""
    of_network = f" (default: {DEFAULT_CONFIG_NAME}, or the only one of the network)"
    of_model_dir = "" if model else " (default: what the config.json of the model says)"
    parser.model.add_argument(
        "--model", default=model, metavar="NAME", help=f"network: {', '.join(registry.MODELS)}{of_model_dir}"
    )
    parser.model.add_argument(
        "--config_name",
        default=config_name,
        metavar="NAME",
        help="configuration of the network. For TCEs: base, local_global (views of 201 and 81 bins), yu2019 (201 "
        "and 61), or the newer triage (201 and 61, with scalars), triage_views (the same without scalars), vetting "
        "(which of them are planets), vetting_yu2019 (its published recipe) and triage_classes (planet, binary, "
        "neither). For flares: stella (published) or flares. sodinn, sodinn_conv3d and sodirf, which find companions "
        f"in direct images, need none{of_model_dir or of_network}",
    )
    parser.model.add_argument(
        "--config_json",
        metavar="JSON",
        help="changes to the configuration, as JSON text or file (null removes a key); without --config_name, a "
        "network that has several takes this as the whole configuration",
    )


def get(model: str = DEFAULT_MODEL, config_name: str = DEFAULT_CONFIG_NAME) -> Config:
    """Returns a configuration of a model by name.

    >>> get("AstroCNNModel", "triage").inputs.features["local_view"].length
    61

    Raises:
      ScriptError: there is no such configuration; the message names the most similar one.
    """
    return choose(registry.configurations(model), config_name, f"configuration of {model}")


def _only_name(model: str) -> Optional[str]:
    """Returns the name of a model's only configuration; None if the model has several."""
    names = list(registry.configurations(model))
    return names[0] if len(names) == 1 else None


def resolve(
    model: Optional[str] = None, config_name: Optional[str] = None, config_json: Optional[str] = None
) -> ModelSpec:
    """Returns the ModelSpec for the values of the flags --model, --config_name and --config_json.

    >>> spec = resolve(config_name="triage", config_json='{"hparams": {"batch_size": 32}}')
    >>> spec.model, spec.config.hparams.batch_size
    ('AstroCNNModel', 32)

    Args:
      model: name of the model; None means AstroCNNModel.
      config_name: name of the configuration. None means the model's only one; if it has several, local_global, or none
        if config_json is given.
      config_json: JSON text, or path of a JSON file: the whole configuration, or changes to the named one (null removes
        a key).

    Raises:
      ScriptError: a name or key is unknown, or the JSON cannot be read.
    """
    model = model or DEFAULT_MODEL
    config_name = config_name or _only_name(model)
    if not config_json:
        config_name = config_name or DEFAULT_CONFIG_NAME
        return ModelSpec(model, config_name, get(model, config_name))
    base = dataclasses.asdict(get(model, config_name)) if config_name else {}
    return ModelSpec(model, config_name, _typed(model, merge(base, _parse_json(config_json))))


def changed(spec: ModelSpec, config_json: str) -> ModelSpec:
    """Returns a ModelSpec with changes to its configuration.

    Args:
      spec: ModelSpec.
      config_json: JSON text or file (null removes a key).

    Raises:
      ScriptError: the JSON cannot be read, or has an unknown key.
    """
    values = merge(dataclasses.asdict(spec.config), _parse_json(config_json))
    return dataclasses.replace(spec, config=_typed(spec.model, values))


def num_steps(hparams: Hparams, num_train: int) -> int:
    """Returns the default number of training steps: from train_epochs of the hyperparameters, else PUBLISHED_STEPS.

    Args:
      hparams: Hparams.
      num_train: number of TCEs to train on.
    """
    if hparams.train_epochs is None:
        return PUBLISHED_STEPS
    return hparams.train_epochs * max(1, num_train // hparams.batch_size)


def view_lengths(config: Config) -> dict[str, int]:
    """Returns the number of bins of each view of a configuration, by name.

    >>> view_lengths(get("AstroCNNModel", "triage"))
    {'global_view': 201, 'local_view': 61}
    """
    return {name: feature.length for name, feature in config.inputs.features.items() if feature.is_time_series}


def scalar_columns(config: Config) -> list[str]:
    """Returns the sorted names of the record columns that the scalars of a configuration need."""
    return sorted({column for scalar in config.inputs.scalars.values() for column in scalar.powers})


def input_lengths(config: Config) -> dict[str, int]:
    """Returns the lengths of all features that a model reads from a record, by name: columns and time series."""
    features = sorted(config.inputs.features.items(), key=lambda item: (not item[1].is_time_series, item[0]))
    return {**dict.fromkeys(scalar_columns(config), 1), **{name: feature.length for name, feature in features}}


def names_that_fit(lengths: Mapping[str, int]) -> list[str]:
    """Returns the names of the configurations whose views have the given lengths (bins), most views first."""
    by_name = {name: view_lengths(get(config_name=name)) for name in registry.configurations(DEFAULT_MODEL)}
    fitting = [name for name, needed in by_name.items() if needed.items() <= lengths.items()]
    return sorted(fitting, key=lambda name: -len(by_name[name]))


def save(model_dir: str, spec: ModelSpec) -> None:
    """Writes model_dir/config.json.

    Raises:
      ScriptError: model_dir holds a model with another configuration or seed; the message names the first difference.
    """
    path = _path(model_dir)
    if os.path.exists(path):
        saved = dataclasses.replace(_read(path), train_steps=spec.train_steps, config_name=spec.config_name)
        difference = _first_difference(dataclasses.asdict(saved), dataclasses.asdict(spec))
        if difference:
            raise ScriptError(f"{model_dir} holds another model: {difference}; choose another --model_dir")
    os.makedirs(model_dir, exist_ok=True)
    json_files.write(path, {**dataclasses.asdict(spec), "version": version.VERSION})


def load(
    model_dir: str, model: Optional[str] = None, config_name: Optional[str] = None, config_json: Optional[str] = None
) -> ModelSpec:
    """Returns the ModelSpec of a model directory: from the flags if they are given, else from its config.json.

    Raises:
      ScriptError: there are neither flags nor a config.json; the message names the flags to give.
    """
    path = _path(model_dir)
    saved = _read(path) if os.path.exists(path) else None
    if config_name or config_json:
        named = resolve(model or (saved.model if saved else None), config_name, config_json)
        if not saved:
            return named
        config = named.config
        if not config.inputs.sector_events:  # measured on the training set; only config.json has them
            inputs = dataclasses.replace(config.inputs, sector_events=saved.config.inputs.sector_events)
            config = dataclasses.replace(config, inputs=inputs)
        return dataclasses.replace(named, config=config, train_steps=saved.train_steps, seed=saved.seed)
    if saved and model in (None, saved.model):
        return saved
    state = f"is of {saved.model}" if saved else "is missing"
    raise ScriptError(f"{path} {state}: give --config_name (or --config_json) and --model")


def _path(model_dir: str) -> str:
    return os.path.join(model_dir, "config.json")


_KINDS = {"config_name": str, "train_steps": int, "seed": int}  # types of other values in config.json; null is allowed


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
    """Returns the Config in a dictionary. The class of its hparams depends on the model."""
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


def _first_difference(saved: Any, current: Any, where: str = "") -> Optional[str]:
    if isinstance(saved, dict) and isinstance(current, dict):
        for key in sorted({**saved, **current}):
            difference = _first_difference(saved.get(key), current.get(key), f"{where}.{key}".strip("."))
            if difference:
                return difference
        return None
    return f"{where} is {saved} in it, now {current}" if saved != current else None
