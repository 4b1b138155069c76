"""Cubes are read as VIP has them; what cannot be used is refused, with the file and the remedy."""

import shutil

import numpy as np
import pytest
from astropy.io import fits

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError
from astronet.direct_imaging import cube

FRAMES = np.random.default_rng(0).normal(100, 1, [8, 31, 31])
ANGLES = np.linspace(-30, 50, 8)
Y, X = np.indices([21, 21])
FWHM = 4.0


def star(dy=0.0, dx=0.0, fwhm=FWHM):
    return 50 * np.exp(-4 * np.log(2) * ((Y - 10 - dy) ** 2 + (X - 10 - dx) ** 2) / fwhm**2)


@pytest.fixture
def read(tmp_path):
    """Function (frames, psf, angles, **options) that writes three files and reads them as an AdiCube."""

    def read(frames=FRAMES, psf=None, angles=ANGLES, **options):
        values = {"cube": frames, "psf": star() if psf is None else psf, "angles": angles}
        for name, array in values.items():
            fits.writeto(tmp_path / f"{name}.fits", np.asarray(array))
        return cube.read(*(tmp_path / f"{name}.fits" for name in values), **options)

    return read


def test_what_is_read_is_what_was_written(read, capsys):
    found = read()
    np.testing.assert_array_equal(found.frames, FRAMES.astype(np.float32))
    np.testing.assert_array_equal(found.angles, ANGLES)
    assert (found.size, found.center, found.frames.dtype, found.angles.dtype) == (31, 15, np.float32, np.float64)
    assert found.rotation == pytest.approx(80)
    assert found.fwhm == pytest.approx(FWHM, rel=1e-4)
    # Half of a Gaussian's flux is within its half width, but for the width of the pixels.
    assert found.star_flux == pytest.approx(star().sum() / 2, rel=0.03)
    np.testing.assert_allclose(found.psf * found.star_flux, star(), atol=0.01)
    flipped = found.flipped()
    np.testing.assert_array_equal(flipped.angles, -ANGLES)
    assert flipped.frames is found.frames
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("shape", [(1, 8), (8, 1)])
def test_angles_may_have_an_axis_of_one(read, shape):
    np.testing.assert_array_equal(read(angles=ANGLES.reshape(shape)).angles, ANGLES)


def test_angles_that_pass_180_degrees_turn_by_little(read):
    assert read(angles=(ANGLES + 180) % 360).rotation == pytest.approx(80)


def test_an_offset_is_added_to_the_angles(read):
    np.testing.assert_array_equal(read(angle_offset=-100.0).angles, ANGLES - 100)


def test_the_star_of_an_even_frame_comes_to_the_central_pixel(read):
    frames = FRAMES[:, :30, :30].copy()
    frames[:, 15, 15] = 1000
    found = read(frames)
    assert found.frames.shape == (8, 29, 29)
    assert (found.frames[:, found.center, found.center] == 1000).all()


def test_the_psf_is_the_median_of_its_images(read):
    images = np.array([star(), star(), star()])
    images[1, 10, 10] = 9000
    found = read(psf=images)
    np.testing.assert_allclose(found.psf * found.star_flux, star(), atol=0.01)


@pytest.mark.parametrize(("dy", "dx"), [(0.6, -1.3), (0.0, 0.8), (2.0, 0.0)])
def test_a_psf_beside_its_center_is_centered(read, dy, dx):
    found = read(psf=star(dy, dx))
    np.testing.assert_allclose(found.psf * found.star_flux, star(), atol=0.05)


def test_the_psf_is_normalized_whatever_its_flux(read, tmp_path):
    first = read()
    # VIP itself takes fluxes between 0.9 and 1.1 for 1.
    fits.writeto(tmp_path / "psf.fits", star() * 1.08 / first.star_flux, overwrite=True)
    second = cube.read(*(tmp_path / f"{name}.fits" for name in ("cube", "psf", "angles")))
    assert second.star_flux == pytest.approx(1.08, rel=1e-5)
    np.testing.assert_allclose(second.psf, first.psf, atol=1e-6)


def test_the_psf_is_cropped_to_the_frames(read):
    assert read(FRAMES[:, 8:-8, 8:-8]).psf.shape == (15, 15)


def test_an_even_psf_becomes_odd(read):
    found = read(psf=np.pad(star(), [(1, 0), (1, 0)]))
    assert found.psf.shape == (21, 21)
    np.testing.assert_allclose(found.psf * found.star_flux, star(), atol=0.01)


def test_the_stars_flux_may_be_told(read):
    assert read(star_flux=1e6).star_flux == 1e6


