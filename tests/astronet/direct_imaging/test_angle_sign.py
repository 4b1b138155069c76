"""The right sign of the parallactic angles is told by what adds up."""

import dataclasses

import numpy as np
import pytest

from astronet.direct_imaging import angle_sign


def test_the_sign_is_told_by_a_companion(simulated, read_cube):
    cube = read_cube(simulated)
    verdict, flipped = angle_sign.check(cube), angle_sign.check(cube.flipped())
    assert (verdict.sign, flipped.sign) == (angle_sign.OK, angle_sign.FLIPPED)
    assert np.hypot(verdict.given.x - 12.1, verdict.given.y - 10.6) < cube.fwhm / 2
    assert (flipped.other, flipped.given) == (verdict.given, verdict.other)
    assert verdict.given.snr > 6 > verdict.other.snr
    assert "is right" in str(verdict)
    assert "negate them" in str(flipped)
    assert f"x={verdict.given.x}, y={verdict.given.y}" in str(flipped)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_a_companion_nothing_is_claimed(simulate, read_cube, seed):
    verdict = angle_sign.check(read_cube(simulate("--companions", f"--seed={seed}")))
    assert verdict.sign == angle_sign.UNKNOWN
    assert "cannot be told" in str(verdict)


def test_what_stands_out_with_either_sign_proves_nothing(simulate, read_cube):
    # The sky turns by so little that a bright companion hardly moves.
    verdict = angle_sign.check(read_cube(simulate("--companions", "12,30,8e-3", "--rotation_deg=18")))
    assert verdict.sign == angle_sign.UNKNOWN
    assert verdict.other.relative > 1


def test_frames_without_any_light_are_no_proof(simulated, read_cube):
    cube = read_cube(simulated)
    dark = dataclasses.replace(cube, frames=np.zeros_like(cube.frames))
    with np.errstate(invalid="ignore", divide="ignore"):
        assert angle_sign.check(dark).sign == angle_sign.UNKNOWN


def test_beta_pictoris_b_tells_the_sign(naco):
    cube = naco()
    verdict = angle_sign.check(cube)
    assert verdict.sign == angle_sign.OK
    # Where it was seen: 17.7 px away at a position angle of 211 degrees (Absil et al. 2013, A&A 559, L12).
    assert np.hypot(verdict.given.x - cube.center, verdict.given.y - cube.center) == pytest.approx(17.7, abs=1.5)
    assert angle_sign.check(cube.flipped()).sign == angle_sign.FLIPPED


def test_without_beta_pictoris_b_nothing_is_claimed(naco):
    assert angle_sign.check(naco("naco_betapic_planet_removed")).sign == angle_sign.UNKNOWN
