"""cross_validate.py on stars of two TCEs each, in sectors 1 and 2, that a linear model tells apart."""

import csv
import json
import os
import shutil

import matplotlib.image
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from astronet import cross_validate
from astronet.data.records import split, tf_example, tfrecord
from astronet.estimator import checkpoints
from astronet.stats import label_noise

NUM_TCES = 96
FLIPPED = 41  # row_id of a PC or EB that is labelled J
LINEAR = ["--model=AstroModel", "--config_name=yu2019", "--config_json="]
LINEAR[-1] += json.dumps({"hparams": {"learning_rate": 0.01, "batch_size": 32}})
QUICK = [*LINEAR, "--train_steps=200", "--num_threads=1", "--num_resamples=50"]


@pytest.fixture(scope="module")
def files(tmp_path_factory, write_tces):
    """Pattern of two record files; rows 2k and 2k + 1 are of star 1000 + k, of one period, in sectors 1 and 2."""
    directory = tmp_path_factory.mktemp("records")
    path = write_tces(directory / "all", num_tces=NUM_TCES, dispositions=("PC", "EB", "J", "O"))
    tces = []
    for row_id, record in enumerate(tfrecord.read(path)):
        example = tf_example.from_serialized(record)
        features = example.features.feature
        features["tic_id"].int64_list.value[0] = 1000 + row_id // 2
        features["Sectors"].int64_list.value.append(1 + row_id % 2)
        features["Period"].float_list.value[0] = 3 + row_id // 2 + 0.001 * (row_id % 2)
        if row_id == FLIPPED:
            features["Disposition"].bytes_list.value[0] = b"J"
        tces.append(example.SerializeToString())
    tfrecord.write_shard(directory / "train-0", tces[: NUM_TCES // 2])
    tfrecord.write_shard(directory / "val-0", tces[NUM_TCES // 2 :])
    return f"--files={directory}/*-0"


@pytest.fixture(scope="module")
def folds(files, tmp_path_factory):
    """The directory of three folds, two models each."""
    directory = tmp_path_factory.mktemp("folds")
    flags = ["--folds=3", "--num_models=2", "--seed=1", "--plot=1", f"--output_dir={directory}"]
    assert cross_validate.main([files, *QUICK, *flags]) == 0
    return directory


def read_csv(path):
    with open(path, newline="") as table:
        return list(csv.DictReader(table))


def column_of_side(directory, side, name):
    (path,) = (directory / "records").glob(f"{side}-*")
    return [tf_example.value(tf_example.from_serialized(record), name) for record in tfrecord.read(path)]


def test_every_tce_is_predicted_once_by_models_without_its_star(folds):
    predicted = read_csv(folds / "out_of_fold.csv")
    assert [int(row["row_id"]) for row in predicted] == list(range(NUM_TCES))
    for number in (1, 2, 3):
        fold = folds / f"fold-{number}"
        held_out = [int(row["row_id"]) for row in predicted if row["fold"] == fold.name]
        assert held_out == column_of_side(fold, "test", "row_id")
        assert set(column_of_side(fold, "test", "row_id")) | set(column_of_side(fold, "train", "row_id")) == set(
            range(NUM_TCES)
        )
        stars = {side: set(column_of_side(fold, side, "tic_id")) for side in ("train", "val", "test")}
        assert not stars["train"] & stars["test"]
        assert stars["val"] < stars["train"]  # it is evaluated on what it trains on: nothing is chosen by it


def test_figures_are_those_of_the_predictions(folds):
    predicted = read_csv(folds / "out_of_fold.csv")
    summary = json.loads((folds / "folds.json").read_text())["results"]
    assert list(summary) == ["fold-1", "fold-2", "fold-3", "all"]
    for name, result in summary.items():
        rows = [row for row in predicted if name in ("all", row["fold"])]
        labels, probabilities = ([float(row[column]) for row in rows] for column in ("label", "probability"))
        assert list(result["sets"]) == ["all"]
        figures = result["sets"]["all"]["figures"]
        expected = average_precision_score(labels, probabilities)
        assert figures["average_precision"]["value"] == pytest.approx(expected, abs=1e-6)
        assert figures["accuracy"]["low"] <= figures["accuracy"]["value"] <= figures["accuracy"]["high"]
        assert result["seen_in_training"] == {"identical_views": 0, "shared_stars": 0}
    assert {row["fold"] for row in read_csv(folds / "folds.csv")} == set(summary)
    assert max(float(row["spread"]) for row in predicted) > 0


def test_a_flipped_label_is_listed_first(folds):
    suspect = read_csv(folds / "suspect_labels.csv")[0]
    assert int(suspect["row_id"]) == FLIPPED
    assert suspect["Disposition"] == "J"
    assert float(suspect["self_confidence"]) == pytest.approx(1 - float(suspect["probability"]), abs=2e-7)
    assert suspect["contradiction"] == f"row_id {FLIPPED - 1}: PC, sector 1"
    assert matplotlib.image.imread(folds / "suspects" / suspect["plot"])[..., :3].std() > 0.05
    noise = json.loads((folds / "folds.json").read_text())["label_noise"]
    assert noise["share"] == pytest.approx(1 / NUM_TCES, rel=0.5)


def test_run_again_it_goes_on_and_gives_the_same(files, folds, tmp_path, capsys):
    """One fold is whole, one lacks a model and one was never begun, as a killed run leaves them."""
    resumed = tmp_path / "resumed"
    shutil.copytree(folds / "fold-1", resumed / "fold-1")
    shutil.copytree(folds / "fold-2", resumed / "fold-2", ignore=shutil.ignore_patterns("2"))
    kept = {path: os.stat(path).st_mtime_ns for path in resumed.glob("*/*/model.ckpt-200.index")}
    assert len(kept) == 3
    flags = ["--folds=3", "--num_models=2", "--seed=1", f"--output_dir={resumed}"]
    assert cross_validate.main([files, *QUICK, *flags]) == 0
    assert capsys.readouterr().out.count("is finished: it has 200 steps") == 3
    assert all(os.stat(path).st_mtime_ns == changed for path, changed in kept.items())
    assert (resumed / "out_of_fold.csv").read_text() == (folds / "out_of_fold.csv").read_text()

    assert cross_validate.main([files, *QUICK, *flags, "--folds=4"]) == 1
    assert "holds other TCEs than these --files, --folds, --train_share and --seed give" in capsys.readouterr().err


def test_sectors_are_held_out_in_turn(files, tmp_path, capsys):
    flags = ["--hold_out_sectors", "2", "1", "--train_steps=20", f"--output_dir={tmp_path}"]
    assert cross_validate.main([files, *QUICK, *flags]) == 0
    predicted = read_csv(tmp_path / "out_of_fold.csv")
    assert [int(row["row_id"]) for row in predicted] == list(range(NUM_TCES))
    assert all(row["fold"] == f"sector-{row['Sectors']}" for row in predicted)
    for sector in (1, 2):
        assert set(column_of_side(tmp_path / f"sector-{sector}", "train", "Sectors")) == {3 - sector}
    results = json.loads((tmp_path / "folds.json").read_text())["results"]
    assert results["all"]["seen_in_training"]["shared_stars"] == NUM_TCES  # each star is in both
    assert list(results["all"]["sets"]) == ["all"]
    assert f"{NUM_TCES} are of stars that were trained on" in capsys.readouterr().out


def test_what_stars_of_other_sectors_are_left_is_told_apart(files, tmp_path):
    """Without the second TCE of every other star, half of those held out are unseen."""
    serialized = [record for path in tfrecord.expand(files[8:]) for record in tfrecord.read(path)]
    tfrecord.write_shard(tmp_path / "some", [tce for row_id, tce in enumerate(serialized) if row_id % 8 not in (1, 3)])
    flags = [f"--files={tmp_path}/some", "--hold_out_sectors", "1", "--train_steps=5", f"--output_dir={tmp_path}/model"]
    assert cross_validate.main([*QUICK, *flags]) == 0
    result = json.loads((tmp_path / "model" / "folds.json").read_text())["results"]["sector-1"]
    assert (result["sets"]["all"]["num_tces"], result["sets"]["unseen"]["num_tces"]) == (48, 24)
    assert result["seen_in_training"] == {"identical_views": 0, "shared_stars": 24}


def test_a_training_that_stops_early_does_not_train_on_what_stops_it(files, tmp_path):
    change = json.dumps({"hparams": {"early_stop_patience": 1}})
    flags = [f"--config_json={change}", "--train_steps=20", "--folds=2", f"--output_dir={tmp_path}"]
    assert cross_validate.main([files, *QUICK, *flags]) == 0
    for fold in (tmp_path / "fold-1", tmp_path / "fold-2"):
        train, val, test = (set(column_of_side(fold, side, "tic_id")) for side in ("train", "val", "test"))
        assert val and not (train & val or train & test or val & test)


def test_a_share_of_the_stars_is_trained_on_and_all_are_predicted(files, folds, tmp_path):
    flags = ["--folds=3", "--train_share=0.5", "--train_steps=5", "--seed=1", f"--output_dir={tmp_path}"]
    assert cross_validate.main([files, *QUICK, *flags]) == 0
    assert [int(row["row_id"]) for row in read_csv(tmp_path / "out_of_fold.csv")] == list(range(NUM_TCES))
    for number in (1, 2, 3):
        fold, whole = tmp_path / f"fold-{number}", folds / f"fold-{number}"
        train, test = (column_of_side(fold, side, "tic_id") for side in ("train", "test"))
        assert test == column_of_side(whole, "test", "tic_id")
        assert set(train) < set(column_of_side(whole, "train", "tic_id"))
        assert all(train.count(star) == 2 for star in train)
        assert 0.25 < len(train) / (NUM_TCES - len(test)) < 0.75
    shares = [json.loads((directory / "folds.json").read_text())["train_share"] for directory in (tmp_path, folds)]
    assert shares == [0.5, 1]


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--hold_out_sectors", "1", "7"], "no TCE is of sector 7: hold out some that the files have (1, 2)"),
        (["--folds=48"], "are positive: both kinds are needed on both sides"),
        (["--folds=2", "--config_name=base", "--config_json=no.json"], "no.json"),
    ],
)
def test_what_cannot_be_done_is_told_before_any_training(files, tmp_path, flags, message, capsys):
    assert cross_validate.main([files, *QUICK, f"--output_dir={tmp_path}", *flags]) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "one of the arguments --folds --hold_out_sectors is required"),
        (["--folds=2", "--hold_out_sectors", "1"], "not allowed with argument"),
        (["--folds=2", "--num_models=0"], "'0' is not an integer from 1 to 1000"),
        (["--folds=1"], "'1' is not an integer from 2 to 1000 (folds)"),
        (["--folds=2", "--seed=-1"], "argument --seed: '-1' is not an integer of at least 0"),
        (["--folds=2", "--train_share=1.5"], "'1.5' is not a number above 0 and at most 1"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(files, flags, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        cross_validate.main([files, "--output_dir=model", *flags])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_model_that_cannot_be_trained_is_named(files, tmp_path, capsys):
    flags = ["--folds=2", "--train_steps=1", f"--output_dir={tmp_path}"]
    assert cross_validate.main([files, *QUICK, *flags]) == 0
    checkpoint = checkpoints.find(str(tmp_path / "fold-2" / "1"))
    with open(f"{checkpoint}.index", "wb"):
        pass
    assert cross_validate.main([files, *QUICK, *flags]) == 1
    error = capsys.readouterr().err
    assert "cannot read checkpoint" in error and f"a model of {tmp_path / 'fold-2'} failed" in error


def test_folds_share_the_stars_evenly_also_after_a_split():
    """The stars that by_tic put into train and val fill all folds; the same star is always in the same one."""
    stars = [star for star in range(20000) if split.fraction(star, 0) < 0.9]
    folds = [split.fold(star, 10, 0) for star in stars]
    assert folds == [split.fold(star, 10, 0) for star in stars] != [split.fold(star, 10, 1) for star in stars]
    counts = np.bincount(folds)
    assert counts[0] == 0 and len(counts) == 11
    np.testing.assert_allclose(counts[1:], len(stars) / 10, rtol=0.1)


@pytest.mark.parametrize("scatter, least", [(0.002, 0.999), (0.1, 0.7)])
def test_label_noise_that_was_put_in_is_found(scatter, least):
    """2 % of the positives and 10 % of the negatives are mislabelled; the estimate is exact for ideal probabilities."""
    random = np.random.default_rng(0)
    truth = random.random(20000) < 0.3
    is_flipped = random.random(20000) < np.where(truth, 0.02, 0.1)
    probabilities = np.clip(random.normal(np.where(truth, 0.9, 0.1), scatter), 0, 1)
    noise = label_noise.find(truth ^ is_flipped, probabilities)
    assert noise.joint.sum() == pytest.approx(1)
    assert least * is_flipped.mean() < noise.share < 1.001 * is_flipped.mean()
    assert np.mean(is_flipped[noise.is_suspect]) > 0.99
    assert noise.counts[0, 1] + noise.counts[1, 0] == noise.is_suspect.sum()


def test_confident_learning_by_hand():
    """Thresholds: 0.55 of class 0, 0.45 of class 1. The second is as probable as its label asks, but more so the other.

    The third is above neither threshold of the other class, the last above both and more probable as labelled.
    """
    labels, probabilities = [0, 0, 1, 1], [0.1, 0.8, 0.4, 0.5]
    noise = label_noise.find(labels, probabilities)
    np.testing.assert_allclose(noise.thresholds, [0.55, 0.45])
    assert noise.is_suspect.tolist() == [False, True, True, False]
    assert noise.counts.tolist() == [[1, 1], [1, 1]]
    np.testing.assert_allclose(noise.joint, 0.25)
    np.testing.assert_allclose(label_noise.self_confidence(labels, probabilities), [0.9, 0.2, 0.4, 0.5])
    both = label_noise.find([0, 0, 0, 1, 1], [0.9, 0.9, 0.55, 0.1, 0.55])  # thresholds 0.2167 and 0.325
    assert both.is_suspect.tolist() == [True, True, True, True, False]
