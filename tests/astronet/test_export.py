"""Exported models: as good as what they were exported from, a fraction of its size, and told by name where packaged."""

import json
import shutil

import numpy as np
import pytest

from astronet import batch_predict, calibrate, evaluate, export, find_incorrect, train
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.estimator import checkpoints, pretrained, weights_file

# A weight in half precision is off by up to 2^-11 of itself. The logits of this small network are sums of some hundred
# such terms of either sign, and a probability changes by at most a quarter of its logit.
HALF = 2e-3


@pytest.fixture(scope="module")
def exported(ensemble_dir, tmp_path_factory):
    """The ensemble in half precision; not to be changed."""
    directory = tmp_path_factory.mktemp("exported") / "triage"
    assert export.main([f"--model_dir={ensemble_dir}", "--average", f"--output_dir={directory}"]) == 0
    return directory


@pytest.fixture
def predict(tmp_path, write_tces, monkeypatch):
    """Function (*flags) -> mean, standard deviation and members of each TCE, [num_tces, 2 + num_members]."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfrecord").mkdir()
    write_tces(tmp_path / "tfrecord" / "test-0", seed=5)

    def predict(*flags):
        assert batch_predict.main([*flags, "--tfrecord_dir=tfrecord"]) == 0
        return np.genfromtxt("prediction.csv", delimiter=",", skip_header=1)[:, 5:]

    return predict


@pytest.fixture
def packaged(exported, tmp_path, monkeypatch):
    """A package whose pretrained:triage is a copy of the exported ensemble, which a test may change."""
    monkeypatch.setattr(pretrained, "DIRECTORY", tmp_path / "pretrained")
    return shutil.copytree(exported, tmp_path / "pretrained" / "triage")


def files(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_an_exported_ensemble_predicts_as_its_source(ensemble_dir, exported, predict):
    source = predict(f"--model_dir={ensemble_dir}", "--average")
    copy = predict(f"--model_dir={exported}", "--average")
    assert source.shape == copy.shape == (24, 2 + 3)
    assert source[:, 0].std() > 0.01
    np.testing.assert_allclose(copy, source, rtol=0, atol=HALF)


def test_a_single_model_in_single_precision_loses_nothing(ensemble_dir, tmp_path, predict):
    member = ensemble_dir / "2"
    flags = [f"--model_dir={member}", f"--output_dir={tmp_path / 'copy'}", "--dtype=float32", "--checkpoint=best"]
    assert export.main(flags) == 0
    assert sorted(files(tmp_path / "copy")) == ["config.json", "weights.npz"]
    engine = "--engine=tensorflow"  # which the checkpoint needs
    source = predict(f"--model_dir={member}", "--checkpoint=best", engine)
    for which in ("last", "best"):
        copy = predict(f"--model_dir={tmp_path / 'copy'}", f"--checkpoint={which}", engine)
        np.testing.assert_array_equal(copy, source)


def test_an_export_is_slim_and_the_same_each_time(ensemble_dir, exported, tmp_path):
    assert export.main([f"--model_dir={ensemble_dir}", "--average", f"--output_dir={tmp_path / 'again'}"]) == 0
    first = files(exported)
    assert sorted(first) == sorted(f"{n}/{name}" for n in (1, 2, 10) for name in ("config.json", "weights.npz"))
    assert files(tmp_path / "again") == first
    # Half the bytes, and without Adam's two slots a third of the numbers; what the format adds to a network of this
    # size is nearly as much again.
    checkpoint = sum(path.stat().st_size for path in (ensemble_dir / "1").glob("model.ckpt-20.*"))
    assert len(first["1/weights.npz"]) < checkpoint / 3
    with np.load(exported / "1" / "weights.npz") as archive:
        assert {values.dtype for values in archive.values() if values.ndim > 1} == {np.dtype("float16")}
        assert {values.dtype for values in archive.values() if values.ndim == 1} == {np.dtype("float32")}
    for member in (1, 2, 10):
        assert configuration.load(exported / str(member)).seed == member
        assert checkpoints.step(checkpoints.find(exported / str(member))) == 20


def test_what_an_export_changes_is_told(ensemble_dir, tmp_path, write_tces, capsys):
    path = write_tces(tmp_path / "val", seed=5)
    flags = [f"--model_dir={ensemble_dir}", "--average", f"--output_dir={tmp_path / 'copy'}"]
    assert export.main([*flags, f"--eval_files={path}"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "3 model(s)" in printed[-4] and "MB of weights as float16" in printed[-4]
    change = float(printed[-3].split()[-1])
    assert 0 < change < HALF
    before, after = (line.split() for line in printed[-2:])
    assert (before[0], after[0]) == ("before", "after")
    assert float(before[-1]) == pytest.approx(float(after[-1]), abs=HALF)
    assert before[-2] == "cross_entropy" and float(before[-1]) > 0


def test_an_export_goes_where_no_model_is(ensemble_dir, exported, tmp_path, capsys):
    for target in (exported, exported / "1", ensemble_dir):
        before = files(target)
        assert export.main([f"--model_dir={ensemble_dir}", "--average", f"--output_dir={target}"]) == 1
        assert "holds a model already: choose another --output_dir" in capsys.readouterr().err
        assert files(target) == before


def test_weights_beyond_half_precision_are_refused(tmp_path, exported, ensemble_dir, capsys):
    member = shutil.copytree(exported / "1", tmp_path / "model")
    reader = weights_file.Reader(member / "weights.npz")
    weights = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    step = weights.pop("global_step")
    name = next(name for name, values in weights.items() if values.ndim > 1)
    weights[name] = np.full_like(weights[name], 70000)  # above the largest float16, 65504
    weights_file.write(str(member / "weights.npz"), weights, step, "float32")
    flags = [f"--model_dir={member}", f"--output_dir={tmp_path / 'copy'}"]
    assert export.main(flags) == 1
    error = capsys.readouterr().err
    assert name in error and "float16 cannot hold, up to 70000" in error and "--dtype=float32" in error
    assert not files(tmp_path / "copy")
    assert export.main([*flags, "--dtype=float32"]) == 0


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"", lambda data: data[:400] + data[410:]])
def test_a_damaged_file_is_named(exported, tmp_path, write_tces, capsys, damage):
    member = shutil.copytree(exported / "1", tmp_path / "model")
    (member / "weights.npz").write_bytes(damage((member / "weights.npz").read_bytes()))
    assert evaluate.main([f"--model_dir={member}", f"--eval_files={write_tces(tmp_path / 'test')}"]) == 1
    error = capsys.readouterr().err
    assert f"cannot read {member}/weights.npz" in error and "export it again" in error


def test_a_file_of_other_arrays_is_named(exported, tmp_path, write_tces, capsys):
    member = shutil.copytree(exported / "1", tmp_path / "model")
    path = write_tces(tmp_path / "test")
    assert evaluate.main([f"--model_dir={member}", "--config_name=yu2019", f"--eval_files={path}"]) == 1
    assert "weights.npz does not fit the configuration" in capsys.readouterr().err
    np.savez(member / "weights.npz", views=np.zeros(3))
    assert evaluate.main([f"--model_dir={member}", f"--eval_files={path}"]) == 1
    assert "lacks global_step" in capsys.readouterr().err


@pytest.mark.parametrize("model_dir", ["{exported}", "{exported}/1", "pretrained:triage"])
def test_an_exported_model_is_not_trained_on(exported, tmp_path, write_tces, monkeypatch, capsys, model_dir):
    monkeypatch.chdir(tmp_path)
    before, path = files(exported), write_tces(tmp_path / "train")
    flags = ["--config_name=yu2019", f"--train_files={path}", f"--eval_files={path}"]
    assert train.main([*flags, f"--model_dir={model_dir.format(exported=exported)}"]) == 1
    assert "is an exported model, which lacks what training goes on from" in capsys.readouterr().err
    assert files(exported) == before
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_a_training_goes_on_beside_an_export_of_it(train_small, tmp_path):
    model_dir = train_small(tmp_path / "model")
    assert export.main([f"--model_dir={model_dir}", f"--output_dir={model_dir / 'slim'}"]) == 0
    train_small(model_dir, "--train_steps=25")
    assert checkpoints.last_step(model_dir) == 25


def test_a_pretrained_ensemble_needs_its_name_alone(packaged, predict, write_tces, tmp_path, capsys):
    by_directory = predict(f"--model_dir={packaged}", "--average")
    before = files(packaged)
    np.testing.assert_array_equal(predict("--model_dir=pretrained:triage"), by_directory)
    np.testing.assert_array_equal(predict("--model_dir=pretrained:triage", "--average"), by_directory)
    assert evaluate.main(["--model_dir=pretrained:triage", "--eval_files=tfrecord/test-0"]) == 0
    assert "num_examples = 24" in capsys.readouterr().out
    flags = ["--tfrecord_dir=tfrecord", f"--save_dir={tmp_path / 'plots'}"]
    assert find_incorrect.main(["--model_dir=pretrained:triage", *flags]) == 0
    assert files(packaged) == before  # the package stays as it was installed
    assert sorted(path.name for path in packaged.iterdir()) == ["1", "10", "2"]


def test_an_unknown_pretrained_model_is_told_from_those_there_are(packaged, tmp_path, capsys):
    flags = ["--eval_files=none", "--model_dir=pretrained:vetting"]
    assert evaluate.main(flags) == 1
    assert "unknown pretrained model pretrained:vetting; there are: pretrained:triage" in capsys.readouterr().err
    shutil.rmtree(packaged)
    assert evaluate.main(flags) == 1
    assert f"there are: none in {tmp_path / 'pretrained'}" in capsys.readouterr().err


def test_a_calibration_is_of_the_exported_weights(packaged, predict, capsys):
    model_dir = f"--model_dir={packaged}"
    raw = predict("--model_dir=pretrained:triage")
    assert calibrate.main([model_dir, "--average", "--eval_files=tfrecord/test-0", "--recall_target=1"]) == 0
    fitted = json.loads((packaged / "calibration.json").read_text())
    assert fitted["temperature"] != pytest.approx(1, abs=0.01)
    tempered = predict("--model_dir=pretrained:triage")
    odds = np.log(raw[:, 2:] / (1 - raw[:, 2:])) / fitted["temperature"]
    np.testing.assert_allclose(tempered[:, 2:], 1 / (1 + np.exp(-odds)), atol=1e-5)
    assert f"with a probability of {fitted['threshold']:g} or more" in capsys.readouterr().out

    shutil.copyfile(packaged / "1" / "weights.npz", packaged / "2" / "weights.npz")
    predict("--model_dir=pretrained:triage")
    assert "calibration.json is of other checkpoints: not used" in capsys.readouterr().err


def test_a_pretrained_ensemble_is_calibrated_in_a_copy(packaged, tmp_path, predict, capsys):
    flags = ["--eval_files=tfrecord/test-0", "--average"]
    assert calibrate.main(["--model_dir=pretrained:triage", *flags]) == 1
    error = capsys.readouterr().err
    assert "pretrained:triage is part of the package" in error and "export.py --model_dir=pretrained:triage" in error
    assert export.main(["--model_dir=pretrained:triage", f"--output_dir={tmp_path / 'copy'}"]) == 0
    assert files(tmp_path / "copy") == files(packaged)  # half precision is halved without a loss
    assert calibrate.main([f"--model_dir={tmp_path / 'copy'}", *flags]) == 0


def test_a_checkpoint_of_its_own_training_comes_first(exported, ensemble_dir, tmp_path):
    both = shutil.copytree(ensemble_dir / "1", tmp_path / "both")
    shutil.copyfile(exported / "2" / "weights.npz", both / "weights.npz")
    assert checkpoints.find(both) == str(both / "model.ckpt-20")
    with pytest.raises(ScriptError, match="no checkpoint in"):
        checkpoints.find(tmp_path)
