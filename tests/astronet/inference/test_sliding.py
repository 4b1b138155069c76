"""All windows of a series that share their convolutions score as each window by itself, by both engines."""

import dataclasses

import numpy as np
import pytest

from astronet import models
from astronet.config import configuration
from astronet.inference import network, sliding
from astronet.ops import sliding as tensorflow_sliding

STELLA = configuration.resolve("AstroCNNModel", "stella")
(NAME,) = STELLA.config.inputs.features
LENGTH = STELLA.config.inputs.features[NAME].length


def spec_with(column=None, **hparams):
    """Configuration stella with another column and other hyperparameters."""
    changed = dataclasses.replace(STELLA.config.hparams.columns[NAME], num_filters=4, **(column or {}))
    hparams = dataclasses.replace(STELLA.config.hparams, columns={NAME: changed}, **hparams)
    return dataclasses.replace(STELLA, config=dataclasses.replace(STELLA.config, hparams=hparams))


def random_weights(shapes, seed):
    random = np.random.default_rng(seed)
    return {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


SHARING = {
    "stella": spec_with(),
    "kernels of 3": spec_with({"kernel_size": 3, "later_kernel_size": 3}),
    "poolings of 5": spec_with({"pool_size": 5, "pool_stride": 5}),
    "classes": spec_with(output_dim=3),
    "linear": spec_with({"num_blocks": 1}, num_pre_logits_hidden_layers=0),
}


@pytest.mark.parametrize("length", [LENGTH, LENGTH + 1, LENGTH + 3, LENGTH + 57])
@pytest.mark.parametrize("name", SHARING)
def test_windows_score_as_each_by_itself(name, length):
    architecture = network.Architecture(SHARING[name])
    plan = sliding.plan(architecture)
    networks = network.Networks(architecture, [random_weights(architecture.shapes, seed) for seed in (0, 1)])
    series = np.random.default_rng(length).normal(1, 1, length).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series, LENGTH)
    expected = networks.logits({NAME: windows})
    found = sliding.logits(networks, plan, series)
    assert found.shape == (length - LENGTH + 1, 2, SHARING[name].config.hparams.output_dim)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["stella", "classes"])
def test_tensorflow_and_numpy_agree(name):
    spec = SHARING[name]
    architecture = network.Architecture(spec)
    weights = random_weights(architecture.shapes, 2)
    model = models.build(spec.model, spec.config)
    model.set_weights([weights[weight.name.split(":")[0]] for weight in model.weights])
    series = np.random.default_rng(3).normal(1, 1, LENGTH + 31).astype(np.float32)
    expected = np.asarray(tensorflow_sliding.logits_function(model)(series))
    found = sliding.logits(network.Networks(architecture, [weights]), sliding.plan(architecture), series)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    "spec",
    [
        spec_with({"kernel_size": 4}),
        spec_with({"pool_size": 3}),
        spec_with({"num_blocks": 4}),
        spec_with(score_both_directions=True),
        spec_with(deviation_channel=True),
        configuration.resolve("AstroCNNModel", "triage"),
        configuration.resolve("AstroFCModel", "stella"),
    ],
    ids=["even kernel", "overlapping poolings", "odd rest", "both directions", "normalized", "two views", "no kernel"],
)
def test_what_windows_cannot_share_has_no_plan(spec):
    assert sliding.plan(network.Architecture(spec)) is None
