"""From a cube to its companions."""

import csv
import re
import shutil

import numpy as np
import pytest
from astropy.io import fits

from astronet.base import locks
from astronet.direct_imaging import detect_companions, detection, generate_patch_records

FLAGS = (
    *(
        "--model=sodirf",
        "--num_companions=60",
        "--num_speckles=240",
        "--num_levels=5",
        "--seed=3",
        "--snr_range",
        "3",
        "8",
        "--prior=0.2",
    ),
    *("--num_worker_processes=1", "--num_threads=1"),
)


def detect(cube, directory, *flags):
    files = (str(cube / f"{name}.fits") for name in ("cube", "psf", "angles"))
    return detect_companions.main([*files, f"--output_dir={directory}", *FLAGS, *flags])


@pytest.fixture(scope="module")
def tiny(simulate):
    return simulate("--companions", "12,140,1e-3")


@pytest.fixture(scope="module")
def found(tiny, tmp_path_factory):
    directory = tmp_path_factory.mktemp("found")
    assert detect(tiny, directory) == 0
    return directory


def rows(directory):
    with open(directory / "detections.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_companion_is_found_where_it_is(found):
    surest = rows(found)[0]
    assert float(surest["separation_px"]) == pytest.approx(12, abs=0.7)
    assert float(surest["position_angle_deg"]) == pytest.approx(140, abs=4)
    assert float(surest["contrast"]) == pytest.approx(1e-3, rel=0.3)
    assert float(surest["probability"]) > 0.9
    # In an image with north up and east left: 140 degrees are to the lower left.
    assert float(surest["x"]) < 20 and float(surest["y"]) < 20


def test_the_maps_are_fits_files_of_the_sky(found):
    probability, above = (fits.getdata(found / f"{name}_map.fits") for name in ("probability", "detection"))
    surest = rows(found)[0]
    at = round(float(surest["y"])), round(float(surest["x"]))
    assert probability.shape == above.shape == (41, 41)
    assert probability[at] == above[at] >= 0.9
    assert np.isnan(probability[20, 20]) and np.isnan(probability[0, 0])
    assert ((above > 0) == (np.nan_to_num(probability) >= 0.9)).all()
    assert (found / "detections.png").read_bytes().startswith(b"\x89PNG")


def test_a_second_run_makes_nothing_again(tiny, found, tmp_path, capsys):
    before = rows(found)
    assert detect(shutil.copytree(tiny, tmp_path / "elsewhere"), found) == 0
    printed = capsys.readouterr().out
    assert "made before, from the same cube" in printed
    assert "is finished" in printed
    assert "is right" in printed  # the sign of the angles
    assert rows(found) == before


def test_flipped_angles_are_told_and_show_no_companion(tiny, found, tmp_path, capsys):
    assert detect(tiny, tmp_path, "--flip_angles", "--model_dir", str(found / "sodirf")) == 0
    assert "WARNING: the sign of the parallactic angles looks wrong" in capsys.readouterr().err
    assert not [row for row in rows(tmp_path) if abs(float(row["separation_px"]) - 12) < 1]


def test_the_prior_shifts_all_probabilities_alike(tiny, found, tmp_path):
    flags = "--model_dir", str(found / "sodirf"), "--num_measured=0", "--prior=0.001"
    assert detect(tiny, tmp_path, *flags) == 0
    rare, trained = (fits.getdata(directory / "probability_map.fits") for directory in (tmp_path, found))
    seen = (trained > 0.001) & (trained < 0.99)
    log_odds = [np.log(p[seen] / (1 - p[seen])) for p in (rare, trained)]
    assert seen.sum() > 50
    np.testing.assert_allclose(log_odds[0] - log_odds[1], np.log(0.001 / 0.999) - np.log(0.2 / 0.8), atol=2e-3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model_dir=pretrained:flares",), "is not for direct images"),
        (("--model_dir=nowhere",), "nowhere"),
        (("--snr_range", "2", "1"), "--snr_range"),
    ],
)
def test_what_cannot_be_is_told(tiny, tmp_path, capsys, flags, message):
    assert detect(tiny, tmp_path, *flags) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "flag",
    [
        *("--threshold=2", "--threshold=nan", "--threshold=1", "--prior=0", "--angle_offset=nan", "--star_flux=inf"),
        *("--seed=-1", "--seed=99999999999", "--num_levels=1000", "--num_companions=0", "--num_speckles=1e9"),
        *("--num_models=-2", "--num_threads=-1", "--num_measured=-1", "--num_components=0", "--num_worker_processes=0"),
    ],
)
def test_a_number_that_cannot_be_is_refused_before_any_work(tiny, tmp_path, capsys, flag):
    with pytest.raises(SystemExit):
        detect(tiny, tmp_path / "out", flag)
    assert f"argument {flag.split('=')[0]}: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_refused_before_any_work(tiny, tmp_path, capsys):
    files = [str(tiny / "cube.fits"), str(tmp_path / "no.fits"), str(tiny / "angles.fits")]
    assert detect_companions.main([*files, f"--output_dir={tmp_path / 'out'}"]) == 1
    assert "no.fits" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_more_components_than_frames_are_refused(tiny, tmp_path, capsys):
    assert detect(tiny, tmp_path / "out", "--num_components=21") == 1
    assert "--num_components=21" in (told := capsys.readouterr().err) and "has 20 frames" in told
    assert not (tmp_path / "out").exists()


