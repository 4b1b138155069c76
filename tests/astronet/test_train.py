import json
import re
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest

import astronet
from astronet import train
from astronet.base import locks
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.estimator import checkpoints, ensemble
from astronet.evaluation import labeled_records
from astronet.ops import training
from astronet.ops.tensorflow import tf

FAST = '{"hparams": {"batch_size": 8, "learning_rate": 0.01}}'


@pytest.fixture(scope="module")
def records_dir(tmp_path_factory, write_tces):
    directory = tmp_path_factory.mktemp("tfrecord")
    for shard in range(2):
        write_tces(directory / f"train-0000{shard}-of-00002", seed=shard)
    write_tces(directory / "val-00000-of-00001", seed=2)
    return directory


@pytest.fixture
def run_train(records_dir):
    def run_train(model_dir, *flags, model="AstroModel", steps=60, config_json=FAST):
        arguments = [f"--model={model}", "--config_name=yu2019", f"--config_json={config_json}", "--num_threads=1"]
        files = [f"--train_files={records_dir}/train*", f"--eval_files={records_dir}/val*"]
        return train.main([*arguments, *files, f"--model_dir={model_dir}", f"--train_steps={steps}", *flags])

    return run_train


def weights(model_dir):
    reader = tf.train.load_checkpoint(checkpoints.find(model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def losses(output):
    return [float(loss) for loss in re.findall(r"validation loss ([\d.]+)  accuracy", output)]


def test_training_learns_evaluates_and_keeps_the_last_and_the_best(tmp_path, run_train, capsys):
    assert run_train(tmp_path, steps=120) == 0
    output = capsys.readouterr().out
    # 48 TCEs in batches of 8: an epoch has 6 steps, and 54 is the first whole number of epochs in 50 steps or more.
    assert re.findall(r"step +(\d+)/120", output) == ["0", "54", "108", "120"]
    assert losses(output)[-1] < 0.5 * losses(output)[0]
    assert (tmp_path / "checkpoint").read_text().count("model.ckpt-120") == 2
    best = checkpoints.best_metrics(tmp_path)
    assert best["loss"] == pytest.approx(min(losses(output)), abs=1e-4)
    assert checkpoints.step(checkpoints.find(tmp_path, "best")) == best["global_step"]
    assert list(tmp_path.glob("events*")) and list(tmp_path.glob("eval_val/events*"))
    saved = json.loads((tmp_path / "config.json").read_text())
    assert (saved["model"], saved["train_steps"], saved["version"]) == ("AstroModel", 120, astronet.__version__)


def test_resumed_training_ends_where_an_unbroken_one_does(tmp_path, run_train):
    run_train(tmp_path / "unbroken", "--seed=3", steps=60)
    run_train(tmp_path / "broken", "--seed=3", steps=23)
    run_train(tmp_path / "broken", "--seed=3", steps=60)
    unbroken, broken = weights(tmp_path / "unbroken"), weights(tmp_path / "broken")
    assert unbroken["global_step"] == broken["global_step"] == 60
    for name, value in unbroken.items():
        np.testing.assert_allclose(broken[name], value, rtol=1e-5, atol=1e-7, err_msg=name)


COLUMNS = {view: {"num_blocks": 1, "num_filters": 2} for view in ("global_view", "local_view")}


@pytest.mark.parametrize(
    "model, changes",
    [
        ("AstroModel", {"dropout_rate": 0.5}),
        ("AstroCNNModel", {"column_dropout_rate": 0.5, "average_decay": 0.9, "weight_decay": 0.1, "columns": COLUMNS}),
    ],
)
def test_killed_training_of_the_newer_recipe_ends_where_an_unbroken_one_does(
    tmp_path, run_train, monkeypatch, model, changes
):
    small = {"pre_logits_hidden_layer_size": 8, "num_pre_logits_hidden_layers": 1, "batch_size": 8, **changes}
    flags = ["--config_name=triage", "--seed=3"]
    arguments = {"config_json": json.dumps({"hparams": small}), "steps": 120, "model": model}
    assert run_train(tmp_path / "unbroken", *flags, **arguments) == 0

    def kill_after_the_first_epoch(_, metrics):
        if metrics["global_step"]:
            raise ScriptError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "keep_if_best", kill_after_the_first_epoch)
        assert run_train(tmp_path / "killed", *flags, **arguments) == 1
    assert checkpoints.last_step(tmp_path / "killed") == 54
    assert run_train(tmp_path / "killed", *flags, **arguments) == 0
    unbroken, resumed = weights(tmp_path / "unbroken"), weights(tmp_path / "killed")
    assert unbroken.keys() == resumed.keys()
    for name, value in unbroken.items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_averaged_weights_are_evaluated_and_restored(tmp_path, run_train, records_dir):
    hparams = {"batch_size": 8, "learning_rate": 0.01, "average_decay": 0.9}
    assert run_train(tmp_path, steps=5, config_json=json.dumps({"hparams": hparams})) == 0
    held = weights(tmp_path)
    averaged = {name: held[f"logits/{name}/ExponentialMovingAverage"] for name in ("kernel", "bias")}
    assert not np.allclose(averaged["kernel"], held["logits/kernel"], atol=1e-3)
    spec = configuration.load(tmp_path)
    restored = checkpoints.restore(spec, checkpoints.find(tmp_path)).get_layer("logits")
    np.testing.assert_array_equal(restored.kernel, averaged["kernel"])
    best = checkpoints.best_metrics(tmp_path)
    files = [f"{records_dir}/val-00000-of-00001"]
    found = labeled_records.evaluate(ensemble.load(ensemble.ModelChoice(str(tmp_path), checkpoint="best")), files)
    assert found["global_step"] == best["global_step"] > 0
    assert found["loss"] == pytest.approx(best["loss"], rel=1e-5)


def test_normalization_of_scalars_is_in_the_checkpoint_and_in_the_configuration(tmp_path, run_train, records_dir):
    assert run_train(tmp_path, "--config_name=triage", steps=2) == 0
    saved = configuration.load(tmp_path).config.inputs.scalars
    held = weights(tmp_path)
    np.testing.assert_allclose(held["scalars/mean"], [saved[name].mean for name in sorted(saved)], rtol=1e-6)
    np.testing.assert_allclose(held["scalars/scale"], [saved[name].scale for name in sorted(saved)], rtol=1e-6)
    depths = np.log(1000.0 * (1 + np.arange(24) % 3))
    assert (saved["depth"].mean, saved["depth"].scale) == pytest.approx((depths.mean(), depths.std()), rel=1e-5)
    named = configuration.load(tmp_path, "AstroModel", "triage")  # a name alone knows no mean: the checkpoint does
    restored = checkpoints.restore(named, checkpoints.find(tmp_path)).get_layer("scalars")
    np.testing.assert_array_equal(restored.mean, held["scalars/mean"])


def test_training_stops_when_validation_no_longer_gains(tmp_path, run_train, capsys):
    # Smoothed labels keep the loss from falling for ever.
    hparams = {"batch_size": 8, "learning_rate": 0.05, "label_smoothing": 0.5, "early_stop_patience": 2}
    flags = {"steps": 3000, "config_json": json.dumps({"hparams": hparams})}
    assert run_train(tmp_path, **flags) == 0
    best = checkpoints.best_metrics(tmp_path)["global_step"]
    assert best > 0 and checkpoints.last_step(tmp_path) == best + 2 * 54 < 3000
    assert f"no lower validation loss since step {best}: training ends early" in capsys.readouterr().out
    assert run_train(tmp_path, **flags) == 0
    assert "is finished" in capsys.readouterr().out


def test_same_seed_same_weights_other_seed_others(tmp_path, run_train):
    for name, seed in (("first", 1), ("second", 1), ("other", 2)):
        assert run_train(tmp_path / name, f"--seed={seed}", steps=3) == 0
    kernels = [weights(tmp_path / name)["logits/kernel"] for name in ("first", "second", "other")]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])


