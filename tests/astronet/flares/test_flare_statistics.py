import csv

import numpy as np
import pytest

from astronet.data.records import preprocess
from astronet.flares import (
    find_flares,
    flare_fit,
    flare_frequency,
    frequency,
    injection,
    injection_recovery,
    light_curves,
    mask,
    recovery,
)
from light_curve_util import tess_io
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.view_generator import ViewGenerator


def column(path, name):
    with open(path, newline="") as file:
        return np.array([float(row[name] or "nan") for row in csv.DictReader(file)])


@pytest.fixture(scope="module")
def injected(simulated, model_dir, tmp_path_factory):
    directory = tmp_path_factory.mktemp("injected")
    paths = sorted(map(str, simulated.glob("*.fits")))[:3]
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={directory}", "--num_flares=60"]
    assert injection_recovery.main([*paths, *flags]) == 0
    return directory


def test_bright_flares_are_found_and_faint_ones_are_not(injected):
    path = injected / "injections.csv"
    in_noise = column(path, "amplitude") / column(path, "noise")
    is_found = column(path, "is_found")
    assert len(is_found) == 180
    assert is_found[in_noise > 30].mean() > 0.9 > 0.5 > is_found[in_noise < 2].mean()
    found = column(injected / "completeness.csv", "found")
    assert found.sum() == is_found.sum() and (injected / "completeness.png").stat().st_size > 10_000


def test_injections_are_the_same_for_the_same_seed(injected, simulated, model_dir, tmp_path):
    paths = sorted(map(str, simulated.glob("*.fits")))[:3]
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}", "--num_flares=60"]
    assert injection_recovery.main([*paths, *flags]) == 0
    assert (tmp_path / "injections.csv").read_bytes() == (injected / "injections.csv").read_bytes()


def test_measured_amplitudes_are_the_injected_ones(injected):
    path = injected / "injections.csv"
    bright = (column(path, "is_found") == 1) & (column(path, "duration_minutes") > 4)
    ratios = (column(path, "measured_amplitude") / column(path, "amplitude"))[bright]
    assert bright.sum() > 50 and np.median(ratios) == pytest.approx(1, abs=0.1)


def test_a_flare_is_found_only_if_it_is_significant(injected):
    path = injected / "injections.csv"
    expected = (column(path, "probability") >= 0.5) & (np.nan_to_num(column(path, "significance")) >= 5)
    np.testing.assert_array_equal(column(path, "is_found"), expected)


def test_peaks_that_spoc_would_flag_are_lost_where_quality_drops_them(simulated, model_dir, tmp_path, capsys):
    path = str(sorted(simulated.glob("*.fits"))[0])
    noise = flare_fit.noise_of(tess_io.read(path, clip=False).flux)
    flags = [path, f"--model_dir={model_dir}", "--average", "--num_flares=40", "--durations", "1", "2"]
    flags += ["--amplitudes", str(12 * noise), str(20 * noise)]
    ratios = {}
    for quality in ("default", "flares"):
        assert injection_recovery.main([*flags, f"--quality={quality}", f"--output_dir={tmp_path}/{quality}"]) == 0
        assert " flares with a peak that SPOC would flag: " in capsys.readouterr().out
        table = tmp_path / quality / "injections.csv"
        flagged = column(table, "num_flagged") > 0
        assert 10 < flagged.sum() < 40
        measured = np.nan_to_num(column(table, "measured_amplitude")[flagged])  # 0 where it is not found at all
        ratios[quality] = np.median(measured / column(table, "amplitude")[flagged])
    assert ratios["default"] < 0.7 < ratios["flares"] < 1.3


def test_lone_bright_cadences_are_impulsive_outliers():
    flux = 1 + 0.001 * np.random.default_rng(0).normal(size=1000)
    flux[[100, 200, 201, 300]] += 0.02, 0.02, 0.02, -0.02
    np.testing.assert_array_equal(np.flatnonzero(injection.impulsive_outliers(flux)), [100])


