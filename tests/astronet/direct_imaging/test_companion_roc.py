"""Detectors compared on injected companions."""

import csv
import shutil

import numpy as np
import pytest
from astropy.io import fits

from astronet.direct_imaging import companion_roc, detect_companions, detection, roc
from astronet.direct_imaging.injected_maps import LLSG, PCA
from astronet.estimator import checkpoints
from astronet.stats import calibration

TINY = ("--size=25", "--num_frames=20", "--fwhm=2.5", "--rotation_deg=130")
BRIGHT = ("--snr_range", "5", "6")
FOREST = ("--model=sodirf", "--num_companions=30", "--num_speckles=90", "--num_levels=5", "--num_threads=1")


def files(directory):
    return [str(directory / f"{name}.fits") for name in ("cube", "psf", "angles")]


@pytest.fixture(scope="module")
def empty(simulate):
    return simulate(*TINY, "--companions")


@pytest.fixture(scope="module")
def forest(empty, tmp_path_factory):
    """Directory of a forest that knows the small cube."""
    directory = tmp_path_factory.mktemp("forest")
    flags = [*FOREST, *BRIGHT, "--num_worker_processes=1", "--num_measured=0"]
    assert detect_companions.main([*files(empty), f"--output_dir={directory}", *flags]) == 0
    return directory / "sodirf"


@pytest.fixture(scope="module")
def compare(empty, forest, tmp_path_factory):
    """Function (*flags) -> directory of a comparison."""

    def compare(*flags):
        directory = tmp_path_factory.mktemp("roc")
        flags = [f"--output_dir={directory}", "--model_dirs", f"forest={forest}", "--num_worker_processes=1", *flags]
        assert companion_roc.main([*files(empty), *flags]) == 0
        return directory

    return compare


@pytest.fixture(scope="module")
def bright(compare):
    return compare(*BRIGHT, "--separations", "3", "2", "--num_maps=3", "--threshold=0.5")