SMALL = {"pre_logits_hidden_layer_size": 8, "num_pre_logits_hidden_layers": 1, "batch_size": 8, "columns": COLUMNS}


@pytest.mark.parametrize("num_parallel", [1, 3])
def test_members_of_an_ensemble_equal_models_trained_alone(tmp_path, run_train, capsys, num_parallel):
    flags = ["--config_name=triage"]
    arguments = {"steps": 60, "config_json": json.dumps({"hparams": SMALL}), "model": "AstroCNNModel"}
    together = ["--seed=5", "--num_models=3", f"--num_parallel={num_parallel}"]
    assert run_train(tmp_path / "ensemble", *flags, *together, **arguments) == 0
    output = capsys.readouterr().out
    assert output.count("LEAK: ") == 1  # the records were read once for all
    for member in "123":
        assert f"{tmp_path}/ensemble/{member}: step     60/60" in output
    members = [weights(tmp_path / "ensemble" / member) for member in "123"]
    assert not np.allclose(members[0]["logits/kernel"], members[1]["logits/kernel"])
    for member in (0, 2):
        directory = tmp_path / f"alone-{member}"
        assert run_train(directory, *flags, f"--seed={5 + member}", **arguments) == 0
        alone = weights(directory)
        assert alone.keys() == members[member].keys()
        for name, value in alone.items():
            np.testing.assert_array_equal(members[member][name], value, err_msg=name)