def test_places_a_window_apart_are_those_of_a_search_one_by_one():
    candidates = np.random.default_rng(0).permutation(5000)
    expected = []
    for candidate in candidates:
        if len(expected) < 15 and all(abs(candidate - other) > 200 for other in expected):
            expected.append(candidate)
    assert recovery.apart(candidates, 15, 5000) == expected


def test_one_bad_light_curve_costs_no_other(simulated, model_dir, tmp_path, capsys):
    (tmp_path / "bad_lc.fits").write_bytes(b"no FITS")
    path = str(sorted(simulated.glob("*.fits"))[0])
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out", "--num_flares=5"]
    assert injection_recovery.main([f"{tmp_path}/bad_lc.fits", path, *flags]) == 1
    printed = capsys.readouterr()
    assert "bad_lc.fits" in printed.err and "bad_lc.fits" in (tmp_path / "out/skipped.csv").read_text()
    assert f"{path}: " in printed.out and len(column(tmp_path / "out/injections.csv", "amplitude")) == 5


@pytest.mark.parametrize(
    "flag", ["--seed=-1", "--num_flares=0", "--num_bins=1000000", "--durations 1 nan", "--amplitudes 0 1"]
)
def test_arguments_of_injections_are_checked_before_any_work(simulated, model_dir, tmp_path, flag):
    path = str(sorted(simulated.glob("*.fits"))[0])
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/out"]
    with pytest.raises(SystemExit):
        injection_recovery.main([path, *flags, *flag.split()])
    assert not (tmp_path / "out").exists()


def write_found(directory, flares, days="10"):
    directory.mkdir()
    (directory / "flares.csv").write_text("equivalent_duration,energy_erg,is_significant\n" + flares)
    (directory / "searched.csv").write_text(f"days_searched\n{days}\n")
    return str(directory)


def test_flares_that_are_not_significant_are_not_counted(tmp_path, capsys):
    found = write_found(tmp_path / "found", "1,,1\n2,,1\n4,,1\n3,,0\n,,0\n,,1\n")
    assert flare_frequency.main([found, f"--output_dir={tmp_path}/out"]) == 0
    assert (
        "3 flares in 10.00 days (2 not significant and 1 without equivalent_duration left out)"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "flares, days, message",
    [
        ("x,,1\n", "10", "row 1: equivalent_duration is 'x', no finite number: make the table again"),
        ("inf,,1\n", "10", "row 1: equivalent_duration is 'inf', no finite number"),
        ("1,1\n", "10", "row 1: it has 2 cells, the header has 3"),
        ("1,,0\n", "10", "can be counted (1 not significant and 0 without"),
        ("1,,1\n", "0", "can be counted"),
    ],
)
def test_a_table_of_flares_that_cannot_be_used_says_why(tmp_path, capsys, flares, days, message):
    assert flare_frequency.main([write_found(tmp_path / "found", flares, days), f"--output_dir={tmp_path}/out"]) == 1
    assert message in capsys.readouterr().err


def test_slope_of_a_power_law_is_recovered():
    random = np.random.default_rng(0)
    sizes = random.pareto(0.8, 4000) + 1
    slope, error, number = frequency.fit_power_law(sizes, 1.0)
    assert number == 4000 and abs(slope - 0.8) < 3 * error < 0.06


def test_correction_for_completeness_recovers_the_slope_of_a_search_that_misses_small_flares():
    random = np.random.default_rng(1)
    sizes = random.pareto(0.8, 6000) + 1

    def share(sizes):
        return 1 / (1 + (3 / sizes) ** 2)

    found = sizes[random.random(len(sizes)) < share(sizes)]
    tried = np.exp(random.uniform(0, np.log(1000), 4000))
    of_size = frequency.completeness_by_size(tried, random.random(len(tried)) < share(tried))
    uncorrected, _, _ = frequency.fit_power_law(found, 1.5)
    shares = np.interp(np.log(found), *of_size)
    corrected, error, _ = frequency.fit_power_law(found, 1.5, 1 / shares)
    assert abs(uncorrected - 0.8) > 0.1
    assert abs(corrected - 0.8) < 0.06 and error < 0.03


