"""The NumPy engine computes what TensorFlow does, for all layers that our models have."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astronet import models
from astronet.base.script import ScriptError
from astronet.config import configuration, registry
from astronet.inference import network

NETWORKS = ("AstroModel", "AstroFCModel", "AstroCNNModel")
ALL = [(model, name) for model in NETWORKS for name in registry.configurations(model)]


def _features(config, num_tces, seed=0):
    """Series about zero and columns of scalars; some columns are missing, zero, negative or far from all others."""
    random = np.random.default_rng(seed)
    features = {}
    for name, length in configuration.input_lengths(config).items():
        if name in config.inputs.features:
            features[name] = random.normal(0, 1, [num_tces, length])
        else:
            odd = random.choice([np.nan, 0, -1, 1e-30, 1e30], [num_tces, length])
            features[name] = np.where(random.random([num_tces, length]) < 0.4, odd, random.lognormal(0, 1))
    return {name: values.astype(np.float32) for name, values in features.items()}


def _spec(model, config_name=None, changes=None):
    return configuration.resolve(model, config_name, json.dumps(changes) if changes else None)


@pytest.mark.parametrize("model, config_name", ALL)
def test_every_registered_network_has_the_logits_of_tensorflow(model, config_name, compare_logits):
    spec = _spec(model, config_name)
    compare_logits(spec, _features(spec.config, 3))


@pytest.mark.parametrize("changes", [{"output_dim": 4}, {"score_both_directions": True}, {"dropout_rate": 0.5}])
def test_classes_directions_and_dropout_are_as_in_tensorflow(changes, compare_logits):
    for model in NETWORKS:
        spec = _spec(model, "yu2019", {"hparams": changes})
        assert compare_logits(spec, _features(spec.config, 2)).shape == (2, changes.get("output_dim", 1))


_COLUMN = st.fixed_dictionaries(
    {
        "num_blocks": st.integers(0, 3),
        "pool_size": st.integers(1, 7),
        "pool_stride": st.integers(1, 4),
        "convs_per_block": st.integers(0, 3),
        "kernel_size": st.integers(1, 6),
        "later_kernel_size": st.one_of(st.none(), st.integers(1, 4)),
        "num_filters": st.integers(1, 5),
        "block_factor": st.integers(1, 3),
        "max_num_filters": st.one_of(st.none(), st.integers(1, 8)),
    }
)


@settings(max_examples=40)
@given(
    column=_COLUMN,
    length=st.integers(1, 80),
    channel=st.sampled_from([None, "scatter_channel", "deviation_channel"]),
    output_dim=st.integers(1, 3),
    num_tces=st.integers(1, 5),
    is_turned=st.booleans(),
)
def test_convolutional_columns_of_any_shape_are_as_in_tensorflow(
    compare_logits, column, length, channel, output_dim, num_tces, is_turned
):
    hparams = {"output_dim": output_dim, "score_both_directions": is_turned, "columns": {"global_view": column}}
    if channel:
        hparams[channel] = True
    changes = {"inputs": {"features": {"global_view": {"length": length}}}, "hparams": hparams}
    spec = _spec("AstroCNNModel", "base", changes)
    if length < 2 and channel == "deviation_channel":
        return  # a series of one bin has no neighbors
    try:
        models.build(spec.model, spec.config)
    except ScriptError:
        with pytest.raises(ScriptError, match="the configuration makes no AstroCNNModel"):
            network.Architecture(spec)
        return
    compare_logits(spec, _features(spec.config, num_tces))


def test_tces_are_scored_alike_alone_and_among_many():
    spec = _spec("AstroCNNModel", "triage")
    architecture = network.Architecture(spec)
    random = np.random.default_rng(1)
    weights = {name: random.normal(0, 0.1, shape).astype("f") for name, shape in architecture.shapes.items()}
    networks = network.Networks(architecture, [weights, {**weights, "logits/bias": np.float32([1, 2, 3])}])
    features = _features(spec.config, 150)
    many = networks.logits(features)
    assert many.shape == (150, 2, 3)
    for tce in (0, 63, 64, 149):
        alone = networks.logits({name: values[tce : tce + 1] for name, values in features.items()})
        np.testing.assert_allclose(alone[0], many[tce], rtol=1e-5, atol=1e-5)
    assert networks.logits({name: values[:0] for name, values in features.items()}).shape == (0, 2, 3)


def test_what_is_no_network_of_a_time_series_is_not_known():
    assert not any(map(network.knows, ("sodinn", "sodinn_conv3d", "sodirf")))
    assert set(registry.MODELS) == {*NETWORKS, "sodinn", "sodinn_conv3d", "sodirf"}  # a new one: here, and in network


def test_a_feature_that_is_no_time_series_is_joined(compare_logits):
    changes = {"inputs": {"features": {"residuals": {"length": 4}}}}
    spec = _spec("AstroCNNModel", "triage", changes)
    compare_logits(spec, _features(spec.config, 2))
