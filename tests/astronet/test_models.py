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
