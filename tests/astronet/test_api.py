"""The Python face: `import astronet`, arrays and time series in, the numbers of the scripts out."""

import csv
import logging
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

import astronet
from astronet import batch_predict, predict
from astronet.data import generate_input_records, simulate_survey
from astronet.data.catalog import tce_table
from light_curve_util import tess_io

PERIOD, T0, HOURS, PPM = 3.1, 1683.475, 3.6, 9000


@pytest.fixture(scope="module")
def arrays():
    """Times (BTJD) and relative fluxes of a star with transits."""
    time = np.arange(1683.4, 1710, 30 / 1440)
    dips = np.abs((time - T0 + PERIOD / 2) % PERIOD - PERIOD / 2) < HOURS / 48
    return time, 1 - PPM / 1e6 * dips + np.random.default_rng(0).normal(0, 5e-4, len(time))


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={directory}", "--num_stars=6", "--seed=3"]) == 0
    return directory


def score(triage, time, flux=None, **changes):
    tce = {"period": PERIOD, "t0": T0, "duration_hours": HOURS, "depth_ppm": PPM, "sn": 30.0, "sector": 14}
    return triage.score(time, flux, **{**tce, **changes})


def test_the_public_names_are_there_and_bring_nothing_before_they_are_used():
    code = """
import sys, astronet
names = [name for name in astronet.__all__]
assert set(names) <= set(dir(astronet))
assert not {"numpy", "tensorflow", "pandas", "matplotlib", "astropy"} & set(sys.modules)
for name in names:
    assert getattr(astronet, name).__name__ == name
assert not {"tensorflow", "pandas", "matplotlib", "astropy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'loda'"):
        astronet.loda  # noqa: B018


def test_scores_are_those_of_batch_predict_and_predict(survey, triage, tmp_path, capsys):
    tess, table = survey / "tess", tce_table.read(survey / "tces.csv")[0]
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={tess}", "--config_name=triage"]
    assert generate_input_records.main([*flags, f"--output_dir={tmp_path}/out", "--make_test_set"]) == 0
    model = "--model_dir=pretrained:triage"
    assert batch_predict.main([model, f"--tfrecord_dir={tmp_path}/out", f"--output_dir={tmp_path}"]) == 0
    with open(tmp_path / "prediction.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 3
    for row in rows:
        (tce,) = table[table.row_id == int(row["row_id"])].itertuples()
        path = tess_io.find(tess, tce.tic_id, tce.Sectors)
        raw = tess_io.read(path)
        event = {"period": tce.Period, "t0": tce.Epoc, "duration_hours": tce.Duration}
        scalars = {"depth_ppm": tce.Transit_Depth, "sn": tce.SN, "catalog": survey / "tces.csv"}
        star = {"tic_id": tce.tic_id, "sector": tce.Sectors}
        results = [
            triage.score(path, **event, **scalars),
            triage.score(astronet.read_light_curve(path), **event, **scalars),
            triage.score(raw.time, raw.flux, **event, **scalars, **star),
        ]
        for result in results[:2]:
            assert result.probability == pytest.approx(float(row["mean"]), abs=1e-6)
            assert result.spread == pytest.approx(float(row["standard_deviation"]), abs=1e-6)
            assert result.unlike_training == row["unlike_training"]
            assert list(result.members.values()) == pytest.approx(
                [float(value) for name, value in row.items() if name.startswith("member_")], abs=1e-6
            )
        assert (results[2].tic_id, results[2].sector) == (tce.tic_id, tce.Sectors)
    capsys.readouterr()
    flags = [f"--period={tce.Period}", f"--t0={tce.Epoc}", f"--duration_hours={tce.Duration}", f"--light_curve={path}"]
    flags += [f"--transit_depth={tce.Transit_Depth}", f"--sn={tce.SN}", f"--catalog={survey}/tces.csv"]
    assert predict.main([model, *flags]) == 0
    printed = float(capsys.readouterr().out.split()[3].rstrip(","))
    assert printed == pytest.approx(results[0].probability, abs=1e-6)


def test_a_result_has_its_verdict_its_views_and_a_page(triage, arrays, tmp_path):
    result = score(triage, *arrays, tic_id=1001)
    assert result.probability > 0.8 and result.is_candidate and 0 < result.spread < 0.2
    assert result.probability == pytest.approx(np.mean(list(result.members.values())))
    assert "candidate: the probability is 0.5 or more" in str(result) and "TIC 1001, sector 14" in str(result)
    assert {name: len(view) for name, view in result.views.items()} == {"global_view": 201, "local_view": 61}
    figure = result.plot(tmp_path / "page.png")
    assert f"probability {result.probability:.3f}" in figure.get_suptitle()
    assert matplotlib.image.imread(tmp_path / "page.png")[..., :3].std() > 0.05
    assert figure._repr_png_().startswith(b"\x89PNG")  # by which a notebook shows it
    assert not score(triage, *arrays, t0=T0 + 0.6).is_candidate
    strict = astronet.load("pretrained:triage", threshold=1)
    assert not score(strict, *arrays).is_candidate and strict.threshold == 1


def test_times_and_epochs_in_other_systems_are_converted_and_that_is_said(triage, arrays, caplog):
    time, flux = arrays
    expected = score(triage, time, flux).probability
    for offset, system in ((2457000, "BJD"), (2457000 - 2400000.5, "MJD")):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "astronet"):
            result = score(triage, time + offset, flux, t0=T0 + 2457000)
        assert result.probability == pytest.approx(expected, abs=1e-3)
        assert any(f"in {system}" in note for note in result.notes)
        assert "epoch in BJD, converted to BTJD" in caplog.text
    assert result.t0_btjd == pytest.approx(T0)
