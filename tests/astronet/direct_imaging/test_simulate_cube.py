"""Simulated cubes hold what their table says, and speckles that stay while the sky turns."""

import csv
import filecmp

import numpy as np
import pytest

from astronet.direct_imaging import cube as cubes
from astronet.direct_imaging import simulate_cube

FILES = ("angles.fits", "companions.csv", "cube.fits", "psf.fits")


def truth(directory):
    with open(directory / "companions.csv") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_files(simulate, simulated):
    same, other = simulate("--seed=0"), simulate("--seed=1")
    assert sorted(path.name for path in same.iterdir()) == list(FILES)
    assert filecmp.cmpfiles(simulated, same, FILES, shallow=False)[0] == list(FILES)
    assert filecmp.cmpfiles(simulated, other, ["cube.fits"], shallow=False)[1] == ["cube.fits"]


def test_the_companion_is_where_the_table_says_east_of_north(simulate, read_cube):
    from vip_hci.preproc import cube_derotate

    with_it = simulate("--companions", "10,60,0.05")
    without = simulate("--companions")
    companion, nothing = read_cube(with_it), read_cube(without)
    north_up = cube_derotate(companion.frames - nothing.frames, companion.angles).mean(axis=0)
    (row,) = truth(with_it)
    y, x = np.unravel_index(north_up.argmax(), north_up.shape)
    assert np.hypot(x - float(row["x"]), y - float(row["y"])) < 1
    # East is left where north is up.
    assert float(row["x"]) == pytest.approx(20 - 10 * np.sin(np.pi / 3), abs=1e-3)
    assert float(row["y"]) == pytest.approx(20 + 10 * np.cos(np.pi / 3), abs=1e-3)
    around = np.hypot(*(np.indices(north_up.shape) - np.array([y, x])[:, np.newaxis, np.newaxis])) < companion.fwhm / 2
    assert north_up[around].sum() / companion.star_flux == pytest.approx(0.05, rel=0.15)
    assert truth(without) == []


def test_the_sky_turns_and_speckles_stay(simulated, read_cube):
    cube = read_cube(simulated)
    assert cube.rotation == pytest.approx(80, abs=1e-3)
    assert (np.diff(cube.angles) > 0).all()
    distance = np.hypot(*(np.indices(cube.frames.shape[1:]) - cube.center))
    for near in (1, 2, 3):
        pixels = cube.frames[:, np.abs(distance / cube.fwhm - near) < 0.5]
        correlation = np.corrcoef(pixels)
        soon, late = np.diag(correlation, 1).mean(), np.diag(correlation, 12).mean()
        assert 0.75 < late < soon < 0.999
        # No single pattern explains how they change.
        variance = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False) ** 2
        assert variance[0] < 0.95 * variance.sum()


def test_the_companion_is_found_by_pca(simulated, read_cube):
    from vip_hci.metrics import snr
    from vip_hci.psfsub import pca

    cube = read_cube(simulated)
    (row,) = truth(simulated)
    image = pca(cube.frames, cube.angles, ncomp=5, svd_mode="lapack", imlib="opencv", verbose=False)
    assert 5 < snr(image, (float(row["x"]), float(row["y"])), cube.fwhm, verbose=False) < 20


def test_the_psf_is_that_of_the_star(simulated, read_cube):
    cube = read_cube(simulated)
    assert cube.fwhm == pytest.approx(3.5, rel=0.08)
    # The coronagraph takes away most of the star.
    assert cube.frames.mean(axis=0).max() < 0.05 * (cube.psf * cube.star_flux).max()


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--size=40"], "--size=40: give an odd number"),
        (["--size=15"], "--size=15: give an odd number, of at least 5 times --fwhm=4.6"),
        (["--num_frames=9999", "--size=2001"], "9999 frames of 2001 x 2001 px would take 961 GB of memory"),
        (["--companions", "50,0,1e-3"], "--companions=50,...,0.001: give a separation between 0 and 40 px"),
        (["--companions", "20,0,2"], "and a contrast between 0 and 1"),
    ],
)
def test_flags_out_of_range_are_refused(tmp_path, capsys, flags, error):
    assert simulate_cube.main([f"--output_dir={tmp_path}", *flags]) == 1
    assert error in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flag", "error"),
    [
        ("--num_frames=3", "an integer from 5 to"),
        ("--rotation_deg=0", "above 0 and at most 140 (degrees)"),
        ("--rotation_deg=nan", "'nan' is not a number"),
        ("--fwhm=1", "from 2 to 400 (pixels)"),
        ("--fwhm=inf", "'inf' is not a number"),
        ("--seed=-1", "'-1' is not an integer"),
        ("--size=1e9", "'1e9' is not an integer"),
        ("--size=99999", "too large"),
    ],
)
def test_numbers_that_no_cube_can_have_are_refused(tmp_path, capsys, flag, error):
    with pytest.raises(SystemExit):
        simulate_cube.main([f"--output_dir={tmp_path}", flag])
    printed = capsys.readouterr().err
    assert flag.split("=")[0] in printed and error in printed


@pytest.mark.parametrize("companion", ["20", "20,0", "a,b,c", "20,0,1e-3,4", "20,nan,1e-3", "20,0,inf"])
def test_a_companion_is_three_numbers(tmp_path, capsys, companion):
    with pytest.raises(SystemExit):
        simulate_cube.main([f"--output_dir={tmp_path}", "--companions", companion])
    assert "is not SEPARATION,ANGLE,CONTRAST" in capsys.readouterr().err


def test_frames_are_no_fewer_than_a_cube_needs(simulate, read_cube):
    directory = simulate(f"--num_frames={cubes.MIN_FRAMES}")
    assert len(read_cube(directory).frames) == cubes.MIN_FRAMES
