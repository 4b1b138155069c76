"""PCA of all frames, VIP's: what detectors are compared with."""

import numpy as np

MOST_SNR = 1000.0  # where all of the noise is zero


def images(cube, nums_components, added=0.0):
    """Returns the PCA images of an AdiCube, with something added to its frames, north up, [len, size, size].

    Args:
      cube: AdiCube.
      nums_components: list of numbers of components.
      added: [num_frames, size, size], or 0.
    """
    from vip_hci.psfsub import pca

    frames = np.asarray(cube.frames, np.float64) + added
    # The mean is taken away here: VIP's way of doing so, for frames of float32, warns of their rounding.
    frames -= frames.mean(axis=0)
    numbers = [int(number) for number in nums_components]
    options = {"svd_mode": "lapack", "imlib": "opencv", "nproc": 1, "verbose": False}
    return np.array(pca(frames, cube.angles, ncomp=numbers, **options))


def snrs(cube, nums_components, y, x, added=0.0):
    """The S/N at a place of these images, [len]."""
    return snrs_of_images(images(cube, nums_components, added), y, x, cube.fwhm)


def snrs_of_images(images, y, x, fwhm):
    """The S/N at a place of each of several images, [len(images)]."""
    return np.array([snrs_in(image, [y], [x], fwhm)[0] for image in images])


def snrs_in(image, y, x, fwhm):
    """The S/N at places of an image (VIP's; Mawet et al. 2014, ApJ 792, 97), [len(y)].

    0 where noise and signal are; MOST_SNR, or less than zero by as much, where the noise alone is zero, as LLSG may
    leave it.
    """
    from vip_hci.metrics import snr

    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.array([snr(image, (float(column), float(row)), fwhm, verbose=False) for row, column in zip(y, x)])
    return np.nan_to_num(found, nan=0.0, posinf=MOST_SNR, neginf=-MOST_SNR)


def snr_map(cube, image):
    """The S/N at each pixel of an image, [size, size]."""
    from vip_hci.metrics import snrmap

    return snrmap(image, cube.fwhm, nproc=1, verbose=False)
