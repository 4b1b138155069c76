"""Loads a model that classifies TCEs or finds flares, whichever it was trained for."""

import os
from typing import Any, Literal, Optional, Union, overload

from astronet.api.flare_model import FlareFinder
from astronet.api.triage_model import Triage
from astronet.base.script import ScriptError
from astronet.config import configuration, nouns
from astronet.estimator import engines, ensemble, pretrained, stages
from astronet.flares import windows


@overload
def load(
    model: Literal["pretrained:flares"],
    *,
    average: Optional[bool] = ...,
    checkpoint: str = ...,
    threshold: Optional[float] = ...,
    engine: str = ...,
    config_name: Optional[str] = ...,
) -> FlareFinder: ...


@overload
def load(
    model: Literal["pretrained:triage"] = ...,
    *,
    average: Optional[bool] = ...,
    checkpoint: str = ...,
    threshold: Optional[float] = ...,
    engine: str = ...,
    config_name: Optional[str] = ...,
) -> Triage: ...


@overload
def load(
    model: Union[str, "os.PathLike[str]"],
    *,
    average: Optional[bool] = ...,
    checkpoint: str = ...,
    threshold: Optional[float] = ...,
    engine: str = ...,
    config_name: Optional[str] = ...,
) -> Any: ...


def load(
    model: Union[str, "os.PathLike[str]"] = "pretrained:triage",
    *,
    average: Optional[bool] = None,
    checkpoint: str = "last",
    threshold: Optional[float] = None,
    engine: str = "auto",
    config_name: Optional[str] = None,
) -> Any:
    """Loads a model or an ensemble: a Triage, which scores TCEs, or a FlareFinder, which finds flares.

    Args:
      model: "pretrained:triage", "pretrained:flares", or the directory of a model, an ensemble or exported weights.
        Several models of TCEs have commas between them: "pretrained:triage,pretrained:vetting". Each judges the
        candidates of the one before it (Score.later).
      average: whether to average over the models in the subdirectories (an ensemble); None: if there are any and the
        directory itself has no model.
      checkpoint: "last" or "best" (by validation loss).
      threshold: a TCE is a candidate if its probability is at least this; None: the threshold that calibration chose,
        or 0.5 without calibration.
      engine: "numpy" (only exported models; starts at once), "tensorflow", or "auto", which chooses as
        batch_predict.py does.
      config_name: name of the configuration, for a checkpoint without config.json.

    Raises:
      ScriptError: there is no such model, or it classifies neither TCEs nor flares.

    >>> triage = load("pretrained:triage")
    >>> triage
    <Triage pretrained:triage: 10 models, threshold 0.5>
    """
    if engine not in engines.NAMES:
        raise ScriptError(f"engine={engine!r} is not one of {', '.join(engines.NAMES)}")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ScriptError(f"threshold={threshold!r} must be a probability, 0 to 1")
    model_dir = os.path.expanduser(os.fspath(model))
    for name in stages.directories(model_dir):
        if not (pretrained.is_name(name) or os.path.isdir(name)):
            known = ", ".join(pretrained.names())
            raise ScriptError(f"no directory {name}: give the directory of a model, or one of {known}")
    if average is None:
        average = ensemble.is_of_several(model_dir)
    choice = ensemble.ModelChoice(model_dir, average, checkpoint, config_name=config_name, engine=engine)
    judges = stages.load(choice, threshold)
    models = judges[0].models
    words = nouns.of(models.spec.config.inputs.features)
    if words is nouns.TCES:
        return Triage(judges, model_dir)
    if set(models.spec.config.inputs.features) == {windows.NAME}:
        return FlareFinder(models, model_dir, threshold)
    inputs = ", ".join(configuration.input_lengths(models.spec.config))
    raise ScriptError(f"{model_dir} classifies {words.many} ({inputs}): only models of TCEs and flares can be loaded")
