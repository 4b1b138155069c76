import csv
import resource
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from astronet.flares import detection, find_flares, flare_fit, light_curves
from light_curve_util.products.quality import IMPULSIVE_OUTLIER

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


def test_a_full_disk_stops_the_search_and_blames_no_light_curve(simulated, model_dir, tmp_path, capsys):
    path = str(sorted(simulated.glob("*.fits"))[0])
    flags = [path, f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # bytes of a file: less than the probabilities
    try:
        assert find_flares.main(flags) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    printed = capsys.readouterr().err
    assert "_probability.csv" in printed and "no light curve could be read" not in printed
    assert not list((tmp_path / "out").glob("*"))


def test_a_second_search_leaves_nothing_of_the_first_beside_its_tables(simulated, model_dir, tmp_path, capsys):
    paths = sorted(simulated.glob("*.fits"))[:2]
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out"]
    assert find_flares.main([str(paths[0]), *flags, "--plot"]) == 0
    (tmp_path / "out" / "own_probability.csv").write_text("a table of the user\n")
    (tmp_path / "out" / "own.png").write_text("a plot of the user")
    assert find_flares.main([str(paths[1]), *flags]) == 0
    assert "2 files of an earlier search removed" in capsys.readouterr().out
    tables = {"flares.csv", "searched.csv", "unsearched.csv", "skipped.csv", "own_probability.csv", "own.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*tables, f"{paths[1].stem}_probability.csv"}


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
    assert find_flares.main([*flags, f"--star_catalog={tmp_path}/stars.csv"]) == 0
    small = [float(row["energy_erg"]) for row in rows(tmp_path / "out/flares.csv")]
    (tmp_path / "stars.csv").write_text("tic_id,teff,star_rad\n1003,3000,0.4\n")
    assert find_flares.main([*flags, f"--star_catalog={tmp_path}/stars.csv"]) == 0
    large = [float(row["energy_erg"]) for row in rows(tmp_path / "out/flares.csv")]
    assert small
    np.testing.assert_allclose(large, np.array(small) * 4, rtol=1e-3)  # which are rounded
    (tmp_path / "stars.csv").write_text("tic_id,teff\n1003,3000\n")
    assert find_flares.main([*flags, f"--star_catalog={tmp_path}/stars.csv"]) == 1
    assert "has no column star_rad" in capsys.readouterr().err


def changed(path, directory, change):
    """A copy of a light curve file, its HDUs changed."""
    copy = directory / path.name
    with fits.open(path) as file:
        change(file)
        file.writeto(copy)
    return copy


def test_peaks_that_are_flagged_as_impulsive_outliers_are_kept(simulated, model_dir, tmp_path):
    (path,) = simulated.glob("*1001-0120*.fits")  # a quiet star
    peak, noise = 1000, 3 * np.std(np.diff(fits.getdata(path, "LIGHTCURVE")["PDCSAP_FLUX"][900:1000]))

    def add_flare(file):
        file["LIGHTCURVE"].data["PDCSAP_FLUX"][peak : peak + 4] += noise * np.array([20, 8, 3, 1], np.float32)

    def search(name, change, *more):
        (tmp_path / name).mkdir()
        copy = changed(path, tmp_path / name, change)
        flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/{name}/out"]
        assert find_flares.main([str(copy), *flags, *more]) == 0
        (table,) = (tmp_path / name / "out").glob("*_probability.csv")
        return rows(tmp_path / name / "out/flares.csv"), table.read_bytes()

    def add_flagged_flare(file):
        add_flare(file)
        file["LIGHTCURVE"].data["QUALITY"][peak] |= IMPULSIVE_OUTLIER

    plain = search("plain", add_flare)
    assert search("kept", add_flagged_flare) == plain
    cut, _ = search("cut", add_flagged_flare, "--quality=default")
    before, after = (max(found, key=lambda row: float(row["amplitude"] or 0)) for found in (cut, plain[0]))
    assert float(before["amplitude"]) < 0.7 * float(after["amplitude"])
    assert float(before["significance"]) < 0.7 * float(after["significance"])


def test_flares_of_little_significance_are_flagged(found):
    flares = rows(found / "flares.csv")
    for row in flares:
        assert int(row["is_significant"]) == (float(row["significance"] or 0) >= 5)
    num_significant = sum(row["is_significant"] == "1" for row in flares)
    assert 0 < num_significant < len(flares)
    assert sum(int(row["num_significant"]) for row in rows(found / "searched.csv")) == num_significant


def test_noise_is_seldom_significant():
    """Were every cadence of noise taken for a flare, about one in a million would reach the default."""
    time = 1325 + STEP * np.arange(3000)
    flux = 1 + 0.002 * np.random.default_rng(0).normal(size=3000)
    fitter = flare_fit.Fitter(time, flux)
    significances = [fitter.fit(slice(i, i + 1)).significance for i in range(100, 2900, 40)]
    assert np.mean(np.array(significances) < 3) > 0.95 and max(significances) < 5


def test_bright_cadences_that_cannot_be_searched_are_listed(simulated, model_dir, tmp_path, capsys):
    def cut(file):  # leaves 60 cadences between two gaps, too few for a window
        data = file["LIGHTCURVE"].data
        data["QUALITY"][100:700] |= 1 << 7
        data["QUALITY"][760:1000] |= 1 << 7
        data["QUALITY"][700:760] = 0
        data["PDCSAP_FLUX"][730:733] += 0.3 * np.median(data["PDCSAP_FLUX"])

    copy = changed(sorted(simulated.glob("*.fits"))[0], tmp_path, cut)
    flags = [str(copy), f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out"]
    assert find_flares.main(flags) == 0
    (row,) = rows(tmp_path / "out/unsearched.csv")
    time = fits.getdata(copy, "LIGHTCURVE")["TIME"]
    assert float(row["start"]) == pytest.approx(time[730], abs=1e-5) and row["num_cadences"] == "3"
    assert time[730] - 1e-5 < float(row["peak_time"]) < time[732] + 1e-5 and float(row["height_in_scatter"]) > 20
    assert rows(tmp_path / "out/searched.csv")[0]["num_bright_unsearched"] == "1"
    assert "1 bright stretch could not be searched" in capsys.readouterr().out


BAD_HEADERS = {
    "TICID": ("none at all", 0, None),
    "TEFF": ("hot", 0, "TEFF in its header is 'hot', not a number of 500 to 100000 K"),
    "RADIUS": (-3.0, 0, "RADIUS in its header is -3.0, not a number of 0.001 to 3000 solar radii"),
    "SECTOR": (7, 1, "its header is of sector 7, not 1"),
}


@pytest.mark.parametrize("key", BAD_HEADERS)
def test_a_bad_header_costs_no_other_light_curve(simulated, model_dir, tmp_path, capsys, key):
    value, code, message = BAD_HEADERS[key]
    paths = sorted(simulated.glob("*.fits"))[:2]
    bad = changed(paths[0], tmp_path, lambda file: file[0].header.update({key: value}))
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out"]
    assert find_flares.main([str(bad), str(paths[1]), *flags]) == code
    printed = capsys.readouterr().err
    assert message is None or message in printed
    assert len(rows(tmp_path / "out/searched.csv")) == 2 - code
    assert len(rows(tmp_path / "out/skipped.csv")) == code
    assert {row["tic_id"] for row in rows(tmp_path / "out/searched.csv")} >= {"1002"}


def test_output_among_the_light_curves_is_refused_and_never_searched(simulated, model_dir, found, tmp_path, capsys):
    path = shutil.copy(sorted(simulated.glob("*.fits"))[0], tmp_path)
    flags = [f"--model_dir={model_dir}", "--average"]
    assert find_flares.main([str(path), *flags, f"--output_dir={tmp_path}"]) == 1
    assert "give another, for the tables written there look like light curves" in capsys.readouterr().err
    output = str(next(found.glob("*_probability.csv")))
    assert find_flares.main([output, str(path), *flags, f"--output_dir={tmp_path}/out"]) == 1
    assert "is an output of find_flares.py, not a light curve" in capsys.readouterr().err
    assert len(rows(tmp_path / "out/searched.csv")) == 1


@pytest.mark.parametrize(
    "flag", ["--threshold=nan", "--threshold=2", "--least_significance=-1", "--cadence_seconds=nan"]
)
def test_arguments_are_checked_before_any_work(simulated, model_dir, tmp_path, capsys, flag):
    path = str(sorted(simulated.glob("*.fits"))[0])
    with pytest.raises(SystemExit) as stopped:
        find_flares.main([path, f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out", flag])
    assert stopped.value.code == 2 and flag.partition("=")[0] in capsys.readouterr().err
    assert (
        find_flares.main([path, f"--model_dir={model_dir}", f"--output_dir={tmp_path}/out", "--star_catalog=absent"])
        == 1
    )
    assert "--star_catalog: there is no file absent" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_flares_far_away_change_no_fit():
    random = np.random.default_rng(3)
    time = 1325 + STEP * np.arange(5000)
    flux = 1 + 0.002 * random.normal(size=5000)
    starts = np.sort(random.choice(np.arange(50, 4900, 9), 40, replace=False))
    flares = [slice(int(start), int(start) + 4) for start in starts]
    for flare in flares:
        flux[flare] += 0.02
    fitter = flare_fit.Fitter(time, flux)
    for number, flare in enumerate(flares):
        others = flares[:number] + flares[number + 1 :]
        assert fitter.fit(flare, flare_fit.near(flares, number)) == fitter.fit(flare, others)


def test_a_wild_time_takes_no_memory():
    time = np.append(1325 + STEP / 6 * np.arange(600), 1e12)
    coarse, flux = light_curves.average(time, np.ones(601), STEP)
    assert len(coarse) == len(flux) == 101


def test_what_a_killed_search_left_unfinished_is_removed_by_the_next(simulated, tmp_path):
    paths = sorted(map(str, simulated.glob("*-0120*.fits")))[:3]
    flags = [*paths, "--model_dir=pretrained:flares", "--engine=numpy", f"--output_dir={tmp_path}/out"]
    with subprocess.Popen([sys.executable, find_flares.__file__, *flags], stdout=subprocess.PIPE) as search:
        assert search.stdout.readline().startswith(paths[0].encode())  # the first of three is searched
        search.kill()
    unfinished = {f"{name}.csv.incomplete-{socket.gethostname()}-{search.pid}" for name in ("flares", "searched")}
    assert unfinished < {path.name for path in (tmp_path / "out").iterdir()}
    assert find_flares.main(flags) == 0
    assert not [path.name for path in (tmp_path / "out").iterdir() if "incomplete" in path.name or "lock" in path.name]
    assert len(rows(tmp_path / "out/searched.csv")) == 3
