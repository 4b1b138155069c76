"""Samples of companions and speckles, and the records of them."""

import json

import numpy as np
import pytest
from astropy.io import fits

from astronet.data.records import leaks, tf_example, tfrecord
from astronet.direct_imaging import generate_patch_records, mlar, pca, samples

TINY = ("--size=31", "--companions", "7,140,1e-3")
FEW = ("--num_companions=12", "--num_speckles=30", "--num_levels=4")


@pytest.fixture(scope="module")
def tiny(simulate):
    return simulate(*TINY)


@pytest.fixture(scope="module")
def made(tiny, read_cube):
    cube = read_cube(tiny)
    counts = {"train": (20, 300), "val": (5, 10), "test": (5, 10)}
    return cube, samples.make(cube, mlar.annuli(cube.size, cube.fwhm)[1], counts, num_levels=4, seed=1)


def generate(cube, directory, *flags):
    files = (str(cube / f"{name}.fits") for name in ("cube", "psf", "angles"))
    return generate_patch_records.main([*files, f"--output_dir={directory}", *FEW, *flags])


def test_each_split_has_the_companions_and_speckles_asked_for(made):
    _, found = made
    for split, companions, speckles in (("train", 20, 300), ("val", 5, 10), ("test", 5, 10)):
        kinds = [sample.is_companion for sample in found if sample.split == split]
        assert (sum(kinds), len(kinds)) == (companions, companions + speckles)
    assert all(sample.patch.min() == 0 and sample.patch.max() == 1 for sample in found)
    assert all((sample.flux > 0) == (1 <= sample.snr <= 3) == sample.is_companion for sample in found)


def test_what_is_trained_on_lies_apart_from_the_rest(made):
    cube, found = made
    places = {
        kind: np.array([(s.x, s.y) for s in found if not s.is_companion and (s.split == "train") == kind])
        for kind in (True, False)
    }
    distances = np.hypot(*(places[True][:, np.newaxis] - places[False]).T)
    assert distances.min() >= cube.fwhm


def test_no_two_samples_are_the_same(made):
    _, found = made
    assert len({sample.patch.tobytes() for sample in found}) == len(found)


def test_companions_have_the_signal_to_noise_ratio_asked_for(tiny, read_cube):
    cube = read_cube(tiny).flipped()
    annulus = mlar.annuli(cube.size, cube.fwhm)[1]
    residuals = mlar.Residuals(cube, annulus)
    scale = samples.FluxScale(cube, residuals, 8.0, np.random.default_rng(0))
    assert scale.flux(0) == 0 < scale.flux(2) < scale.flux(4) < scale.flux(8)
    measured = []
    for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        y, x = cube.center + 7 * np.sin(turn), cube.center + 7 * np.cos(turn)
        added = samples.inject(cube, y, x, scale.flux(6))
        measured.append(pca.snrs(cube, np.unique(residuals.ranks), y, x, added).max())
    assert 3 < np.median(measured) < 12


def test_injected_flux_is_what_was_asked_for(tiny, read_cube):
    from vip_hci.metrics import aperture_flux

    cube = read_cube(tiny)
    added = samples.inject(cube, cube.center + 6, cube.center - 3, 50.0)
    turn = np.radians(cube.angles[0])
    y, x = 6 * np.cos(turn) + 3 * np.sin(turn), -3 * np.cos(turn) + 6 * np.sin(turn)
    assert aperture_flux(added[0], [cube.center + y], [cube.center + x], cube.fwhm)[0] == pytest.approx(50, rel=0.02)


def test_records_are_the_same_with_any_number_of_processes(tiny, tmp_path, capsys):
    assert generate(tiny, tmp_path / "one", "--num_worker_processes=1") == 0
    assert "train: 36 companions, 90 speckles" in capsys.readouterr().out
    assert generate(tiny, tmp_path / "two", "--num_worker_processes=2") == 0
    shards = sorted(path.name for path in (tmp_path / "one").glob("*-of-*"))
    assert len(shards) == 9  # of three annuli
    for name in shards:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert generate(tiny, tmp_path / "other", "--num_worker_processes=1", "--seed=1") == 0
    assert (tmp_path / "other" / shards[0]).read_bytes() != (tmp_path / "one" / shards[0]).read_bytes()

    train, evaluated = ([str(p) for p in (tmp_path / "one").glob(f"{split}-*")] for split in ("train", "[vt][ae][ls]*"))
    examples = [tf_example.from_serialized(record) for path in evaluated for record in tfrecord.read(path)]
    same_views, same_piece = leaks.Trained.from_files(train).find(examples)
    assert not same_views.any() and not same_piece.any()
    manifest = json.loads((tmp_path / "one/records.json").read_text())
    assert manifest["splits"]["train"]["dispositions"] == {"companion": 36, "speckle": 90}
    assert len((tmp_path / "one/samples.csv").read_text().splitlines()) == 1 + manifest["num_records"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--snr_range", "3", "1"), "--snr_range"),
        (("--num_companions=0",), "positive"),
    ],
)
def test_flags_that_cannot_be_are_refused(tiny, tmp_path, capsys, flags, message):
    try:
        assert generate(tiny, tmp_path / "records", *flags) == 1
    except SystemExit as stopped:
        assert stopped.code == 2
        message = "is not an integer from 1 to"
    assert message in capsys.readouterr().err
    assert not (tmp_path / "records").exists()


def test_frames_too_small_for_an_annulus_are_refused(tiny, tmp_path, capsys):
    for name in ("cube", "psf", "angles"):
        values = fits.getdata(tiny / f"{name}.fits")
        fits.writeto(tmp_path / f"{name}.fits", values[..., 8:-8, 8:-8] if name == "cube" else values)
    assert generate(tmp_path, tmp_path / "records") == 1
    assert "hold no annulus" in capsys.readouterr().err


def test_the_sign_of_the_angles_decides_on_the_samples(tiny, tmp_path):
    for name, flags in (("given", ()), ("flipped", ("--flip_angles",))):
        assert generate(tiny, tmp_path / name, "--num_worker_processes=1", *flags) == 0
    given, flipped = (json.loads((tmp_path / name / "records.json").read_text()) for name in ("given", "flipped"))
    assert given["settings"] == {**flipped["settings"], "flip_angles": False}
    shard = "train-00001-of-00003"
    assert (tmp_path / "given" / shard).read_bytes() != (tmp_path / "flipped" / shard).read_bytes()