def test_killed_training_of_an_ensemble_goes_on(tmp_path, run_train, monkeypatch, capsys):
    flags, arguments = ["--num_models=2", "--num_parallel=1"], {"steps": 60}
    assert run_train(tmp_path / "unbroken", *flags, **arguments) == 0
    keep = checkpoints.keep_if_best

    def kill_the_second(checkpoint, metrics):
        if "/2/" in checkpoint and metrics["global_step"] == 54:
            raise ScriptError("killed")
        keep(checkpoint, metrics)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "keep_if_best", kill_the_second)
        assert run_train(tmp_path / "killed", *flags, **arguments) == 1
    assert f"error: {tmp_path}/killed/2: killed\n" in capsys.readouterr().err
    assert [checkpoints.last_step(tmp_path / "killed" / member) for member in "12"] == [60, 54]
    capsys.readouterr()
    assert run_train(tmp_path / "killed", *flags, **arguments) == 0
    output = capsys.readouterr().out
    assert "killed/1 is finished: it has 60 steps" in output and "killed/2: step     60/60" in output
    for member in "12":
        unbroken, resumed = (weights(tmp_path / name / member) for name in ("unbroken", "killed"))
        for name, value in unbroken.items():
            np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_steps_are_those_of_the_flag_or_the_epochs_of_the_configuration_or_the_published_ones(tmp_path, records_dir):
    given = [
        "--model=AstroModel",
        "--config_name=yu2019",
        f"--model_dir={tmp_path}",
        f"--train_files={records_dir}/train*",
    ]
    epochs = '--config_json={"hparams": {"batch_size": 10, "train_epochs": 2}}'
    assert train.main([*given, f"--eval_files={records_dir}/val*", epochs]) == 0
    assert configuration.load(tmp_path).train_steps == checkpoints.last_step(tmp_path) == 2 * 4  # of 48 TCEs, in tens
    assert configuration.num_steps(configuration.get("AstroCNNModel", "yu2019").hparams, 48) == 14000


