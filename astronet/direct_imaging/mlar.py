"""Computes multi-level low-rank approximation residuals (MLAR) of an annulus, as images and as patches.

The pixels of an annulus are a matrix with a row for each frame, less the mean over time. The first k principal
components approximate it; the residuals are turned north up, and their median is an image. MLAR is the stack of these
images for several k, which follow from the share of variance that the components explain.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 3.1.
"""

import functools
from typing import NamedTuple, Optional

import numpy as np

from astronet.direct_imaging.cube import AdiCube

LEAST_SHARE, MOST_SHARE = 0.90, 0.99  # of the variance that the approximations explain
_SPARE_PIXELS = 4  # margin around the patches, for the interpolation


class Annulus(NamedTuple):
    """A ring of patch centers.

    Attributes:
      number: distance of its middle from the star [FWHM].
      inner, outer: limits of the distance from the star; `outer` is outside [px].
    """

    number: int
    inner: float
    outer: float

    def centers(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns y and x of the pixels in the annulus, two integer arrays; frames have size x size pixels."""
        y, x = np.indices([size, size])
        distance = np.hypot(y - size // 2, x - size // 2)
        y, x = np.nonzero((distance >= self.inner) & (distance < self.outer))
        return y, x


def patch_size(fwhm: float) -> int:
    """Returns the width of a patch, the odd number of pixels nearest to 2 FWHM.

    >>> patch_size(fwhm=4.6)
    9
    """
    return 2 * round(fwhm - 0.5) + 1


def annuli(size: int, fwhm: float) -> list[Annulus]:
    """Returns the annuli of a frame: one FWHM wide, from 1 FWHM on, as long as all patches lie within size x size."""
    most = size // 2 - patch_size(fwhm) // 2
    rings, number = [], 1
    while (number + 0.5) * fwhm <= most:
        rings.append(Annulus(number, (number - 0.5) * fwhm, (number + 0.5) * fwhm))
        number += 1
    return rings


class Residuals:
    """The residuals around one annulus of a cube, with or without a companion added.

    The approximated region is wider than the annulus, so that it holds all patches around its pixels.

    Attributes:
      annulus: the annulus.
      patch_size: width and height of a patch [px].
      ranks: [num_levels], number of components of each approximation.
    """

    def __init__(self, cube: AdiCube, annulus: Annulus, num_levels: int = 20) -> None:
        """Finds the ranks of an annulus.

        Args:
          cube: the cube.
          annulus: the annulus.
          num_levels: number of approximations.
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
    def images(self) -> np.ndarray:
        """The residuals of the region with north up, [num_levels, size, size]; zero elsewhere."""
        from vip_hci.preproc import cube_collapse, cube_derotate

        left, singular, right = _principal(self._values, self.ranks[-1])
        images = []
        for rank in self.ranks:
            rest = self._values - (left[:, :rank] * singular[:rank]) @ right[:rank]
            turned = cube_derotate(self._frames(rest), self._angles, imlib="opencv", nproc=1)
            images.append(cube_collapse(turned, "median"))
        return np.array(images)

    def patches(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns y, x and the patch of each pixel of the annulus; patches are [num_pixels, num_levels, size, size]."""
        y, x = self.annulus.centers(self._size)
        half = self.patch_size // 2
        shape = len(self.images), self.patch_size, self.patch_size
        windows = np.lib.stride_tricks.sliding_window_view(self.images, shape)[0]
        return y, x, scale(windows[y - half, x - half])

    def patch(self, companion: np.ndarray, y: float, x: float) -> np.ndarray:
        """Returns the patch around a companion at (y, x), [num_levels, size, size].

        Turns only the pixels of the patch north up, in each frame and for each component. The values are those that
        `images` would have, in a hundredth of the time.

        Args:
          companion: flux of the companion in the frames, [num_frames, size, size].
          y, x: pixel in an image with north up; need not be whole numbers.
        """
        values = self._values + self._rows(companion)
        left, singular, right = _principal(values, self.ranks[-1])
        points = self._points(y, x)
        base = np.array([_sample(frame, at)[0] for frame, at in zip(self._frames(values), np.moveaxis(points, 1, 0))])
        # [component, frame, pixel]: flux that each component takes away.
        parts = np.array([_sample(image, points) for image in self._frames(right)])
        parts *= (left * singular).T[:, :, np.newaxis]
        taken = np.cumsum(parts, axis=0)[self.ranks - 1]
        return scale(np.median(base - taken, axis=1).reshape(-1, self.patch_size, self.patch_size))

    def _rows(self, frames: np.ndarray) -> np.ndarray:
        """Returns the pixels of the region, less their mean over time: [num_frames, num_pixels]."""
        rows = frames[:, self._pixels[0], self._pixels[1]].astype(np.float64)
        return rows - rows.mean(axis=0)

    def _frames(self, rows: np.ndarray) -> np.ndarray:
        """Returns rows [n, num_pixels] as frames [n, size, size], zero outside the region."""
        frames = np.zeros([len(rows), self._size, self._size], np.float32)
        frames[:, self._pixels[0], self._pixels[1]] = rows
        return frames

    def _points(self, y: float, x: float) -> np.ndarray:
        """Returns the places in each frame of the pixels of a patch: float32 [2 (x, y), num_frames, num_pixels]."""
        half = self.patch_size // 2
        dy, dx = np.indices([self.patch_size] * 2).reshape(2, -1) - half
        dy, dx = dy + y - self._center, dx + x - self._center
        cos, sin = np.cos(np.radians(self._angles))[:, np.newaxis], np.sin(np.radians(self._angles))[:, np.newaxis]
        return (np.array([cos * dx + sin * dy, cos * dy - sin * dx]) + self._center).astype(np.float32)


def scale(patches: np.ndarray) -> np.ndarray:
    """Returns patches [..., size, size] with slices scaled from 0 (the least value) to 1 (the greatest), float32."""
    least, most = patches.min(axis=(-2, -1), keepdims=True), patches.max(axis=(-2, -1), keepdims=True)
    return ((patches - least) / np.maximum(most - least, np.finfo(np.float32).tiny)).astype(np.float32)


def turned(images: np.ndarray, size: int, y: float, x: float, turn: float) -> np.ndarray:
    """Returns a rotated patch of images, [num_levels, size, size].

    Args:
      images: [num_levels, height, width].
      size: width and height of the patch [px].
      y, x: center; need not be whole numbers.
      turn: angle of the rotation [radians].
    """
    dy, dx = np.indices([size, size]).reshape(2, -1) - size // 2
    cos, sin = np.cos(turn), np.sin(turn)
    points = np.array([x + cos * dx - sin * dy, y + sin * dx + cos * dy], np.float32)
    return np.array([_sample(image, points) for image in images]).reshape(-1, size, size)


def _principal(values: np.ndarray, number: Optional[int] = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the first principal components of rows.

    Uses the n x n matrix of products of rows, because there are fewer frames than pixels.

    Args:
      values: [n, p].
      number: number of components; None is all.

    Returns:
      left [n, number], singular values [number], right [number, p]; values is nearly (left * singular) @ right.
    """
    squares, vectors = np.linalg.eigh(values @ values.T)
    singular = np.sqrt(np.maximum(squares[::-1][:number], np.finfo(float).tiny))
    left = vectors[:, ::-1][:, :number]
    return left, singular, (left / singular).T @ values


def _sample(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns an image at some points, interpolated by OpenCV as VIP does: [num_rows, n].

    Args:
      image: [size, size].
      points: [2 (x, y), num_rows, n], or [2, n] for one row.
    """
    import cv2

    points = points.reshape(2, 1, -1) if points.ndim == 2 else points
    return cv2.remap(image, points[0], points[1], cv2.INTER_LANCZOS4)
