"""train.py --labels: reviewers' labels in place of the dispositions of the records."""

import csv

import pytest

from astronet import train
from astronet.review import label_columns

FAST = '{"hparams": {"batch_size": 8, "learning_rate": 0.01}}'


@pytest.fixture
def run_train(tmp_path, write_tces):
    records = write_tces(tmp_path / "train", num_tces=24)

    def run_train(names, *flags, model_dir="model"):
        cells = {"reviewer": "alice", "method": "single", "blind": 0, "labeled_at": "2026-11-30T12:00:00Z"}
        with open(tmp_path / "labels.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, label_columns.COLUMNS)
            writer.writeheader()
            writer.writerows(
                {**cells, "row_id": row_id, "tic_id": 1000 + row_id, "label": name} for row_id, name in names.items()
            )
        model = ["--model=AstroModel", "--config_name=yu2019", f"--config_json={FAST}", "--train_steps=2"]
        files = [f"--train_files={records}", f"--eval_files={records}", f"--model_dir={tmp_path / model_dir}"]
        return train.main([*model, *files, "--num_threads=1", f"--labels={tmp_path}/labels.csv", *flags])

    return run_train


def test_labeled_records_alone_are_trained_on(run_train, capsys):
    assert run_train({**dict.fromkeys(range(6), "PC"), **dict.fromkeys(range(6, 16), "J"), 16: "U"}) == 0
    out = capsys.readouterr().out
    assert "labels: J 10, PC 6" in out and "unsure 1" in out
    assert "16 TCEs to train on, 16 to evaluate" in out


def test_other_labels_make_another_model(run_train, capsys):
    names = {i: "PC" if i % 2 else "J" for i in range(12)}
    assert run_train(names) == 0
    assert run_train({**names, 0: "PC"}) == 1
    assert "holds a model of other records (--labels)" in capsys.readouterr().err


def test_labels_of_other_records_are_refused(run_train, capsys):
    assert run_train({100: "PC", 101: "J"}) == 1
    assert "no record has a label" in capsys.readouterr().err
