"""SODINN and SODIRF in the harness, on small patches: a companion is a blob in the middle of what is noise else."""

import csv
import json
import shutil

import numpy as np
import pytest
from matplotlib.image import imread
from sklearn.ensemble import RandomForestClassifier

from astronet import batch_predict, calibrate, evaluate, export, models, train
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from astronet.direct_imaging import configurations
from astronet.direct_imaging.conv_lstm import ConvLSTM2D
from astronet.estimator import checkpoints, scoring, tensorflow_engine
from astronet.figures import tce
from astronet.ops import dataset
from astronet.ops.tensorflow import keras, tf
from astronet.stats.metrics import probability

LEVELS, SIZE = 4, 5
_SMALL_SODINN = {
    "num_filters": 4,
    "pre_logits_hidden_layer_size": 8,
    "batch_size": 16,
    "learning_rate": 0.01,
    "train_epochs": 4,
}
SMALL = {
    "sodinn": _SMALL_SODINN,
    "sodinn_conv3d": _SMALL_SODINN,
    "sodirf": {"num_trees": 30, "max_depth": 6},
}
ALL = list(SMALL)


def config_json(model, **hparams):
    inputs = {"features": {"residuals": {"length": LEVELS * SIZE**2}}}
    return json.dumps({"inputs": inputs, "hparams": {"num_levels": LEVELS, **SMALL[model], **hparams}})


def write_patches(path, count, seed, levels=LEVELS):
    """Each level of a patch is scaled from 0 to 1. Pieces of sky are not shared between files of other seeds."""
    random = np.random.default_rng(seed)
    y, x = np.indices([SIZE, SIZE]) - SIZE // 2
    blob = np.exp(-(y**2 + x**2) / 2)
    serialized = []
    for number in range(count):
        is_companion = number % 2
        patch = random.normal(0, 0.25, [levels, SIZE, SIZE]) + is_companion * blob
        least, most = (extreme(patch, axis=(1, 2), keepdims=True) for extreme in (np.min, np.max))
        columns = {
            "row_id": number,
            "tic_id": 1000 * seed + number,
            "Sectors": 0,
            "Disposition": "companion" if is_companion else "speckle",
            "annulus": 2,
            "snr": 2.0 * is_companion,
        }
        view = ((patch - least) / (most - least)).ravel()
        serialized.append(tf_example.to_example(columns, {"residuals": view}).SerializeToString())
    tfrecord.write_shard(path, serialized)


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
    directory = tmp_path_factory.mktemp("patches")
    for seed, (split, count) in enumerate({"train": 240, "val": 80, "test": 80}.items()):
        write_patches(directory / f"{split}-00000-of-00001", count, seed)
    return directory


def run_train(patches, model, model_dir, *flags, **hparams):
    """Trains the small model of a name; returns the exit code."""
    files = [f"--train_files={patches}/train*", f"--eval_files={patches}/val*", f"--model_dir={model_dir}"]
    small = f"--config_json={config_json(model, **hparams)}"
    return train.main([f"--model={model}", small, "--num_threads=1", *files, *flags])


@pytest.fixture(scope="module")
def trained(patches, tmp_path_factory):
    """Function from the name of a model to its model_dir; not to be changed."""
    made = {}

    def trained(model):
        if model not in made:
            made[model] = tmp_path_factory.mktemp(model)
            assert run_train(patches, model, made[model]) == 0
        return made[model]

    return trained