def test_no_input_is_overwritten(tiny, tmp_path, capsys):
    shutil.copy(tiny / "cube.fits", tmp_path / "probability_map.fits")
    others = [str(tiny / f"{name}.fits") for name in ("psf", "angles")]
    assert detect_companions.main([str(tmp_path / "probability_map.fits"), *others, f"--output_dir={tmp_path}"]) == 1
    assert "would overwrite" in capsys.readouterr().err
    assert (tmp_path / "probability_map.fits").read_bytes() == (tiny / "cube.fits").read_bytes()


def contents(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def again(found, tmp_path):
    """A copy of what was found, to be changed."""
    return shutil.copytree(found, tmp_path / "again")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--num_companions=61",), "--num_companions was 60, and is 61"),
        (("--seed=4",), "--seed was 3, and is 4"),
        (("--snr_range", "3", "9"), "--snr_range was 3 8, and is 3 9"),
        (("--angle_offset=1",), "--angle_offset was 0.0, and is 1.0"),
        (("--seed=4", "--model=sodinn"), "--seed was 3, and is 4"),
        (("--num_models=2",), "holds a single detector, and --num_models=2"),
    ],
)
def test_a_detector_of_other_samples_is_refused_before_anything_changes(tiny, again, capsys, flags, message):
    before = contents(again)
    assert detect(tiny, again, *flags) == 1
    error = capsys.readouterr().err
    assert message in error and str(again / "sodirf") in error and "another --output_dir" in error
    assert contents(again) == before


@pytest.mark.parametrize("name", ["cube", "psf", "angles"])
def test_a_detector_of_another_cube_is_refused_before_anything_changes(tiny, again, tmp_path, capsys, name):
    other = shutil.copytree(tiny, tmp_path / "other")
    with fits.open(other / f"{name}.fits", mode="update") as units:
        units[0].data *= np.float32(1.01)
    before = contents(again)
    assert detect(other, again) == 1
    assert f"{name.upper()} is not the file that they were made of" in capsys.readouterr().err
    assert contents(again) == before


def test_samples_of_another_version_are_not_taken(tiny, again, capsys, monkeypatch):
    monkeypatch.setattr("astronet.base.version.VERSION", "99.0")
    assert detect(tiny, again) == 1
    assert "and is 99.0" in capsys.readouterr().err


