"""The models of a directory, one or an ensemble of them: which flags choose them, and how they are found and loaded."""

import dataclasses
import glob
import logging
import os
import re
from typing import Optional

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError
from astronet.config import configuration
from astronet.config.configuration import ModelSpec
from astronet.estimator import checkpoints, engines, pretrained, weights_file
from astronet.stats import calibration
from astronet.stats.calibration import Calibration
from astronet.stats.metrics import DEFAULT_THRESHOLD

_LOG = logging.getLogger(__name__)

_WEIGHTS = ("checkpoint", weights_file.NAME)  # a directory with either of these files holds a model


@dataclasses.dataclass(frozen=True)
class ModelChoice:
    """Says which models predict.

    Attributes:
      model_dir: directory of a model, or (average) of models; or "pretrained:triage", "pretrained:flares".
      average: whether the models in the subdirectories of model_dir predict together; pretrained ensembles always do.
      checkpoint: "last", or "best" (by validation loss).
      model, config_name, config_json: model and configuration, for a model_dir without a config.json; None takes what
        config.json says.
      engine: one of engines.NAMES.
    """

    model_dir: str
    average: bool = False
    checkpoint: str = "last"
    model: Optional[str] = None
    config_name: Optional[str] = None
    config_json: Optional[str] = None
    engine: str = "auto"

    @property
    def is_averaged(self) -> bool:
        """Whether this is an ensemble, not a single model."""
        return self.average or pretrained.is_name(self.model_dir)


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Trained models of one configuration.

    Attributes:
      specs, checkpoints: the ModelSpec and the path of the checkpoint of each member, by the name of the member.
      calibration: how its probabilities are calibrated.
      engine: one of engines.NAMES.
    """

    specs: dict[str, ModelSpec]
    checkpoints: dict[str, str]
    calibration: Calibration = Calibration()
    engine: str = "auto"

    @property
    def spec(self) -> ModelSpec:
        """The ModelSpec of the first member; others differ from it in seed and number of training steps at most."""
        return next(iter(self.specs.values()))

    def with_engine_for(self, num_examples: Optional[int] = None) -> "Ensemble":
        """Returns this ensemble with the engine that suits the work.

        Args:
          num_examples: about how many TCEs (or windows) will be scored; None: not known, many.
        """
        engine = engines.choose(self.engine, self.spec, list(self.checkpoints.values()), num_examples)
        _LOG.debug("%d networks by %s", len(self.checkpoints), engine)
        return dataclasses.replace(self, engine=engine)

    def threshold(self, given: Optional[float] = None) -> float:
        """Returns the decision threshold: the one that a flag gives, else the one that calibration chose."""
        return self.calibration.threshold if given is None else given


def add_flags(parser: Parser, default_model_dir: Optional[str] = None) -> None:
    """Adds the flags that say which models predict; arguments.from_flags(ModelChoice, ...) takes their values.

    Args:
      parser: Parser of a script.
      default_model_dir: value of --model_dir where it is not given; None: it has to be.
    """
    parser.model.add_argument(
        "--model_dir",
        required=default_model_dir is None,
        default=default_model_dir,
        metavar="DIR",
        help="directory of a model, or with --average of an ensemble; or pretrained:triage, pretrained:vetting or "
        "pretrained:flares, the ensembles that come with the package, which need no --average; scripts that predict "
        "take several, such as "
        "pretrained:triage,pretrained:vetting: the next one judges what the one before calls positive",
    )
    parser.model.add_argument(
        "--average", action="store_true", help="average the models in the subdirectories of --model_dir"
    )
    parser.model.add_argument(
        "--checkpoint",
        choices=("last", "best"),
        default="last",
        help="last: the end of the training; best: where the validation loss was least",
    )
    configuration.add_flags(parser)


def add_engine_flag(parser: Parser) -> None:
    """Adds --engine, for scripts that predict."""
    engines.add_flag(parser)


def add_threshold_flag(parser: Parser) -> None:
    """Adds --threshold; Ensemble.threshold() has its default."""
    parser.model.add_argument(
        "--threshold",
        type=arguments.probability,
        help="lowest probability that counts as positive (default: what calibrate.py stored, else "
        f"{DEFAULT_THRESHOLD})",
    )


def load(choice: ModelChoice, calibrated: bool = True) -> Ensemble:
    """Finds the chosen models, and (unless `calibrated` is false) their calibration.

    Returns:
      An Ensemble; of one member where the choice is a single model.

    Raises:
      ScriptError: there is no checkpoint; `average` is set and there is no ensemble, or the other way round; the
        training of a member is not finished; or members have different configurations. It names the member and the
        remedy.
    """
    specs, paths = _find(choice)
    models = Ensemble(specs, paths, engine=choice.engine)
    for path in paths.values():
        _LOG.debug("model %s", path)
    if not calibrated:
        return models
    fitted = calibration.load(pretrained.resolve(choice.model_dir), checkpoints.sha256(models.checkpoints.values()))
    read = {*models.spec.config.inputs.features, *configuration.scalar_columns(models.spec.config)}
    unread = {*(fitted.view_limits or ()), *(fitted.scalar_limits or ())} - read
    if unread:
        raise ScriptError(
            f"{choice.model_dir}/calibration.json has limits for {', '.join(sorted(unread))}, which the model does not "
            "read: run calibrate.py again or remove it"
        )
    return dataclasses.replace(models, calibration=fitted)


def _find(choice):
    """Returns the ModelSpec and the checkpoint of each member: two dictionaries by name."""
    model_dir = pretrained.resolve(choice.model_dir)
    given = {"model": choice.model, "config_name": choice.config_name, "config_json": choice.config_json}
    directories = members(model_dir)
    if not choice.is_averaged:
        if is_of_several(model_dir):
            raise ScriptError(f"{model_dir} is a directory of models: give --average, or the directory of one")
        checkpoint = checkpoints.find(model_dir, choice.checkpoint)
        return {"1": configuration.load(model_dir, **given)}, {"1": checkpoint}

    if not directories:
        raise ScriptError(
            f"{model_dir} has no models in subdirectories: train them with ensemble_train.sh, or, if it is the "
            "directory of a single model, leave --average away"
        )
    specs = [configuration.load(directory, **given) for directory in directories]
    for directory, spec in zip(directories, specs):
        _require_finished(directory, spec)
        if (spec.model, spec.config) != (specs[0].model, specs[0].config):
            raise ScriptError(f"{directory} is of another configuration than {directories[0]}: move one of them away")
    names = list(map(os.path.basename, directories))
    paths = [checkpoints.find(directory, choice.checkpoint) for directory in directories]
    return dict(zip(names, specs)), dict(zip(names, paths))


def is_of_several(model_dir: str) -> bool:
    """Returns whether a directory holds models in its subdirectories, and none itself."""
    return bool(members(model_dir)) and not _holds(model_dir, *_WEIGHTS)


def members(model_dir: str) -> list[str]:
    """Returns the subdirectories of a directory that hold models; 2 comes before 10."""
    directories = [
        directory
        for directory in glob.glob(os.path.join(glob.escape(model_dir), "*"))
        if holds_model(directory) and os.path.basename(directory) != checkpoints.BEST
    ]
    return sorted(directories, key=lambda path: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", path)])


def holds_model(directory: str) -> bool:
    """Returns whether a directory itself holds a model, which may be trained, begun or exported."""
    return _holds(directory, "config.json", *_WEIGHTS)


def _holds(directory, *names):
    return any(os.path.exists(os.path.join(directory, name)) for name in names)


def _require_finished(directory, spec):
    if not checkpoints.is_finished(directory, spec.train_steps):
        raise ScriptError(
            f"{directory} has {checkpoints.last_step(directory)} of {spec.train_steps} training steps done: "
            "run ensemble_train.sh again, which takes it up where it stopped, or move it away"
        )
