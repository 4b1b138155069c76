"""The engines that compute the networks: TensorFlow, or NumPy, which starts at once, for exported models."""

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base.script import Parser, ScriptError
from astronet.config.configuration import ModelSpec
from astronet.estimator import checkpoints, weights_file
from astronet.inference import network, sliding
from astronet.stats import metrics

NAMES = ("auto", "tensorflow", "numpy")

# Multiplications from which TensorFlow's import and its graph, several seconds, are made good by its use of all cores:
# of ten thousand TCEs by pretrained:triage. benchmarks/engines.py measures what this follows from.
_WORTH_TENSORFLOW = 8e11

Scorer = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def add_flag(parser: Parser) -> None:
    """Adds --engine."""
    parser.machine.add_argument(
        "--engine",
        choices=NAMES,
        default="auto",
        help="what computes the networks. numpy starts at once, and takes exported models only. auto: numpy where "
        "TensorFlow is not installed, or where its start would take longer than the work; else tensorflow",
    )


def choose(engine: str, spec: ModelSpec, members: Sequence[str], num_examples: Optional[int] = None) -> str:
    """Returns the engine that computes the networks, "tensorflow" or "numpy".

    Args:
      engine: one of NAMES.
      spec: ModelSpec of all members.
      members: the checkpoint of each.
      num_examples: about how many TCEs (or windows) will be scored; None: not known, many.

    Raises:
      ScriptError: only NumPy is allowed or installed, and it cannot compute these networks.
    """
    if engine == "tensorflow":
        return engine
    obstacle = _obstacle(spec, members)
    if engine == "numpy":
        if obstacle:
            raise ScriptError(f"--engine=numpy: {obstacle}")
        return engine
    if not is_tensorflow_installed():
        if obstacle:
            raise ScriptError(f"TensorFlow is not installed, and {obstacle}")
        return "numpy"
    if obstacle or num_examples is None:
        return "tensorflow"
    work = num_examples * len(members) * network.Architecture(spec).num_multiplications
    return "tensorflow" if work > _WORTH_TENSORFLOW else "numpy"


def is_tensorflow_installed() -> bool:
    """Returns whether TensorFlow is installed, without importing it."""
    return importlib.util.find_spec("tensorflow") is not None


def _obstacle(spec, members):
    """Says why NumPy cannot compute the networks, and the remedy; None where it can."""
    if not network.knows(spec.model):
        return f"networks of {spec.model} need it: pip install tensorflow"
    trained = [member for member in members if not weights_file.is_weights_file(member)]
    if trained:
        return (
            f"{trained[0]} is a checkpoint of TensorFlow: export the model (astronet/export.py), which needs "
            "TensorFlow once, and give the directory of the copy"
        )
    return None


def scorer(engine: str, spec: ModelSpec, members: Sequence[str]) -> Scorer:
    """Restores the members of an ensemble once, to score any number of batches.

    Args:
      engine: what choose() returned.
      spec: ModelSpec of all members.
      members: the checkpoint of each.

    Returns:
      Function from a dictionary of features, [batch, length] each, to probabilities [batch, num_members].
    """
    score = logits_scorer(engine, spec, members)
    return lambda features: metrics.probability(score(features))


def logits_scorer(engine: str, spec: ModelSpec, members: Sequence[str]) -> Scorer:
    """Restores members as scorer() does; the function returns logits, [batch, num_members, output_dim]."""
    if engine == "numpy":
        return _networks(spec, members).logits
    from astronet.estimator import tensorflow_engine

    return tensorflow_engine.logits_scorer(spec, members)


def sliding_scorer(
    engine: str, spec: ModelSpec, members: Sequence[str]
) -> Optional[Callable[[np.ndarray], np.ndarray]]:
    """Restores the members of an ensemble once, to score all windows of any number of series.

    Args:
      engine, spec, members: as those of scorer(); the members have one input.

    Returns:
      Function from a series, float32 [n], to probabilities [n - length + 1, num_members] of its windows of the input's
      length; None where the windows of the model share nothing.
    """
    if engine == "numpy":
        networks = _networks(spec, members)
        plan = sliding.plan(networks.architecture)
        if plan is None:
            return None
        return lambda series: metrics.probability(sliding.logits(networks, plan, series))
    from astronet.estimator import tensorflow_engine

    return tensorflow_engine.sliding_scorer(spec, members)


def feature_batches(
    engine: str, serialized_batches: Iterable[list[bytes]], config: Any, where: Callable[[int], str]
) -> Iterator[dict[str, Any]]:
    """Yields the features of batches of records, as record_features.batches() does; the engine parses them."""
    if engine == "numpy":
        from astronet.data.records import record_features

        return record_features.batches(serialized_batches, config, where)
    from astronet.ops import dataset

    return dataset.from_serialized_batches(serialized_batches, config, where)


def _networks(spec, members):
    architecture = network.Architecture(spec)
    weights = [checkpoints.arrays(member, architecture.shapes) for member in members]
    return network.Networks(architecture, weights)