def kept(model_dir):
    reader = tf.train.load_checkpoint(checkpoints.find(model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.mark.parametrize("model", ALL)
def test_model_learns_and_is_evaluated(model, trained, patches, tmp_path, capsys):
    flags = [f"--model_dir={trained(model)}", f"--eval_files={patches}/test*", f"--output_dir={tmp_path}"]
    assert evaluate.main([*flags, f"--train_files={patches}/train*", "--num_resamples=20"]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["sets"]["all"]["figures"]["auc"]["value"] > 0.95
    assert report["seen_in_training"] == {"identical_views": 0, "shared_stars": 0}


@pytest.mark.parametrize("model", ALL)
def test_model_predicts_calibrated_and_exported(model, trained, patches, tmp_path, capsys):
    copy = tmp_path / "copy"
    assert export.main([f"--model_dir={trained(model)}", f"--output_dir={copy}", f"--eval_files={patches}/val*"]) == 0
    files = [f"--eval_files={patches}/val*", f"--train_files={patches}/train*"]
    assert calibrate.main([f"--model_dir={copy}", *files, "--recall_target=0.9"]) == 0
    assert "the model reads no time series" in capsys.readouterr().out
    flags = [f"--model_dir={copy}", f"--tfrecord_dir={patches}", f"--output_dir={tmp_path}"]
    assert batch_predict.main([*flags, "--plot", f"--save_dir={tmp_path}/plots"]) == 0
    assert "80 patches by 1 model" in capsys.readouterr().out
    assert all(path.name.startswith("wedge") for path in (tmp_path / "plots").iterdir())
    with open(tmp_path / "prediction.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    means = np.array([float(row["mean"]) for row in rows])
    assert [int(row["row_id"]) for row in rows] == list(range(80)) and means[1::2].mean() > means[::2].mean() + 0.3


@pytest.mark.parametrize("model", ALL)
def test_same_seed_same_weights(model, trained, patches, tmp_path):
    assert run_train(patches, model, tmp_path) == 0
    first, second = kept(trained(model)), kept(tmp_path)
    assert first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_other_seed_other_forest(trained, patches, tmp_path):
    assert run_train(patches, "sodirf", tmp_path, "--seed=1") == 0
    first, other = kept(trained("sodirf")), kept(tmp_path)
    assert not np.array_equal(first["logits/threshold"], other["logits/threshold"])


def test_layers_have_the_published_sizes():
    # A convolutional LSTM layer has four gates, each with a bias, that see its input and its own output; poolings of 2
    # leave 5 of 20 levels, and 3 of 9 pixels.
    first, second = 4 * 40 * (9 * (1 + 40) + 1), 4 * 80 * (4 * (40 + 80) + 1)
    dense = 128 * (5 * 3 * 3 * 80 + 1) + 128 + 1
    config = configurations.for_patches("sodinn", 20, 9)
    assert models.build("sodinn", config).count_params() == first + second + dense == 674_177
    first, second = 40 * (27 + 1), 80 * (8 * 40 + 1)
    assert models.build("sodinn_conv3d", config).count_params() == first + second + dense == 487_857
    # A tree of depth 12 has 4095 splits, of a feature and a threshold each, and 4096 leaves.
    config = configurations.for_patches("sodirf", 20, 9)
    assert models.build("sodirf", config).count_params() == 100 * (2 * 4095 + 4096)


@pytest.mark.parametrize("num_steps, channels, kernel_size", [(1, 1, 3), (5, 1, 3), (4, 3, 2)])
def test_conv_lstm_is_that_of_keras(num_steps, channels, kernel_size):
    inputs = keras.Input([num_steps, 5, 4, channels])
    ours = ConvLSTM2D(6, kernel_size, name="a/conv")
    theirs = keras.layers.ConvLSTM2D(6, kernel_size, padding="same", return_sequences=True, name="a/conv")
    networks = [keras.Model(inputs, layer(inputs)) for layer in (ours, theirs)]
    assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
    random = np.random.default_rng(0)
    weights = [random.normal(0, 0.5, weight.shape).astype(np.float32) for weight in theirs.weights]
    batch = random.normal(size=[3, num_steps, 5, 4, channels]).astype(np.float32)
    values, gradients = [], []
    for network in networks:
        network.set_weights(weights)
        with tf.GradientTape() as tape:
            values.append(network(batch))
            loss = tf.reduce_sum(values[-1] ** 2)
        gradients.append(tape.gradient(loss, network.trainable_weights))
    np.testing.assert_allclose(*values, atol=1e-5)
    for of_ours, of_theirs in zip(*gradients):
        np.testing.assert_allclose(of_ours, of_theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model", ALL)
def test_configuration_follows_the_patches(model):
    assert configuration.resolve(model).config == configurations.for_patches(model, 20, 9)
    changes = '{"inputs": {"features": {"residuals": {"length": 2420}}}}'
    config = configuration.resolve(model, config_json=changes).config
    assert config == configurations.for_patches(model, 20, 11)
    assert models.build(model, config).input["residuals"].shape[1] == 2420


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    "changes, message",
    [
        ({"inputs": {"features": {"residuals": {"length": 1280}}}}, "length 1280 are not 20 levels .* of odd size"),
        ({"hparams": {"num_levels": 0}}, "length 1620 are not 0 levels"),
        ({"inputs": {"features": {"snr": {}}}}, "reads residuals, no other feature"),
        ({"hparams": {"output_dim": 2}}, "has one output"),
    ],
)
def test_wrong_sizes_are_told(model, changes, message):
    config = configuration.resolve(model, config_json=json.dumps(changes)).config
    with pytest.raises(ScriptError, match=f"makes no {model} .*{message}"):
        models.build(model, config)


@pytest.mark.parametrize("name, value", [("num_trees", 0), ("max_depth", 0), ("min_samples_leaf", -1)])
def test_forest_without_trees_is_refused(name, value):
    with pytest.raises(ScriptError, match=f"{name} is {value}: 1 or more needed"):
        models.build(
            "sodirf", configuration.resolve("sodirf", config_json=config_json("sodirf", **{name: value})).config
        )


def test_patch_of_another_length_is_told(trained, tmp_path, capsys):
    write_patches(tmp_path / "test-00000-of-00001", 2, 9, levels=LEVELS + 1)
    flags = [f"--model_dir={trained('sodirf')}", f"--tfrecord_dir={tmp_path}", f"--output_dir={tmp_path}"]
    assert batch_predict.main(flags) == 1
    assert "residuals has 125 values, the configuration needs 100" in capsys.readouterr().err


def test_leak_of_a_patch_is_told(patches, tmp_path, capsys):
    files = [f"--train_files={patches}/train*", f"--eval_files={patches}/train*", f"--model_dir={tmp_path}"]
    assert train.main(["--model=sodirf", f"--config_json={config_json('sodirf')}", *files]) == 0
    assert "LEAK: of 240 patches to evaluate on, 240 have the very views of a training patch" in capsys.readouterr().out


@pytest.mark.parametrize("levels, is_image", [(20, True), (LEVELS, False)])
def test_patch_is_drawn(levels, is_image, tmp_path):
    write_patches(tmp_path / "test", 1, 9, levels=levels)
    (record,) = map(tf_example.from_serialized, tfrecord.read(tmp_path / "test"))
    tce.plot_prediction(tmp_path / "plot.png", scoring.Prediction(record, np.array([0.1]), 0.1, 0.0))
    red, _, blue, _ = imread(tmp_path / "plot.png").reshape(-1, 4).T
    assert np.any((red > 0.9) & (blue < 0.2)) == is_image  # the yellow of the brightest pixels


def read(patches, split, config):
    tces = dataset.read([str(patches / f"{split}-00000-of-00001")], config)
    return tces.features["residuals"], tces.labels


def test_forest_says_what_that_of_scikit_learn_does(trained, patches):
    spec = configuration.load(trained("sodirf"))
    forest = RandomForestClassifier(30, max_depth=6, random_state=0).fit(*read(patches, "train", spec.config))
    score = tensorflow_engine.scorer(spec, [checkpoints.find(trained("sodirf"))])
    for split in ("train", "test"):
        features, _ = read(patches, split, spec.config)
        expected = forest.predict_proba(features)[:, 1]
        np.testing.assert_allclose(score({"residuals": features})[:, 0], expected, rtol=0, atol=1e-6)


def test_forest_goes_left_at_its_very_threshold():
    """Midpoints of float32 neighbors, which the thresholds are, lie between them; values of training lie on either."""
    config = configuration.resolve("sodirf", config_json=config_json("sodirf", num_trees=20)).config
    random = np.random.default_rng(0)
    steps = random.integers(0, 3, [300, LEVELS * SIZE**2])  # of the least size that a float32 near 5 can have
    features = (np.float32(5) + steps * np.spacing(np.float32(5))).astype(np.float32)
    labels = (steps[:, :5].sum(axis=1) > 5).astype(int)
    model = models.build("sodirf", config)
    models.fit_function("sodirf")(model, config, {"residuals": features}, labels, seed=3, num_threads=1)
    forest = RandomForestClassifier(20, max_depth=6, random_state=3).fit(features, labels)
    thresholds = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in forest.estimators_])
    assert np.any(thresholds.astype(np.float32) != thresholds)
    found = probability(model({"residuals": features}).numpy())
    np.testing.assert_allclose(found, forest.predict_proba(features)[:, 1], rtol=0, atol=1e-6)


def test_forest_is_fitted_once_whatever_the_steps(patches, tmp_path, capsys):
    for _ in range(2):
        assert run_train(patches, "sodirf", tmp_path, "--num_models=2", "--train_steps=7") == 0
    assert f"{tmp_path}/1 is finished: it has 7 steps" in capsys.readouterr().out
    flags = [f"--model_dir={tmp_path}", "--average", "--checkpoint=best", f"--eval_files={patches}/test*"]
    assert evaluate.main(flags) == 0
    assert "global_step = 7" in capsys.readouterr().out


def test_forest_that_was_killed_before_its_evaluation_is_judged_by_the_next_run(patches, tmp_path, capsys):
    assert run_train(patches, "sodirf", tmp_path) == 0
    best = checkpoints.best_metrics(tmp_path)
    shutil.rmtree(tmp_path / "best")
    (tmp_path / "last_evaluation.json").unlink()
    assert run_train(patches, "sodirf", tmp_path) == 0
    assert checkpoints.best_metrics(tmp_path) == best
    assert run_train(patches, "sodirf", tmp_path) == 0
    assert f"{tmp_path} is finished" in capsys.readouterr().out


def test_forest_of_one_class_is_refused(tmp_path, capsys):
    write_patches(tmp_path / "train", 1, 0)
    files = [f"--train_files={tmp_path}/train", f"--eval_files={tmp_path}/train", f"--model_dir={tmp_path}/model"]
    assert train.main(["--model=sodirf", f"--config_json={config_json('sodirf')}", *files]) == 1
    assert "all 1 samples to train on are of one class" in capsys.readouterr().err


def test_forest_is_fitted_by_one_process(patches, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"chief": [], "ps": []}, "task": {"type": "chief"}}))
    assert run_train(patches, "sodirf", tmp_path) == 1
    assert "sodirf is fitted by one process: unset TF_CONFIG" in capsys.readouterr().err


