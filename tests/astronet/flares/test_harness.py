"""The scripts that serve TCEs serve flares: evaluation, mistakes, prediction, calibration."""

import csv
import json
import re

import numpy as np
from matplotlib import image

from astronet import batch_predict, calibrate, evaluate, find_incorrect
from astronet.config import configuration
from astronet.ops import augmentation


def test_evaluation_report_has_figures_with_intervals(flare_records, model_dir, tmp_path, capsys):
    files = [f"--eval_files={flare_records}/test*", f"--train_files={flare_records}/train*"]
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}", "--num_resamples=50"]
    assert evaluate.main([*files, *flags]) == 0
    assert re.search(r"^all: \d+ windows of \d stars?, \d+ of them positive", capsys.readouterr().out, re.MULTILINE)
    figures = json.loads((tmp_path / "report.json").read_text())["sets"]["all"]["figures"]
    assert figures["average_precision"]["value"] > 0.5
    assert figures["average_precision"]["low"] <= figures["average_precision"]["value"]


def test_mistakes_are_listed_and_drawn(flare_records, model_dir, tmp_path, capsys):
    flags = [f"--model_dir={model_dir}", "--average", f"--tfrecord_dir={flare_records}", "--threshold=0.9"]
    assert find_incorrect.main([*flags, f"--output_dir={tmp_path}", f"--save_dir={tmp_path}/plots"]) == 0
    printed = capsys.readouterr()
    assert (
        re.search(r"^\d+ windows, \d+ of them flare; average precision", printed.out)
        and "TCE" not in printed.out + printed.err
    )
    with open(tmp_path / "misclassified.csv", newline="") as file:
        mistakes = list(csv.DictReader(file))
    plots = sorted((tmp_path / "plots").iterdir())
    assert {row["plot"] for row in mistakes} == {path.name for path in plots}
    # An axis that reaches down to 0 makes a flat line of a flare of some percent.
    for path in plots[:3]:
        drawn = image.imread(path)
        is_curve = np.all(np.abs(drawn[..., :3] - [0, 0x72 / 255, 0xB2 / 255]) < 0.1, axis=-1)
        rows = np.flatnonzero(is_curve.any(axis=1))
        assert rows[-1] - rows[0] > 0.5 * len(drawn)


def test_every_window_is_predicted(flare_records, model_dir, tmp_path, capsys):
    flags = [f"--model_dir={model_dir}", "--average", f"--tfrecord_dir={flare_records}", f"--output_dir={tmp_path}"]
    assert batch_predict.main(flags) == 0
    assert re.search(r"\d+ windows by 2 model", capsys.readouterr().out)
    with open(tmp_path / "prediction.csv", newline="") as file:
        predicted = {row["row_id"] for row in csv.DictReader(file)}
    with open(flare_records / "windows.csv", newline="") as file:
        assert predicted == {row["row_id"] for row in csv.DictReader(file) if row["shard"].startswith("test")}


def test_threshold_by_aim(flare_records, model_dir, tmp_path):
    import shutil

    copy = shutil.copytree(model_dir, tmp_path / "copy")
    flags = [f"--model_dir={copy}", "--average", f"--eval_files={flare_records}/test*", "--recall_target=0.9"]
    assert calibrate.main(flags) == 0
    assert 0 < json.loads((copy / "calibration.json").read_text())["threshold"] < 1


def test_one_end_of_every_other_window_is_padded_in_training():
    hparams = configuration.get("AstroCNNModel", "flares").hparams
    series = np.tile(np.arange(200, dtype=np.float32), (400, 1))
    changed = augmentation.augment({"flare_window": series}, ["flare_window"], [], hparams, [1, 2])[
        "flare_window"
    ].numpy()
    left, right = changed[:, 0], 199 - changed[:, -1]
    assert np.all((left == 0) | (right == 0)) and max(left.max(), right.max()) <= 100
    assert 0.4 < np.mean((left == 0) & (right == 0)) < 0.6
    for row in changed[:20]:
        np.testing.assert_array_equal(row, np.clip(series[0], row[0], row[-1]))
