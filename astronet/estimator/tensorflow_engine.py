"""Computes the networks of an ensemble by TensorFlow: restores the members once, and scores any number of TCEs.

inference/network.py does the same by NumPy; engines.py chooses.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet import models
from astronet.config import configuration
from astronet.config.schema import Config
from astronet.estimator import checkpoints
from astronet.ops import sliding
from astronet.ops.tensorflow import keras, tf
from astronet.stats import metrics

# It counts tracings by the line of code: each scorer, which has models of its own, is new to it and no mistake.
tf.get_logger().addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())


def scorer(
    spec: configuration.ModelSpec, checkpoints_of_members: Sequence[str]
) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Restores the members of an ensemble once, to score any number of batches.

    Args:
      spec: ModelSpec of all members.
      checkpoints_of_members: list of checkpoints, one a member.

    Returns:
      Function from a dictionary of features, [batch, length] each, to probabilities [batch, num_members].
    """
    score = logits_scorer(spec, checkpoints_of_members)
    return lambda features: metrics.probability(score(features))


def sliding_scorer(
    spec: configuration.ModelSpec, checkpoints_of_members: Sequence[str]
) -> Optional[Callable[[np.ndarray], np.ndarray]]:
    """Restores the members of an ensemble once, to score all windows of any number of series.

    Args:
      spec: ModelSpec of all members, which have one input.
      checkpoints_of_members: list of checkpoints, one a member.

    Returns:
      Function from a series, float32 [n], to probabilities [n - length + 1, num_members] of its windows of the input's
      length; None where sliding.logits_function has none for the model.
    """
    model = models.build(spec.model, spec.config)
    of_windows = None if spec.config.hparams.score_both_directions else sliding.logits_function(model)
    if of_windows is None:
        return None
    of_windows = tf.function(of_windows, input_signature=[tf.TensorSpec([None])])
    score = _by_member(model, checkpoints_of_members, of_windows)
    return lambda series: metrics.probability(score(series))


def logits(model: "keras.Model", features: Mapping[str, Any], config: Config) -> Any:
    """Returns the logits of TCEs, [batch, output_dim]."""
    forward = model(features, training=False)
    if not config.hparams.score_both_directions:
        return forward
    turned = {name: tf.reverse(features[name], axis=[1]) for name in configuration.view_lengths(config)}
    return (forward + model({**features, **turned}, training=False)) / 2


def logits_scorer(
    spec: configuration.ModelSpec, members: Sequence[str]
) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Returns a function from features to logits, an array [batch, member, output_dim]."""
    model = models.build(spec.model, spec.config)
    lengths = configuration.input_lengths(spec.config)

    # Batches of any size: the last one is smaller, and another trace for it would take longer than to score it.
    @tf.function(input_signature=[{name: tf.TensorSpec([None, length]) for name, length in lengths.items()}])
    def of_batch(features: dict[str, Any]) -> Any:
        return logits(model, features, spec.config)

    score = _by_member(model, members, of_batch)
    return lambda features: score({name: features[name] for name in lengths})


def _by_member(
    model: "keras.Model", members: Sequence[str], of_batch: Callable[[Any], Any]
) -> Callable[[Any], np.ndarray]:
    """Returns a function from the input of `of_batch` to its values by each member, [batch, member, output_dim].

    The members take turns in one model: a call fills it with the weights of each. To build and trace a model for each
    member would take longer than to score thousands of TCEs. The tensors are handed over, not copied.

    Args:
      model: the model that `of_batch` computes with.
      members: list of checkpoints.
      of_batch: tf.function to [batch, output_dim].
    """
    weights_of_members = [list(map(tf.constant, checkpoints.weights(model, checkpoint))) for checkpoint in members]

    def score(inputs: Any) -> np.ndarray:
        scored = []
        for weights in weights_of_members:
            for variable, values in zip(model.weights, weights):
                variable.assign(values)
            scored.append(of_batch(inputs).numpy())
        return np.stack(scored, axis=1)

    return score
