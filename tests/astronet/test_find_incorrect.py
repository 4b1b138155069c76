import csv

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_score, recall_score

from astronet import batch_predict, find_incorrect
from astronet.data.records import tf_example, tfrecord
from astronet.figures import tce

RELABELED = {0: "J", 2: "V", 9: "PC"}  # by row_id, so that there is something to get wrong


def relabel(serialized):
    example = tf_example.from_serialized(serialized)
    disposition = RELABELED.get(tf_example.value(example, "row_id"))
    if disposition:
        example.features.feature["Disposition"].bytes_list.value[0] = disposition.encode()
    return example.SerializeToString()


@pytest.fixture
def run_script(tmp_path, monkeypatch, ensemble_dir, write_tces):
    """Function (script, *flags) that runs a prediction script on 36 TCEs that the models were not trained on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfrecord").mkdir()
    path = write_tces(tmp_path / "tfrecord" / "test-00000-of-00001", num_tces=36, seed=9)
    tfrecord.write_shard(path, list(map(relabel, tfrecord.read(path))))
    flags = [f"--model_dir={ensemble_dir}", "--average", "--tfrecord_dir=tfrecord", "--suffix=yyy"]
    return lambda script, *more: script.main([*flags, *more])


def table_of(output):
    """{threshold: cells} of the printed table."""
    lines = output.split("recall\n")[1].splitlines()
    return {line.split()[0]: line.split()[1:5] for line in lines if line[:9].strip().startswith("0.")}


def test_counts_agree_with_an_independent_count(tmp_path, run_script, capsys):
    assert run_script(batch_predict) == 0
    capsys.readouterr()
    assert run_script(find_incorrect, "--threshold=0.45") == 0
    output = capsys.readouterr().out
    labels, probabilities = np.loadtxt("true_vs_pred_yyy.txt", unpack=True)
    expected = [1, 0, 1, 0, 0, 0] * 6  # PC J EB V IS O
    expected[0], expected[2], expected[9] = 0, 0, 1
    assert labels.tolist() == expected
    predicted = np.loadtxt("prediction_yyy.csv", delimiter=",", skiprows=1, usecols=5)
    np.testing.assert_allclose(probabilities, predicted, atol=1e-6)

    assert f"36 TCEs, 11 of them PC or EB; average precision {average_precision_score(labels, predicted):.4f}" in output
    table = table_of(output)
    assert list(table) == ["0.1", "0.2", "0.3", "0.4", "0.45", "0.5", "0.6", "0.7", "0.8", "0.9"]
    for threshold, cells in table.items():
        called = predicted >= float(threshold)
        precision = f"{precision_score(labels, called):.4f}" if called.any() else "undefined"
        correct = np.sum(called & (labels == 1))
        assert cells == [str(called.sum()), str(correct), precision, f"{recall_score(labels, called):.4f}"]

    with open("misclassified_yyy.csv", newline="") as file:
        wrong = list(csv.DictReader(file))
    expected = np.flatnonzero((predicted >= 0.45) != labels)
    assert [int(row["row_id"]) for row in wrong] == expected.tolist()
    assert {0, 2, 9} <= set(expected)
    assert {path.name for path in (tmp_path / "astronet" / "plots").iterdir()} == {row["plot"] for row in wrong}


def test_ratios_that_nothing_defines_are_called_undefined(tmp_path, run_script, write_tces, capsys):
    write_tces(tmp_path / "tfrecord" / "test-00000-of-00001", num_tces=6, dispositions=("J", "V"))
    assert run_script(find_incorrect, "--threshold=1") == 0
    output = capsys.readouterr().out
    assert "6 TCEs, 0 of them PC or EB; average precision undefined" in output
    assert "1        0        0  undefined  undefined  <- decision threshold" in output
    assert len(list((tmp_path / "astronet" / "plots").iterdir())) == 0


def test_tces_without_a_known_disposition_are_left_out_and_counted(tmp_path, run_script, write_tces, capsys):
    path = tmp_path / "tfrecord" / "test-00000-of-00001"
    write_tces(path, num_tces=6, dispositions=("PC", "J", ""))
    assert run_script(find_incorrect) == 0
    captured = capsys.readouterr()
    assert "4 TCEs, 2 of them PC or EB" in captured.out and "2 TCEs without a known disposition" in captured.err
    write_tces(path, num_tces=6, dispositions=("",))
    (tmp_path / "true_vs_pred_yyy.txt").unlink()
    assert run_script(find_incorrect) == 1
    assert "none of 6 TCEs has a known disposition" in capsys.readouterr().err
    assert not (tmp_path / "true_vs_pred_yyy.txt").exists()


def test_plots_of_several_scripts_and_runs_lie_side_by_side():
    kinds = ("", "prediction", "prediction_yyy", "misclassified", "misclassified_yyy")
    assert len({tce.tce_path("plots", 0, 77, 1, set(), kind=kind) for kind in kinds}) == len(kinds)