def test_samples_without_a_detector_or_with_damage_are_made_again(simulate, tmp_path, capsys):
    small = simulate("--size=25", "--fwhm=2.5", "--rotation_deg=130")
    few = "--num_companions=6", "--num_speckles=18", "--num_measured=0"
    files = [str(small / f"{name}.fits") for name in ("cube", "psf", "angles")]
    made = [*files, "--snr_range", "3", "8", "--num_levels=5", "--seed=3", "--num_worker_processes=1", *few[:2]]
    assert generate_patch_records.main([*made, f"--output_dir={tmp_path / 'records'}"]) == 0
    before = contents(tmp_path / "records")
    assert detect(small, tmp_path, "--seed=4", *few) == 0  # of other samples, with which no detector is lost
    after = contents(tmp_path / "records")
    assert after.keys() == before.keys()
    assert [path.name for path in after if after[path] == before[path]] == []
    shard = next((tmp_path / "records").glob("test-*"))
    shard.write_bytes(after[shard][:-1])
    capsys.readouterr()
    assert detect(small, tmp_path, "--seed=4", *few) == 0
    printed = capsys.readouterr().out
    assert "made before" not in printed and "is finished" in printed
    assert contents(tmp_path / "records") == after


def test_a_forest_that_was_killed_before_it_was_judged_is_gone_on_with(tiny, found, again):
    shutil.rmtree(again / "sodirf" / "best")
    (again / "sodirf" / "last_evaluation.json").unlink()
    assert detect(tiny, again, "--num_measured=0") == 0
    maps = [fits.getdata(directory / "probability_map.fits") for directory in (again, found)]
    np.testing.assert_array_equal(*maps)


def test_two_searches_in_one_directory_are_refused(tiny, tmp_path, capsys):
    with locks.exclusive(tmp_path / "out"):
        assert detect(tiny, tmp_path / "out") == 1
    assert "out is in use" in capsys.readouterr().err


def test_a_detector_for_another_fwhm_is_refused(simulate, found, tmp_path, capsys):
    wide = simulate("--size=61", "--fwhm=5.6", "--companions")
    assert detect(wide, tmp_path, "--model_dir", str(found / "sodirf")) == 1
    assert "is for patches of 7 pixels" in capsys.readouterr().err


def test_pixels_are_grouped_into_detections():
    probabilities = np.full([30, 30], np.nan)
    probabilities[2:28, 2:28] = 0.01
    probabilities[5, 6:9] = 0.95, 0.99, 0.95
    probabilities[5, 11] = 0.92  # beside them: the same
    probabilities[20, 20] = 0.999
    first, second = detection.detections(probabilities, 0.9, 4.0)
    assert (first.x, first.y, first.num_pixels, first.probability) == (20, 20, 1, 0.999)
    assert (second.num_pixels, second.probability) == (4, 0.99)
    assert (second.x, second.y) == (pytest.approx(8, abs=1), pytest.approx(5))
    assert detection.detections(probabilities, 0.9999, 4.0) == []


def test_how_many_test_companions_would_be_detected_is_told(tiny, found, capsys):
    assert detect(tiny, found) == 0
    printed = re.search(
        r"^of (\d+) companions injected for test .*, (\d+) would be .* (\S+) at most$", capsys.readouterr().out, re.M
    )
    number, detected, most = int(printed[1]), int(printed[2]), float(printed[3])
    with open(found / "records" / "samples.csv", newline="") as file:
        kept = [row for row in csv.DictReader(file) if row["shard"].startswith("test")]
    assert number == sum(row["Disposition"] == "companion" for row in kept)
    assert 0 < detected < number and 0.9 <= most <= 1


def test_a_detector_that_would_detect_no_test_companion_is_told(tiny, found, tmp_path, capsys):
    shutil.copytree(found, tmp_path / "again")
    assert detect(tiny, tmp_path / "again", "--prior=1e-9", "--num_measured=0") == 0
    printed = capsys.readouterr().err
    assert "WARNING: of " in printed and "none would be detected" in printed and "--threshold" in printed
