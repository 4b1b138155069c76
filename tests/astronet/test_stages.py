"""Several models one after the other, in every script that predicts and from Python."""

import csv

import pytest

import astronet
from astronet import batch_predict, predict, train, triage
from astronet.data import generate_input_records, simulate_survey
from astronet.data.catalog import tce_table


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={directory}", "--num_stars=12", "--seed=3"]) == 0
    flags = [f"--input_tce_csv_file={directory}/tces.csv", f"--tess_data_dir={directory}/tess"]
    test_set = [f"--output_dir={directory}/tfrecord", "--make_test_set", "--config_name=yu2019"]
    assert generate_input_records.main([*flags, *test_set]) == 0
    return directory


@pytest.fixture(scope="module")
def second(survey):
    """A model of two steps, called "second"; what it says does not matter, that it is asked does."""
    model = ["--model=AstroFCModel", "--config_name=yu2019", "--train_steps=2", "--num_threads=1"]
    files = [f"--train_files={survey}/tfrecord/test-*", f"--eval_files={survey}/tfrecord/test-*"]
    assert train.main([*model, *files, f"--model_dir={survey}/second"]) == 0
    return f"{survey}/second"


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def both(second):
    return f"--model_dir=pretrained:triage,{second}"


def test_what_the_first_calls_negative_is_not_shown_to_the_second(survey, second, tmp_path, capsys):
    records = [f"--tfrecord_dir={survey}/tfrecord", f"--output_dir={tmp_path}"]
    assert batch_predict.main([*records, both(second)]) == 0
    rows = read(tmp_path / "prediction.csv")
    passed = [float(row["mean"]) >= 0.5 for row in rows]
    assert any(passed) and not all(passed)
    assert [row["second"] != "" for row in rows] == passed
    assert f"second: judged {sum(passed)} of these" in capsys.readouterr().out
    assert batch_predict.main([*records, f"--model_dir={second}", "--suffix=alone"]) == 0
    alone = {row["row_id"]: float(row["mean"]) for row in read(tmp_path / "prediction_alone.csv")}
    for row in rows:
        if row["second"]:
            assert float(row["second"]) == pytest.approx(alone[row["row_id"]], abs=1e-6)
    assert batch_predict.main([*records, "--model_dir=pretrained:triage", "--suffix=first"]) == 0
    first = read(tmp_path / "prediction_first.csv")
    assert [{name: row[name] for name in first[0]} for row in rows] == first
    assert (tmp_path / "prediction.txt").read_text() == (tmp_path / "prediction_first.txt").read_text()


def test_predict_triage_and_python_say_the_same(survey, second, tmp_path, capsys):
    records = [f"--tfrecord_dir={survey}/tfrecord", f"--output_dir={tmp_path}"]
    assert batch_predict.main([*records, both(second)]) == 0
    (row, *_) = [row for row in read(tmp_path / "prediction.csv") if row["second"]]
    table = tce_table.read(survey / "tces.csv")[0]
    (tce,) = table[table.row_id == int(row["row_id"])].itertuples()
    where = [f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}", f"--catalog={survey}/tces.csv"]
    ephemeris = [
        f"--tic={tce.tic_id}",
        f"--period={tce.Period}",
        f"--t0={tce.Epoc}",
        f"--duration_hours={tce.Duration}",
    ]
    ephemeris += [f"--duration_hours={tce.Duration}"]
    scalars = [f"--transit_depth={tce.Transit_Depth}", f"--sn={tce.SN}"]
    capsys.readouterr()
    assert predict.main([*where, *ephemeris, *scalars, both(second)]) == 0
    told = capsys.readouterr().out.split("second ")[1]
    assert float(told.split(",")[0]) == pytest.approx(float(row["second"]), abs=1e-5)

    flags = [f"{survey}/tess", f"--table={survey}/tces.csv", f"--output_dir={tmp_path}/ranked", "--plots=0"]
    assert triage.main([*flags, both(second)]) == 0
    ranked = read(tmp_path / "ranked/candidates.csv")
    (same,) = [r for r in ranked if r["row_id"] == row["row_id"]]
    assert float(same["second"]) == pytest.approx(float(row["second"]), abs=1e-5)
    judged = [r for r in ranked if r["second"]]
    assert ranked[: len(judged)] == judged  # those that got further come first
    assert [float(r["second"]) for r in judged] == sorted((float(r["second"]) for r in judged), reverse=True)
    assert "second" in capsys.readouterr().out

    models = astronet.load(f"pretrained:triage,{second}")
    scored = models.score_table(table[table.row_id == tce.row_id], f"{survey}/tess")
    assert float(scored["second"].iloc[0]) == pytest.approx(float(row["second"]), abs=1e-4)
    light_curve = next((survey / "tess").rglob(f"{tce.tic_id}.h5"))
    numbers = {"period": tce.Period, "t0": tce.Epoc, "duration_hours": tce.Duration, "depth_ppm": tce.Transit_Depth}
    result = models.score(light_curve, **numbers, sn=tce.SN, catalog=survey / "tces.csv")
    assert result.later["second"] == pytest.approx(float(row["second"]), abs=1e-4)
    assert "second " in str(result)
    explained = result.explain()
    assert explained.probability == pytest.approx(result.probability, abs=1e-6)
    assert explained.left_out["local_view"].mean < 0


def test_a_stage_that_is_named_twice_or_not_at_all_is_refused(survey, tmp_path, capsys):
    records = [f"--tfrecord_dir={survey}/tfrecord", f"--output_dir={tmp_path}"]
    assert batch_predict.main([*records, "--model_dir=pretrained:triage,pretrained:triage"]) == 1
    assert "names a model twice" in capsys.readouterr().err
    assert batch_predict.main([*records, "--model_dir=pretrained:triage,"]) == 1
    assert "a name is missing beside a comma" in capsys.readouterr().err


def test_a_second_model_that_reads_what_the_records_lack_names_the_tce(survey, tmp_path, capsys):
    model = ["--model=AstroFCModel", "--config_name=local_global", "--train_steps=1"]
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess"]
    assert generate_input_records.main([*flags, f"--output_dir={tmp_path}/tfrecord", "--make_test_set"]) == 0
    files = [f"--train_files={tmp_path}/tfrecord/test-*", f"--eval_files={tmp_path}/tfrecord/test-*"]
    assert train.main([*model, *files, f"--model_dir={tmp_path}/other"]) == 0
    records = [f"--tfrecord_dir={survey}/tfrecord", f"--output_dir={tmp_path}"]
    capsys.readouterr()
    assert batch_predict.main([*records, f"--model_dir=pretrained:triage,{tmp_path}/other"]) == 1
    err = capsys.readouterr().err
    assert "local_view has 61 values" in err and "TIC" in err
