import re

import numpy as np
import pytest

from astronet import models
from astronet.config import configuration, registry
from astronet.ops.contrast import ScatterChannel

ALL = [(model, name) for model in registry.MODELS for name in registry.configurations(model)]


def build(*names):
    spec = configuration.resolve(*names)
    return models.build(spec.model, spec.config)


def test_yu2019_has_the_published_number_of_parameters():
    assert build("AstroCNNModel", "yu2019").count_params() == 2_026_721


def test_yu2019_has_the_published_variables(shared):
    lines = (shared / "golden" / "checkpoint_variables.txt").read_text().splitlines()
    published = dict(re.match(r"(\S+) (\[.*\])", line).groups() for line in lines if "/" in line.split()[0])
    weights = build("AstroCNNModel", "yu2019").weights
    assert {weight.name[: -len(":0")]: str(weight.shape.as_list()) for weight in weights} == published


def test_yu2019_names_its_variables_by_the_rule_of_published_checkpoints():
    """Five blocks of two convolutions for the global view, two for the local view; then four layers of 512 units."""
    shapes, num_features = {}, 0
    for view, num_blocks, pool_size, length in (("global_view", 5, 5, 201), ("local_view", 2, 7, 61)):
        num_channels = 1
        for block in range(num_blocks):
            for conv in (1, 2):
                name, num_filters = f"{view}_hidden/block_{block + 1}/conv_{conv}", 16 * 2**block
                shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = [5, num_channels, num_filters], [num_filters]
                num_channels = num_filters
            length = (length - pool_size) // 2 + 1
        num_features += length * num_channels
    for layer, num_inputs in enumerate((num_features, 512, 512, 512), 1):
        name = f"pre_logits_hidden/fully_connected_{layer}"
        shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = [num_inputs, 512], [512]
    shapes.update({"logits/kernel": [512, 1], "logits/bias": [1]})
    weights = build("AstroCNNModel", "yu2019").weights
    assert {weight.name[: -len(":0")]: weight.shape.as_list() for weight in weights} == shapes


@pytest.mark.parametrize("names", ALL)
def test_every_configuration_gives_logits(names):
    model = build(*names)
    features = {name: np.zeros([3, length], np.float32) for name, length in _lengths(model).items()}
    assert model(features).shape == (3, configuration.get(*names).hparams.output_dim)
    scopes = {weight.name.split("/")[0] for weight in model.weights}
    assert all(scope.endswith("_hidden") or scope in ("logits", "scalars") for scope in scopes)


def test_every_model_has_configurations():
    assert all(registry.configurations(model) for model in registry.MODELS)


def test_linear_model_with_scalars_reads_series_first_then_scalars_each_by_name():
    changes = '{"inputs": {"features": {"Period": {}, "Duration": {}}}, "hparams": {"output_dim": 3}}'
    model = build("AstroModel", "local_global", changes)
    random = np.random.default_rng(0)
    features = {name: random.normal(size=[2, length]).astype(np.float32) for name, length in _lengths(model).items()}
    kernel, bias = model.get_weights()
    order = ["global_view", "local_view", "Duration", "Period"]
    expected = np.concatenate([features[name] for name in order], axis=1) @ kernel + bias
    np.testing.assert_allclose(model(features), expected, rtol=1e-5, atol=1e-5)


def _lengths(model):
    return {name: tensor.shape[1] for name, tensor in model.input.items()}


def test_triage_is_a_small_network():
    assert build("AstroCNNModel", "triage").count_params() < 400_000


def test_scatter_channel_tells_a_faint_dip_from_a_deep_one():
    random = np.random.default_rng(0)
    dip = np.where(np.abs(np.arange(201) - 100) < 5, -1.0, 0.0)
    series = np.stack([dip + scatter * random.normal(size=201) for scatter in (0.3, 0.01)]).astype(np.float32)
    channels = ScatterChannel()(series).numpy()
    np.testing.assert_array_equal(channels[..., 0], series)
    significance = np.sinh(3 * channels[..., 1])  # in units of the scatter
    np.testing.assert_allclose(significance[:, 96:105].mean(axis=1), [-1 / 0.3, -1 / 0.01], rtol=0.25)
    assert np.isfinite(ScatterChannel()(np.zeros([1, 61], np.float32))).all()