def test_model_dir_of_a_forest_is_data_alone(trained, tmp_path, capsys):
    """No file of it is a pickle, which begins so in every protocol since 2, nor holds a reference to a class."""
    directory = trained("sodirf")
    paths = [path for path in directory.rglob("*") if path.is_file()]
    assert len(paths) > 5
    assert not [path for path in paths if path.read_bytes()[:1] == b"\x80" or b"sklearn" in path.read_bytes()]


def test_patches_are_learned_from_in_all_eight_ways_that_a_square_lies(patches):
    def symmetries(patch):
        turned = [np.rot90(patch, number, axes=(1, 2)) for number in range(4)]
        return [each.tobytes() for image in turned for each in (image, image[:, :, ::-1])]

    config = configuration.resolve("sodinn", config_json=config_json("sodinn", turn_patches=True)).config
    tces = dataset.read([str(patches / "train-00000-of-00001")], config)
    ways = {
        way: (row, number)
        for row, flat in enumerate(tces.features["residuals"])
        for number, way in enumerate(symmetries(flat.reshape(LEVELS, SIZE, SIZE)))
    }
    seen = [
        ways[row.tobytes()]
        for f, _ in dataset.training_batches(tces, config, 1).take(40)
        for row in f["residuals"].numpy()
    ]
    assert {row for row, _ in seen} == set(range(len(tces)))
    counts = np.bincount([number for _, number in seen], minlength=8)
    assert abs(counts / len(seen) - 1 / 8).max() < 4 * np.sqrt(7 / 64 / len(seen))  # 4 standard deviations


def test_dropout_is_in_training_alone():
    model = "sodinn_conv3d"
    config = configuration.resolve(model, config_json=config_json(model)).config
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.train.create_global_step()
        network = models.build(model, config)
        features = {"residuals": tf.random.stateless_uniform([1, LEVELS * SIZE**2], [1, 2])}
        training, prediction = (network(features, training=is_training) for is_training in (True, False))
        session.run(tf.compat.v1.global_variables_initializer())
        first, predicted = session.run([training, prediction])
    assert first != predicted
