"""The candidates that detectors, PCA and LLSG have in maps of a cube, with or without a companion injected: workers."""

import dataclasses

import numpy as np

from astronet.base.files import sha256
from astronet.base.script import ScriptError
from astronet.direct_imaging import cube, detection, mlar, pca, roc, samples
from astronet.stats import metrics

PCA, LLSG = "PCA S/N", "LLSG S/N"
# FWHM from the star, for five apertures of one FWHM to have room: nearer to it, an S/N has three or fewer for noise.
_LEAST_DISTANCE = 0.5 / np.sin(np.pi / 5)
_NUM_TRIALS = 10  # companions by which the number of components is chosen


def searched(adi_cube, number):
    """The mlar.Annulus of a number, y and x of its pixels, and which of them all methods search (booleans)."""
    annulus = mlar.annuli(adi_cube.size, adi_cube.fwhm)[number - 1]
    y, x = annulus.centers(adi_cube.size)
    return annulus, y, x, np.hypot(y - adi_cube.center, x - adi_cube.center) >= _LEAST_DISTANCE * adi_cube.fwhm


def _pca(adi_cube, num_components):
    return pca.images(adi_cube, [num_components])[0]


def _llsg(adi_cube, rank):
    """LLSG's image, by VIP, in annuli of about 2 FWHM as in Gomez Gonzalez et al. 2016 (A&A 589, A54)."""
    from vip_hci.psfsub import llsg

    half = adi_cube.size / 2
    width = int(half / max(1, round(half / (2 * adi_cube.fwhm))))  # which has the last one end at the frames' edge
    options = {"imlib": "opencv", "nproc": 1, "verbose": False, "random_seed": 0, "asize": width}
    frames = adi_cube.frames.astype(np.float64)
    return llsg(frames, adi_cube.angles, adi_cube.fwhm, rank=int(rank), **options)


IMAGES = {PCA: _pca, LLSG: _llsg}


@dataclasses.dataclass(frozen=True)
class Setup:
    """What workers need: the cube, and detection.Scorers by name."""

    cube: object
    scorers: dict

    @classmethod
    def make(cls, files, how, model_dirs, prior):
        """Reads what the flags name.

        Args:
          files: list of (path, SHA-256) of CUBE, PSF and ANGLES, as they are when the run begins.
          how: of cube.how_to_read().
          model_dirs: dictionary, name -> directory of a detector.
          prior: of a companion at a pixel.

        Raises:
          ScriptError: a file has changed, or a detector cannot be used.
        """
        changed = [path for path, digest in files if sha256(path) != digest]
        if changed:
            raise ScriptError(f"{changed[0]} was changed while this run read it: run the same command again")
        adi_cube = cube.read(*(path for path, _ in files), *how)
        scorers = {}
        for name, path in model_dirs.items():
            try:
                scorers[name] = detection.Scorer(detection.load(path), prior)
                scorers[name].check(adi_cube)
            except ScriptError as error:
                raise ScriptError(f"{name}: {error}") from error
        return cls(adi_cube, scorers)

    def with_companion(self, y, x, flux):
        """The AdiCube with a companion, VIP's."""
        added = samples.inject(self.cube, y, x, flux)
        return dataclasses.replace(self.cube, frames=(self.cube.frames + added).astype(np.float32))


def plan(setup, task):
    """Worker: the companions to inject into an annulus, and the numbers of components that show them best.

    Args:
      setup: function that returns the Setup.
      task: dictionary of annulus, num_maps, snr_range, methods (of IMAGES), seed.

    Returns:
      Dictionary: companions, a list of (y, x, flux, snr); ranks, method -> number of components; most_snr that PCA
      gives to any companion here.
    """
    setup, number = setup(), task["annulus"]
    annulus = searched(setup.cube, number)[0]
    flipped = setup.cube.flipped()
    # The first numbers keep these from being those of training (samples.make), or each other's.
    trial_random, random = (np.random.default_rng([part, task["seed"], number]) for part in (1, 2))
    scale = samples.FluxScale(flipped, mlar.Residuals(flipped, annulus), task["snr_range"][1], trial_random)

    def draw(random):
        turn, snr = random.uniform(0, 2 * np.pi), random.uniform(*task["snr_range"])
        radius = number * setup.cube.fwhm
        y, x = setup.cube.center + radius * np.sin(turn), setup.cube.center + radius * np.cos(turn)
        return y, x, scale.flux(snr), snr

    snrs = {method: [] for method in task["methods"]}
    for y, x, flux, _ in [draw(trial_random) for _ in range(_NUM_TRIALS)]:
        injected = setup.with_companion(y, x, flux)
        for method, found in snrs.items():
            images = [IMAGES[method](injected, rank) for rank in scale.ranks]
            found.append(pca.snrs_of_images(images, y, x, setup.cube.fwhm))
    ranks = {method: int(scale.ranks[np.argmax(np.median(found, axis=0))]) for method, found in snrs.items()}
    companions = [draw(random) for _ in range(task["num_maps"])]
    return {"companions": companions, "ranks": ranks, "most_snr": scale.most_snr}


def search(setup, task):
    """Worker: the candidates of each method in one annulus.

    Args:
      setup: function that returns the Setup.
      task: dictionary of annulus, ranks (as plan() has it), companion ((y, x, flux), or None for none).

    Returns:
      Dictionary, method -> list of (score, y, x).
    """
    setup = setup()
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
    found = {}
    for method, values in scores.items():
        which = roc.candidates(y, x, values, setup.cube.fwhm)
        found[method] = [(float(values[i]), int(y[i]), int(x[i])) for i in which]
    return found
