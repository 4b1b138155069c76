"""Compares detectors by companions injected into a cube: candidates.csv, roc.csv, roc.png, false_positives.csv.

One companion at a time is put at a random angle into the middle of an annulus; each trained detector (--model_dirs),
and the S/N in images by PCA and by LLSG, then says where in the annulus a companion is. What counts are candidates: the
pixels that none within one FWHM excels. The best one within 3/4 FWHM of the companion has found it, all others are
false positives; to these come, of all other annuli, the candidates of the cube without an injection, so that false
positives are those of a whole frame (and, in columns and a table of their own, those of the companion's annulus). The
score of a candidate is the S/N, or the detector's log-odds: log(p / (1 - p)) of probability p. All methods search the
same pixels, from 0.85 FWHM on.

No injection has been seen in training, which changes the sign of the angles (samples.py): here they are as they are.
The cube is to hold no companion of its own. Its speckles are the same in all maps, so what the intervals tell is how
far other injections into this cube would change the result, not how far another cube would.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 4; VIP's ROC, too, counts false positives of whole frames.
"""

import argparse
import dataclasses
import functools
import glob
import os
import sys
from typing import NamedTuple

import numpy as np

import astronet
from astronet.direct_imaging import angle_sign, cube, detection, generate_patch_records, mlar, pca, samples
from astronet.ops import intervals, metrics
from astronet.util import kept, pretrained, workers
from astronet.util.files import make_directory, sha256, write_csv
from astronet.util.script import Parser, ScriptError, positive_integer, run

PCA, LLSG = "PCA S/N", "LLSG S/N"
CANDIDATE_COLUMNS = (
    *("method", "separation", "map", "score", "x", "y", "distance_fwhm", "is_companion"),
    *("injected_snr", "injected_flux", "injected_x", "injected_y"),
)
ROC_COLUMNS = (
    *("method", "separation", "threshold", "true_positive_rate", "low", "high"),
    *("false_positives_per_map", "of_these_in_annulus"),
)
FALSE_POSITIVE_COLUMNS = (
    *("method", "annulus", "num_components", "threshold", "false_positives", "candidates", "highest", "num_pixels"),
)
_FOUND_WITHIN = 0.75  # FWHM of the companion: the speckle that it sits on may move its peak by more than half a FWHM
# FWHM from the star, for five apertures of one FWHM to have room: nearer to it, an S/N has three or fewer for noise.
_LEAST_DISTANCE = 0.5 / np.sin(np.pi / 5)
_MOST_SNR = 1000.0  # where all of the noise is zero, as LLSG may leave it
_NUM_TRIALS = 10  # companions by which the number of components is chosen
_TABLE_RATES = (0.1, 1.0, 3.0)  # false positives per map
ONE_SIGMA = 1.0  # of the intervals: 68 %


def searched(adi_cube, number):
    """The mlar.Annulus of a number, y and x of its pixels, and which of them all methods search (booleans)."""
    annulus = mlar.annuli(adi_cube.size, adi_cube.fwhm)[number - 1]
    y, x = annulus.centers(adi_cube.size)
    return annulus, y, x, np.hypot(y - adi_cube.center, x - adi_cube.center) >= _LEAST_DISTANCE * adi_cube.fwhm


def candidates(y, x, scores, fwhm):
    """The local maxima of scores: the pixels that are the best within one FWHM.

    Args:
      y, x: [n], of the pixels.
      scores: [n].
      fwhm: [px].

    Returns:
      Which of the pixels, integers; the best first.
    """
    distance = np.hypot(y[:, np.newaxis] - y, x[:, np.newaxis] - x)
    # Of equals, such as pixels that a detector is as sure of as it can be, the one in their midst.
    weights = np.exp(-((2 * distance / fwhm) ** 2))
    order = np.lexsort([weights @ scores / weights.sum(axis=1), scores])
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    best = np.where(distance < fwhm, rank, -1).max(axis=1)
    return order[::-1][(rank == best)[order[::-1]]]


class Curve(NamedTuple):
    """A ROC, a point for each threshold that changes it, the highest first: four arrays."""

    thresholds: np.ndarray
    num_found: np.ndarray  # companions
    false_positives: np.ndarray  # per map, of the whole frame
    in_annulus: np.ndarray  # of these, in the companions' annulus


def curve(scores, is_companion, elsewhere, num_maps):
    """The Curve of one method at one separation.

    Args:
      scores: [num_candidates], of the companions' annulus in all maps.
      is_companion: [num_candidates].
      elsewhere: [n], scores of the candidates in all other annuli, the same in each map.
      num_maps: how many maps there are, each with one companion.
    """
    thresholds = np.unique(np.concatenate([scores, elsewhere]))[::-1]

    def above(values):
        return len(values) - np.searchsorted(np.sort(values), thresholds)

    in_annulus = above(scores[~is_companion]) / num_maps
    return Curve(thresholds, above(scores[is_companion]), in_annulus + above(elsewhere), in_annulus)


