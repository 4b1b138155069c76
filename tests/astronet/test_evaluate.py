import re
import shutil

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from astronet import evaluate, train
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, scoring
from astronet.ops.tensorflow import tf


@pytest.fixture(scope="module")
def trained(tmp_path_factory, write_tces):
    """(model_dir, records) of a linear model."""
    directory = tmp_path_factory.mktemp("trained")
    shards = [write_tces(directory / f"train-{i}", seed=i) for i in range(2)]
    flags = ["--model=AstroModel", "--config_name=yu2019", "--train_steps=2", f"--model_dir={directory / 'model'}"]
    assert train.main([*flags, "--train_files", *shards, f"--eval_files={shards[0]}"]) == 0  # as a shell expands a glob
    return directory / "model", shards[0]


def saved_dict(output):
    figures = re.search(r"^INFO:tensorflow:Saving dict for global step \d+: (.*)$", output, re.MULTILINE).group(1)
    return {name: float(value) for name, value in (item.split(" = ") for item in figures.split(", "))}


def test_published_checkpoint_has_its_published_quality(shared, tmp_path, capsys):
    model_dir = tmp_path / "model"
    shutil.copytree(shared / "golden" / "checkpoint", model_dir, copy_function=shutil.copyfile)
    flags = [f"--model_dir={model_dir}", f"--eval_files={shared}/data/tess_triage/val*", "--eval_name=published"]
    assert evaluate.main([*flags, "--model=AstroCNNModel", "--config_name=yu2019"]) == 0
    values = saved_dict(capsys.readouterr().out)
    assert list(values) == [
        "accuracy/accuracy",
        "accuracy/num_correct",
        "auc",
        "confusion_matrix/false_negatives",
        "confusion_matrix/false_positives",
        "confusion_matrix/true_negatives",
        "confusion_matrix/true_positives",
        "global_step",
        "loss",
        "losses/weighted_cross_entropy",
        "num_examples",
    ]
    # Four standard deviations of the ten published runs (spec/triage.md, section 8).
    assert values["accuracy/accuracy"] == pytest.approx(0.9676, abs=4 * 0.0014)
    assert values["auc"] == pytest.approx(0.9880, abs=4 * 0.0009)
    assert values["loss"] == pytest.approx(0.0840, abs=4 * 0.0036)
    assert (values["num_examples"], values["global_step"]) == (1657, 14000)
    assert list(model_dir.glob("eval_published/events*"))


def test_figures_are_those_of_scikit_learn(trained, capsys):
    model_dir, records = trained
    assert evaluate.main([f"--model_dir={model_dir}", f"--eval_files={records}"]) == 0
    values = saved_dict(capsys.readouterr().out)
    model = ensemble.load(ensemble.ModelChoice(str(model_dir)))
    predictions = list(scoring.predict_records(model, list(tfrecord.read(records))))
    labels = np.array([prediction.identity.disposition in ("PC", "EB") for prediction in predictions])
    probabilities = np.array([prediction.mean for prediction in predictions])
    called = probabilities >= 0.5
    assert values["accuracy/accuracy"] == pytest.approx(np.mean(called == labels))
    assert values["auc"] == pytest.approx(roc_auc_score(labels, probabilities), abs=1e-6)
    assert (
        values["loss"]
        == values["losses/weighted_cross_entropy"]
        == pytest.approx(log_loss(labels, probabilities), abs=1e-5)
    )
    assert values["confusion_matrix/true_positives"] == np.sum(called & labels)
    assert values["confusion_matrix/false_positives"] == np.sum(called & ~labels)
    assert (values["num_examples"], values["global_step"], len(values)) == (24, 2, 11)


def test_configuration_and_either_checkpoint_come_from_model_dir(trained, capsys):
    model_dir, records = trained
    for which in ("last", "best"):
        assert evaluate.main([f"--model_dir={model_dir}", f"--eval_files={records}", f"--checkpoint={which}"]) == 0
        assert saved_dict(capsys.readouterr().out)["global_step"] == 2
    (events,) = model_dir.glob("eval_test/events*")
    tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(events)) for value in event.summary.value}
    assert {"loss", "auc"} <= tags


def test_threshold_is_where_positive_begins(trained, capsys):
    model_dir, records = trained
    for threshold, name in ((0, "negatives"), (1, "positives")):
        flags = [f"--model_dir={model_dir}", f"--eval_files={records}", f"--threshold={threshold}"]
        assert evaluate.main(flags) == 0
        values = saved_dict(capsys.readouterr().out)
        assert values[f"confusion_matrix/true_{name}"] == values[f"confusion_matrix/false_{name}"] == 0


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--model_dir=nowhere"], "no checkpoint in nowhere"),
        (["--config_name=base"], "logits/kernel has shape [262, 1] there and [201, 1] here"),
        (["--eval_files=nowhere/test*"], "nowhere/test*"),
    ],
)
def test_problems_are_told_in_one_line(trained, capsys, flags, message):
    model_dir, records = trained
    assert evaluate.main([f"--model_dir={model_dir}", f"--eval_files={records}", *flags]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error


def test_damaged_checkpoint_is_named(trained, tmp_path, capsys):
    model_dir, records = trained
    shutil.copytree(model_dir, tmp_path / "model")
    (tmp_path / "model" / "model.ckpt-2.index").write_bytes(b"damaged")
    assert evaluate.main([f"--model_dir={tmp_path / 'model'}", f"--eval_files={records}"]) == 1
    assert "cannot read checkpoint" in capsys.readouterr().err


def test_model_of_three_classes_tells_its_confusion_matrix_and_the_precision_of_each(tmp_path, write_tces, capsys):
    records = write_tces(tmp_path / "records")
    changes = '{"hparams": {"output_dim": 3}, "inputs": {"label_map": {"EB": 2}}}'
    flags = ["--model=AstroModel", "--config_name=yu2019", f"--config_json={changes}", "--train_steps=2"]
    model_dir = f"--model_dir={tmp_path / 'model'}"
    assert train.main([*flags, model_dir, f"--train_files={records}", f"--eval_files={records}"]) == 0
    capsys.readouterr()
    assert evaluate.main([model_dir, f"--eval_files={records}"]) == 0
    output = capsys.readouterr().out
    assert "classes/" not in output
    rows = [line.split() for line in output[output.index("\nclass ") :].splitlines()[2:]]
    counts = {name: [int(count) for count in called] for name, number, precision, *called in rows}
    assert [row[0] for row in rows] == ["J-V-IS-O", "PC", "EB"] and [int(row[1]) for row in rows] == [16, 4, 4]
    assert all(sum(called) == int(row[1]) for called, row in zip(counts.values(), rows))


def test_the_command_that_shows_the_evaluated_tces_is_told(trained, tmp_path, capsys):
    model_dir, records = trained
    flags = [f"--model_dir={model_dir}", f"--eval_files={records}", f"--output_dir={tmp_path}/judged"]
    assert evaluate.main([*flags, "--num_resamples=10"]) == 0
    output = capsys.readouterr().out
    directory, _, name = str(records).rpartition("/")
    assert f"astronet/report.py --records={directory} --pattern='{name}*' --model_dir={model_dir}" in output
