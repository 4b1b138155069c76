import json

import numpy as np

from astronet import models
from astronet.config import configuration, registry
from astronet.config.schema import Scalar
from astronet.ops.dropout import Dropout
from astronet.ops.scalars import NormalizedScalars
from astronet.ops.tensorflow import tf


def normalize(scalars, **columns):
    columns = {name: tf.constant(values, tf.float32)[:, tf.newaxis] for name, values in columns.items()}
    return NormalizedScalars(scalars)(columns).numpy()


def test_scalars_are_normalized_logarithms_of_products_by_name():
    scalars = {"b": Scalar({"SN": 1.0, "Period": 0.5}, mean=1.0, scale=2.0), "a": Scalar({"SN": -1.0}, 0.0, 1.0)}
    values = normalize(scalars, SN=[2.0, 3.0], Period=[4.0, 9.0])
    np.testing.assert_allclose(values[:, 0], [-np.log(2), -np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(values[:, 1], [(np.log(4) - 1) / 2, (np.log(9) - 1) / 2], rtol=1e-6)


def test_missing_values_become_the_mean_and_extreme_ones_are_bounded():
    scalars = {"ratio": Scalar({"SN": 1.0, "Period": -1.0}, mean=1.0, scale=0.1)}
    values = normalize(
        scalars, SN=[np.nan, 0.0, -3.0, np.inf, 0.0, 1.0, 1e9], Period=[1.0, 1.0, 1.0, 1.0, 0.0, 1e9, 1.0]
    )
    np.testing.assert_array_equal(values[:, 0], [0, 0, 0, 0, 0, -5, 5])


def test_tce_without_scalars_gets_a_probability():
    model = models.build("AstroCNNModel", configuration.get("AstroCNNModel", "triage"))
    lengths = {name: tensor.shape[1] for name, tensor in model.input.items()}
    columns = configuration.scalar_columns(configuration.get(config_name="triage"))
    features = {name: np.full([2, n], np.nan if name in columns else 0.5, np.float32) for name, n in lengths.items()}
    assert np.isfinite(model(features)).all()


def test_every_model_drops_in_training_alone():
    changes = json.dumps({"hparams": {"dropout_rate": 0.5, "num_pre_logits_hidden_layers": 1}})
    for name in (model for model in registry.MODELS if "yu2019" in registry.configurations(model)):
        spec = configuration.resolve(name, "yu2019", changes)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            tf.compat.v1.set_random_seed(1)
            step = tf.compat.v1.train.create_global_step()
            model = models.build(name, spec.config)
            features = {view: tf.ones([1, n]) for view, n in configuration.view_lengths(spec.config).items()}
            training, prediction = (model(features, training=training) for training in (True, False))
            session.run(tf.compat.v1.global_variables_initializer())
            first, again, predicted = session.run(training), session.run(training), session.run(prediction)
            session.run(step.assign_add(1))
            assert first == again != predicted == session.run(prediction)
            assert session.run(training) != first


def test_dropout_keeps_the_mean():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.train.create_global_step()
        dropped = Dropout(0.25)(tf.ones([1, 10000]), training=True)
        session.run(tf.compat.v1.global_variables_initializer())
        values = session.run(dropped)
    assert set(np.unique(values)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(np.mean(values == 0) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 10000)  # 4 standard deviations


def test_scalar_of_either_sign_is_linear_near_zero_and_logarithmic_far_from_it():
    scalars = {"change": Scalar({"depth_change": 1.0}, mean=0.0, scale=1.0, symlog_unit=0.2)}
    values = normalize(scalars, depth_change=[0.002, -0.002, 20.0, -20.0, np.nan, 0.0, 1e25])
    np.testing.assert_allclose(values[:4, 0], [0.00995, -0.00995, np.log(101), -np.log(101)], rtol=1e-3)
    np.testing.assert_array_equal(values[4:, 0], [0, 0, 5])