def found_at(num_found, false_positives, rate):
    """The most companions found where there are no more false positives per map than `rate`."""
    return int(max(num_found[false_positives <= rate], default=0))


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


_IMAGES = {PCA: _pca, LLSG: _llsg}


def _snrs(image, y, x, fwhm):
    """VIP's S/N at places of an image, [len(y)]; 0 where noise and signal are."""
    from vip_hci.metrics import snr

    with np.errstate(invalid="ignore", divide="ignore"):
        found = [snr(image, (float(column), float(row)), fwhm, verbose=False) for row, column in zip(y, x)]
    return np.nan_to_num(found, nan=0.0, posinf=_MOST_SNR, neginf=-_MOST_SNR)


@dataclasses.dataclass(frozen=True)
class _Setup:
    """What workers need: the cube, and detection.Scorers by name."""

    cube: object
    scorers: dict

    @classmethod
    def make(cls, cube_arguments, model_dirs, prior):
        adi_cube = cube.read(*cube_arguments)
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


def _plan(setup, task):
    """Worker: the companions to inject into an annulus, and the numbers of components that show them best.

    Args:
      setup: function that returns the _Setup.
      task: dictionary of annulus, num_maps, snr_range, methods (of _IMAGES), seed.

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
            images = [_IMAGES[method](injected, rank) for rank in scale.ranks]
            found.append([_snrs(image, [y], [x], setup.cube.fwhm)[0] for image in images])
    ranks = {method: int(scale.ranks[np.argmax(np.median(found, axis=0))]) for method, found in snrs.items()}
    companions = [draw(random) for _ in range(task["num_maps"])]
    return {"companions": companions, "ranks": ranks, "most_snr": scale.most_snr}


def _search(setup, task):
    """Worker: the candidates of each method in one annulus.

    Args:
      setup: function that returns the _Setup.
      task: dictionary of annulus, ranks (as _plan has it), companion ((y, x, flux), or None for none).

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
        scores[method] = _snrs(_IMAGES[method](injected, rank), y, x, setup.cube.fwhm)
    found = {}
    for method, values in scores.items():
        which = candidates(y, x, values, setup.cube.fwhm)
        found[method] = [(float(values[i]), int(y[i]), int(x[i])) for i in which]
    return found


def _of_models(model_dirs):
    """What detectors say depends on: the hashes of their files of weights, and their temperatures."""
    found = [detection.load(path) for path in model_dirs.values()]
    prefixes = [prefix for models in found for prefix in models.checkpoints.values()]
    hashes = [sha256(path) for prefix in prefixes for path in sorted(glob.glob(glob.escape(prefix) + "*"))]
    return [hashes, [models.calibration.temperature for models in found]]


def _named(text):
    name, _, directory = text.partition("=")
    if not name or not directory:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=DIR, such as SODINN=out/sodinn")
    return name, directory


def _check(flags):
    generate_patch_records.check(flags)
    detection.check_flags(flags)
    names = [name for name, _ in flags.model_dirs]
    taken = {name for name in names if names.count(name) > 1 or name in _IMAGES}
    if taken:
        raise ScriptError(f"--model_dirs: two methods of the name {', '.join(sorted(taken))}: give others")


def _cube(cube_arguments, flags):
    """The AdiCube, which is to have the annuli that companions go to, and none of its own."""
    adi_cube = cube.read(*cube_arguments)
    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    missing = sorted(set(flags.separations).difference(ring.number for ring in rings))
    if missing:
        raise ScriptError(
            f"--separations: frames of {adi_cube.size} px have annuli at 1 to {len(rings)} FWHM of {adi_cube.fwhm:.1f} "
            f"px, and none at {', '.join(map(str, missing))}"
        )
    verdict = angle_sign.check(adi_cube)
    if verdict.sign != angle_sign.UNKNOWN:
        print(
            f"WARNING: something stands out with one sign of the angles alone: {verdict}. Use a cube without a "
            "companion: what is found of one counts as a false positive here",
            flush=True,
        )
    return adi_cube


