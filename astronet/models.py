"""Models by name."""

import math

from astronet.base.script import ScriptError
from astronet.config import registry

_MAX_WEIGHTS = 100_000_000  # 0.4 GB; the largest configuration by name has 4 million


def fit_function(model):
    """Returns the function that fits models of a name at once; None where they descend a gradient step by step."""
    return getattr(registry.builder(model), "fit", None)


def build(model, config):
    """Builds the untrained Keras model of a name and a Config; see astro_model.build.

    Raises:
      ScriptError: the configuration makes no model, or one too large, of which nothing is allocated.
    """
    from astronet.ops.tensorflow import tf

    module = registry.builder(model)
    num_weights = 0

    def create(next_creator, **kwargs):
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
