import csv
import shutil

import numpy as np
import pytest

from astronet.flares import detection, find_flares

STEP = 120 / 86400


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def found(simulated, model_dir, tmp_path_factory):
    directory = tmp_path_factory.mktemp("found")
    paths = sorted(map(str, simulated.glob("*.fits")))[:6]
    assert (
        find_flares.main([*paths, f"--model_dir={model_dir}", "--average", f"--output_dir={directory}", "--plot"]) == 0
    )
    return directory


def test_bright_flares_are_found_at_their_times(found, simulated):
    flares = rows(found / "flares.csv")
    searched = {row["tic_id"] for row in rows(found / "searched.csv")}
    bright = [row for row in rows(simulated / "flares.csv") if float(row["equivalent_duration"]) > 10]
    bright = [row for row in bright if row["tic_id"] in searched]
    assert len(bright) >= 3
    ratios = []
    for flare in bright:
        peak = float(flare["peak_time"])
        inside = [
            row
            for row in flares
            if row["tic_id"] == flare["tic_id"] and float(row["start"]) - 2 * STEP < peak < float(row["end"]) + 2 * STEP
        ]
        assert len(inside) == 1, flare
        assert 0.5 <= float(inside[0]["probability"]) <= 1
        assert float(inside[0]["energy_erg"]) > 1e30
        ratios.append(float(inside[0]["equivalent_duration"]) / float(flare["equivalent_duration"]))
    assert np.median(ratios) == pytest.approx(1, abs=0.2)


def test_every_cadence_has_its_probability(found, simulated):
    (table,) = found.glob("*1001-0120-s_lc_probability.csv")
    cadences = rows(table)
    assert list(cadences[0]) == ["time", "flux", "probability"]
    known = [row["probability"] != "" for row in cadences]
    assert all(known)  # the network has been trained on padded windows
    searched = next(row for row in rows(found / "searched.csv") if row["tic_id"] == "1001")
    assert int(searched["num_cadences"]) == int(searched["cadences_searched"]) == len(cadences)
    assert float(searched["days_searched"]) == pytest.approx(len(cadences) * STEP, rel=1e-4)
    assert len(list(found.glob("*.png"))) == 6


def test_a_network_without_padding_says_nothing_near_gaps(simulated, model_dir, tmp_path):
    member = tmp_path / "model"
    shutil.copytree(model_dir / "1", member)
    config = (member / "config.json").read_text()
    (member / "config.json").write_text(config.replace('"max_padded_bins": 100', '"max_padded_bins": 0'))
    path = str(sorted(simulated.glob("*.fits"))[0])
    assert find_flares.main([path, f"--model_dir={member}", f"--output_dir={tmp_path}/out"]) == 0
    (table,) = (tmp_path / "out").glob("*_probability.csv")
    known = np.array([row["probability"] != "" for row in rows(table)])
    assert not known[:100].any() and known[100:-99].any() and not known[-99:].any()
    times = np.array([float(row["time"]) for row in rows(table)])
    gap = int(np.argmax(np.diff(times)))
    assert not known[gap - 98 : gap + 101].any()


def test_a_light_curve_that_cannot_be_read_does_not_stop_the_others(simulated, model_dir, tmp_path, capsys):
    damaged = tmp_path / "damaged_lc.fits"
    damaged.write_bytes(b"no FITS")
    good = str(sorted(simulated.glob("*.fits"))[0])
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out"]
    assert find_flares.main([str(damaged), good, *flags]) == 1
    assert "damaged_lc.fits" in capsys.readouterr().err
    assert len(rows(tmp_path / "out/searched.csv")) == 1
    assert find_flares.main([good, good, *flags]) == 1
    assert "more than one light curve is named" in capsys.readouterr().err


def test_a_lone_cadence_is_a_flare_and_a_lull_does_not_end_one():
    time = 1325 + STEP * np.arange(1000)
    probability = np.zeros(1000)
    probability[[100, 200, 201, 205, 300, 306]] = 0.9
    probability[400:410] = np.nan
    flares = detection.group(time, probability, 0.5)
    assert [(flare.start, flare.stop) for flare in flares] == [(100, 101), (200, 206), (300, 301), (306, 307)]
    gapped = np.where(np.arange(1000) > 203, time + 1, time)
    assert (200, 202) in [(flare.start, flare.stop) for flare in detection.group(gapped, probability, 0.5)]
    assert detection.group(time, np.full(1000, np.nan), 0.5) == []


def test_energies_take_the_star_from_a_table(simulated, model_dir, tmp_path, capsys):
    path = str(sorted(simulated.glob("*1003*.fits"))[0])
    flags = [path, f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out", "--threshold=0.2"]
    (tmp_path / "stars.csv").write_text("tic_id,teff,star_rad\n1003,3000,0.2\n")
    assert find_flares.main([*flags, f"--stars={tmp_path}/stars.csv"]) == 0
    small = [float(row["energy_erg"]) for row in rows(tmp_path / "out/flares.csv")]
    (tmp_path / "stars.csv").write_text("tic_id,teff,star_rad\n1003,3000,0.4\n")
    assert find_flares.main([*flags, f"--stars={tmp_path}/stars.csv"]) == 0
    large = [float(row["energy_erg"]) for row in rows(tmp_path / "out/flares.csv")]
    assert small
    np.testing.assert_allclose(large, np.array(small) * 4, rtol=1e-3)  # which are rounded
    (tmp_path / "stars.csv").write_text("tic_id,teff\n1003,3000\n")
    assert find_flares.main([*flags, f"--stars={tmp_path}/stars.csv"]) == 1
    assert "lacks the column star_rad" in capsys.readouterr().err
