"""Checks the sign of the parallactic angles of a cube: the light of a companion adds up only with the right sign."""

from typing import NamedTuple

import numpy as np

from astronet.direct_imaging.cube import AdiCube

OK, FLIPPED, UNKNOWN = "ok", "flipped", "cannot tell"
_SIGMA = 5.0  # S/N of a companion; the highest speckles of an image reach 4.5
_LEAST_RATIO = 1.25  # of the peaks with one sign and with the other
_NUM_COMPONENTS = (5, 15)  # of the PCA; a third of the number of frames at most


class Peak(NamedTuple):
    """The pixel that stands out most in PCA images with north up.

    Attributes:
      relative: S/N divided by the S/N that a companion needs at this distance from the star.
      snr: S/N.
      x, y: pixel.
    """

    relative: float
    snr: float
    x: int
    y: int

    def __str__(self) -> str:
        return f"S/N {self.snr:.1f} at x={self.x}, y={self.y} ({self.snr / self.relative:.1f} is needed there)"


class Verdict(NamedTuple):
    """The result of a check; its str() is a line for the user.

    Attributes:
      sign: OK, FLIPPED or UNKNOWN.
      given: peak with the angles as they are given.
      other: peak with the other sign.
    """

    sign: str
    given: Peak
    other: Peak

    def __str__(self) -> str:
        if self.sign == OK:
            result = "the sign of the parallactic angles is right"
        elif self.sign == FLIPPED:
            result = "the sign of the parallactic angles looks wrong: negate them in their file"
        else:
            result = (
                "whether the sign of the parallactic angles is right cannot be told, for nothing stands out with one "
                "sign alone: check it with a known companion, seen by the same instrument"
            )
        return f"{result} (as given, the most is {self.given}; with the other sign, {self.other})"


def check(cube: AdiCube) -> Verdict:
    """Compares the PCA images of a cube with the angles as given and with the other sign; returns the verdict."""
    given, other = peak(cube), peak(cube.flipped())
    if given.relative >= max(1, _LEAST_RATIO * other.relative) and other.relative < 1:
        return Verdict(OK, given, other)
    if other.relative >= max(1, _LEAST_RATIO * given.relative) and given.relative < 1:
        return Verdict(FLIPPED, given, other)
    return Verdict(UNKNOWN, given, other)


def peak(cube: AdiCube) -> Peak:
    """Returns the peak of a cube: the maximum of VIP's approximate S/N map, with the S/N of Mawet et al. 2014.

    Source: Mawet et al. 2014 (ApJ 792, 97).
    """
    from vip_hci.metrics import significance, snr, snrmap
    from vip_hci.psfsub import pca

    y, x = np.indices(cube.frames.shape[1:])
    distance = np.hypot(y - cube.center, x - cube.center)
    # Nearer to the star, fewer apertures measure the noise, and a companion needs a higher S/N.
    distance = np.maximum(distance, cube.fwhm / 2)
    needed = significance(_SIGMA, distance, cube.fwhm, student_to_gauss=False, verbose=False)
    peaks = []
    for number in sorted({max(1, min(number, len(cube.frames) // 3)) for number in _NUM_COMPONENTS}):
        options = {"svd_mode": "lapack", "imlib": "opencv", "nproc": 1, "verbose": False}
        image = pca(cube.frames, cube.angles, ncomp=number, **options)
        approximate = snrmap(image, cube.fwhm, approximated=True, nproc=1, verbose=False)
        y, x = map(int, np.unravel_index(np.argmax(approximate / needed), approximate.shape))
        peak_snr = float(snr(image, (x, y), cube.fwhm, verbose=False))
        peaks.append(Peak(peak_snr / float(needed[y, x]), peak_snr, x, y))
    return max(peaks)
