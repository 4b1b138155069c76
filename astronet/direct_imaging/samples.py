"""Makes labeled MLAR patches of a cube: injected companions, and speckles.

Both are made with the sign of the parallactic angles changed. So they differ in the companion alone, neither holds a
real companion, and the residuals that are searched later, with the angles as they are, are new to the detector.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), sections 3.1 and 3.2; there, only the speckles have their sign
changed.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

import numpy as np

from astronet.direct_imaging import mlar, pca
from astronet.direct_imaging.cube import AdiCube

SPLITS = ("train", "val", "test")
# Factors that stretch the angles: other rotations of the same frames, in which other speckles meet.
_TURN_FACTORS = (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)
_NUM_WEDGES = 8  # of a whole turn
_WEDGES = {"train": (0, 1, 2, 3, 4, 5), "val": (6,), "test": (7,)}  # each annulus turns them by a random angle
_TRIAL_ANGLES = 6  # places in an annulus at which the S/N of a companion is measured
_LEAST_FLUX, _MOST_DOUBLINGS = 4.0, 14  # flux of a trial companion, in units of the noise
_GROWTH = 1.1  # of the S/N by two doublings of the flux; if it grows less, no flux is enough
# Share of the places of an annulus whose speckles are taken as they are. Further speckles are rotated, shifted and
# averaged.
_AS_THEY_ARE = 0.7
_MAX_AVERAGED = 3  # patches in one speckle


class Sample(NamedTuple):
    """One labeled patch.

    Attributes:
      patch: [num_levels, size, size].
      is_companion: whether it shows a companion, or a speckle.
      annulus: number of the annulus.
      split: one of SPLITS.
      wedge: number of the wedge of the annulus.
      x, y: pixel in the image with north up.
      flux: flux of the companion; 0 for a speckle.
      snr: S/N that PCA gives to this flux if the angles are not stretched; 0 for a speckle.
    """

    patch: np.ndarray
    is_companion: bool
    annulus: int
    split: str
    wedge: int
    x: float
    y: float
    flux: float
    snr: float


def inject(cube: AdiCube, y: float, x: float, flux: float = 1.0) -> np.ndarray:
    """Returns the flux of a companion in the frames of a cube, [num_frames, size, size], by VIP.

    Args:
      cube: the cube.
      y, x: pixel of the companion in an image with north up.
      flux: flux in an aperture of one FWHM.
    """
    from vip_hci.fm import cube_inject_companions

    dy, dx = y - cube.center, x - cube.center
    return cube_inject_companions(
        np.zeros_like(cube.frames),
        cube.psf,
        cube.angles,
        flevel=float(flux),
        rad_dists=[np.hypot(dy, dx)],
        theta=np.degrees(np.arctan2(dy, dx)),
        imlib="opencv",
        nproc=1,
        verbose=False,
    )


class FluxScale:
    """Converts S/N to flux: the flux of a companion to which PCA gives some S/N in an annulus.

    The S/N is the median over some places in the annulus, for the best number of components.

    Attributes:
      ranks: numbers of components that are tried.
    """

    def __init__(self, cube: AdiCube, residuals: mlar.Residuals, most_snr: float, random: np.random.Generator) -> None:
        """Measures the S/N of companions of increasing flux.

        Args:
          cube: cube with the sign of its angles changed.
          residuals: residuals of the cube around the annulus.
          most_snr: S/N at which to stop.
          random: random numbers, for the places.
        """
        annulus = residuals.annulus
        self.ranks = np.unique(residuals.ranks[[len(residuals.ranks) * share // 10 for share in (0, 5, 8)]])
        noise = np.std(residuals.images[0][annulus.centers(cube.size)]) * cube.fwhm
        distance = (annulus.inner + annulus.outer) / 2
        turns = random.random() * 2 * np.pi + np.arange(_TRIAL_ANGLES) * 2 * np.pi / _TRIAL_ANGLES
        places = [(cube.center + distance * np.sin(turn), cube.center + distance * np.cos(turn)) for turn in turns]
        units = [inject(cube, *place) for place in places]

        def snrs(flux: float) -> np.ndarray:
            by_place = [pca.snrs(cube, self.ranks, *place, unit * flux) for unit, place in zip(units, places)]
            return np.median(by_place, axis=0)

        by_chance = snrs(0.0)  # without a companion
        self._fluxes, self._snrs = [0.0], [0.0]
        while self._snrs[-1] < most_snr and len(self._fluxes) <= _MOST_DOUBLINGS and self._grows():
            self._fluxes.append(_LEAST_FLUX * noise * 2.0 ** (len(self._fluxes) - 1))
            # A brighter companion is never fainter.
            self._snrs.append(max(self._snrs[-1], (snrs(self._fluxes[-1]) - by_chance).max()))

    def _grows(self) -> bool:
        """Returns whether the last two doublings of the flux have raised the S/N, or it is still within chance."""
        return len(self._snrs) < 3 or self._snrs[-1] < 1 or self._snrs[-1] > _GROWTH * self._snrs[-3]

    @property
    def most_snr(self) -> float:
        """The greatest S/N of a companion; if the sky turns too little, PCA removes even the brightest companion."""
        return float(self._snrs[-1])

    def flux(self, snr: float) -> float:
        """Returns the flux for an S/N; most_snr is the greatest."""
        return float(np.interp(snr, self._snrs, self._fluxes))


def make(
    cube: AdiCube,
    annulus: mlar.Annulus,
    counts: Mapping[str, tuple[int, int]],
    snr_range: Sequence[float] = (1.0, 3.0),
    num_levels: int = 20,
    seed: int = 0,
) -> list[Sample]:
    """Returns the samples of one annulus.

    The annulus is cut into wedges: one for validation, one for test, the others for training. Training patches are
    centered at least one FWHM away from all others.

    Args:
      cube: cube with its angles as they are.
      annulus: the annulus.
      counts: number of companions and of speckles, by split.
      snr_range: least and greatest S/N of the companions in PCA images; the limit is lower if PCA gives less to any
        companion.
      num_levels: number of low-rank approximations in a patch.
      seed: seed of all random numbers.
    """
    random = np.random.default_rng([seed, annulus.number])
    flipped = [dataclasses.replace(cube, angles=-factor * cube.angles) for factor in _TURN_FACTORS]
    residuals = [mlar.Residuals(cube_of_factor, annulus, num_levels) for cube_of_factor in flipped]
    plain = _TURN_FACTORS.index(1.0)
    fluxes = FluxScale(flipped[plain], residuals[plain], snr_range[1], random)
    snr_range = min(snr_range[0], fluxes.most_snr), min(snr_range[1], fluxes.most_snr)
    places = _places(cube, annulus, random)
    samples = []
    for split, (num_companions, num_speckles) in counts.items():
        y, x, wedge = places[split]
        for i in _spread(len(y), num_companions, random):
            which, snr = random.integers(len(flipped)), random.uniform(*snr_range)
            at = y[i] + random.uniform(-0.5, 0.5), x[i] + random.uniform(-0.5, 0.5)
            flux = fluxes.flux(snr)
            patch = residuals[which].patch(inject(flipped[which], *at, flux), y[i], x[i])
            samples.append(Sample(patch, True, annulus.number, split, wedge[i], at[1], at[0], flux, snr))
        whole = len(y) * len(residuals)
        for number, i in enumerate(_spread(whole, num_speckles, random)):
            which, i = divmod(i, len(y))
            augment = random if number >= _AS_THEY_ARE * whole else None
            patch = _speckle(residuals[which], y, x, i, augment)
            samples.append(Sample(patch, False, annulus.number, split, wedge[i], x[i], y[i], 0.0, 0.0))
    return samples


def _spread(number: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Returns `count` elements of range(number) in random order, all of them equally often, or once more."""
    rounds = [random.permutation(number) for _ in range(-(-count // number))]
    return np.concatenate(rounds)[:count] if rounds else np.array([], int)


def _places(
    cube: AdiCube, annulus: mlar.Annulus, random: np.random.Generator
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns the patch centers of each split: y, x and the number of the wedge, three arrays."""
    y, x = annulus.centers(cube.size)
    turn = (np.arctan2(y - cube.center, x - cube.center) / (2 * np.pi) + random.random()) % 1
    wedge = (turn * _NUM_WEDGES).astype(int)
    places = {}
    for split, wedges in _WEDGES.items():
        is_inside = np.isin(wedge, wedges)
        if split == "train":
            other_y, other_x = y[~is_inside], x[~is_inside]
            is_inside &= (np.hypot(y[:, None] - other_y, x[:, None] - other_x) >= cube.fwhm).all(axis=1)
        places[split] = y[is_inside], x[is_inside], wedge[is_inside]
    return places


def _speckle(
    residuals: mlar.Residuals, y: np.ndarray, x: np.ndarray, i: int, random: Optional[np.random.Generator] = None
) -> np.ndarray:
    """Returns the patch around center i; with random numbers: rotated, shifted, averaged with others of its split."""
    images, size = residuals.images, residuals.patch_size
    if random is None:
        half = size // 2
        return mlar.scale(images[:, y[i] - half : y[i] + half + 1, x[i] - half : x[i] + half + 1])
    which = [i, *random.integers(0, len(y), random.integers(0, _MAX_AVERAGED))]
    parts = []
    for center in which:
        turn = random.uniform(0, 2 * np.pi)
        shift = random.uniform(-1, 1, 2)
        parts.append(mlar.turned(images, size, y[center] + shift[0], x[center] + shift[1], turn))
    return mlar.scale(np.mean(parts, axis=0))
