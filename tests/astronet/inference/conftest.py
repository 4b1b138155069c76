"""Networks with random weights, by TensorFlow and by NumPy."""

import numpy as np
import pytest

from astronet import models
from astronet.inference import network


@pytest.fixture(scope="session")
def compare_logits():
    """Function (spec, features, seed) that compares the logits of both engines; returns those of NumPy."""
    return _compare


def _compare(spec, features, seed=0):
    architecture = network.Architecture(spec)
    keras_model = models.build(spec.model, spec.config)
    weights = _random_weights(architecture.shapes, seed)
    assert {weight.name.split(":")[0]: tuple(weight.shape) for weight in keras_model.weights} == architecture.shapes
    keras_model.set_weights([weights[weight.name.split(":")[0]] for weight in keras_model.weights])
    expected = np.asarray(keras_model(features, training=False))
    if spec.config.hparams.score_both_directions:
        series = {name for name, feature in spec.config.inputs.features.items() if feature.is_time_series}
        turned = {name: values[:, ::-1] if name in series else values for name, values in features.items()}
        expected = (expected + np.asarray(keras_model(turned, training=False))) / 2
    found = network.Networks(architecture, [weights]).logits(features)[:, 0]
    assert found.dtype == np.float32 and np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max(initial=0)))
    return found


def _random_weights(shapes, seed):
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        if name == "scalars/scale":
            weights[name] = random.uniform(0.5, 2, shape)
        elif len(shape) == 1:
            weights[name] = random.normal(0, 0.2, shape)
        else:
            weights[name] = random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)  # so that ReLU keeps the scale
    return {name: values.astype(np.float32) for name, values in weights.items()}
