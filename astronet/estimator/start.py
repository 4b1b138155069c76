"""Where a fine-tuning starts: the weights of another model, and which of its layers go on learning."""

import dataclasses
import json
import os
from typing import Optional

from astronet.config import configuration
from astronet.config.configuration import ModelSpec
from astronet.estimator import checkpoints, ensemble

LAYERS = ("all", "head")
_HEAD = ("pre_logits_hidden/", "logits/")  # how the names of the dense layers behind the views begin
# The weights are good already: a step as large as those of a training from nothing would undo them.
_SLOWER = 0.1


@dataclasses.dataclass(frozen=True)
class Start:
    """Where the training of one model starts.

    Attributes:
      checkpoint: whose weights it takes: path without suffix, or path of a weights file.
      layers: "all" layers learn, or the "head" alone: the dense layers behind the views.
    """

    checkpoint: str
    layers: str = "all"

    def absolute(self) -> "Start":
        """Returns the same with an absolute path, for a worker with another working directory."""
        return dataclasses.replace(self, checkpoint=os.path.abspath(self.checkpoint))

    def learns(self, name: str) -> bool:
        """Returns whether the variable of this name changes."""
        return self.layers == "all" or name.startswith(_HEAD)


@dataclasses.dataclass(frozen=True)
class Origin:
    """A model, or an ensemble, that a fine-tuning starts from.

    Attributes:
      model_dir: directory of a model or of models; or "pretrained:triage".
      layers: one of LAYERS.
    """

    model_dir: str
    layers: str = "all"

    def models(self) -> ensemble.Ensemble:
        """Returns the models, without their calibration.

        Raises:
          ScriptError: there are none.
        """
        choice = ensemble.ModelChoice(self.model_dir, average=ensemble.is_of_several(self.model_dir))
        return ensemble.load(choice, calibrated=False)

    def spec(self, config_json: Optional[str] = None) -> ModelSpec:
        """Returns the ModelSpec of the fine-tuning: that of the models, at a tenth of their learning rate.

        Args:
          config_json: changes to the configuration, as --config_json takes them; they come last.

        Raises:
          ScriptError: there are no models, or the changes cannot be read.
        """
        spec = self.models().spec
        slower = {"hparams": {"learning_rate": _SLOWER * spec.config.hparams.learning_rate}}
        spec = configuration.changed(spec, json.dumps(slower))
        return configuration.changed(spec, config_json) if config_json else spec

    def starts(self, num_models: int) -> list[Start]:
        """Returns the Start of each member of an ensemble; members are taken in turn where there are fewer."""
        taken = list(self.models().checkpoints.values())
        return [Start(taken[number % len(taken)], self.layers) for number in range(num_models)]

    def sha256(self) -> str:
        """Returns a hash of the weights and of which layers learn."""
        return f"{checkpoints.sha256(self.models().checkpoints.values())} {self.layers}"