def test_flare_frequency_of_a_search(injected, simulated, model_dir, tmp_path, capsys):
    paths = sorted(map(str, simulated.glob("*.fits")))[:3]
    flags = [f"--model_dir={model_dir}", "--average", f"--output_dir={tmp_path}/found"]
    assert find_flares.main([*paths, *flags]) == 0
    given = [f"{tmp_path}/found", f"--injections={injected}/injections.csv", f"--output_dir={tmp_path}/rate"]
    assert flare_frequency.main(given) == 0
    rate = column(tmp_path / "rate/flare_frequency.csv", "rate_found")
    days = column(tmp_path / "found/searched.csv", "days_searched").sum()
    assert rate[-1] * days == pytest.approx(len(rate), rel=1e-4)
    corrected = column(tmp_path / "rate/flare_frequency.csv", "rate_corrected")
    assert np.nanmin(corrected - rate) > -1e-9
    assert (tmp_path / "rate/flare_frequency.png").stat().st_size > 10_000
    assert flare_frequency.main([*given, "--by=energy_erg"]) == 1
    assert "correct with --by=equivalent_duration" in capsys.readouterr().err


def test_mask_takes_flares_and_their_tails_and_leaves_the_rest(simulated, model_dir):
    path = sorted(simulated.glob("*.fits"))[0]
    light_curve = tess_io.read(path, clip=False)
    masked = mask.without_flares(light_curve, model_dir)
    dropped = np.setdiff1d(light_curve.time, masked.time)
    assert 0 < len(dropped) < 0.2 * len(light_curve.time)
    flares = [float(t) for t, d in zip(*_catalogued(simulated, light_curves.star(path).tic_id)) if d > 10]
    assert all(np.abs(dropped - peak).min() < 2 / 720 for peak in flares)
    probability = np.zeros(1000)
    probability[500:510] = 1
    time = 1325 + np.arange(1000) / 720
    np.testing.assert_array_equal(np.flatnonzero(mask.flagged(time, probability, 0.5)), np.arange(499, 515))


def _catalogued(simulated, tic_id):
    with open(simulated / "flares.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["tic_id"]) == tic_id]
    return [float(row["peak_time"]) for row in rows], [float(row["equivalent_duration"]) for row in rows]


def test_views_are_made_without_the_flares(simulated, model_dir):
    path = str(sorted(simulated.glob("*.fits"))[0])
    event = PeriodicEvent(1326.0, 0.7, 0.08)
    masked = mask.without_flares(tess_io.read(path), model_dir)
    expected = ViewGenerator(masked.time, masked.flux, event).view("global_view", 201)
    settings = preprocess.Settings({"global_view": 201}, mask_flares=mask.of_directory(str(model_dir)))
    np.testing.assert_array_equal(preprocess.make_views(path, event, settings)["global_view"], expected)
    plain = preprocess.make_views(path, event, preprocess.Settings({"global_view": 201}))["global_view"]
    assert np.any(plain != expected)


def test_the_ensemble_that_comes_with_the_package_finds_bright_flares(simulated, tmp_path):
    paths = sorted(map(str, simulated.glob("*.fits")))[:4]
    flags = ["--model_dir=pretrained:flares", f"--output_dir={tmp_path}", "--engine=numpy"]
    assert find_flares.main([*paths, *flags]) == 0
    stars, starts, ends = (column(tmp_path / "flares.csv", name) for name in ("tic_id", "start", "end"))
    num_bright = 0
    for tic_id in (1001, 1002, 1003, 1004):
        for peak in (t for t, d in zip(*_catalogued(simulated, tic_id)) if d > 10):
            num_bright += 1
            assert np.any((stars == tic_id) & (starts - 3 / 720 < peak) & (peak < ends + 3 / 720))
    assert num_bright
