"""Finds the candidates of detectors, PCA and LLSG in maps of a cube, with or without an injected companion."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from astronet.base.script import ScriptError
from astronet.direct_imaging import detection, mlar, pca, roc, samples
from astronet.direct_imaging.cube import AdiCube, CubeFiles
from astronet.stats import metrics

PCA, LLSG = "PCA S/N", "LLSG S/N"
# FWHM from the star at which five apertures of one FWHM fit around it. Nearer to the star, three or fewer apertures
# would measure the noise of an S/N.
_LEAST_DISTANCE = 0.5 / np.sin(np.pi / 5)
_NUM_TRIALS = 10  # companions that decide on the number of components


def searched(adi_cube: AdiCube, number: int) -> tuple[mlar.Annulus, np.ndarray, np.ndarray, np.ndarray]:
    """Returns the annulus of a number, y and x of its pixels, and which of them all methods search: bool [n]."""
    annulus = mlar.annuli(adi_cube.size, adi_cube.fwhm)[number - 1]
    y, x = annulus.centers(adi_cube.size)
    return annulus, y, x, np.hypot(y - adi_cube.center, x - adi_cube.center) >= _LEAST_DISTANCE * adi_cube.fwhm


def _pca(adi_cube: AdiCube, num_components: int) -> np.ndarray:
    return pca.images(adi_cube, [num_components])[0]


def _llsg(adi_cube: AdiCube, rank: int) -> np.ndarray:
    """Returns the LLSG image by VIP, in annuli of about 2 FWHM as in Gomez Gonzalez et al. 2016 (A&A 589, A54)."""
    from vip_hci.psfsub import llsg

    half = adi_cube.size / 2
    width = int(half / max(1, round(half / (2 * adi_cube.fwhm))))  # the last annulus ends at the edge
    options = {"imlib": "opencv", "nproc": 1, "verbose": False, "random_seed": 0, "asize": width}
    frames = adi_cube.frames.astype(np.float64)
    return llsg(frames, adi_cube.angles, adi_cube.fwhm, rank=int(rank), **options)


IMAGES = {PCA: _pca, LLSG: _llsg}


@dataclasses.dataclass(frozen=True)
class Setup:
    """What workers need.

    Attributes:
      cube: the cube.
      scorers: the detectors by name.
    """

    cube: AdiCube
    scorers: dict[str, detection.Scorer]

    @classmethod
    def make(cls, files: CubeFiles, hashes: Sequence[str], model_dirs: Mapping[str, str], prior: float) -> "Setup":
        """Reads the cube and restores the detectors.

        Args:
          files: files of the cube.
          hashes: SHA-256 of the files when the run began.
          model_dirs: directory of each detector, by name.
          prior: probability of a companion at a pixel.

        Raises:
          ScriptError: a file has changed, or a detector cannot be used.
        """
        pairs = zip(files.paths.values(), files.hashes(), hashes)
        if changed := [path for path, now, before in pairs if now != before]:
            raise ScriptError(f"{changed[0]} was changed while this run read it: run the same command again")
        adi_cube = files.read()
        scorers = {}
        for name, path in model_dirs.items():
            try:
                scorers[name] = detection.Scorer(detection.load(path), prior)
                scorers[name].check(adi_cube)
            except ScriptError as error:
                raise ScriptError(f"{name}: {error}") from error
        return cls(adi_cube, scorers)

    def with_companion(self, y: float, x: float, flux: float) -> AdiCube:
        """Returns the cube with a companion, injected by VIP."""
        added = samples.inject(self.cube, y, x, flux)
        return dataclasses.replace(self.cube, frames=(self.cube.frames + added).astype(np.float32))


def plan(get_setup: Callable[[], Setup], task: Mapping[str, Any]) -> dict[str, Any]:
    """Chooses the companions to inject into an annulus, and the number of components that shows them best.

    Args:
      get_setup: function that returns the Setup.
      task: annulus (its number), num_maps, snr_range, methods (keys of IMAGES) and seed.

    Returns:
      companions: list of (y, x, flux, snr); ranks: number of components by method; most_snr: greatest S/N that PCA
      gives to any companion in this annulus.
    """
    setup, number = get_setup(), task["annulus"]
    annulus = searched(setup.cube, number)[0]
    flipped = setup.cube.flipped()
    # The first numbers make these random numbers differ from each other and from those of training (samples.make).
    trial_random, random = (np.random.default_rng([part, task["seed"], number]) for part in (1, 2))
    scale = samples.FluxScale(flipped, mlar.Residuals(flipped, annulus), task["snr_range"][1], trial_random)

    def draw(random: np.random.Generator) -> tuple[float, float, float, float]:
        turn, snr = random.uniform(0, 2 * np.pi), random.uniform(*task["snr_range"])
        radius = number * setup.cube.fwhm
        y, x = setup.cube.center + radius * np.sin(turn), setup.cube.center + radius * np.cos(turn)
        return y, x, scale.flux(snr), snr

    snrs: dict[str, list[np.ndarray]] = {method: [] for method in task["methods"]}
    for y, x, flux, _ in [draw(trial_random) for _ in range(_NUM_TRIALS)]:
        injected = setup.with_companion(y, x, flux)
        for method, snrs_of_method in snrs.items():
            images = [IMAGES[method](injected, rank) for rank in scale.ranks]
            snrs_of_method.append(pca.snrs_of_images(images, y, x, setup.cube.fwhm))
    ranks = {method: int(scale.ranks[np.argmax(np.median(values, axis=0))]) for method, values in snrs.items()}
    companions = [draw(random) for _ in range(task["num_maps"])]
    return {"companions": companions, "ranks": ranks, "most_snr": scale.most_snr}


def search(get_setup: Callable[[], Setup], task: Mapping[str, Any]) -> dict[str, list[tuple[float, int, int]]]:
    """Returns the candidates (score, y, x) of each method in one annulus, the best first.

    Args:
      get_setup: function that returns the Setup.
      task: annulus (its number), ranks (as plan() returns them) and companion: (y, x, flux), or None.
    """
    setup = get_setup()
    injected = setup.with_companion(*task["companion"]) if task["companion"] else setup.cube
    annulus, y, x, chosen = searched(setup.cube, task["annulus"])
    y, x = y[chosen], x[chosen]
    levels = {scorer.num_levels for scorer in setup.scorers.values()}
    patches = {number: mlar.Residuals(injected, annulus, number).patches()[2][chosen] for number in levels}
    scores = {
        name: metrics.log_odds(scorer.patches(patches[scorer.num_levels])) for name, scorer in setup.scorers.items()
    }
    for method, rank in task["ranks"].items():
        scores[method] = pca.snrs_in(IMAGES[method](injected, rank), y, x, setup.cube.fwhm)
    candidates = {}
    for method, values in scores.items():
        best = roc.candidates(y, x, values, setup.cube.fwhm)
        candidates[method] = [(float(values[i]), int(y[i]), int(x[i])) for i in best]
    return candidates
