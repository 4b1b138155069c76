"""evaluate.py --output_dir and calibrate.py, on the published checkpoint with real TCEs and on small networks."""

import csv
import json
import shutil

import matplotlib.image
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, recall_score, roc_auc_score

from astronet import batch_predict, calibrate, evaluate, find_incorrect
from astronet.data.catalog import tce_table
from astronet.data.records import tf_example, tfrecord
from astronet.estimator import ensemble, scoring
from astronet.stats import calibration, intervals, metrics, novelty

MODEL = ["--model=AstroCNNModel", "--config_name=yu2019"]


@pytest.fixture(scope="module")
def published(shared, tmp_path_factory):
    """(model_dir of the published checkpoint, flags that name it, its probabilities of val-*, and their labels)."""
    model_dir = tmp_path_factory.mktemp("published") / "model"
    shutil.copytree(shared / "golden" / "checkpoint", model_dir, copy_function=shutil.copyfile)
    with open(model_dir / "predictions.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    probabilities = np.array([float(row["probability"]) for row in rows])
    table, _ = tce_table.read(shared / "data" / "tess_triage" / "tces.csv")
    positive = set(map(tuple, table[table.Disposition.isin(("PC", "EB"))][["row_id", "tic_id"]].to_numpy()))
    labels = np.array([(int(row["row_id"]), int(row["tic_id"])) in positive for row in rows])
    flags = [f"--model_dir={model_dir}", *MODEL, f"--eval_files={shared}/data/tess_triage/val-*"]
    return model_dir, flags, probabilities, labels


@pytest.fixture(scope="module")
def report(shared, published, tmp_path_factory):
    """The directory of the published checkpoint's report, calibrated for a recall of 0.98."""
    model_dir, flags, *_ = published
    directory = tmp_path_factory.mktemp("report")
    data = shared / "data" / "tess_triage"
    assert calibrate.main([*flags, "--recall_target=0.98", f"--train_files={data}/train-*"]) == 0
    shutil.copy(model_dir / "calibration.json", directory)
    more = [f"--output_dir={directory}", f"--train_files={data}/train-*", f"--catalog={data}/tces.csv"]
    assert evaluate.main([*flags, *more, "--num_resamples=200"]) == 0
    (model_dir / "calibration.json").unlink()
    return directory


def read_json(path):
    return json.loads(path.read_text())


def test_report_of_the_published_checkpoint(report, published):
    *_, probabilities, labels = published
    summary = read_json(report / "report.json")
    whole, unseen = summary["sets"]["all"], summary["sets"]["unseen"]
    assert (whole["num_tces"], whole["num_stars"], whole["num_positive"]) == (1657, 1637, 227)
    assert summary["seen_in_training"] == {"identical_views": 78, "shared_stars": 257}
    assert unseen["num_tces"] == 1657 - 257

    figures = {name: figure["value"] for name, figure in whole["figures"].items()}
    assert figures["average_precision"] == pytest.approx(average_precision_score(labels, probabilities), abs=1e-5)
    assert figures["auc"] == pytest.approx(roc_auc_score(labels, probabilities), abs=1e-5)
    assert figures["recall"] == pytest.approx(223 / 227)  # the least that is 0.98 of 227
    before, after = (summary["calibration"][when] for when in ("before", "after"))
    assert before["cross_entropy"] == pytest.approx(log_loss(labels, probabilities), abs=1e-5)
    assert before["brier_score"] == pytest.approx(brier_score_loss(labels, probabilities), abs=1e-5)
    assert summary["calibration"]["temperature"] == pytest.approx(1.2006, abs=0.002)
    assert all(after[name] < before[name] for name in before)
    for figure in whole["figures"].values():
        assert figure["low"] < figure["value"] < figure["high"] <= 1


def test_report_by_kind_of_tce(report):
    kinds = read_json(report / "report.json")["sets"]["all"]["kinds"]
    first = ["S/N", "Tmag", "Period (days)", "Duration (hours)"]
    assert list(kinds) == [*first, "Disposition", "Sector", "Camera", "Views"]
    for rows in kinds.values():
        assert sum(row["num_tces"] for row in rows) == 1657
        assert sum(row["num_positive"] for row in rows) == 227
    dispositions = {row["bin"]: row["num_tces"] for row in kinds["Disposition"]}
    assert dispositions == {"EB": 176, "IS": 92, "J": 1239, "PC": 51, "V": 99}
    assert {row["bin"]: row["num_tces"] for row in kinds["Views"]} == {"like training": 1625, "unlike training": 32}
    assert kinds["Views"][1]["num_positive"] == 0
    faint, bright = kinds["S/N"][1], kinds["S/N"][-1]
    assert faint["recall"]["value"] < bright["recall"]["value"]
    assert faint["recall"]["high"] - faint["recall"]["low"] > bright["recall"]["high"] - bright["recall"]["low"]
    with open(report / "kinds.csv", newline="") as table:
        rows = [row for row in csv.DictReader(table) if (row["set"], row["kind"]) == ("all", "Tmag")]
    assert [row["num_tces"] for row in rows[::3]] == ["157", "168", "229", "342", "519", "242"]
    with open(report / "figures.csv", newline="") as table:
        assert {row["set"] for row in csv.DictReader(table)} == {"all", "unseen"}
    plots = {"confusion.png", "curves.png", "reliability.png", "kinds_all.png", "kinds_unseen.png"}
    assert plots == {path.name for path in report.glob("*.png")}
    assert all(matplotlib.image.imread(report / plot)[..., :3].std() > 0.05 for plot in plots)


def test_view_limits_catch_what_they_say(shared, report):
    """The fractions of docs/evaluation.md."""
    limits = read_json(report / "calibration.json")["view_limits"]
    (path,) = (shared / "data" / "tess_triage").glob("val-*")
    examples = list(map(tf_example.from_serialized, tfrecord.read(path)))
    views = scoring.stack_views(examples, limits)
    positive = np.array([tf_example.value(example, "Disposition") in ("PC", "EB") for example in examples])
    caught = {
        kind: np.array(novelty.describe(of_kind, limits)) != ""
        for kind, of_kind in {"as they are": views, **novelty.altered(views)}.items()
    }
    assert {kind: round(of_kind.mean(), 2) for kind, of_kind in caught.items()} == {
        "as they are": 0.02,
        "inverted": 0.83,
        "scrambled": pytest.approx(0.90, abs=0.015),
        "constant": 1.0,
    }
    assert not caught["as they are"][positive].any()
    assert caught["inverted"][positive].mean() > 0.99


def test_report_of_made_tces_agrees_with_independent_counts(ensemble_dir, tmp_path, write_tces):
    """What the report of the published checkpoint shows, on made TCEs of which training has seen a part."""
    whole_path = write_tces(tmp_path / "whole", num_tces=72, seed=4)
    examples = list(map(tf_example.from_serialized, tfrecord.read(whole_path)))
    for example in examples[::7]:  # labels that the network does not agree with
        disposition = example.features.feature["Disposition"].bytes_list.value
        disposition[0] = b"J" if disposition[0] in (b"PC", b"EB") else b"PC"
    path = tmp_path / "val"
    tfrecord.write_shard(path, [example.SerializeToString() for example in examples])
    train_path = write_tces(tmp_path / "train", num_tces=12, seed=4)  # the same first stars, with their views
    flags = [f"--model_dir={ensemble_dir / '2'}", f"--eval_files={path}", f"--train_files={train_path}"]
    catalog = ["row_id,tic_id,Tmag,camera", *(f"{i},{1000 + i},{7.5 + i % 6},{1 + i % 4}" for i in range(72))]
    (tmp_path / "tces.csv").write_text("\n".join(catalog))
    more = [f"--report={tmp_path / 'report'}", f"--catalog={tmp_path / 'tces.csv'}", "--num_resamples=50"]
    assert evaluate.main([*flags, *more]) == 0

    report = read_json(tmp_path / "report" / "report.json")
    labels = np.array([tf_example.value(example, "Disposition") in ("PC", "EB") for example in examples])
    model = ensemble.load(ensemble.ModelChoice(str(ensemble_dir / "2")))
    predictions = scoring.predict_records(model, list(tfrecord.read(path)))
    probabilities = np.array([prediction.mean for prediction in predictions])
    whole, unseen = report["sets"]["all"], report["sets"]["unseen"]
    assert (whole["num_tces"], whole["num_stars"], whole["num_positive"]) == (72, 72, labels.sum())
    assert report["seen_in_training"] == {"identical_views": 12, "shared_stars": 12}
    assert unseen["num_tces"] == 60 and unseen["num_positive"] == labels[12:].sum()
    figures = {name: figure["value"] for name, figure in whole["figures"].items()}
    assert figures["average_precision"] == pytest.approx(average_precision_score(labels, probabilities), abs=1e-5)
    assert figures["auc"] == pytest.approx(roc_auc_score(labels, probabilities), abs=1e-5)
    assert figures["brier_score"] == pytest.approx(brier_score_loss(labels, probabilities), abs=1e-5)
    assert figures["recall"] == pytest.approx(recall_score(labels, probabilities >= 0.5))
    for figure in whole["figures"].values():
        assert figure["low"] <= figure["value"] <= figure["high"]
    kinds = whole["kinds"]
    assert {row["bin"]: row["num_tces"] for row in kinds["Camera"]} == {str(camera): 18 for camera in range(1, 5)}
    tmag_bins = ("< 8", "8 to 9", "9 to 10", "10 to 11", "11 to 12", ">= 12")
    assert {row["bin"]: row["num_tces"] for row in kinds["Tmag"]} == dict.fromkeys(tmag_bins, 12)
    assert sum(row["num_positive"] for row in kinds["Disposition"]) == labels.sum()
    assert {path.name for path in (tmp_path / "report").glob("*.png")} >= {"curves.png", "kinds_unseen.png"}


def test_views_unlike_training_are_told(ensemble_dir, tmp_path, write_tces, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model_dir = shutil.copytree(ensemble_dir / "1", tmp_path / "model")
    path = write_tces(tmp_path / "val", num_tces=48, dispositions=("PC", "J"))
    flags = [f"--model_dir={model_dir}", f"--eval_files={path}", f"--train_files={path}"]
    assert calibrate.main(flags) == 0
    captured = capsys.readouterr()
    assert "1.000 constant" in captured.out
    assert "too few or too easy TCEs to calibrate with" in captured.err  # the network tells these without a mistake
    example = tf_example.from_serialized(next(tfrecord.read(path)))
    features = example.features.feature
    views = {name: tf_example.series(example, name) for name in ("global_view", "local_view")}
    tces = [example.SerializeToString()]
    for alter in (np.negative, np.zeros_like):
        for name, view in views.items():
            features[name].float_list.value[:] = alter(view)
        tces.append(example.SerializeToString())
    tfrecord.write_shard(tmp_path / "test-0", tces)
    assert batch_predict.main([f"--model_dir={model_dir}", "--tfrecord_dir=."]) == 0
    with open("prediction.csv", newline="") as table:
        like, inverted, constant = (row["unlike_training"] for row in csv.DictReader(table))
    assert like == ""
    assert "no dip" in inverted
    assert constant == "global_view: constant; local_view: constant"

    assert evaluate.main([flags[0], "--eval_files=test-0", "--output_dir=report", "--num_resamples=10"]) == 0
    summary = read_json(tmp_path / "report" / "report.json")["unlike_training"]
    assert summary["num_tces"] == 2
    assert [tce["unlike_training"] for tce in summary["tces"]] == [inverted, constant]
    with open("report/kinds.csv", newline="") as table:
        rows = [row for row in csv.DictReader(table) if (row["kind"], row["figure"]) == ("Views", "recall")]
    assert {row["bin"]: row["num_tces"] for row in rows} == {"like training": "1", "unlike training": "2"}


def test_report_without_view_limits_tells_nothing_of_them(ensemble_dir, write_tces, tmp_path):
    flags = [f"--model_dir={ensemble_dir / '1'}", f"--eval_files={write_tces(tmp_path / 'val')}"]
    assert evaluate.main([*flags, f"--output_dir={tmp_path / 'report'}", "--num_resamples=10"]) == 0
    summary = read_json(tmp_path / "report" / "report.json")
    assert summary["unlike_training"] is None and summary["sets"]["all"]["kinds"]["Views"] == []


@pytest.fixture
def members(ensemble_dir, tmp_path):
    """A copy of the ensemble, with the flags that name it and the records it is judged on."""
    shutil.copytree(ensemble_dir, tmp_path / "models")
    return tmp_path / "models", [f"--model_dir={tmp_path / 'models'}", "--average"]


def test_every_script_uses_the_calibration(members, write_tces, tmp_path, monkeypatch, capsys):
    model_dir, flags = members
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfrecord").mkdir()
    path = write_tces(tmp_path / "tfrecord" / "test-0", num_tces=48, seed=3)
    predict = [*flags, "--tfrecord_dir=tfrecord"]

    def columns(name):
        assert batch_predict.main([*predict, f"--suffix={name}"]) == 0
        return np.loadtxt(f"prediction_{name}.csv", delimiter=",", skiprows=1, usecols=(5, 7, 8, 9), unpack=True)

    _, *raw = columns("raw")
    assert calibrate.main([*flags, f"--eval_files={path}", "--recall_target=1"]) == 0
    fitted = read_json(model_dir / "calibration.json")
    assert fitted["temperature"] != pytest.approx(1, abs=0.01)
    mean, *calibrated = columns("calibrated")
    for before, after in zip(raw, calibrated):
        odds = np.log(before / (1 - before)) / fitted["temperature"]
        np.testing.assert_allclose(after, 1 / (1 + np.exp(-odds)), atol=1e-5)
    np.testing.assert_allclose(mean, np.mean(calibrated, axis=0), atol=1e-6)
    assert f"with a probability of {fitted['threshold']:g} or more" in capsys.readouterr().out

    assert find_incorrect.main([*predict, "--save_dir=plots"]) == 0
    labels, probabilities = np.loadtxt("true_vs_pred.txt", unpack=True)
    np.testing.assert_allclose(probabilities, mean, atol=1e-6)
    assert recall_score(labels, probabilities >= fitted["threshold"]) == 1
    assert f"{fitted['threshold']:9.3g}" in capsys.readouterr().out

    num_called = sum(mean >= fitted["threshold"])
    assert evaluate.main([*flags, f"--eval_files={path}"]) == 0
    output = capsys.readouterr().out
    assert f"loss = {log_loss(labels, mean):.5f}" in output.replace("losses", "")
    assert f"true_positives = {labels.sum()}" in output and "false_negatives = 0.0" in output
    assert f"false_positives = {num_called - labels.sum()}" in output
    assert evaluate.main([*flags, f"--eval_files={path}", "--threshold=1"]) == 0
    assert f"false_negatives = {labels.sum()}" in capsys.readouterr().out


def test_calibration_of_other_weights_is_not_used(members, write_tces, tmp_path, capsys):
    model_dir, flags = members
    path = write_tces(tmp_path / "val", seed=3)
    assert calibrate.main([*flags, f"--eval_files={path}"]) == 0
    assert json.loads((model_dir / "calibration.json").read_text())["threshold"] == metrics.DEFAULT_THRESHOLD
    shutil.rmtree(model_dir / "10")
    shutil.copytree(model_dir / "2", model_dir / "10")
    capsys.readouterr()
    assert evaluate.main([*flags, f"--eval_files={path}"]) == 0
    assert "calibration.json is of other checkpoints: not used" in capsys.readouterr().err
    (model_dir / "calibration.json").write_text("{}")
    assert evaluate.main([*flags, f"--eval_files={path}"]) == 1
    assert "calibration.json is not a calibration" in capsys.readouterr().err
    assert calibrate.main([*flags, f"--eval_files={path}"]) == 0


@pytest.mark.parametrize(
    "script, flags, message",
    [
        (calibrate, ["--recall_target=1.5"], "'1.5' is not a number from 0.01 to 1"),
        (evaluate, ["--catalog=tces.csv"], "--train_files and --catalog are for the report"),
    ],
)
def test_flags_that_cannot_be_used_are_refused(script, flags, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(["--model_dir=model", "--eval_files=val", *flags])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_records_of_one_label_cannot_calibrate_but_can_be_reported(ensemble_dir, write_tces, tmp_path, capsys):
    flags = [f"--model_dir={ensemble_dir / '1'}", f"--eval_files={write_tces(tmp_path / 'val', dispositions=('J',))}"]
    assert calibrate.main(flags) == 1
    assert "all 24 TCEs have one label" in capsys.readouterr().err
    assert evaluate.main([*flags, f"--output_dir={tmp_path / 'report'}", "--num_resamples=10"]) == 0
    summary = read_json(tmp_path / "report" / "report.json")["sets"]["all"]
    assert summary["figures"]["recall"] == {"value": None, "low": None, "high": None}
    assert summary["figures"]["accuracy"]["value"] is not None


def random_tces(seed, num_tces=400):
    random = np.random.default_rng(seed)
    labels = random.random(num_tces) < 0.3
    probabilities = np.round(np.clip(random.normal(0.3 + 0.4 * labels, 0.2), 0, 1), 2)  # with many ties
    return labels, probabilities, random.integers(num_tces // 2, size=num_tces), random.integers(4, size=num_tces)


def test_a_report_leaves_nothing_of_an_earlier_one_beside_it(ensemble_dir, write_tces, tmp_path):
    both = write_tces(tmp_path / "both")
    flags = [f"--model_dir={ensemble_dir}/1", f"--output_dir={tmp_path}/report", "--num_resamples=20"]
    assert evaluate.main([*flags, f"--eval_files={both}", f"--train_files={write_tces(tmp_path / 'few', 6)}"]) == 0
    (tmp_path / "report" / "notes.txt").write_text("of its reader")
    before = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"kinds_unseen.png", "curves.png"} <= before
    assert evaluate.main([*flags, f"--eval_files={write_tces(tmp_path / 'one', dispositions=('J', 'O'))}"]) == 0
    assert {path.name for path in (tmp_path / "report").iterdir()} == before - {"kinds_unseen.png", "curves.png"}


@pytest.mark.parametrize("seed", range(3))
def test_weighted_figures_are_those_of_scikit_learn(seed):
    labels, probabilities, _, weights = random_tces(seed)
    figures = metrics.summary(labels, probabilities, 0.5, weights)
    weighed = {"sample_weight": weights}
    assert figures["average_precision"] == pytest.approx(average_precision_score(labels, probabilities, **weighed))
    assert figures["auc"] == pytest.approx(roc_auc_score(labels, probabilities, **weighed))
    assert figures["brier_score"] == pytest.approx(brier_score_loss(labels, probabilities, **weighed))
    assert figures["recall"] == pytest.approx(recall_score(labels, probabilities >= 0.5, **weighed))


def test_bootstrap_draws_stars_and_its_seed_decides():
    labels, probabilities, stars, _ = random_tces(0)
    first, again, other = (intervals.bootstrap(labels, probabilities, stars, 0.5, 200, seed) for seed in (1, 1, 2))
    assert first == again != other
    # Ten copies of a star's TCEs tell nothing new: the interval is that of the stars, not of the TCEs.
    copies = [np.tile(values, 10) for values in (labels, probabilities)]
    by_star = intervals.bootstrap(*copies, np.tile(stars, 10), 0.5, 200, 1)["accuracy"]
    by_tce = intervals.bootstrap(*copies, np.arange(4000), 0.5, 200, 1)["accuracy"]
    assert by_star == pytest.approx(first["accuracy"], abs=1e-9)
    assert np.diff(by_tce) < 0.5 * np.diff(by_star)


def test_wilson_interval():
    assert intervals.wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert intervals.wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert np.isnan(intervals.wilson(0, 0)).all()


def test_temperature_that_was_put_in_is_found():
    random = np.random.default_rng(0)
    odds = random.normal(0, 2, (20000, 1))
    labels = random.random(20000) < metrics.probability(odds)
    overconfident = metrics.probability(3 * odds)[:, np.newaxis]
    assert calibration.fit_temperature(labels, overconfident) == pytest.approx(3, rel=0.05)
    assert metrics.expected_calibration_error(labels, overconfident[:, 0]) > 0.08
    assert metrics.expected_calibration_error(labels, metrics.probability(odds)) < 0.02


@pytest.mark.parametrize("target, expected", [(0.5, 2), (0.51, 3), (0.75, 3), (1, 4)])
def test_threshold_finds_just_the_recall_that_was_asked_for(target, expected):
    labels, probabilities = np.array([1, 0, 1, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.7 - 1e-9, 0.3, 0.0])
    threshold = calibration.threshold_for_recall(labels, probabilities, target)
    assert np.sum((probabilities >= threshold) & (labels == 1)) == expected


def test_average_of_logits_is_the_mean_of_probabilities():
    logits = np.random.default_rng(0).normal(0, 3, (50, 4, 3))
    for members in (logits, logits[..., :1]):
        mean = metrics.temper(metrics.probability(members), 2).mean(axis=1)
        np.testing.assert_allclose(metrics.probability(metrics.average(members, temperature=2)), mean, rtol=1e-9)


def test_temperature_leaves_positive_classes_beside_each_other_as_they_are():
    logits = np.random.default_rng(0).normal(0, 3, (50, 1, 3))
    tempered = metrics.average(logits, temperature=2)
    np.testing.assert_allclose(np.diff(tempered[:, 1:]), np.diff(logits[:, 0, 1:]), rtol=1e-9)