def rows(directory, name):
    with open(directory / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def points(directory, method, separation, false_positives):
    """True positive rates, and the column of false positives that is named, of a ROC."""
    own = [row for row in rows(directory, "roc") if (row["method"], row["separation"]) == (method, str(separation))]
    return np.array([[float(row[key]) for key in ("true_positive_rate", false_positives)] for row in own]).T


def test_bright_companions_are_found_before_any_speckle(bright):
    for separation in (2, 3):
        for method in (PCA, LLSG, "forest"):
            shares, false_positives = points(bright, method, separation, "of_these_in_annulus")
            assert max(shares[false_positives == 0], default=0) >= 0.6, (method, separation)


def test_all_is_written(bright):
    assert (bright / "roc.png").stat().st_size > 10_000
    listed = rows(bright, "candidates")
    assert {row["method"] for row in listed} == {PCA, LLSG, "forest"}
    maps = {(n, str(i)) for n in "23" for i in range(3)}
    assert {(row["separation"], row["map"]) for row in listed} == maps | {(n, "") for n in "123"}
    assert not list(bright.glob("*incomplete*"))


def test_companions_are_where_and_what_is_asked_for(bright, read_cube, empty):
    cube = read_cube(empty)
    places = {}
    for row in rows(bright, "candidates"):
        if not row["map"]:
            continue  # nothing is injected
        x, y = float(row["injected_x"]) - cube.center, float(row["injected_y"]) - cube.center
        assert np.hypot(x, y) == pytest.approx(int(row["separation"]) * cube.fwhm, abs=0.02)
        assert 5 <= float(row["injected_snr"]) <= 6
        places[row["separation"], row["map"]] = np.arctan2(y, x)
    assert len(set(places.values())) == 6


def test_candidates_are_apart_and_one_of_a_map_is_the_companion(bright, read_cube, empty):
    fwhm = read_cube(empty).fwhm
    maps = {}
    for row in rows(bright, "candidates"):
        # Without an injection, those of the whole frame are one map.
        key = (row["separation"], row["map"]) if row["map"] else "without"
        maps.setdefault((row["method"], key), []).append(row)
    for listed in maps.values():
        assert sum(row["is_companion"] == "1" for row in listed) <= 1
        assert all(float(row["distance_fwhm"]) <= 0.75 for row in listed if row["is_companion"] == "1")
        assert all((row["distance_fwhm"] == "") == (row["map"] == "") for row in listed)
        at = np.array([(float(row["x"]), float(row["y"])) for row in listed])
        distance = np.hypot(*(at[:, np.newaxis] - at).T)
        assert distance[~np.eye(len(at), dtype=bool)].min() >= fwhm
        scores = [float(row["score"]) for row in listed]
        assert scores == sorted(scores, reverse=True)


def test_the_roc_is_what_the_candidates_say(bright):
    own = [row for row in rows(bright, "candidates") if row["method"] == PCA]
    of_companions = [row for row in own if row["separation"] == "2" and row["map"]]
    elsewhere = [row for row in own if row["separation"] != "2" and not row["map"]]
    for row in rows(bright, "roc"):
        if (row["method"], row["separation"]) == (PCA, "2"):

            def above(listed, threshold=float(row["threshold"])):
                return [each for each in listed if float(each["score"]) >= threshold]

            found = sum(each["is_companion"] == "1" for each in above(of_companions))
            in_annulus = (len(above(of_companions)) - found) / 3
            assert float(row["true_positive_rate"]) == pytest.approx(found / 3, abs=1e-4)
            assert float(row["of_these_in_annulus"]) == pytest.approx(in_annulus, abs=1e-4)
            in_frame = in_annulus + len(above(elsewhere))
            assert float(row["false_positives_per_map"]) == pytest.approx(in_frame, abs=1e-4)
            assert float(row["low"]) <= float(row["true_positive_rate"]) <= float(row["high"])


def test_false_positives_of_all_annuli_without_an_injection(bright):
    listed = rows(bright, "false_positives")
    assert [(row["method"], int(row["annulus"])) for row in listed] == [
        (method, number) for method in ("forest", PCA, LLSG) for number in range(1, 4)
    ]
    for row in listed:
        assert float(row["threshold"]) == (0 if row["method"] == "forest" else 5)  # the log-odds of 0.5
        assert 0 <= int(row["false_positives"]) <= int(row["candidates"])
        assert (int(row["false_positives"]) > 0) == (float(row["highest"]) >= float(row["threshold"]))
        assert (row["num_components"] == "") == (row["method"] == "forest")


def test_what_is_not_there_is_found_by_chance_alone(compare):
    directory = compare("--separations", "3", "--num_maps=10", "--snr_range", "0", "0.001", "--no_llsg")
    assert {row["method"] for row in rows(directory, "candidates")} == {PCA, "forest"}
    for method in (PCA, "forest"):
        shares, false_positives = points(directory, method, 3, "of_these_in_annulus")
        # Of the ring around the star, a companion's surroundings are a seventh.
        assert max(shares[false_positives <= 1], default=0) <= 0.5


def of_one_map(directory):
    """Candidates of the first map at 2 FWHM."""
    return [
        list(row.values()) for row in rows(directory, "candidates") if (row["separation"], row["map"]) == ("2", "0")
    ]


def test_same_seed_same_candidates_whatever_the_number_of_processes(compare, bright):
    again = compare(*BRIGHT, "--separations", "2", "--num_maps=1", "--num_worker_processes=2")
    assert of_one_map(again) == of_one_map(bright)


def test_a_run_that_was_stopped_is_taken_up(empty, forest, bright, tmp_path, capsys):
    detector = shutil.copytree(forest, tmp_path / "detector")
    flags = [*files(empty), f"--output_dir={tmp_path}", "--model_dirs", f"forest={detector}"]
    flags += [*BRIGHT, "--separations", "2", "--num_maps=1", "--no_llsg", "--seed=1", "--num_worker_processes=1"]
    (tmp_path / "roc.png").mkdir()  # what cannot be overwritten
    assert companion_roc.main(flags) == 1
    # A detector that is calibrated anew says something else.
    weights = checkpoints.sha256(detection.load(detector).checkpoints.values())
    calibration.save(detector, calibration.Calibration(temperature=2.0, checkpoints_sha256=weights))
    assert companion_roc.main(flags) == 1
    assert "resuming" not in capsys.readouterr().out
    (detector / "calibration.json").unlink()
    # So does another cube, under the same names.
    other = shutil.copytree(empty, tmp_path / "other")
    with fits.open(other / "angles.fits", mode="update") as units:
        units[0].data *= np.float32(1.01)
    assert companion_roc.main([*files(other), *flags[3:]]) == 1
    assert "resuming" not in capsys.readouterr().out
    (tmp_path / "roc.png").rmdir()
    capsys.readouterr()
    assert companion_roc.main(flags) == 0
    assert "resuming: 1 of 1 separations" in (told := capsys.readouterr().out) and "resuming: 4 of 4 maps" in told
    # Another seed, another companion.
    assert of_one_map(tmp_path)[0][-4:] != of_one_map(bright)[0][-4:]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model_dirs", "A={empty}"], "{empty}: no trained detector"),
        (["--model_dirs", "A=/no/where"], "/no/where: no trained detector"),
        (["--model_dirs", "A={forest}", "A={forest}"], "two methods of the name A"),
        (["--model_dirs", f"{PCA}={{forest}}"], f"two methods of the name {PCA}"),
        (["--model_dirs", "A={forest}", "--separations", "1", "9"], "none at 9"),
        (["--model_dirs", "A={forest}", "--snr_range", "3", "1"], "--snr_range"),
    ],
)
def test_what_cannot_be_is_refused(flags, message, empty, forest, tmp_path, capsys):
    flags = [flag.format(empty=empty, forest=forest) for flag in flags]
    assert companion_roc.main([*files(empty), f"--output_dir={tmp_path / 'out'}", *flags]) == 1
    assert message.format(empty=empty) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_the_cube_is_not_fit_for_is_told(simulated, forest, tmp_path, capsys):
    flags = ["--model_dirs", f"forest={forest}", "--num_worker_processes=1"]
    assert companion_roc.main([*files(simulated), f"--output_dir={tmp_path}", *flags]) == 1
    printed = capsys.readouterr().err
    assert "WARNING: something stands out" in printed  # it holds a companion
    assert "forest: the model is for patches of 5 pixels" in printed  # and has another FWHM


@pytest.mark.parametrize("flag", ["--prior=1", "--threshold=nan", "--snr_threshold=0", "--num_maps=0", "--seed=-1"])
def test_a_number_that_cannot_be_is_refused(flag, empty, tmp_path, capsys):
    with pytest.raises(SystemExit):
        companion_roc.main([*files(empty), f"--output_dir={tmp_path / 'out'}", "--model_dirs", "A=B", flag])
    assert f"argument {flag.split('=')[0]}: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_directory_without_a_name_is_refused(empty, forest, tmp_path, capsys):
    with pytest.raises(SystemExit):
        companion_roc.main([*files(empty), f"--output_dir={tmp_path}", "--model_dirs", str(forest)])
    assert "NAME=DIR" in capsys.readouterr().err


def test_a_plateau_is_one_candidate_in_its_middle():
    y, x = (each.ravel() for each in np.indices([21, 21]))
    scores = np.where(np.hypot(y - 8, x - 11) <= 3, 5.0, -np.hypot(y - 8, x - 11))
    found = roc.candidates(y, x, scores, 4.0)
    assert [(y[i], x[i]) for i in found if scores[i] > 0] == [(8, 11)]