def test_finished_training_says_so_and_another_seed_is_refused(tmp_path, run_train, capsys):
    run_train(tmp_path, steps=2)
    before = weights(tmp_path)
    assert run_train(tmp_path, steps=2) == 0
    assert "is finished: it has 2 steps" in capsys.readouterr().out
    np.testing.assert_array_equal(weights(tmp_path)["logits/kernel"], before["logits/kernel"])
    assert run_train(tmp_path, "--seed=7", steps=2) == 1
    assert "seed is 0 in it, now 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--eval_files=nowhere/val*"], "nowhere/val*"),
        (["--config_name=local_global"], "train a model with --config_name=yu2019, which fits"),
        (['--config_json={"hparams": {"optimizer": "adm"}}'], "unknown optimizer adm; did you mean adam?"),
        (['--config_json={"hparams": {"average_decay": 1.5}}'], "hparams.average_decay is 1.5: 0 to 1 needed"),
        (['--config_json={"hparams": {"weight_decay": -1}}'], "hparams.weight_decay is -1.0: 0 or more needed"),
        (['--config_json={"hparams": {"train_epochs": 0}}'], "hparams.train_epochs is 0: 1 or more needed"),
        (["--model=AstroFCModel", '--config_json={"hparams": {"learning_rate": 1e30}}'], "the loss became NaN"),
    ],
)
def test_problems_are_told_in_one_line(tmp_path, run_train, capsys, flags, message):
    assert run_train(tmp_path, *flags) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error


@pytest.mark.parametrize(
    "flag", ["--train_steps=0", "--seed=-1", f"--seed={2**40}", "--num_threads=-1", "--num_models=0"]
)
def test_a_number_that_cannot_be_is_refused_before_anything_is_written(tmp_path, run_train, capsys, flag):
    with pytest.raises(SystemExit) as stopped:
        run_train(tmp_path / "model", flag)
    assert stopped.value.code == 2 and not list(tmp_path.iterdir())
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"argument {flag.split('=')[0]}: " in error


def test_a_model_dir_whose_name_is_a_pattern_is_trained_gone_on_with_and_read(tmp_path, run_train, capsys):
    model_dir = tmp_path / "m[1*], x?"
    assert run_train(model_dir, steps=2) == 0
    assert run_train(model_dir, steps=3) == 0
    assert checkpoints.last_step(str(model_dir)) == 3
    assert checkpoints.best_metrics(str(model_dir))["global_step"] in (0, 2, 3)
    assert str(model_dir) in capsys.readouterr().out
    model = checkpoints.restore(configuration.load(model_dir), checkpoints.find(str(model_dir), "best"))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_interrupted_copy_of_the_best_leaves_the_older_one(tmp_path, run_train):
    run_train(tmp_path, steps=2)
    (tmp_path / "best" / "model.ckpt-3.index").write_bytes(b"half")
    assert checkpoints.step(checkpoints.find(tmp_path, "best")) == 2
    assert checkpoints.best_metrics(tmp_path)["global_step"] == 2


def test_only_a_lower_loss_replaces_the_best(tmp_path, run_train):
    run_train(tmp_path, steps=2)
    last, best = checkpoints.find(tmp_path), checkpoints.best_metrics(tmp_path)
    for change, expected in ((1, best["global_step"]), (-1, 99)):
        checkpoints.keep_if_best(last, {"loss": best["loss"] + change, "global_step": 99})
        assert checkpoints.best_metrics(tmp_path)["global_step"] == expected


def test_checkpoint_without_optimizer_is_not_trained_on(tmp_path, run_train, shared, capsys):
    shutil.copytree(shared / "golden" / "checkpoint", tmp_path / "model", copy_function=shutil.copyfile)
    assert run_train(tmp_path / "model", model="AstroCNNModel", steps=14001) == 1
    assert "choose another --model_dir" in capsys.readouterr().err


def test_made_checkpoint_without_optimizer_is_not_trained_on(tmp_path, run_train, capsys):
    run_train(tmp_path / "trained", model="AstroModel", steps=1)
    spec = configuration.load(str(tmp_path / "trained"))
    model = checkpoints.restore(spec, checkpoints.find(str(tmp_path / "trained")))
    (tmp_path / "model").mkdir()
    checkpoints.write(str(tmp_path / "model"), model, 1)
    assert not any("/Adam" in name for name in weights(tmp_path / "model"))
    capsys.readouterr()
    assert run_train(tmp_path / "model", model="AstroModel", steps=2) == 1
    assert "choose another --model_dir" in capsys.readouterr().err