@pytest.mark.parametrize("how", ["gaussian", "register"])
def test_frames_are_centered(read, how):
    shifts = np.random.default_rng(1).uniform(-1.5, 1.5, [8, 2])
    shifts[0] = 0
    stars = np.array([np.pad(star(*shift), 5) for shift in shifts])
    found = read(FRAMES - 100 + 20 * stars, recenter=how)
    for frame in found.frames:
        np.testing.assert_allclose(frame[5:-5, 5:-5], 20 * star(), atol=20)


def test_frames_without_a_star_cannot_be_centered(read):
    slope = np.broadcast_to(np.arange(31.0), [8, 31, 31])
    with pytest.raises(ScriptError, match="--recenter=gaussian: finds the star .* center the frames before"):
        read(FRAMES + slope, recenter="gaussian")


def with_gaps():
    frames = FRAMES.copy()
    frames[2, 3, 4] = np.nan
    frames[5, :2, 0] = np.inf
    return frames


def with_an_empty_frame():
    frames = FRAMES.copy()
    frames[3] = 7
    return frames


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"frames": FRAMES[0]}, r"cube.fits: has 2 axes \(31, 31\), instead of 3: frame, y, x$"),
        ({"frames": FRAMES[np.newaxis]}, r"cube.fits: has 4 axes .* integral field spectrograph are not supported"),
        ({"frames": FRAMES[:, 1:]}, "cube.fits: frames of 30 x 31 pixels: crop them"),
        ({"frames": FRAMES[:4]}, "cube.fits: 4 frames; at least 5 are needed"),
        ({"frames": with_gaps()}, r"cube.fits: 3 of 7688 values are NaN or infinite, in 2 of 8 frames \(2, 5, counted"),
        ({"angles": ANGLES[1:]}, "angles.fits: 7 angles for the 8 frames of .*cube.fits"),
        ({"angles": ANGLES.reshape(2, 4)}, r"angles.fits: has the shape \(2, 4\): give one angle"),
        ({"angles": np.where(ANGLES > 40, np.nan, ANGLES)}, "angles.fits: angles that are NaN .* frames 7 "),
        ({"angles": np.full(8, 17.0)}, "angles.fits: the sky turns by 0 deg in all"),
        ({"angles": np.radians(ANGLES)}, "angles.fits: the sky turns by 1.4 deg .* not radians"),
        ({"frames": np.zeros([8, 31, 31])}, "cube.fits: 8 of 8 frames have the same value everywhere"),
        ({"frames": with_an_empty_frame()}, r"cube.fits: 1 of 8 frames .* \(first frame 3, counted from 0\): leave"),
        ({"frames": np.broadcast_to(FRAMES[0], [8, 31, 31])}, "cube.fits: all frames are the same"),
        ({"frames": FRAMES * 1e38}, r"cube.fits: the greatest value is 1.03e\+40: give the frames in a unit"),
        ({"frames": FRAMES * 1e-40}, "cube.fits: the greatest value is 1.03e-38: give"),
        (
            {"angles": ANGLES + 58849.3},
            "angles.fits: the values reach from 58819.3 to 58899.3, beyond 720 deg: .* not their times",
        ),
        ({"psf": np.minimum(star(), 30)}, "psf.fits: 9 pixels have one and the same value, .* looks saturated"),
        ({"star_flux": 0.0}, "--star_flux=0: give"),
        ({"star_flux": np.inf}, "--star_flux=inf: give"),
        ({"star_flux": np.nan}, "--star_flux=nan: give"),
        ({"angle_offset": np.nan}, "--angle_offset=nan: give"),
        ({"psf": np.ones([1, 1])}, "psf.fits: 1 x 1 pixels: give an image of the star that is a few FWHM wide"),
        ({"psf": np.ones([3, 3])}, "psf.fits: 3 x 3 pixels: give"),
        ({"psf": 1.0 * ((X == 10) & (Y == 10))}, "psf.fits: no star with a full width at half maximum between 1"),
        ({"psf": star()[np.newaxis, np.newaxis]}, "psf.fits: has 4 axes"),
        ({"psf": star()[:, 1:]}, "psf.fits: 21 x 20 pixels: crop it to a square"),
        ({"psf": np.where(X == 3, np.nan, star())}, "psf.fits: 21 of 441 values are NaN"),
        ({"psf": -star()}, "psf.fits: is not positive"),
        ({"psf": np.zeros([21, 21])}, "psf.fits: is not positive"),
        ({"psf": star(5, -4)}, r"psf.fits: the star is -4.0, \+5.0 px .* crop the image around it"),
        ({"psf": star(fwhm=30)}, "psf.fits: no star with a full width at half maximum between 1 and 10.5 px"),
        ({"psf": np.ones([21, 21])}, "psf.fits: no star"),
    ],
)
def test_what_cannot_be_used_is_refused(read, given, error):
    with pytest.raises(ScriptError, match=error):
        read(**given)


