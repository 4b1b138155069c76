"""The ensemble of the package, made anew from (here: tiny) records."""

import json
import shutil

import pytest

from astronet import batch_predict
from astronet.estimator import pretrained
from tools import make_pretrained


@pytest.fixture
def make(tmp_path, write_tces):
    """Function (*flags) that makes tmp_path/pretrained/triage of two members, trained for two steps."""
    (tmp_path / "records").mkdir()
    write_tces(tmp_path / "records" / "train-00000-of-00001", num_tces=48)
    write_tces(tmp_path / "records" / "val-00000-of-00001", seed=5)
    places = {"records_dir": "records", "output_dir": "pretrained/triage", "work_dir": "work"}
    flags = [f"--{flag}={tmp_path / name}" for flag, name in places.items()]
    return lambda *more: make_pretrained.main([*flags, "--num_models=2", "--train_steps=2", *more])


def files(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_ensemble_of_the_package_is_made_and_made_again(make, tmp_path, write_tces, monkeypatch):
    triage = tmp_path / "pretrained" / "triage"
    shutil.copytree(tmp_path / "records", triage / "3")  # stands for a member that the new ensemble has not
    (triage / "3" / "weights.npz").write_bytes(b"")
    (triage / "README.md").write_text("written by hand")
    assert make("--seed=7", "--recall_target=0.98") == 0
    made = files(triage)
    members = [f"{member}/{name}" for member in (1, 2) for name in ("config.json", "weights.npz")]
    assert sorted(made) == sorted([*members, "README.md", "calibration.json", "figures.json"])
    assert made["README.md"] == b"written by hand"
    assert [json.loads(made[f"{member}/config.json"])["seed"] for member in (1, 2)] == [7, 8]

    figures = json.loads(made["figures.json"])
    calibration = json.loads(made["calibration.json"])
    assert (figures["config_name"], figures["num_members"]) == ("triage", 2)
    assert (figures["training"]["seed"], figures["training"]["train_steps"]) == (7, 2)
    assert figures["weights_bytes"] == sum(len(made[name]) for name in members if name.endswith("npz"))
    assert figures["sets"]["all"]["num_tces"] == 24
    assert figures["sets"]["all"]["figures"]["recall"]["value"] == 1  # of 8 positives, 0.98 are all
    assert figures["threshold"] == calibration["threshold"]
    assert calibration["recall_target"] == 0.98 and set(calibration["view_limits"]) == {"global_view", "local_view"}
    assert set(calibration["scalar_limits"]) == {"Period", "Duration", "Transit_Depth", "SN"}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "DIRECTORY", tmp_path / "pretrained")
    assert batch_predict.main(["--model_dir=pretrained:triage", "--tfrecord_dir=records", "--pattern=val-*"]) == 0
    assert (tmp_path / "prediction.csv").read_text().startswith("row_id,")
    assert "unlike_training" in (tmp_path / "prediction.csv").read_text()

    shutil.rmtree(triage)
    assert make("--seed=7", "--recall_target=0.98") == 0  # from the trainings that are there
    del made["README.md"]
    assert files(triage) == made


def test_what_is_missing_is_told(make, tmp_path, capsys):
    assert make(f"--records_dir={tmp_path / 'nowhere'}") == 1
    assert "nowhere, which should hold the published records" in capsys.readouterr().err
    (tmp_path / "records" / "val-00000-of-00001").unlink()
    assert make() == 1
    error = capsys.readouterr().err
    assert "no record file matches" in error and "train failed: mend what it says above" in error
    assert not (tmp_path / "pretrained").exists()


def test_ensemble_by_folds_is_trained_on_all_records_and_calibrated_by_star(make, tmp_path, capsys):
    assert make("--folds=2", "--fold_models=1", "--seed=3") == 0
    made = files(tmp_path / "pretrained" / "triage")
    figures, calibration = json.loads(made["figures.json"]), json.loads(made["calibration.json"])
    assert figures["by_star"]["num_tces"] == 72  # of train and val, each once
    assert figures["temperature"] == calibration["temperature"] and calibration["threshold"] == 0.5
    assert set(calibration["view_limits"]) == {"global_view", "local_view"}
    assert [json.loads(made[f"{member}/config.json"])["seed"] for member in (1, 2)] == [3, 4]
    with pytest.raises(SystemExit):
        make("--folds=2", "--recall_target=0.9")
    assert "leave out --folds" in capsys.readouterr().err