@pytest.mark.parametrize(
    "model, changes",
    [("AstroFCModel", {}), ("AstroModel", {"output_dim": 3}), ("AstroCNNModel", {"clip_gradient_norm": 1.0})],
)
def test_every_model_trains(tmp_path, run_train, model, changes):
    config_json = json.dumps({"hparams": {"batch_size": 8, **changes}})
    assert run_train(tmp_path, model=model, steps=2, config_json=config_json) == 0


def test_checkpoints_have_the_published_names(tmp_path, run_train, shared):
    lines = (shared / "golden" / "checkpoint_variables.txt").read_text().splitlines()
    published = {line.split()[0] for line in lines if not line.startswith("#")}
    run_train(tmp_path, model="AstroCNNModel", steps=1)
    assert {name for name in weights(tmp_path) if "/Adam" not in name} == published


@pytest.mark.parametrize("clip_gradient_norm, expected", [(None, 5.0), (10.0, 5.0), (0.5, 0.5)])
def test_gradients_are_clipped_to_the_norm_of_the_configuration(clip_gradient_norm, expected):
    changes = {"optimizer": "sgd", "learning_rate": 1.0, "clip_gradient_norm": clip_gradient_norm}
    moved = _one_step(changes)
    assert np.linalg.norm(moved) == pytest.approx(expected)


@pytest.mark.parametrize("optimizer", sorted(training.OPTIMIZERS))
def test_every_optimizer_goes_down(optimizer):
    assert (_one_step({"optimizer": optimizer, "learning_rate": 0.1}) < 0).all()


def _rates(steps, train_steps, **hparams):
    config = configuration.resolve("AstroModel", "base", json.dumps({"hparams": {"learning_rate": 0.5, **hparams}}))
    return [float(training.learning_rate(tf.constant(step), train_steps, config.config.hparams)) for step in steps]


def test_learning_rate_follows_the_schedule():
    assert _rates([0, 7, 99], 100) == [0.5, 0.5, 0.5]
    cosine = _rates([0, 50, 100], 100, learning_rate_schedule="cosine")
    assert cosine == pytest.approx([0.5, 0.25, 0.0], abs=1e-7)
    assert _rates([0, 1, 3, 9], 100, warmup_steps=4) == pytest.approx([0.125, 0.25, 0.5, 0.5])
    assert _rates([0, 3, 4], 24, warmup_steps=100) == pytest.approx([0.125, 0.5, 0.5])  # a sixth is the most
    with pytest.raises(ScriptError, match="unknown learning_rate_schedule cosin; did you mean cosine?"):
        _rates([0], 1, learning_rate_schedule="cosin")


@pytest.mark.parametrize("logits", [[[2.0]], [[0.0, 2.0]]])
def test_label_smoothing_spreads_a_share_over_all_classes(logits):
    surprise = np.logaddexp(0, [-2.0, 2.0])  # of label 1 and of label 0
    for smoothing, expected in ((0.0, surprise[0]), (0.1, 0.95 * surprise[0] + 0.05 * surprise[1])):
        loss = training.loss(tf.constant([1]), tf.constant(logits), smoothing)
        assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_options_of_adam_reach_it():
    plain, damped = (_one_step({"learning_rate": 0.1, "adam_epsilon": epsilon}) for epsilon in (1e-8, 4.0))
    assert plain == pytest.approx([-0.1, -0.1], rel=1e-3)
    root = np.sqrt(1 - 0.999)  # Kingma & Ba 2014: the first step is rate * g / (|g| + epsilon / root)
    assert damped == pytest.approx([-0.1 * g / (g + 4.0 / root) for g in (3.0, 4.0)], rel=1e-3)