def _compare(flags):
    _check(flags)
    # Workers of a cluster have another working directory.
    model_dirs = {name: os.path.abspath(pretrained.resolve(path)) for name, path in flags.model_dirs}
    paths, how = cube.arguments(flags)[:3], cube.arguments(flags)[3:]
    cube_arguments = (*map(os.path.abspath, paths), *how)
    context = [astronet.__version__, *map(sha256, filter(os.path.isfile, paths)), *how]
    context += [list(model_dirs), _of_models(model_dirs), flags.prior]
    adi_cube = _cube(cube_arguments, flags)
    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    make_directory(flags.output_dir)
    setup = workers.OncePerProcess(_Setup.make, cube_arguments, model_dirs, flags.prior)
    methods = [PCA] if flags.no_llsg else [PCA, LLSG]
    directory = kept.beside(os.path.abspath(os.path.join(flags.output_dir, "candidates.csv")))

    def results(work, tasks, told):
        from tqdm import tqdm

        keeper = kept.Kept(functools.partial(work, setup), directory, [work.__name__, *context])
        num_kept = sum(map(keeper.has, tasks))
        if num_kept:
            print(f"resuming: {num_kept} of {len(tasks)} {told} are in {directory} (remove it to begin anew)")
        found = workers.map_in_order(keeper, tasks, flags.num_worker_processes, cluster=flags.cluster)
        return list(tqdm(found, desc=told, total=len(tasks), disable=None))

    separations = sorted(set(flags.separations))
    same = {"num_maps": flags.num_maps, "snr_range": flags.snr_range, "methods": methods, "seed": flags.seed}
    plans = dict(zip(separations, results(_plan, [{"annulus": each, **same} for each in separations], "separations")))
    for separation, plan in plans.items():
        told = ", ".join(f"{method} by {rank} components" for method, rank in plan["ranks"].items())
        print(f"{separation} FWHM: {told}, which show trial injections best", flush=True)
        if plan["most_snr"] < flags.snr_range[1]:
            print(
                f"WARNING: at {separation} FWHM an S/N of {plan['most_snr']:.1f} is the most that PCA gives however "
                "bright a companion is: set --snr_range below it",
                flush=True,
            )

    def ranks(number):
        return plans[min(separations, key=lambda each: abs(each - number))]["ranks"]

    tasks = [{"annulus": ring.number, "ranks": ranks(ring.number), "companion": None} for ring in rings]
    injected = [(each, number) for each in separations for number in range(flags.num_maps)]
    for separation, number in injected:
        companion = plans[separation]["companions"][number][:3]
        tasks.append({"annulus": separation, "ranks": ranks(separation), "companion": companion})
    found = results(_search, tasks, "maps")
    without = _of_frame([ring.number for ring in rings], found[: len(rings)], adi_cube.fwhm)
    _report_false_positives(adi_cube, tasks[: len(rings)], without, flags)
    rows = []
    for (separation, number), maps in zip(injected, found[len(rings) :]):
        companion = plans[separation]["companions"][number]
        for method, listed in maps.items():
            rows += [[method, separation, number, *row] for row in _rows(listed, companion, adi_cube.fwhm)]
    _report_roc(rows, without, [*model_dirs, *methods], separations, flags)
    for method, listed in without.items():
        rows += [[method, number, "", f"{score:.6g}", x, y, "", 0, *[""] * 4] for number, score, y, x in listed]
    write_csv(os.path.join(flags.output_dir, "candidates.csv"), CANDIDATE_COLUMNS, rows)
    kept.Kept(None, directory).discard()


def _of_frame(numbers, found, fwhm):
    """The candidates of a whole frame, of those of its annuli: none is within one FWHM of a better one next door.

    Args:
      numbers: of the annuli.
      found: for each, what _search returns.
      fwhm: [px].

    Returns:
      Dictionary, method -> list of (number of the annulus, score, y, x), the best first.
    """
    frame = {}
    for method in found[0]:
        listed = [(number, *each) for number, maps in zip(numbers, found) for each in maps[method]]
        _, scores, y, x = np.transpose(listed)
        frame[method] = [listed[i] for i in candidates(y, x, scores, fwhm)]
    return frame


def _rows(listed, companion, fwhm):
    """Yields the columns of candidates.csv from `score` on, of the candidates (score, y, x) of a map, best first."""
    at_y, at_x, flux, snr = companion
    is_found = False
    for score, y, x in listed:
        distance = np.hypot(y - at_y, x - at_x) / fwhm
        is_companion = distance <= _FOUND_WITHIN and not is_found
        is_found |= is_companion
        measured = f"{score:.6g}", x, y, f"{distance:.3f}", int(is_companion)
        yield [*measured, f"{snr:.3f}", f"{flux:.5g}", f"{at_x:.2f}", f"{at_y:.2f}"]


