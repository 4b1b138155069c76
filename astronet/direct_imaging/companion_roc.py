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

import numpy as np

import astronet
from astronet.base import arguments, kept, locks, workers
from astronet.base.files import sha256, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.direct_imaging import angle_sign, cube, detection, generate_patch_records, injected_maps, mlar, roc
from astronet.direct_imaging.injected_maps import LLSG, PCA
from astronet.estimator import pretrained
from astronet.stats import intervals, metrics

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
_OUTPUTS = ("candidates.csv", "roc.csv", "roc.png", "false_positives.csv")
_FOUND_WITHIN = 0.75  # FWHM of the companion: the speckle that it sits on may move its peak by more than half a FWHM
_TABLE_RATES = (0.1, 1.0, 3.0)  # false positives per map
ONE_SIGMA = 1.0  # of the intervals: 68 %


def _of_models(model_dirs):
    """What detectors say depends on: the hashes of their files of weights, configurations and temperatures."""
    found = [detection.load(path) for path in model_dirs.values()]
    prefixes = [prefix for models in found for prefix in models.checkpoints.values()]
    hashes = [sha256(path) for prefix in prefixes for path in sorted(glob.glob(glob.escape(prefix) + "*"))]
    how = [[models.spec.model, dataclasses.asdict(models.spec.config)] for models in found]
    return [hashes, how, [models.calibration.temperature for models in found]]


def _named(text):
    name, _, directory = text.partition("=")
    if not name or not directory:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=DIR, such as SODINN=out/sodinn")
    return name, directory


def _check(flags):
    generate_patch_records.check(flags)
    names = [name for name, _ in flags.model_dirs]
    taken = {name for name in names if names.count(name) > 1 or name in injected_maps.IMAGES}
    if taken:
        raise ScriptError(f"--model_dirs: two methods of the name {', '.join(sorted(taken))}: give others")


def _cube(flags):
    """The AdiCube, which is to have the annuli that companions go to, and none of its own."""
    adi_cube = cube.from_flags(flags)
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
    paths = {"CUBE": flags.cube, "PSF": flags.psf, "ANGLES": flags.angles}
    outputs = {f"--output_dir ({name})": os.path.join(flags.output_dir, name) for name in _OUTPUTS}
    arguments.refuse_overwriting_inputs(outputs, paths)
    # Workers of a cluster have another working directory.
    model_dirs = {name: os.path.abspath(pretrained.resolve(path)) for name, path in flags.model_dirs}
    files = [(os.path.abspath(path), sha256(path)) for path in paths.values()]
    how = cube.how_to_read(flags)
    context = [astronet.__version__, *(digest for _, digest in files), *how]
    context += [list(model_dirs), _of_models(model_dirs), flags.prior]
    adi_cube = _cube(flags)
    setup = workers.OncePerProcess(injected_maps.Setup.make, files, how, model_dirs, flags.prior)
    with locks.exclusive(flags.output_dir):
        kept_dir = kept.beside(os.path.abspath(os.path.join(flags.output_dir, "candidates.csv")))
        work = _Work(setup, kept_dir, context, flags)
        rows, without, separations = _search_all(adi_cube, work, flags)
        methods = [*model_dirs, PCA, *([] if flags.no_llsg else [LLSG])]
        _report_roc(rows, without, methods, separations, flags)
        for method, listed in without.items():
            rows += [[method, number, "", f"{score:.6g}", x, y, "", 0, *[""] * 4] for number, score, y, x in listed]
        write_csv(os.path.join(flags.output_dir, "candidates.csv"), CANDIDATE_COLUMNS, rows)
        kept.Kept(None, kept_dir).discard()


class _Work:
    """Does tasks side by side, and keeps what each gives for a run that takes this one up."""

    def __init__(self, setup, directory, context, flags):
        """Takes a function that returns the injected_maps.Setup, the directory of results, and what decides on them."""
        self._setup, self._directory, self._context, self._flags = setup, directory, context, flags

    def results(self, work, tasks, told):
        """List of work(setup, task) of each task, with a line or a bar that says `told` of them."""
        from tqdm import tqdm

        keeper = kept.Kept(functools.partial(work, self._setup), self._directory, [work.__name__, *self._context])
        num_kept = sum(map(keeper.has, tasks))
        if num_kept:
            print(f"resuming: {num_kept} of {len(tasks)} {told} are in {self._directory} (remove it to begin anew)")
        found = workers.map_in_order(keeper, tasks, self._flags.num_worker_processes, cluster=self._flags.cluster)
        return list(tqdm(found, desc=told, total=len(tasks), disable=None))


