"""Multi-level low-rank approximation residuals (MLAR) of an annulus, as images and as patches.

The pixels of an annulus, one row a frame, less their mean over time, are approximated by their first k principal
components; what remains is turned north up and collapsed to one image. MLAR is the stack of these images for a series
of k, which is chosen by the share of variance that the components explain.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 3.1.
"""

import functools
from typing import NamedTuple

import numpy as np

LEAST_SHARE, MOST_SHARE = 0.90, 0.99  # of the variance, that the approximations explain
_SPARE_PIXELS = 4  # around the patches, which interpolation reaches into


class Annulus(NamedTuple):
    """A ring of patch centers: inner <= distance from the star < outer [px]; `number` FWHM is its middle."""

    number: int
    inner: float
    outer: float

    def centers(self, size):
        """Returns y and x of the pixels in it, two integer arrays, of frames of size x size."""
        y, x = np.indices([size, size])
        distance = np.hypot(y - size // 2, x - size // 2)
        return np.nonzero((distance >= self.inner) & (distance < self.outer))


def patch_size(fwhm):
    """Returns the odd number of pixels that is nearest to 2 FWHM."""
    return 2 * round(fwhm - 0.5) + 1


def annuli(size, fwhm):
    """Returns all Annulus of one FWHM in width, from 1 FWHM on, whose patches lie within frames of size x size."""
    most = size // 2 - patch_size(fwhm) // 2
    found, number = [], 1
    while (number + 0.5) * fwhm <= most:
        found.append(Annulus(number, (number - 0.5) * fwhm, (number + 0.5) * fwhm))
        number += 1
    return found


class Residuals:
    """The residuals around one annulus of a cube, with or without a companion added.

    What is approximated is the annulus with what the patches around its pixels reach, so that no patch is cut.
    """

    def __init__(self, cube, annulus, num_levels=20):
        """Takes an AdiCube, an Annulus, and the number of approximations.

        self.ranks: [num_levels], the number k of components of each approximation.
        """
        self.annulus = annulus
        self.patch_size = patch_size(cube.fwhm)
        self._angles = cube.angles
        self._size = cube.frames.shape[-1]
        margin = self.patch_size // 2 * np.sqrt(2) + _SPARE_PIXELS
        y, x = np.indices([self._size, self._size])
        distance = np.hypot(y - cube.center, x - cube.center)
        self._pixels = np.nonzero((distance >= annulus.inner - margin) & (distance < annulus.outer + margin))
        self._center = cube.center
        self._values = self._rows(cube.frames)  # [num_frames, num_pixels]
        variance = np.cumsum(_principal(self._values)[1] ** 2)
        shares = np.linspace(LEAST_SHARE, MOST_SHARE, num_levels)
        self.ranks = np.searchsorted(variance / variance[-1], shares) + 1

    @functools.cached_property
    def images(self):
        """The residuals of the whole annulus, north up, [num_levels, size, size]; zero elsewhere."""
        from vip_hci.preproc import cube_collapse, cube_derotate

        left, singular, right = _principal(self._values, self.ranks[-1])
        images = []
        for rank in self.ranks:
            rest = self._values - (left[:, :rank] * singular[:rank]) @ right[:rank]
            turned = cube_derotate(self._frames(rest), self._angles, imlib="opencv", nproc=1)
            images.append(cube_collapse(turned, "median"))
        return np.array(images)

    def patches(self):
        """Returns y, x and the patches around all pixels of the annulus, [num_pixels, num_levels, size, size]."""
        y, x = self.annulus.centers(self._size)
        half = self.patch_size // 2
        windows = np.lib.stride_tricks.sliding_window_view(self.images, [self.patch_size] * 2, axis=(1, 2))
        return y, x, scale(np.moveaxis(windows[:, y - half, x - half], 0, 1))

    def patch(self, companion, y, x):
        """Returns the patch around (y, x) with a companion there, [num_levels, size, size].

        Only the pixels of the patch are turned north up, in each frame and for each component: the same numbers as
        images would give, in a hundredth of the time.

        Args:
          companion: [num_frames, size, size], what it adds to the frames.
          y, x: where it is in an image with north up; need not be whole numbers.
        """
        values = self._values + self._rows(companion)
        left, singular, right = _principal(values, self.ranks[-1])
        points = self._points(y, x)
        base = np.array([_sample(frame, at)[0] for frame, at in zip(self._frames(values), np.moveaxis(points, 1, 0))])
        # [component, frame, pixel]: what each component takes away.
        parts = np.array([_sample(image, points) for image in self._frames(right)])
        parts *= (left * singular).T[:, :, np.newaxis]
        taken = np.cumsum(parts, axis=0)[self.ranks - 1]
        return scale(np.median(base - taken, axis=1).reshape(-1, self.patch_size, self.patch_size))

    def _rows(self, frames):
        rows = frames[:, self._pixels[0], self._pixels[1]].astype(np.float64)
        return rows - rows.mean(axis=0)

    def _frames(self, rows):
        frames = np.zeros([len(rows), self._size, self._size], np.float32)
        frames[:, self._pixels[0], self._pixels[1]] = rows
        return frames

    def _points(self, y, x):
        """Where the pixels of a patch with north up are in each frame: float32 [2 (x, y), num_frames, num_pixels]."""
        half = self.patch_size // 2
        dy, dx = np.indices([self.patch_size] * 2).reshape(2, -1) - half
        dy, dx = dy + y - self._center, dx + x - self._center
        cos, sin = np.cos(np.radians(self._angles))[:, np.newaxis], np.sin(np.radians(self._angles))[:, np.newaxis]
        return (np.array([cos * dx + sin * dy, cos * dy - sin * dx]) + self._center).astype(np.float32)


def scale(patches):
    """Scales each slice of patches [..., size, size] from 0 (its least) to 1 (its most); float32."""
    least, most = patches.min(axis=(-2, -1), keepdims=True), patches.max(axis=(-2, -1), keepdims=True)
    return ((patches - least) / np.maximum(most - least, np.finfo(np.float32).tiny)).astype(np.float32)


def turned(images, size, y, x, turn):
    """The patch of images [num_levels, ...] around (y, x), which need not be whole, turned by an angle [radians]."""
    dy, dx = np.indices([size, size]).reshape(2, -1) - size // 2
    cos, sin = np.cos(turn), np.sin(turn)
    points = np.array([x + cos * dx - sin * dy, y + sin * dx + cos * dy], np.float32)
    return np.array([_sample(image, points) for image in images]).reshape(-1, size, size)


def _principal(values, number=None):
    """The first so many principal components of rows [n, p], all by default.

    By the n x n matrix of their products, for there are fewer frames than pixels.

    Returns:
      left [n, number], singular values [number], right [number, p]: values is about (left * singular) @ right.
    """
    squares, vectors = np.linalg.eigh(values @ values.T)
    singular = np.sqrt(np.maximum(squares[::-1][:number], np.finfo(float).tiny))
    left = vectors[:, ::-1][:, :number]
    return left, singular, (left / singular).T @ values


def _sample(image, points):
    """Interpolates as VIP does with OpenCV: image [size, size], points [2 (x, y), rows, n] or [2, n] -> [rows, n]."""
    import cv2

    points = points.reshape(2, 1, -1) if points.ndim == 2 else points
    return cv2.remap(image, points[0], points[1], cv2.INTER_LANCZOS4)
