"""The simulated survey: whole, the same for the same seed, and without labels hidden in its tables."""

import csv
import filecmp

import numpy as np
import pytest

from astronet.data import make_catalog, simulate_survey
from astronet.data.catalog import box_search, catalog_rows, stars, tce_table
from astronet.data.records.columns import CATALOG_COLUMNS
from astronet.data.simulation import sky
from astronet.data.simulation.survey import SurveyChoice
from astronet.data.simulation.survey import simulate as simulate_choice
from light_curve_util import tess_io

NUM_STARS = 40


def simulate(directory, *flags):
    assert simulate_survey.main([f"--output_dir={directory}", f"--num_stars={NUM_STARS}", *flags]) == 0
    return directory


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("survey"), "--seed=5")


def test_tables_and_catalogue_are_whole(survey):
    table, skipped = tce_table.read(survey / "tces.csv")
    assert not skipped
    assert list(table.columns) == list(CATALOG_COLUMNS)
    assert {"PC", "EB", "V", "IS", "J"} == set(table["Disposition"])
    assert 0.1 < table["Disposition"].isin(["PC", "EB"]).mean() < 0.5
    rows, _ = catalog_rows.read([survey / f"sector-{sector}-simulated.csv" for sector in (1, 2, 3)])
    assert [row.tic_id for row in rows] == table["tic_id"].tolist()
    assert table[["Epoc", "Period", "Duration", "Transit_Depth", "SN", "Qingress"]].notna().all(axis=None)
    assert (table["Duration"] < table["Period"] * 24).all()


def test_light_curves_read_like_those_of_the_pipeline(survey):
    table, _ = tce_table.read(survey / "tces.csv")
    for tce in table.itertuples():
        light_curve = tess_io.read(tess_io.find(survey / "tess", tce.tic_id, tce.Sectors, tce.camera, tce.ccd))
        assert 700 < len(light_curve.time) < 1300
        assert np.diff(light_curve.time).max() > 0.8  # the downlink gap
        assert light_curve.time[0] <= tce.Epoc < light_curve.time[0] + tce.Period


def test_planets_dip_where_the_catalogue_says(survey):
    table, _ = tce_table.read(survey / "tces.csv")
    for tce in table[table["Disposition"] == "PC"].itertuples():
        light_curve = tess_io.read(tess_io.find(survey / "tess", tce.tic_id, tce.Sectors))
        phase_days = np.abs((light_curve.time - tce.Epoc + tce.Period / 2) % tce.Period - tce.Period / 2)
        middle, outside = phase_days < tce.Duration / 24 / 4, phase_days > tce.Duration / 24
        dip = np.median(light_curve.flux[outside]) - np.median(light_curve.flux[middle])
        assert dip == pytest.approx(tce.Transit_Depth / 1e6, rel=0.5)


def test_same_seed_same_survey_whatever_the_number_of_workers(survey, tmp_path):
    simulate(tmp_path, "--seed=5", "--num_worker_processes=2")
    names = ["tces.csv", "sector-1-simulated.csv", "sector-2-simulated.csv", "sector-3-simulated.csv"]
    assert filecmp.cmpfiles(survey, tmp_path, names, shallow=False) == (names, [], [])
    for path in sorted(survey.glob("tess/*/*.h5")):
        ours, theirs = (tess_io.read(root / path.relative_to(survey)) for root in (survey, tmp_path))
        np.testing.assert_array_equal(ours.time, theirs.time)
        np.testing.assert_array_equal(ours.flux, theirs.flux)


def test_another_seed_another_survey(survey, tmp_path):
    assert simulate_survey.main([f"--output_dir={tmp_path}", "--num_stars=5", "--seed=6", "--sectors=7"]) == 0
    table, _ = tce_table.read(tmp_path / "tces.csv")
    assert set(table["Sectors"]) == {7}
    assert not set(table["tic_id"]) & set(tce_table.read(survey / "tces.csv")[0]["tic_id"])


