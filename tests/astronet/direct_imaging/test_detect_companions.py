"""From a cube to its companions."""

import csv
import re
import shutil

import numpy as np
import pytest
from astropy.io import fits

from astronet.direct_imaging import detect_companions, detection

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


def test_a_second_run_makes_nothing_again(tiny, found, capsys):
    before = rows(found)
    assert detect(tiny, found) == 0
    told = capsys.readouterr().out
    assert "made before, from the same cube" in told
    assert "is finished" in told
    assert "is right" in told  # the sign of the angles
    assert rows(found) == before


def test_flipped_angles_are_told_and_show_no_companion(tiny, found, tmp_path, capsys):
    assert detect(tiny, tmp_path, "--flip_angles", "--model_dir", str(found / "sodirf")) == 0
    assert "WARNING: the sign of the parallactic angles looks wrong" in capsys.readouterr().out
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
    ("flags", "told"),
    [
        (("--model_dir=pretrained:flares",), "is not for direct images"),
        (("--model_dir=nowhere",), "nowhere"),
        (("--threshold=2",), "--threshold"),
        (("--snr_range", "2", "1"), "--snr_range"),
    ],
)
def test_what_cannot_be_is_told(tiny, tmp_path, capsys, flags, told):
    assert detect(tiny, tmp_path, *flags) == 1
    assert told in capsys.readouterr().err


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
    told = re.search(
        r"^of (\d+) companions injected for test .*, (\d+) would be .* (\S+) at most$", capsys.readouterr().out, re.M
    )
    number, detected, most = int(told[1]), int(told[2]), float(told[3])
    with open(found / "records" / "samples.csv", newline="") as file:
        kept = [row for row in csv.DictReader(file) if row["shard"].startswith("test")]
    assert number == sum(row["Disposition"] == "companion" for row in kept)
    assert 0 < detected < number and 0.9 <= most <= 1


def test_a_detector_that_would_detect_no_test_companion_is_told(tiny, found, tmp_path, capsys):
    shutil.copytree(found, tmp_path / "again")
    assert detect(tiny, tmp_path / "again", "--prior=1e-9", "--num_measured=0") == 0
    told = capsys.readouterr().out
    assert "WARNING: of " in told and "none would be detected" in told and "--threshold" in told
