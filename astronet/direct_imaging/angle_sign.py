"""Whether the parallactic angles of a cube have the right sign: a companion adds up with the right one alone."""

from typing import NamedTuple

import numpy as np

OK, FLIPPED, UNKNOWN = "ok", "flipped", "cannot tell"
_SIGMA = 4.5  # of a companion; with as many places in an image, and few apertures, less comes by chance
_LEAST_RATIO = 1.5  # of the two signs' peaks
_NUM_COMPONENTS = (5, 15)  # of the PCA; at most a third of the frames


class Peak(NamedTuple):
    """What stands out most in PCA images, north up: its S/N over what is needed there, its S/N, its place [px]."""

    relative: float
    snr: float
    x: int
    y: int

    def __str__(self):
        return f"S/N {self.snr:.1f} at x={self.x}, y={self.y} ({self.snr / self.relative:.1f} is needed there)"


class Verdict(NamedTuple):
    """What the signs show, OK, FLIPPED or UNKNOWN; the peak with the angles as given, and with the other sign."""

    sign: str
    given: Peak
    other: Peak

    def __str__(self):
        if self.sign == OK:
            said = "the sign of the parallactic angles is right"
        elif self.sign == FLIPPED:
            said = "the sign of the parallactic angles looks wrong: negate them in their file"
        else:
            said = (
                "whether the sign of the parallactic angles is right cannot be told, for nothing stands out with one "
                "sign alone: check it with a known companion, seen by the same instrument"
            )
        return f"{said} (as given, the most is {self.given}; with the other sign, {self.other})"


def check(cube):
    """Compares a cube's PCA images with the angles as given, and with the other sign.

    Args:
      cube: AdiCube.

    Returns:
      Verdict; str() of it is for the user.
    """
    given, other = peak(cube), peak(cube.flipped())
    if given.relative >= max(1, _LEAST_RATIO * other.relative):
        return Verdict(OK, given, other)
    if other.relative >= max(1, _LEAST_RATIO * given.relative):
        return Verdict(FLIPPED, given, other)
    return Verdict(UNKNOWN, given, other)


def peak(cube):
    """The Peak of an AdiCube: found in VIP's approximate S/N map, its S/N that of Mawet et al. 2014 (ApJ 792, 97)."""
    from vip_hci.metrics import significance, snr, snrmap
    from vip_hci.psfsub import pca

    y, x = np.indices(cube.frames.shape[1:])
    distance = np.hypot(y - cube.center, x - cube.center)
    # The nearer the star, the fewer apertures the noise is known from.
    distance = np.maximum(distance, cube.fwhm / 2)
    needed = significance(_SIGMA, distance, cube.fwhm, student_to_gauss=False, verbose=False)
    peaks = []
    for number in sorted({max(1, min(number, len(cube.frames) // 3)) for number in _NUM_COMPONENTS}):
        options = {"svd_mode": "lapack", "imlib": "opencv", "nproc": 1, "verbose": False}
        image = pca(cube.frames, cube.angles, ncomp=number, **options)
        approximate = snrmap(image, cube.fwhm, approximated=True, nproc=1, verbose=False)
        y, x = map(int, np.unravel_index(np.argmax(approximate / needed), approximate.shape))
        found = float(snr(image, (x, y), cube.fwhm, verbose=False))
        peaks.append(Peak(found / float(needed[y, x]), found, x, y))
    return max(peaks)