def test_identity_columns_do_not_tell_the_label(survey):
    table, _ = tce_table.read(survey / "tces.csv")
    positive = table["Disposition"].isin(["PC", "EB"]).to_numpy(dtype=float)
    for column in ("row_id", "tic_id", "RA", "Dec", "Tmag"):
        correlation = np.corrcoef(table[column].rank(), positive)[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(table)), column


def test_tables_hold_what_make_catalog_makes_of_them(survey):
    tables = [f"sector-{sector}-simulated.csv" for sector in (1, 2, 3)]
    flags = ["--num_worker_processes=20", f"--base_dir={survey}", "--out_name=again.csv"]
    assert make_catalog.main(["--input", *tables, *flags]) == 0
    assert (survey / "again.csv").read_bytes() == (survey / "tces.csv").read_bytes()


def test_says_that_it_is_simulated(tmp_path, capsys):
    assert simulate_survey.main([f"--output_dir={tmp_path}", "--num_stars=1"]) == 0
    assert "SIMULATED" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--num_stars=0", "--sectors=1,x", "--sectors=0", "--num_worker_processes=none"])
def test_a_bad_flag_is_named(flag, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_info:
        simulate_survey.main([f"--output_dir={tmp_path}", flag])
    assert exit_info.value.code == 2
    assert "is not an integer" in capsys.readouterr().err


def test_output_directory_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert simulate_survey.main([f"--output_dir={tmp_path}/file/survey", "--num_stars=1"]) == 1
    assert "file/survey" in capsys.readouterr().err


def test_stars_stand_in_the_camera_that_saw_them(survey):
    catalog = stars.open_catalog(f"local:{survey}/tic.sqlite")
    with open(survey / "tces.csv") as file:
        for row in csv.DictReader(file):
            star = catalog.stars([int(row["tic_id"])])[int(row["tic_id"])]
            seen = sky.camera_and_ccd(star.ra, star.dec, int(row["Sectors"]))
            assert seen == (int(row["camera"]), int(row["ccd"]))


@pytest.mark.parametrize("period, duration_days, depth", [(1.3, 0.08, 0.01), (4.7, 0.15, 0.004), (11.0, 0.2, 0.02)])
def test_search_measures_an_injected_trapezoid(period, duration_days, depth):
    rng = np.random.default_rng(3)
    time = 1325.3 + np.arange(1280) / 48
    phase_days = (time - 1326.0 + period / 2) % period - period / 2
    dip = np.clip((duration_days / 2 - np.abs(phase_days)) / (0.2 * duration_days), 0, 1)
    flux = 1 - depth * dip + rng.normal(0, 5e-4, len(time))
    peak = box_search.measure(time, flux, 10.0, np.array([2 * period, period, 0.77 * period]))
    assert peak.period == pytest.approx(period, rel=2e-3)
    assert abs((peak.t0 - 1326.0 + period / 2) % period - period / 2) < 0.15 * duration_days
    assert peak.duration_hours / 24 == pytest.approx(duration_days, rel=0.25)
    assert peak.depth == pytest.approx(depth, rel=0.1)
    assert not peak.why_not_tce()


def test_search_finds_nothing_in_a_constant_star():
    time = np.arange(1000) / 48
    assert box_search.measure(time, np.ones(1000), 10.0, np.array([1.0, 3.0])) is None


def test_a_survey_simulated_from_python_is_that_of_the_script(tmp_path, capsys):
    assert simulate_survey.main([f"--output_dir={tmp_path}/script", "--num_stars=3", "--sectors=1", "--seed=5"]) == 0
    capsys.readouterr()
    counts = simulate_choice(SurveyChoice(f"{tmp_path}/python", num_stars=3, sectors=(1,), seed=5))
    assert capsys.readouterr().out == ""
    tables = [(tmp_path / name / "tces.csv").read_text() for name in ("script", "python")]
    assert tables[0] == tables[1] and sum(counts.values()) == tables[0].count("\n") - 1