def test_weight_decay_shrinks_kernels_by_the_learning_rate_times_itself():
    changes = {"optimizer": "sgd", "learning_rate": 0.1}
    plain, decayed = (_steps({**changes, "weight_decay": decay}, [[5.0, -6.0]]) for decay in (0.0, 0.5))
    np.testing.assert_allclose(plain, [[5.0 - 0.3, -6.0 - 0.4]], rtol=1e-6)
    np.testing.assert_allclose(decayed - plain, [[-0.1 * 0.5 * 5.0, 0.1 * 0.5 * 6.0]], rtol=1e-5)
    assert (_one_step({**changes, "weight_decay": 0.5}) == _one_step(changes)).all()  # a bias keeps its size


@pytest.mark.parametrize("optimizer", sorted(training.OPTIMIZERS))
def test_weight_decay_works_with_every_optimizer(optimizer):
    changes = {"optimizer": optimizer, "learning_rate": 0.1}
    plain, decayed = (_steps({**changes, "weight_decay": decay}, [[5.0, -6.0]]) for decay in (0.0, 0.5))
    np.testing.assert_allclose(decayed - plain, [[-0.25, 0.3]], rtol=1e-5)


def test_moving_average_follows_at_first_quickly_then_with_its_decay():
    changes = {"optimizer": "sgd", "learning_rate": 1.0, "average_decay": 0.15}
    values = [-3.0 * step for step in range(1, 4)]
    expected = 0.0
    for value, decay in zip(values, (1 / 10, 0.15, 0.15)):  # (1 + step) / (10 + step) is 0.18 at step 1
        expected = decay * expected + (1 - decay) * value
    assert _steps(changes, [0.0, 0.0], 3, evaluated=True)[0] == pytest.approx(expected, rel=1e-5)


def _one_step(changes):
    """How far one step moves two variables whose gradient is (3, 4)."""
    return _steps(changes, [0.0, 0.0])


def _steps(changes, start, num_steps=1, evaluated=False):
    """Where steps take variables whose gradient is (3, 4), or what is evaluated in their place."""
    hparams = configuration.resolve("AstroModel", "base", json.dumps({"hparams": changes})).config.hparams
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.train.create_global_step()
        variable = tf.compat.v1.get_variable("v", initializer=tf.constant(start), use_resource=True)
        step, (average,) = training.train_op(tf.reduce_sum(variable * [3.0, 4.0]), [variable], num_steps, hparams)
        session.run(tf.compat.v1.global_variables_initializer())
        for _ in range(num_steps):
            session.run(step)
        return session.run(average if evaluated else variable)


def test_only_estimator_util_builds_on_tf_estimator():
    package = Path(astronet.__file__).parent
    knowing = [path.name for path in package.rglob("*.py") if "tf_estimator." in path.read_text()]
    assert knowing == ["estimator_util.py"]
    direct = [path.name for path in package.rglob("*.py") if re.search(r"import tensorflow\b", path.read_text())]
    assert direct == ["tensorflow.py"]


def test_last_checkpoint_of_an_empty_directory(tmp_path):
    assert not checkpoints.is_finished(tmp_path, 1)
    with pytest.raises(ScriptError, match="no checkpoint in .*train.py"):
        checkpoints.find(tmp_path)


def copied_records(records_dir, directory):
    for path in records_dir.iterdir():
        directory.mkdir(exist_ok=True)
        shutil.copyfile(path, directory / path.name)
    return f"--train_files={directory}/train*", f"--eval_files={directory}/val*"


