"""The residuals of low-rank approximations: what they are, and that the fast way to a patch is the plain one."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astronet.direct_imaging import mlar, samples


@pytest.fixture(scope="module")
def cube(simulate, read_cube):
    return read_cube(simulate("--companions"))


@given(st.floats(1, 20))
def test_patches_are_two_fwhm_wide_and_have_a_middle(fwhm):
    size = mlar.patch_size(fwhm)
    assert size % 2 == 1
    assert abs(size - 2 * fwhm) <= 1


@given(st.integers(10, 60), st.floats(2, 8))
def test_annuli_lie_side_by_side_and_their_patches_within_the_frames(half, fwhm):
    size, seen = 2 * half + 1, set()
    for annulus in mlar.annuli(size, fwhm):
        y, x = annulus.centers(size)
        reach = mlar.patch_size(fwhm) // 2
        assert min(y.min(), x.min()) >= reach and max(y.max(), x.max()) < size - reach
        assert not seen & set(zip(y, x))
        seen |= set(zip(y, x))


def around(cube, annulus):
    """The pixels that are decomposed, [size, size] booleans, and their deviations from the mean, [frame, pixel]."""
    y, x = np.indices(cube.frames.shape[1:]) - cube.center
    margin = mlar.patch_size(cube.fwhm) // 2 * np.sqrt(2) + 4
    near = (np.hypot(y, x) >= annulus.inner - margin) & (np.hypot(y, x) < annulus.outer + margin)
    rows = cube.frames[:, near].astype(float)
    return near, rows - rows.mean(axis=0)


def test_ranks_are_the_fewest_components_that_explain_the_share(cube):
    annulus = mlar.annuli(cube.size, cube.fwhm)[1]
    residuals = mlar.Residuals(cube, annulus, 20)
    _, rows = around(cube, annulus)
    variance = np.linalg.svd(rows, compute_uv=False) ** 2
    shares = np.cumsum(variance) / variance.sum()
    for rank, least in zip(residuals.ranks, np.linspace(0.90, 0.99, 20)):
        assert shares[rank - 1] >= least
        assert rank == 1 or shares[rank - 2] < least


def test_images_are_what_vip_makes_of_the_residuals(cube):
    from vip_hci.preproc import cube_derotate

    annulus = mlar.annuli(cube.size, cube.fwhm)[2]
    residuals = mlar.Residuals(cube, annulus, 3)
    near, rows = around(cube, annulus)
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    rest = np.zeros_like(cube.frames)
    rank = residuals.ranks[1]
    rest[:, near] = rows - (left[:, :rank] * singular[:rank]) @ right[:rank]
    image = np.median(cube_derotate(rest, cube.angles, imlib="opencv", nproc=1), axis=0)
    at = annulus.centers(cube.size)
    assert np.corrcoef(residuals.images[1][at], image[at])[0, 1] > 0.9999


def test_a_patch_is_cut_from_the_image_of_the_cube_with_the_companion(cube):
    annulus = mlar.annuli(cube.size, cube.fwhm)[1]
    residuals = mlar.Residuals(cube, annulus, 5)
    y, x = (places[17] for places in annulus.centers(cube.size))
    companion = samples.inject(cube, y, x, 200.0)
    with_it = mlar.Residuals(dataclasses.replace(cube, frames=cube.frames + companion), annulus, 5)
    with_it.ranks = residuals.ranks
    half = residuals.patch_size // 2
    plain = mlar.scale(with_it.images[:, y - half : y + half + 1, x - half : x + half + 1])
    fast = residuals.patch(companion, y, x)
    assert np.abs(fast - plain).mean() < 0.01
    assert fast.shape == (5, residuals.patch_size, residuals.patch_size)


def test_a_bright_companion_is_in_the_middle_of_its_patch(cube):
    for annulus in mlar.annuli(cube.size, cube.fwhm)[1:]:
        residuals = mlar.Residuals(cube, annulus, 4)
        y, x = (places[5] for places in annulus.centers(cube.size))
        patch = residuals.patch(samples.inject(cube, y, x, 3000.0), y, x).mean(axis=0)
        middle = np.unravel_index(patch.argmax(), patch.shape)
        assert np.hypot(*(np.array(middle) - residuals.patch_size // 2)) <= 1


def test_patches_of_an_annulus_are_scaled_slice_by_slice(cube):
    annulus = mlar.annuli(cube.size, cube.fwhm)[0]
    y, x, patches = mlar.Residuals(cube, annulus, 4).patches()
    assert patches.shape == (len(y), 4, 7, 7) and patches.dtype == np.float32
    assert (patches.min(axis=(2, 3)) == 0).all() and (patches.max(axis=(2, 3)) == 1).all()


def test_a_patch_without_contrast_is_zero():
    assert (mlar.scale(np.full([2, 3, 3], 7.0)) == 0).all()
