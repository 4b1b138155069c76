"""tune.py: trials over a space of hyperparameters, in a study that can be taken up again."""

import csv
import json

import pytest

from astronet import train, tune
from astronet.evaluation import search_space

optuna = pytest.importorskip("optuna")

SPACE = {"learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}, "batch_size": {"choices": [4, 8]}}


@pytest.fixture(scope="module")
def records(tmp_path_factory, write_tces):
    return write_tces(tmp_path_factory.mktemp("records") / "train", num_tces=30)


@pytest.fixture
def search(records, tmp_path):
    """Function (number of trials, space, flags) -> exit code of a search in tmp_path/study."""

    def search(num_trials, space=SPACE, *flags):
        (tmp_path / "space.json").write_text(json.dumps(space))
        model = ["--model=AstroFCModel", "--config_name=yu2019", "--train_steps=12"]
        paths = [f"--files={records}", f"--space={tmp_path}/space.json", f"--output_dir={tmp_path}/study"]
        return tune.main([*model, *paths, "--folds=2", f"--num_trials={num_trials}", *flags])

    return search


def trials(tmp_path):
    with open(tmp_path / "study/trials.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_best_trial_can_be_trained_with(search, records, tmp_path, capsys):
    assert search(3) == 0
    rows = trials(tmp_path)
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    complete = [row for row in rows if row["state"] == "complete"]
    best = min(complete, key=lambda row: float(row["loss"]))
    saved = json.loads((tmp_path / "study/best.json").read_text())["hparams"]
    assert saved["learning_rate"] == pytest.approx(float(best["learning_rate"]))
    assert saved["batch_size"] == int(best["batch_size"])
    out = capsys.readouterr().out
    assert "trial 0: loss" in out and f"--config_json={tmp_path}/study/best.json" in out
    assert not list((tmp_path / "study").glob("trial-*"))
    model = ["--model=AstroFCModel", "--config_name=yu2019", f"--config_json={tmp_path}/study/best.json"]
    files = [f"--train_files={records}", f"--eval_files={records}", f"--model_dir={tmp_path}/model", "--train_steps=2"]
    assert train.main([*model, *files]) == 0


def test_a_study_goes_on_and_the_same_seed_makes_the_same_trials(search, tmp_path):
    assert search(1) == 0
    assert search(2) == 0
    taken_up = trials(tmp_path)
    assert len(taken_up) == 2
    (tmp_path / "study").rename(tmp_path / "first")
    assert search(2) == 0
    values = ("state", "loss", "learning_rate", "batch_size")
    assert [[row[name] for name in values] for row in trials(tmp_path)] == [
        [row[name] for name in values] for row in taken_up
    ]


def test_a_trial_that_a_killed_run_has_left_is_tried_again(search, tmp_path):
    assert search(1) == 0
    study = optuna.load_study(study_name="tuning", storage=f"sqlite:///{tmp_path}/study/study.sqlite")
    study.enqueue_trial({"learning_rate": 0.0123, "batch_size": 8})
    left = study.ask()  # and then its process was killed
    left.suggest_float("learning_rate", 1e-6, 1e-1, log=True)
    left.suggest_categorical("batch_size", [4, 8])
    assert search(3) == 0
    rows = trials(tmp_path)
    assert rows[1]["state"] == "fail"
    assert float(rows[2]["learning_rate"]) == pytest.approx(0.0123)
    assert "was interrupted" in rows[2]["reason"]


def test_a_trial_that_fails_does_not_stop_the_others(search, tmp_path):
    assert search(2, {"learning_rate": {"choices": [1e-3, 1e30]}, "batch_size": {"choices": [4, 8]}}) in (0, 1)
    states = {row["state"]: row["reason"] for row in trials(tmp_path)}
    assert set(states) <= {"complete", "fail", "pruned"}
    assert "fail" not in states or "NaN" in states["fail"] or "finite" in states["fail"]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "is empty"),
        ({"learning_rat": {"low": 1e-4, "high": 1e-2}}, "did you mean learning_rate"),
        ({"learning_rate": {"low": 1e-2, "high": 1e-4}}, "low being the lower"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "with log, low is above 0"),
        ({"learning_rate": {"choices": [1]}}, "a list of two or more"),
        ({"learning_rate": 0.1}, "give {"),
        ({"dropout_rate": {"low": 2.0, "high": 3.0}}, "dropout_rate"),
    ],
)
def test_what_is_wrong_with_a_space_is_told(search, capsys, space, message):
    assert search(1, space) == 1
    assert message in capsys.readouterr().err


def test_another_search_in_the_same_directory_is_refused(search, capsys):
    assert search(1) == 0
    assert search(2, {"learning_rate": {"low": 1e-4, "high": 1e-2}}) == 1
    assert "contains a search with other settings" in capsys.readouterr().err


def test_values_are_drawn_from_their_range():
    trial = optuna.create_study().ask()
    assert search_space.suggest(trial, "a", {"low": 1, "high": 3}) in (1, 2, 3)
    assert 0.1 <= search_space.suggest(trial, "b", {"low": 0.1, "high": 0.2}) <= 0.2
    assert search_space.suggest(trial, "c", {"low": 0.0, "high": 0.5, "step": 0.25}) in (0.0, 0.25, 0.5)
    assert search_space.suggest(trial, "d", {"choices": ["x", "y"]}) in ("x", "y")
