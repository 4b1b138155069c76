"""Labelled MLAR patches of a cube: companions that are injected, and speckles.

Both are made with the sign of the parallactic angles changed: so they differ in the companion alone, no real companion
is in either, and the residuals that are searched afterwards, with the angles as they are, have not been learned from.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), sections 3.1 and 3.2; there, only the speckles have their sign
changed.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from astronet.direct_imaging import mlar, pca

SPLITS = ("train", "val", "test")
# By which the angles are stretched: other turns of the same frames, in which other speckles meet.
_TURN_FACTORS = (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)
_NUM_WEDGES = 8  # of a whole turn
_WEDGES = {"train": (0, 1, 2, 3, 4, 5), "val": (6,), "test": (7,)}  # before each annulus turns them at random
_TRIAL_ANGLES = 6  # places of an annulus where the S/N of a companion is measured
_LEAST_FLUX, _MOST_DOUBLINGS = 4.0, 14  # of a trial, in units of the noise
_GROWTH = 1.1  # of the S/N by two doublings of the flux: with less, no flux is enough
# Share of an annulus' speckles that are taken as they are; where more are asked for, those are turned, shifted and
# averaged, as each is that is taken again.
_AS_THEY_ARE = 0.7
_MAX_AVERAGED = 3  # patches, in one speckle


class Sample(NamedTuple):
    """One patch and what it is of; x and y are pixels of the image with north up, flux and snr 0 for speckles.

    The snr is the one that PCA gives to such a flux where the angles are not stretched, whether they are or not here.
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


def inject(cube, y, x, flux=1.0):
    """Returns what a companion adds to the frames of an AdiCube, [num_frames, size, size], by VIP.

    Args:
      cube: AdiCube.
      y, x: where it is in an image with north up.
      flux: in an aperture of one FWHM.
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
    """The flux of a companion by the S/N that PCA gives it in an annulus (the median over places, at its best rank)."""

    def __init__(self, cube, residuals, most_snr, random):
        """Measures it.

        Args:
          cube: AdiCube, the sign of whose angles has been changed.
          residuals: mlar.Residuals of it, around the annulus.
          most_snr: up to which.
          random: np.random.Generator, of the places.

        self.ranks: the numbers of components, of which the best one counts.
        """
        annulus = residuals.annulus
        self.ranks = np.unique(residuals.ranks[[len(residuals.ranks) * share // 10 for share in (0, 5, 8)]])
        noise = np.std(residuals.images[0][annulus.centers(cube.size)]) * cube.fwhm
        distance = (annulus.inner + annulus.outer) / 2
        turns = random.random() * 2 * np.pi + np.arange(_TRIAL_ANGLES) * 2 * np.pi / _TRIAL_ANGLES
        places = [(cube.center + distance * np.sin(turn), cube.center + distance * np.cos(turn)) for turn in turns]
        units = [inject(cube, *place) for place in places]

        def snrs(flux):
            found = [pca.snrs(cube, self.ranks, *place, unit * flux) for unit, place in zip(units, places)]
            return np.median(found, axis=0)

        by_chance = snrs(0.0)  # where there is nothing
        self._fluxes, self._snrs = [0.0], [0.0]
        while self._snrs[-1] < most_snr and len(self._fluxes) <= _MOST_DOUBLINGS and self._grows():
            self._fluxes.append(_LEAST_FLUX * noise * 2.0 ** (len(self._fluxes) - 1))
            # A brighter companion is never fainter.
            self._snrs.append(max(self._snrs[-1], (snrs(self._fluxes[-1]) - by_chance).max()))

    def _grows(self):
        """Whether the last two doublings have raised an S/N that is more than chance."""
        return len(self._snrs) < 3 or self._snrs[-1] < 1 or self._snrs[-1] > _GROWTH * self._snrs[-3]

    @property
    def most_snr(self):
        """The greatest S/N that it reaches: of too little rotation, PCA leaves none of a companion however bright."""
        return float(self._snrs[-1])

    def flux(self, snr):
        """The flux that gives an S/N of most_snr at most."""
        return float(np.interp(snr, self._snrs, self._fluxes))


def make(cube, annulus, counts, snr_range=(1.0, 3.0), num_levels=20, seed=0):
    """Makes the samples of one annulus.

    An annulus is cut into wedges, one for validation, one for test, and the others for training, whose patches are
    centered at least one FWHM away from those of the two.

    Args:
      cube: AdiCube, its angles as they are.
      annulus: mlar.Annulus.
      counts: dictionary, split -> number of companions, number of speckles.
      snr_range: least and most S/N, by PCA, of the companions; where PCA gives less, however bright, up to that.
      num_levels: of the patches.
      seed: of all that is random.

    Returns:
      List of Sample.
    """
    random = np.random.default_rng([seed, annulus.number])
    flipped = [dataclasses.replace(cube, angles=-factor * cube.angles) for factor in _TURN_FACTORS]
    residuals = [mlar.Residuals(each, annulus, num_levels) for each in flipped]
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


def _spread(number, count, random):
    """`count` of range(number) in random order, none of them more often than another by two."""
    rounds = [random.permutation(number) for _ in range(-(-count // number))]
    return np.concatenate(rounds)[:count] if rounds else np.array([], int)


def _places(cube, annulus, random):
    """Patch centers by split: dictionary to y, x, number of the wedge, three arrays."""
    y, x = annulus.centers(cube.size)
    turn = (np.arctan2(y - cube.center, x - cube.center) / (2 * np.pi) + random.random()) % 1
    wedge = (turn * _NUM_WEDGES).astype(int)
    found = {}
    for split, wedges in _WEDGES.items():
        own = np.isin(wedge, wedges)
        if split == "train":
            other_y, other_x = y[~own], x[~own]
            own &= (np.hypot(y[:, None] - other_y, x[:, None] - other_x) >= cube.fwhm).all(axis=1)
        found[split] = y[own], x[own], wedge[own]
    return found


def _speckle(residuals, y, x, i, random=None):
    """The patch around a center; with a random generator, turned, shifted, and averaged with others of its split."""
    images, size = residuals.images, residuals.patch_size
    if random is None:
        half = size // 2
        return mlar.scale(images[:, y[i] - half : y[i] + half + 1, x[i] - half : x[i] + half + 1])
    which = [i, *random.integers(0, len(y), random.integers(0, _MAX_AVERAGED))]
    parts = []
    for each in which:
        turn = random.uniform(0, 2 * np.pi)
        shift = random.uniform(-1, 1, 2)
        parts.append(mlar.turned(images, size, y[each] + shift[0], x[each] + shift[1], turn))
    return mlar.scale(np.mean(parts, axis=0))
