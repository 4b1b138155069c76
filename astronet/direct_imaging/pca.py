"""Makes PCA images of a cube and their S/N by VIP: the method that detectors are compared with."""

from collections.abc import Iterable, Sequence
from typing import Union

import numpy as np

from astronet.direct_imaging.cube import AdiCube

MOST_SNR = 1000.0  # if the noise is zero


def images(cube: AdiCube, nums_components: Sequence[int], added: Union[float, np.ndarray] = 0.0) -> np.ndarray:
    """Returns the PCA images of a cube with north up, [len(nums_components), size, size].

    Args:
      cube: the cube.
      nums_components: number of components of each image.
      added: flux to add to the frames, such as a companion's: [num_frames, size, size], or 0.
    """
    from vip_hci.psfsub import pca

    frames = np.asarray(cube.frames, np.float64) + added
    # Subtracts the mean here, because VIP would warn of rounding in frames of float32.
    frames -= frames.mean(axis=0)
    numbers = [int(number) for number in nums_components]
    options = {"svd_mode": "lapack", "imlib": "opencv", "nproc": 1, "verbose": False}
    return np.array(pca(frames, cube.angles, ncomp=numbers, **options))


def snrs(
    cube: AdiCube, nums_components: Sequence[int], y: float, x: float, added: Union[float, np.ndarray] = 0.0
) -> np.ndarray:
    """Returns the S/N at a pixel (y, x) of each PCA image; the other arguments are those of images()."""
    return snrs_of_images(images(cube, nums_components, added), y, x, cube.fwhm)


def snrs_of_images(images: Iterable[np.ndarray], y: float, x: float, fwhm: float) -> np.ndarray:
    """Returns the S/N at a pixel (y, x) of several images, [len(images)]."""
    return np.array([snrs_in(image, [y], [x], fwhm)[0] for image in images])


def snrs_in(image: np.ndarray, y: Sequence[float], x: Sequence[float], fwhm: float) -> np.ndarray:
    """Returns the S/N at some pixels of an image by VIP, [len(y)].

    It is 0 if noise and signal are zero, and MOST_SNR or -MOST_SNR if only the noise is, as may happen with LLSG.

    Source: Mawet et al. 2014 (ApJ 792, 97).
    """
    from vip_hci.metrics import snr

    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.array([snr(image, (float(column), float(row)), fwhm, verbose=False) for row, column in zip(y, x)])
    return np.nan_to_num(values, nan=0.0, posinf=MOST_SNR, neginf=-MOST_SNR)


def snr_map(cube: AdiCube, image: np.ndarray) -> np.ndarray:
    """Returns the S/N at each pixel of an image of a cube, [size, size]."""
    from vip_hci.metrics import snrmap

    return snrmap(image, cube.fwhm, nproc=1, verbose=False)
