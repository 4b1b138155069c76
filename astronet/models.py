"""Builds models by their names. config/registry.py lists the models."""

import math
from collections.abc import Callable
from typing import Any, Optional

from astronet.base.script import ScriptError
from astronet.config import registry
from astronet.config.schema import Config

_MAX_WEIGHTS = 100_000_000  # 0.4 GB; the largest configuration by name has 4 million


def fit_function(model: str) -> Optional[Callable[..., Any]]:
    """Returns the function that fits a model such as a random forest; None for a model trained by gradient steps."""
    fit: Optional[Callable[..., Any]] = getattr(registry.builder(model), "fit", None)
    return fit


def build(model: str, config: Config) -> Any:
    """Builds an untrained Keras model, as astro_model.build() does.

    Args:
      model: name of the model, such as "AstroCNNModel".
      config: its configuration.

    Raises:
      ScriptError: the configuration does not give a valid model, or the model is too large. No memory is allocated.
    """
    from astronet.ops.tensorflow import tf

    module = registry.builder(model)
    num_weights = 0

    def create(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        nonlocal num_weights
        num_weights += math.prod(kwargs["shape"] or ())
        if num_weights > _MAX_WEIGHTS:
            raise ScriptError(f"the configuration makes a model of more than {_MAX_WEIGHTS} weights: correct its sizes")
        return next_creator(**kwargs)

    try:
        with tf.variable_creator_scope(create):
            return module.build(config)
    except (ValueError, TypeError, ArithmeticError, tf.errors.OpError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ScriptError(f"the configuration makes no {model} ({reason}): correct its sizes") from error