def _search_all(adi_cube, work, flags):
    """Injects and searches; writes false_positives.csv.

    Returns:
      Rows of candidates.csv, of maps with an injection; what roc.of_frame says of the cube without; separations.
    """
    separations = sorted(set(flags.separations))
    plans = _plans(work, separations, flags)

    def ranks(number):
        return plans[min(separations, key=lambda each: abs(each - number))]["ranks"]

    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    tasks = [{"annulus": ring.number, "ranks": ranks(ring.number), "companion": None} for ring in rings]
    injected = [(each, number) for each in separations for number in range(flags.num_maps)]
    for separation, number in injected:
        companion = plans[separation]["companions"][number][:3]
        tasks.append({"annulus": separation, "ranks": ranks(separation), "companion": companion})
    found = work.results(injected_maps.search, tasks, "maps")
    without = roc.of_frame([ring.number for ring in rings], found[: len(rings)], adi_cube.fwhm)
    _report_false_positives(adi_cube, tasks[: len(rings)], without, flags)
    rows = []
    for (separation, number), maps in zip(injected, found[len(rings) :]):
        companion = plans[separation]["companions"][number]
        for method, listed in maps.items():
            rows += [[method, separation, number, *row] for row in _rows(listed, companion, adi_cube.fwhm)]
    return rows, without, separations


def _plans(work, separations, flags):
    """Dictionary, separation -> what injected_maps.plan says of it; prints it."""
    methods = [PCA] if flags.no_llsg else [PCA, LLSG]
    same = {"num_maps": flags.num_maps, "snr_range": flags.snr_range, "methods": methods, "seed": flags.seed}
    plans = work.results(injected_maps.plan, [{"annulus": each, **same} for each in separations], "separations")
    for separation, plan in zip(separations, plans):
        told = ", ".join(f"{method} by {rank} components" for method, rank in plan["ranks"].items())
        print(f"{separation} FWHM: {told}, which show trial injections best", flush=True)
        if plan["most_snr"] < flags.snr_range[1]:
            print(
                f"WARNING: at {separation} FWHM an S/N of {plan['most_snr']:.1f} is the most that PCA gives however "
                "bright a companion is: set --snr_range below it",
                flush=True,
            )
    return dict(zip(separations, plans))


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
    """Writes false_positives.csv, of the cube without injections (see roc.of_frame), and prints its sums."""
    rows, sums = [], {}
    sizes = [int(np.count_nonzero(injected_maps.searched(adi_cube, task["annulus"])[3])) for task in tasks]
    for method, listed in without.items():
        threshold = flags.snr_threshold if method in injected_maps.IMAGES else metrics.log_odds(flags.threshold)
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
            points = roc.curve(scores, is_companion, elsewhere, flags.num_maps)
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
    """What is found at each of _TABLE_RATES of false positives, `which` of a roc.Curve's, beside a reference Curve."""
    told = []
    for rate in _TABLE_RATES:
        number, base = (roc.found_at(each.num_found, getattr(each, which), rate) for each in (own, reference))
        low, high = intervals.wilson(number, num_maps, ONE_SIGMA)
        ratio = f"x{number / base:.2f}" if base else "-"
        told.append(f"{number / num_maps:.2f} ({low:.2f} to {high:.2f}; {ratio})".ljust(32))
    return "".join(told)


def main(argv=None):
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of all that is written"
    )
    parser.add_argument(
        "--model_dirs",
        type=_named,
        nargs="+",
        required=True,
        metavar="NAME=DIR",
        help="trained detectors (or ensembles of them), each by the name that it is to have here",
    )
    parser.add_argument("--no_llsg", action="store_true", help="compare with PCA alone, for LLSG takes long")
    parser.add_argument(
        "--separations",
        type=arguments.positive_integer,
        nargs="+",
        default=[1, 2, 3, 4],
        help="distances of the injections from the star, in FWHM",
    )
    parser.add_argument(
        "--num_maps",
        type=arguments.whole_number(1, 100_000),
        default=50,
        help="number of injections at each separation",
    )
    generate_patch_records.add_snr_flag(parser)
    detection.add_flags(parser)
    parser.add_argument(
        "--snr_threshold",
        type=arguments.positive_number,
        default=5.0,
        help="S/N from which a candidate of PCA and LLSG is told as a false positive",
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="seed of the places and S/N of the companions")
    parser.add_argument(
        "--num_worker_processes",
        type=arguments.num_processes,
        default=os.cpu_count(),
        help="processes that work side by side",
    )
    workers.add_cluster_flag(parser)
    return run(
        _compare,
        parser.parse_args(argv),
        go_on="the same command, given again, goes on with the maps that are searched",
    )


if __name__ == "__main__":
    sys.exit(main())