def test_a_model_goes_on_only_with_the_records_that_it_was_trained_on(
    tmp_path, run_train, records_dir, write_tces, capsys
):
    flags = copied_records(records_dir, tmp_path / "copy")
    assert run_train(tmp_path / "model", *flags, steps=2) == 0
    write_tces(tmp_path / "copy" / "train-00001-of-00002", seed=77)
    before = {path: path.read_bytes() for path in (tmp_path / "model").rglob("*") if path.is_file()}
    for steps in (2, 4):
        assert run_train(tmp_path / "model", *flags, steps=steps) == 1
        printed = capsys.readouterr().err
        assert f"{tmp_path}/model holds a model of other records (--train_files): choose another --model_dir" in printed
        assert f"which {tmp_path}/model/trained_on.json names" in printed
    assert {path: path.read_bytes() for path in (tmp_path / "model").rglob("*") if path.is_file()} == before

    # Wherever the same records lie, and in whatever directory the model.
    shutil.move(tmp_path / "model", tmp_path / "moved")
    assert run_train(tmp_path / "moved", steps=2) == 0
    assert "moved is finished: it has 2 steps" in capsys.readouterr().out


def test_a_model_of_an_earlier_version_is_taken_to_be_of_these_records(tmp_path, run_train, capsys):
    assert run_train(tmp_path, steps=2) == 0
    (tmp_path / "trained_on.json").unlink()
    assert run_train(tmp_path, steps=3) == 0
    assert "does not tell which records it was trained on: taken to be these" in capsys.readouterr().out
    assert (tmp_path / "trained_on.json").exists()


def test_a_run_killed_before_its_last_evaluation_is_judged_by_the_next(tmp_path, run_train, capsys):
    assert run_train(tmp_path / "unbroken", steps=60) == 0
    best = checkpoints.best_metrics(tmp_path / "unbroken")
    assert best["global_step"] == 60
    assert run_train(tmp_path / "killed", steps=54) == 0
    kept = shutil.copytree(tmp_path / "killed" / "best", tmp_path / "best of 54")
    judged = (tmp_path / "killed" / "last_evaluation.json").read_bytes()
    assert run_train(tmp_path / "killed", steps=60) == 0
    # What SIGKILL leaves between the checkpoint of step 60 and its evaluation.
    shutil.rmtree(tmp_path / "killed" / "best")
    shutil.copytree(kept, tmp_path / "killed" / "best")
    (tmp_path / "killed" / "last_evaluation.json").write_bytes(judged)
    capsys.readouterr()
    assert run_train(tmp_path / "killed", steps=60) == 0
    assert "step     60/60  validation loss" in capsys.readouterr().out
    found = checkpoints.best_metrics(tmp_path / "killed")
    assert found["global_step"] == 60 and found["loss"] == pytest.approx(best["loss"], rel=1e-4)
    assert run_train(tmp_path / "killed", steps=60) == 0
    assert "killed is finished: it has 60 steps" in capsys.readouterr().out


def test_a_full_disk_is_told_in_a_line_and_nothing_unfinished_is_left(tmp_path, run_train, capsys):
    hparams = {"pre_logits_hidden_layer_size": 256, "num_pre_logits_hidden_layers": 1, "columns": COLUMNS}
    arguments = {"model": "AstroCNNModel", "steps": 2, "config_json": json.dumps({"hparams": hparams})}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))  # bytes of a file: summaries fit, weights do not
    try:
        assert run_train(tmp_path, **arguments) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: File too large: make room there, and run the same command again, which goes on from the "
        "last checkpoint\n"
    )
    assert not list(tmp_path.glob("model.ckpt*"))
    assert run_train(tmp_path, **arguments) == 0


def test_a_run_beside_another_one_in_the_same_model_dir_is_refused(tmp_path, run_train, capsys):
    with locks.exclusive(tmp_path / "model"):
        assert run_train(tmp_path / "model", steps=2) == 1
        assert f"{tmp_path}/model is in use: process" in capsys.readouterr().err
    with locks.exclusive(tmp_path / "ensemble" / "2"):  # one member: the others are trained
        assert run_train(tmp_path / "ensemble", "--num_models=2", steps=2) == 1
    printed = capsys.readouterr().err
    assert f"{tmp_path}/ensemble/2 is in use: process" in printed and "Traceback" not in printed
    assert checkpoints.last_step(tmp_path / "ensemble" / "1") == 2
