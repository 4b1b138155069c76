"""Planets put into light curves, searched and judged: which are recovered, and what passes without a planet."""

import csv
import json

import numpy as np
import pytest
from astropy.table import Table

from astronet import injection_recovery_transits
from astronet.completeness import chain, maps, planets, scrambled, star_curves, trial
from astronet.data import simulate_survey
from light_curve_util.tess_io import LightCurve


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The directory of a trial of planets of 3 to 16 Earth radii in three simulated stars."""
    directory = tmp_path_factory.mktemp("trial")
    flags = ["--num_stars=3", "--num_each=4", "--radii", "3", "16", "--periods", "1", "8", "--num_bins=2"]
    assert injection_recovery_transits.main([*flags, f"--output_dir={directory}"]) == 0
    return directory


def test_large_planets_are_recovered_at_their_own_period(measured):
    rows = read(measured / "injections.csv")
    assert len(rows) == 12
    large = [row for row in rows if float(row["radius_earth"]) > 8 and float(row["impact"]) < 0.8]
    assert large and all(int(row["num_stages"]) == 2 for row in large)
    assert all(float(row["found_period"]) == pytest.approx(float(row["period"]), rel=0.01) for row in large)


def test_a_table_that_codes_of_occurrence_rates_read(measured):
    table = Table.read(measured / "completeness.ecsv")
    assert set(table["stage"]) == {"search", "triage"}
    assert len(table) == 2 * 2 * 2
    assert str(table["period_low"].unit) == "d" and str(table["radius_high"].unit) in ("earthRad", "R_earth")
    search = table[table["stage"] == "search"]
    assert search["num_injected"].sum() == 12
    for row in table:
        if row["num_injected"]:
            low, high = row["completeness_low"], row["completeness_high"]
            assert low - 1e-9 <= row["completeness"] <= high + 1e-9
    triage = table[table["stage"] == "triage"]
    assert (triage["num_recovered"] <= search["num_recovered"]).all()
    assert (measured / "completeness.png").stat().st_size > 5000


def test_controls_are_told_by_kind_and_stage(measured):
    rows = read(measured / "reliability.csv")
    assert {(row["stage"], row["kind"]) for row in rows} == {
        (stage, kind) for stage in ("search", "triage") for kind in trial.CONTROLS
    }
    assert {row["num_light_curves"] for row in rows} == {"3"}


def test_a_run_takes_up_what_an_earlier_one_has_done(measured, tmp_path):
    stars = tuple(star_curves.SimulatedStar(1000 + number, 1 + number, 0) for number in range(3))
    choice = trial.Trial(stars, str(tmp_path), ("pretrained:triage",), (1.0, 8.0), (3.0, 16.0), 4)
    trial.run(trial.Trial(stars[:2], *[getattr(choice, name) for name in list(vars(choice))[1:]]))  # then it was killed
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path).glob("*incomplete*/*.json")}
    assert len(kept) == 2
    results = trial.run(choice)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    rows = read(measured / "injections.csv")
    assert [row["num_stages"] for row in results.injections] == [int(row["num_stages"]) for row in rows]


def test_files_with_the_radii_of_a_star_catalog(tmp_path, capsys):
    assert simulate_survey.main([f"--output_dir={tmp_path}", "--num_stars=4", "--seed=1"]) == 0
    flags = [f"--tess_data_dir={tmp_path}/tess", "--flux_key=RawMagnitude", "--num_stars=2", "--num_each=1"]
    out = tmp_path / "out"
    assert injection_recovery_transits.main([*flags, f"--output_dir={out}"]) == 0
    assert "is not known, and the Sun's is used (--star_catalog reads radii)" in capsys.readouterr().out
    catalog = f"--star_catalog=local:{tmp_path}/tic.sqlite"
    assert injection_recovery_transits.main([*flags, catalog, f"--output_dir={out}"]) == 0
    assert "Sun" not in capsys.readouterr().out
    assert {float(row["star_radius"]) for row in read(out / "injections.csv")} != {1.0}


def test_a_file_that_cannot_be_read_is_left_out_and_told(tmp_path, capsys):
    assert simulate_survey.main([f"--output_dir={tmp_path}", "--num_stars=2", "--seed=1"]) == 0
    (damaged, *_) = sorted((tmp_path / "tess").rglob("*.h5"))
    damaged.write_bytes(b"no HDF5")
    flags = [f"--tess_data_dir={tmp_path}/tess", "--flux_key=RawMagnitude", "--num_each=1"]
    assert injection_recovery_transits.main([*flags, f"--output_dir={tmp_path}/out"]) == 0
    assert f"{damaged} left out" in capsys.readouterr().err


def test_limits_the_wrong_way_round_are_refused(tmp_path, capsys):
    assert injection_recovery_transits.main(["--radii", "16", "1", f"--output_dir={tmp_path}/out"]) == 1
    assert "--radii 16 1: the greatest must be above the least" in capsys.readouterr().err


def test_a_scrambled_light_curve_has_the_same_values_and_no_period():
    time = 1325.3 + np.arange(1200) / 48
    flux = 1 + 1e-4 * np.random.default_rng(0).normal(size=1200)
    flux[np.abs((time - 1326) % 2.3) < 0.06] -= 0.005
    control = scrambled.control(LightCurve(time, flux, "made"), "scrambled", seed=0, number=1)
    assert len(control.time) == len(control.flux) and np.all(np.diff(control.time) > 0)
    dips = control.time[control.flux < 0.997]
    spread = np.abs((dips - 1326 + 1.15) % 2.3 - 1.15)
    assert np.median(spread) > 0.2  # days from the period that they had
    inverted = scrambled.control(LightCurve(time, flux, "made"), "inverted", seed=0, number=1)
    assert np.allclose(inverted.flux + flux, 2)


def test_a_transit_has_the_depth_and_duration_of_its_planet():
    planet, sun = planets.Planet(3.0, 11.2, 0.0, 0.5), planets.StarDisc(limb_darkening=(0.0, 0.0))
    time = 1325.3 + np.arange(0, 20, 1 / 480)
    flux = planets.transits(planet, sun, time, 1 / 480)
    assert 1 - flux.min() == pytest.approx(planets.depth(planet, sun), rel=0.01)
    in_transit = np.sum(flux < 1 - 1e-7) / 480 / len(np.unique(np.round((time - planets.t0(planet, time)) / 3.0)))
    assert planets.duration_days(planet, sun) == pytest.approx(in_transit, rel=0.15)
    assert json.dumps(planet.__dict__)


def test_a_multiple_of_the_period_is_an_alias_and_no_recovery():
    event = chain.Passed(1326.0, 6.0, 3.0, 1000.0, 20.0, (), 0)
    assert chain.matching([event], 3.0, 1326.0, 0.125) is None
    assert chain.alias([event], 3.0, 0.125) is event
    assert chain.matching([event], 6.0, 1332.0, 0.125) is event
    assert chain.matching([event], 6.0, 1329.0, 0.125) is None
    assert maps.WRITTEN