def _report_false_positives(adi_cube, tasks, without, flags):
    """Writes false_positives.csv, of the cube without injections (see _of_frame), and prints its sums."""
    rows, sums = [], {}
    sizes = [int(np.count_nonzero(searched(adi_cube, task["annulus"])[3])) for task in tasks]
    for method, listed in without.items():
        threshold = flags.snr_threshold if method in _IMAGES else metrics.log_odds(flags.threshold)
        for task, num_pixels in zip(tasks, sizes):
            number = task["annulus"]
            scores = [score for annulus, score, _, _ in listed if annulus == number]
            count = sum(score >= threshold for score in scores)
            sums[method] = sums.get(method, 0) + count
            highest = f"{max(scores):.6g}" if scores else ""
            measured = f"{threshold:.6g}", count, len(scores), highest, num_pixels
            rows.append([method, number, task["ranks"].get(method, ""), *measured])
    path = os.path.join(flags.output_dir, "false_positives.csv")
    write_csv(path, FALSE_POSITIVE_COLUMNS, rows)
    told = "; ".join(f"{method} {number}" for method, number in sums.items())
    print(
        f"{path}: without an injection, in {len(tasks)} annuli, candidates from a probability of {flags.threshold:g} "
        f"or an S/N of {flags.snr_threshold:g} on: {told}. They are false positives, if the cube has no companion"
    )


def _report_roc(rows, without, methods, separations, flags):
    """Writes roc.csv and roc.png, and prints how much is found at some rates of false positives."""
    from astronet.direct_imaging import plots

    table, curves = [], {}
    for separation in separations:
        for method in methods:
            own = [row for row in rows if row[:2] == [method, separation]]
            scores, is_companion = np.array([float(row[3]) for row in own]), np.array([row[7] == 1 for row in own])
            elsewhere = [score for annulus, score, _, _ in without[method] if annulus != separation]
            points = curve(scores, is_companion, elsewhere, flags.num_maps)
            curves[separation, method] = points
            for threshold, number, *rates in zip(*points):
                limits = intervals.wilson(number, flags.num_maps, ONE_SIGMA)
                shares = [f"{share:.4f}" for share in (number / flags.num_maps, *limits, *rates)]
                table.append([method, separation, f"{threshold:.6g}", *shares])
    path = os.path.join(flags.output_dir, "roc.csv")
    write_csv(path, ROC_COLUMNS, table)
    plots.plot_companion_roc(
        os.path.join(flags.output_dir, "roc.png"), curves, flags.num_maps, flags.snr_range, ONE_SIGMA
    )
    print(
        f"{path}: of {flags.num_maps} companions a separation, of S/N {flags.snr_range[0]:g} to "
        f"{flags.snr_range[1]:g}, found (68 % interval; times as many as by {PCA}),"
    )
    width = 2 + max(map(len, ("method", *methods)))
    for which, told in (("false_positives", "of the whole frame"), ("in_annulus", "of the companion's annulus")):
        print(f" by false positives per map {told}:")
        print("  FWHM  " + "method".ljust(width) + "".join(f"{rate:g} per map".ljust(32) for rate in _TABLE_RATES))
        for separation in separations:
            for method in methods:
                shares = _shares(curves[separation, method], curves[separation, PCA], which, flags.num_maps)
                print(f"  {separation:<6}{method:<{width}}{shares}".rstrip())


def _shares(own, reference, which, num_maps):
    """What is found at each of _TABLE_RATES of false positives, `which` of a Curve's, beside a reference Curve."""
    told = []
    for rate in _TABLE_RATES:
        number, base = (found_at(each.num_found, getattr(each, which), rate) for each in (own, reference))
        low, high = intervals.wilson(number, num_maps, ONE_SIGMA)
        ratio = f"x{number / base:.2f}" if base else "-"
        told.append(f"{number / num_maps:.2f} ({low:.2f} to {high:.2f}; {ratio})".ljust(32))
    return "".join(told)


def main(argv=None):
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.add_argument("--output_dir", required=True, help="directory of all that is written")
    parser.add_argument(
        "--model_dirs",
        type=_named,
        nargs="+",
        required=True,
        metavar="NAME=DIR",
        help="trained detectors (or ensembles of them), each by the name that it is to have here",
    )
    parser.add_argument("--no_llsg", action="store_true", help="leave LLSG out")
    parser.add_argument(
        "--separations", type=positive_integer, nargs="+", default=[1, 2, 3, 4], help="of injections, in FWHM"
    )
    parser.add_argument("--num_maps", type=positive_integer, default=50, help="injections a separation")
    generate_patch_records.add_snr_flag(parser)
    detection.add_flags(parser)
    parser.add_argument("--snr_threshold", type=float, default=5.0, help="S/N of a false positive")
    parser.add_argument("--seed", type=int, default=0, help="of places and S/N of the companions")
    parser.add_argument("--num_worker_processes", type=positive_integer, default=os.cpu_count(), help="side by side")
    workers.add_cluster_flag(parser)
    return run(_compare, parser.parse_args(argv))


if __name__ == "__main__":
    from astronet.direct_imaging.companion_roc import main  # noqa: F811 (workers have another __main__)

    sys.exit(main())
