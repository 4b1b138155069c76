"""train.py --init_from: a training that begins with the weights of another model."""

import json
from pathlib import Path

import numpy as np
import pytest

from astronet import export, train
from astronet.estimator import checkpoints, fine_tuning
from astronet.ops.tensorflow import tf

STEPS = "--train_steps=30"


@pytest.fixture(scope="module")
def source(train_small, tmp_path_factory):
    """A small model to begin with."""
    return train_small(str(tmp_path_factory.mktemp("source") / "model"))


@pytest.fixture
def fine_tune(source, write_tces, tmp_path):
    records = write_tces(tmp_path / "records", num_tces=40, seed=5)

    def fine_tune(name, *flags, init_from=source):
        files = [f"--train_files={records}", f"--eval_files={records}", f"--model_dir={tmp_path / name}"]
        return train.main([f"--init_from={init_from}", *files, "--num_threads=1", *flags])

    return fine_tune


def arrays(model_dir):
    reader = tf.train.load_checkpoint(checkpoints.find(str(model_dir)))
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith(("kernel", "bias"))]
    return {name: reader.get_tensor(name) for name in names}


def saved_config(model_dir):
    return json.loads((Path(model_dir) / "config.json").read_text())["config"]


def test_it_begins_with_the_weights_of_the_model(fine_tune, source, tmp_path, capsys):
    slow = '--config_json={"hparams": {"learning_rate": 1e-12}}'
    assert fine_tune("tuned", "--train_steps=1", slow) == 0
    before, after = arrays(source), arrays(tmp_path / "tuned")
    assert before.keys() == after.keys()
    assert all(np.allclose(before[name], after[name], atol=1e-6) for name in before)
    out = capsys.readouterr().out
    assert "fine-tuning, judged on 40 validation TCEs" in out and "log loss after minus before" in out


def test_the_head_alone_learns_on_request(fine_tune, source, tmp_path):
    assert fine_tune("tuned", STEPS, "--train_layers=head", '--config_json={"hparams": {"learning_rate": 0.01}}') == 0
    before, after = arrays(source), arrays(tmp_path / "tuned")
    is_same = {name: np.array_equal(before[name], after[name]) for name in before}
    assert {name for name, same in is_same.items() if not same} == {
        name for name in before if name.startswith(("pre_logits_hidden", "logits"))
    }


def test_it_has_the_configuration_of_the_model_at_a_tenth_of_its_rate(fine_tune, source, tmp_path):
    assert fine_tune("tuned", "--train_steps=1") == 0
    configs = [
        json.loads((tmp_path.__class__(path) / "config.json").read_text()) for path in (source, tmp_path / "tuned")
    ]
    rates = [config["config"]["hparams"].pop("learning_rate") for config in configs]
    assert rates[1] == pytest.approx(rates[0] / 10)
    assert configs[0]["config"] == configs[1]["config"]


def test_a_run_that_is_given_again_is_finished_and_another_origin_is_refused(fine_tune, train_small, tmp_path, capsys):
    assert fine_tune("tuned", "--train_steps=2") == 0
    assert fine_tune("tuned", "--train_steps=2") == 0
    assert "is finished: it has 2 steps" in capsys.readouterr().out
    assert fine_tune("tuned", "--train_steps=2", "--train_layers=head") == 1
    assert "holds a model of other records (--init_from)" in capsys.readouterr().err


def test_members_begin_with_the_members_of_an_exported_ensemble(ensemble_dir, fine_tune, tmp_path, capsys):
    assert export.main([f"--model_dir={ensemble_dir}", "--average", f"--output_dir={tmp_path}/exported"]) == 0
    slow = '--config_json={"hparams": {"learning_rate": 1e-12}}'
    assert fine_tune("tuned", "--train_steps=1", slow, "--num_models=2", init_from=f"{tmp_path}/exported") == 0
    first, second = arrays(tmp_path / "tuned/1"), arrays(tmp_path / "tuned/2")
    assert any(not np.allclose(first[name], second[name]) for name in first)
    assert "fine-tuning, judged on 40 validation TCEs" in capsys.readouterr().out


@pytest.mark.parametrize("flags", [["--config_name=triage"], ["--init_from=", "--train_layers=head"]])
def test_flags_that_contradict_each_other(fine_tune, flags):
    with pytest.raises(SystemExit):
        fine_tune("tuned", *flags)


def test_it_is_told_how_many_labels_would_tell():
    random = np.random.default_rng(0)
    labels, stars = random.integers(0, 2, 400), list(range(400))
    good = np.where(labels, 0.9, 0.1)
    better = np.where(labels, 0.99, 0.01)
    difference, low, high = fine_tuning.difference_of_log_loss(labels, good, better, stars)
    assert low <= difference <= high < 0 and fine_tuning.num_needed(difference, low, high, 400) is None
    noise = np.clip(good + random.normal(0, 0.05, 400), 0.01, 0.99)
    difference, low, high = fine_tuning.difference_of_log_loss(labels[:20], good[:20], noise[:20], stars[:20])
    if low < 0 < high:
        assert fine_tuning.num_needed(difference, low, high, 20) > 20