def refuse(directory, error):
    with pytest.raises(ScriptError, match=error):
        cube.read(*(directory / f"{name}.fits" for name in ("cube", "psf", "angles")))


def test_files_that_cannot_be_read_are_named(simulated, tmp_path):
    shutil.copytree(simulated, tmp_path, dirs_exist_ok=True)
    whole = (tmp_path / "cube.fits").read_bytes()
    (tmp_path / "cube.fits").write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path, "cube.fits: cannot be read as a FITS file .* download or write it again")
    (tmp_path / "cube.fits").write_bytes(b"")
    refuse(tmp_path, "cube.fits: cannot be read as a FITS file")
    (tmp_path / "cube.fits").write_text("no cube, at all")
    refuse(tmp_path, "cube.fits: cannot be read as a FITS file")
    units = [fits.PrimaryHDU(), fits.ImageHDU(FRAMES, name="SCI"), fits.ImageHDU(FRAMES, name="ERR")]
    fits.HDUList(units).writeto(tmp_path / "cube.fits", overwrite=True)
    refuse(tmp_path, r"cube.fits: has no image in its first HDU, .* extensions 1 \(SCI\), 2 \(ERR\) may be meant: copy")
    fits.HDUList([fits.PrimaryHDU()]).writeto(tmp_path / "cube.fits", overwrite=True)
    refuse(tmp_path, "cube.fits: has no image in its first HDU: ")
    table = fits.BinTableHDU.from_columns([fits.Column("PARANG", "D", array=ANGLES)])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "cube.fits", overwrite=True)
    refuse(tmp_path, "cube.fits: has no image in its first HDU")
    (tmp_path / "cube.fits").unlink()
    refuse(tmp_path, "cube.fits: no such file")


def test_the_image_of_the_only_extension_is_read(read, tmp_path):
    expected = read().frames
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(FRAMES, name="SCI")]).writeto(tmp_path / "cube.fits", overwrite=True)
    found = cube.read(*(tmp_path / f"{name}.fits" for name in ("cube", "psf", "angles"))).frames
    np.testing.assert_array_equal(found, expected)


def parse(*argv):
    parser = Parser()
    cube.add_flags(parser)
    return arguments.from_flags(cube.CubeFiles, parser.parse_args(argv))


def write_files(directory, angles):
    frames = np.random.default_rng(0).normal(100, 1, [8, 211, 211])
    for name, values in (("cube", frames), ("psf", star()), ("angles", angles)):
        fits.writeto(directory / f"{name}.fits", values)
    return [str(directory / f"{name}.fits") for name in ("cube", "psf", "angles")]


@pytest.mark.parametrize("flags", [[], ["--angle_offset=100"], ["--flip_angles", "--angle_offset=-30"]])
def test_angles_that_look_like_radians_are_told(flags, tmp_path, caplog):
    parse(*write_files(tmp_path, np.radians(np.linspace(-30, 110, 8))), *flags).read_and_warn()
    logged = caplog.text
    assert "angles.fits: all angles are within 2 pi of zero, and the sky turns by 2.44 in all" in logged
    assert "which makes 140 deg" in logged


def test_angles_in_degrees_are_not_told_of(tmp_path, capsys):
    parse(*write_files(tmp_path, np.linspace(-4, 4, 8))).read_and_warn()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("flag", "error"),
    [
        ("--angle_offset=nan", "'nan' is not a number"),
        ("--angle_offset=1e6", "from -360 to 360 (degrees)"),
        ("--star_flux=inf", "'inf' is not a number above 0"),
        ("--star_flux=-3", "'-3' is not a number above 0"),
        ("--recenter=star", "invalid choice"),
    ],
)
def test_flags_that_no_cube_can_have_are_refused(flag, error, simulated, capsys):
    with pytest.raises(SystemExit):
        parse(*(str(simulated / f"{name}.fits") for name in ("cube", "psf", "angles")), flag)
    printed = capsys.readouterr().err
    assert flag.split("=")[0] in printed and error in printed


def test_the_flags_are_those_that_read_takes(simulated):
    paths = [str(simulated / f"{name}.fits") for name in ("cube", "psf", "angles")]
    found = parse(*paths, "--recenter=register", "--angle_offset=3", "--star_flux=7").read_and_warn()
    assert found.star_flux == 7
    assert found.angles[0] == fits.getdata(paths[2])[0] + 3


def test_beta_pictoris(naco):
    found = naco()
    assert found.frames.shape == (61, 101, 101)
    assert found.psf.shape == (39, 39)
    assert found.fwhm == pytest.approx(4.8, abs=0.01)
    assert found.rotation == pytest.approx(81.4, abs=0.1)
