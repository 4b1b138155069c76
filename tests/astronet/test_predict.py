"""One TCE at a time: from a simulated survey's light curves, against the records of the same TCEs."""

import csv
import shutil

import matplotlib.image
import numpy as np
import pytest

from astronet import batch_predict, calibrate, plot_tces, predict
from astronet.data import generate_input_records, simulate_survey
from astronet.data.catalog import tce_table
from light_curve_util import tess_io


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={directory}", "--num_stars=10", "--seed=3"]) == 0
    return directory


@pytest.fixture(scope="module")
def table(survey):
    return tce_table.read(survey / "tces.csv")[0]


def ephemeris(tce):
    return [f"--tic={tce.tic_id}", f"--period={tce.Period}", f"--t0={tce.Epoc}", f"--duration_hours={tce.Duration}"]


@pytest.fixture(scope="module")
def tfrecord_dir(survey, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tfrecord")
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess", "--config_name=yu2019"]
    assert generate_input_records.main([*flags, f"--output_dir={directory}", "--make_test_set"]) == 0
    return directory


def test_a_model_of_scalars_is_given_those_of_the_record(
    survey, table, tfrecord_dir, train_small, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert train_small("model", "--config_name=triage")
    assert batch_predict.main(["--model_dir=model", f"--tfrecord_dir={tfrecord_dir}"]) == 0
    with open("prediction.csv", newline="") as file:
        row = next(csv.DictReader(file))
    (tce,) = table[table.row_id == int(row["row_id"])].itertuples()
    flags = ["--model_dir=model", f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}", *ephemeris(tce)]
    scores = []
    for scalars in ([f"--transit_depth={tce.Transit_Depth}", f"--sn={tce.SN}"], []):
        capsys.readouterr()
        assert predict.main([*flags, *scalars]) == 0
        scores.append(float(capsys.readouterr().out.split()[3].rstrip(",")))
    assert scores[0] == pytest.approx(float(row["mean"]), abs=1e-6)
    assert 0 < scores[1] < 1 and abs(scores[1] - scores[0]) > 1e-4


def test_a_tce_gets_the_score_that_its_record_gets(
    survey, table, tfrecord_dir, ensemble_dir, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    models = [f"--model_dir={ensemble_dir}", "--average"]
    assert batch_predict.main([*models, f"--tfrecord_dir={tfrecord_dir}"]) == 0
    with open("prediction.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 3
    for row in rows[:3]:
        (tce,) = table[table.row_id == int(row["row_id"])].itertuples()
        place = [f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}"]
        capsys.readouterr()
        assert predict.main([*models, *ephemeris(tce), *place, "--output_image_file=tce.png"]) == 0
        first, second, *members = capsys.readouterr().out.splitlines()
        assert first == f"{row['tic_id']} {float(row['mean']):.3f}"
        # The network sees views in float32, and rounds its sums differently for batches of another size.
        probabilities = [float(second.split()[1].rstrip(",")), *(float(line.split()[-1]) for line in members)]
        expected = [float(row[name]) for name in ("mean", "member_1", "member_2", "member_10")]
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)
        assert matplotlib.image.imread("tce.png").ndim == 3


def crowded(survey, path, sector, num_others=260, has_camera=True):
    """The survey's table with many more TCEs in one sector, whose events crowd, and which have no light curves."""
    with open(survey / "tces.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    random = np.random.default_rng(0)
    like = next(row for row in rows if int(row["Sectors"]) == sector)
    for number in range(num_others):
        epoch, period = 1330 + random.normal(0, 1.5), random.uniform(3, 12)
        changes = {"row_id": 10_000 + number, "tic_id": 900_000_000 + number, "Epoc": epoch, "Period": period}
        rows.append({**like, **changes, "camera": like["camera"] if number % 2 else 1 + number % 4})
    with open(path, "w", newline="") as file:
        names = [name for name in rows[0] if has_camera or name not in ("camera", "ccd")]
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("has_camera", [True, False])
def test_a_tce_gets_the_event_densities_that_its_record_gets(survey, table, tmp_path, capsys, has_camera):
    """pretrained:triage reads how crowded the times of its events are, in the sector and in its camera.

    Its record has the camera of the table, or none, although the light curve may tell it.
    """
    catalog = crowded(survey, tmp_path / "tces.csv", sector=1, has_camera=has_camera)
    for tce in table[table.Sectors == 1].itertuples():
        place = tmp_path / f"tess/sector-1/ffi/cam{tce.camera}/ccd{tce.ccd}/LC"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(survey / f"tess/sector-1/{tce.tic_id}.h5", place)
    records = [f"--input_tce_csv_file={catalog}", f"--tess_data_dir={tmp_path}/tess", "--config_name=triage"]
    assert generate_input_records.main([*records, f"--output_dir={tmp_path}/out", "--make_test_set"]) == 0
    models = "--model_dir=pretrained:triage"
    assert batch_predict.main([models, f"--tfrecord_dir={tmp_path}/out", f"--output_dir={tmp_path}"]) == 0
    with open(tmp_path / "prediction.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sector"] == "1"]
    changed = 0
    for row in rows:
        (tce,) = table[table.row_id == int(row["row_id"])].itertuples()
        flags = [models, f"--tess_data_dir={tmp_path}/tess", "--sector=1", *ephemeris(tce)]
        flags += [f"--transit_depth={tce.Transit_Depth}", f"--sn={tce.SN}"]
        score = []
        for more in ([f"--catalog={catalog}"], []):
            capsys.readouterr()
            assert predict.main([*flags, *more]) == 0
            out, err = capsys.readouterr()
            score.append(float(out.split()[3].rstrip(",")))
            assert ("--catalog" in err) == (not more)
        assert score[0] == pytest.approx(float(row["mean"]), abs=1e-6)
        changed += abs(score[1] - score[0]) > 1e-4
        # One that the table does not have, but whose sector it has.
        assert predict.main([*flags, f"--catalog={catalog}", f"--period={tce.Period * 1.01}"]) == 0
    assert len(rows) >= 2 and changed


def test_views_unlike_training_are_told(survey, table, tfrecord_dir, ensemble_dir, tmp_path, monkeypatch, capsys):
    """Folded half a period late, a transit search's own TCE has no dip where its event should be."""
    monkeypatch.chdir(tmp_path)
    model = f"--model_dir={shutil.copytree(ensemble_dir / '1', tmp_path / 'model')}"
    files = f"{tfrecord_dir}/test-*"
    assert calibrate.main([model, f"--eval_files={files}", f"--train_files={files}"]) == 0
    assert batch_predict.main([model, f"--tfrecord_dir={tfrecord_dir}"]) == 0
    with open("prediction.csv", newline="") as file:
        flags_of = {int(row["row_id"]): row["unlike_training"] for row in csv.DictReader(file)}
    assert "" in flags_of.values()
    deepest = table.sort_values("Transit_Depth").itertuples()
    tce = [tce for tce in deepest if flags_of.get(tce.row_id) == ""][-1]
    flags = [model, f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}", *ephemeris(tce)]
    capsys.readouterr()
    assert predict.main(flags) == 0
    assert "unlike training" not in capsys.readouterr().out
    assert predict.main([*flags, f"--t0={tce.Epoc + tce.Period / 2}"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("unlike training: ") and "no dip" in last


def test_hours_are_hours(survey, table, ensemble_dir, capsys):
    """Days passed for hours, the published fault, make another local view and so another score."""
    tce = next(table.itertuples())
    flags = [f"--model_dir={ensemble_dir}/1", f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}"]
    assert predict.main([*flags, *ephemeris(tce)]) == 0
    right = capsys.readouterr().out
    assert predict.main([*flags, *ephemeris(tce), f"--duration_hours={tce.Duration * 3}"]) == 0
    assert capsys.readouterr().out != right


def test_star_and_sector_are_those_of_the_file(survey, table, ensemble_dir, tmp_path, capsys):
    tce = next(table.itertuples())
    path = tess_io.find(survey / "tess", tce.tic_id, tce.Sectors)
    tic, *event = ephemeris(tce)
    flags = [f"--model_dir={ensemble_dir}/1", *event, f"--light_curve={path}"]
    outputs = []
    for more in ([], [tic], [f"--tic=TIC {tce.tic_id}", f"--sector=S{tce.Sectors:04d}"]):
        assert predict.main([*flags, *more]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2] and outputs[0].startswith(f"{tce.tic_id} ")
    for more, message in (
        (["--tic=1"], f"--tic is 1, but {path} is of TIC {tce.tic_id}"),
        (["--sector=S0099"], f"--sector is 99, but {path} is of sector {tce.Sectors}"),
    ):
        assert predict.main([*flags, *more]) == 1
        assert message in capsys.readouterr().err
    nameless = shutil.copy(path, tmp_path / "star.h5")
    assert predict.main([*flags, f"--light_curve={nameless}"]) == 1
    assert "does not contain its TIC ID: give it by --tic" in capsys.readouterr().err


def test_problems_of_the_tce_are_told(survey, table, ensemble_dir, capsys):
    tce = next(table.itertuples())
    flags = [f"--model_dir={ensemble_dir}/1", *ephemeris(tce)]
    place = [f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}"]
    for more, message in (
        ([*place, "--tic=1"], "no light curve of TIC 1"),
        ([f"--light_curve={survey}/none.h5"], "none.h5"),
    ):
        assert predict.main([*flags, *more]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ") and message in error and error.count("\n") == 1
    for more, message in (
        ([], "no light curve given"),
        ([*place, "--period=0"], "--period"),
        ([*place, "--duration_hours=nan"], "--duration_hours"),
        ([*place, "--t0=2.45836e6"], "'2.45836e6' has lost digits"),
        ([*place, "--transit_depth=-5"], "leave the flag out where it is not known"),
        ([*place, "--sn=0"], "leave the flag out where it is not known"),
    ):
        with pytest.raises(SystemExit) as stopped:
            predict.main([*flags, *more])
        assert stopped.value.code == 2 and message in capsys.readouterr().err


def test_numbers_that_look_rounded_or_of_another_unit_are_told(survey, table, ensemble_dir, capsys):
    tce = next(table.itertuples())
    flags = [f"--model_dir={ensemble_dir}/1", f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}"]
    assert predict.main([*flags, *ephemeris(tce), "--t0=2458330"]) == 0
    assert "--t0 is a whole or half day: was it rounded?" in capsys.readouterr().err
    assert predict.main([*flags, *ephemeris(tce), "--period=2", "--duration_hours=129.6"]) == 1
    assert "error: --duration_hours=129.6 is longer than the period, 2 d: give hours" in capsys.readouterr().err
    for depth, unit in ((tce.Transit_Depth / 1e6, "a fraction"), (tce.Transit_Depth / 1e4, "percent")):
        assert predict.main([*flags, *ephemeris(tce), f"--transit_depth={depth}"]) == 1
        assert f"ppm at the events: is the depth {unit}? Give ppm" in capsys.readouterr().err


def test_an_image_overwrites_no_input_and_its_directory_is_checked_before_any_work(
    survey, table, ensemble_dir, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    tce = next(table.itertuples())
    flags = [f"--model_dir={ensemble_dir}/1", f"--tess_data_dir={survey}/tess", f"--sector={tce.Sectors}"]
    shutil.copy(survey / "tces.csv", "table.png")
    before = (tmp_path / "table.png").read_bytes()
    assert predict.main([*flags, *ephemeris(tce), "--catalog=table.png", "--output_image_file=./table.png"]) == 1
    assert "--output_image_file would overwrite ./table.png, which --catalog reads" in capsys.readouterr().err
    assert (tmp_path / "table.png").read_bytes() == before
    assert predict.main([*flags, *ephemeris(tce), "--output_image_file=no/dir/a.png"]) == 1
    out, error = capsys.readouterr()
    assert error == (
        "error: --output_image_file: there is no directory no/dir: make it first (mkdir -p), or choose another\n"
    )
    assert not out


def test_plot_tces_draws_a_page_for_each_chosen_row(survey, table, tmp_path, capsys):
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess", f"--output_dir={tmp_path}"]
    star = table.tic_id[0]
    assert plot_tces.main([*flags, f"--tic={star}"]) == 0
    pages = list(tmp_path.iterdir())
    assert len(pages) == (table.tic_id == star).sum()
    assert all(matplotlib.image.imread(page)[..., :3].std() > 0.05 for page in pages)
    assert plot_tces.main([*flags, f"--tic={star}", "--mask_flares"]) == 1  # not drawn as if nothing had been asked
    assert "too long for flares to be found and dropped" in capsys.readouterr().err
    assert plot_tces.main([*flags, "--row_id", "-5"]) == 1
    assert "row_id -5" in capsys.readouterr().err
    assert plot_tces.main([*flags[:1], f"--tess_data_dir={tmp_path}", flags[2]]) == 1
    assert capsys.readouterr().err.count("missing: no light curve of TIC") == len(table)


def test_plot_tces_tells_of_the_rows_that_are_asked_for_alone(survey, table, tmp_path, capsys):
    with open(survey / "tces.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["Duration"] = float(row["Duration"]) / 24
    for sectors in ("", "1", "2"):
        rows.append({**rows[0], "row_id": 10_000 + len(rows), "tic_id": 900_000_000, "Sectors": sectors})
    with open(tmp_path / "days.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    flags = [
        f"--input_tce_csv_file={tmp_path}/days.csv",
        f"--tess_data_dir={survey}/tess",
        f"--output_dir={tmp_path}/p",
    ]
    assert plot_tces.main([*flags, f"--tic={table.tic_id[0]}"]) == 1  # so few cadences lie in so short an event
    error = capsys.readouterr().err
    assert "900000000" not in error and f"sparse: {survey}/tess/sector-1/{table.tic_id[0]}.h5: local_view: " in error
    assert f"warning: {tmp_path}/days.csv: Duration has a median of" in error and "as if it were in days" in error


def test_a_view_that_cannot_be_made_is_told_with_the_file_and_what_to_do(survey, table, ensemble_dir, tmp_path, capsys):
    tce = next(table.itertuples())
    time = 1325.3 + np.arange(1000) / 48
    path = tmp_path / "77.csv"
    flags = [f"--model_dir={ensemble_dir}/1", f"--light_curve={path}", "--tic=77", "--period=2", "--duration_hours=2"]
    for phase, flux, told in (
        (time, np.ones(1000), "below their median, 1.000000: there is no dip to normalize by; check whether"),
        (
            1325 + np.linspace(0, 0.1, 1000),
            1 - np.arange(1000) * 1e-6,
            "(days of phase): the light curve does not cover",
        ),
    ):
        path.write_text("time,flux\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(phase.tolist(), flux.tolist())))
        assert predict.main([*flags, f"--t0={tce.Epoc}"]) == 1
        error = capsys.readouterr().err
        assert f"error: {path}: " in error and told in error
