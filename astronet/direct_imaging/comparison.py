"""Compares detectors, PCA and LLSG by companions injected into a cube: the work of companion_roc.py.

compare() has two steps: inject and search, in worker processes (_search_all), and write tables and figure
(comparison_report.py).
"""

import dataclasses
import functools
import glob
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from astronet.base import arguments, kept, locks, messages, version, workers
from astronet.base.files import sha256
from astronet.base.script import ScriptError
from astronet.direct_imaging import angle_sign, comparison_report, detection, injected_maps, mlar, patch_records, roc
from astronet.direct_imaging.comparison_report import FalsePositiveThresholds, Results, Trial
from astronet.direct_imaging.cube import AdiCube, CubeFiles
from astronet.direct_imaging.injected_maps import LLSG, PCA
from astronet.estimator import pretrained

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Which methods are compared, and by which companions.

    Attributes:
      files: files of the cube.
      output_dir: directory of all output files.
      model_dirs: pairs (name, directory) of the trained detectors.
      no_llsg: whether LLSG is left out.
      separations: distances of the injections from the star [FWHM].
      num_maps: number of injections at each separation.
      snr_range: least and greatest S/N of the injected companions in PCA images.
      threshold: probability from which a candidate of a detector counts as a false positive.
      prior: probability that a companion is at a pixel, before anything is seen.
      snr_threshold: S/N from which a candidate of PCA or LLSG counts as a false positive.
      seed: seed of the places and S/N of the companions.
      num_worker_processes: number of processes that work side by side.
      cluster: Dask cluster, as workers.open_executor() takes it; None is this machine.
    """

    files: CubeFiles
    output_dir: str
    model_dirs: Sequence[tuple[str, str]]
    no_llsg: bool = False
    separations: Sequence[int] = (1, 2, 3, 4)
    num_maps: int = 50
    snr_range: Sequence[float] = (1.0, 3.0)
    threshold: float = 0.9
    prior: float = 0.01
    snr_threshold: float = 5.0
    seed: int = 0
    num_worker_processes: int = 1
    cluster: Optional[str] = None

    @property
    def images(self) -> list[str]:
        """Names of the methods that make images: PCA, and LLSG unless it is left out."""
        return [PCA] if self.no_llsg else [PCA, LLSG]

    def check(self) -> None:
        """Raises ScriptError if names are taken twice, a range is empty, or an output would overwrite an input."""
        patch_records.check_snr_range(self.snr_range)
        names = [name for name, _ in self.model_dirs]
        taken = {name for name in names if names.count(name) > 1 or name in injected_maps.IMAGES}
        if taken:
            raise ScriptError(f"--model_dirs: two methods of the name {', '.join(sorted(taken))}: give others")
        outputs = {f"--output_dir ({name})": os.path.join(self.output_dir, name) for name in comparison_report.OUTPUTS}
        arguments.refuse_overwriting_inputs(outputs, self.files.paths)


def compare(comparison: Comparison) -> list[str]:
    """Injects and searches companions, writes all tables and the figure; returns lines on how many are found.

    Searched maps are kept in the output directory, so that a run that was stopped goes on with the others.

    Raises:
      ScriptError: a flag, a file or a detector cannot be used.
    """
    comparison.check()
    # Workers may run in another working directory.
    model_dirs = {name: os.path.abspath(pretrained.resolve(path)) for name, path in comparison.model_dirs}
    files, hashes = comparison.files.absolute(), comparison.files.hashes()
    context = [version.VERSION, *hashes, *files.reading, list(model_dirs), _identity(model_dirs), comparison.prior]
    adi_cube = _read(comparison)
    setup = workers.OncePerProcess(injected_maps.Setup.make, files, hashes, model_dirs, comparison.prior)
    with locks.exclusive(comparison.output_dir):
        kept_dir = kept.beside(os.path.abspath(os.path.join(comparison.output_dir, "candidates.csv")))
        work = _Work(setup, kept_dir, context, comparison)
        trial = Trial(
            comparison.output_dir,
            [*model_dirs, *comparison.images],
            sorted(set(comparison.separations)),
            comparison.num_maps,
            comparison.snr_range,
            FalsePositiveThresholds(comparison.threshold, comparison.snr_threshold),
        )
        results = _search_all(adi_cube, work, trial, comparison)
        lines = comparison_report.write(results, trial)
        kept.discard(kept_dir)
    return lines


def _identity(model_dirs: Mapping[str, str]) -> list[Any]:
    """Returns what the scores of detectors depend on: hashes of the weights, configurations and temperatures."""
    detectors = [detection.load(path) for path in model_dirs.values()]
    prefixes = [prefix for models in detectors for prefix in models.checkpoints.values()]
    hashes = [sha256(path) for prefix in prefixes for path in sorted(glob.glob(glob.escape(prefix) + "*"))]
    configurations = [[models.spec.model, dataclasses.asdict(models.spec.config)] for models in detectors]
    return [hashes, configurations, [models.calibration.temperature for models in detectors]]


def _read(comparison: Comparison) -> AdiCube:
    """Returns the cube, which must have an annulus at each separation; logs a warning if it holds a companion."""
    adi_cube = comparison.files.read_and_warn()
    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    missing = sorted(set(comparison.separations).difference(ring.number for ring in rings))
    if missing:
        raise ScriptError(
            f"--separations: frames of {adi_cube.size} px have annuli at 1 to {len(rings)} FWHM of {adi_cube.fwhm:.1f} "
            f"px, and none at {', '.join(map(str, missing))}"
        )
    verdict = angle_sign.check(adi_cube)
    if verdict.sign != angle_sign.UNKNOWN:
        _LOG.warning(
            f"WARNING: something stands out with one sign of the angles alone: {verdict}. Use a cube without a "
            "companion: what is found of one counts as a false positive here"
        )
    return adi_cube


class _Work:
    """Does tasks in worker processes, and keeps each result for a run that goes on with this one."""

    def __init__(
        self, setup: Callable[[], injected_maps.Setup], directory: str, context: list[Any], comparison: Comparison
    ) -> None:
        """Takes what the tasks share.

        Args:
          setup: function that returns the Setup.
          directory: directory of the kept results.
          context: everything that decides on the results, besides the task.
          comparison: says how many processes work.
        """
        self._setup, self._directory, self._context, self._comparison = setup, directory, context, comparison

    def results(self, work: Callable[..., Any], tasks: Sequence[Any], noun: str) -> list[Any]:
        """Returns work(setup, task) of each task; shows a progress bar. `noun` says what the tasks are."""
        keeper = kept.Kept(functools.partial(work, self._setup), self._directory, [work.__name__, *self._context])
        num_kept = sum(map(keeper.has, tasks))
        if num_kept:
            _LOG.info(f"resuming: {num_kept} of {len(tasks)} {noun} are in {self._directory} (remove it to begin anew)")
        num_processes, cluster = self._comparison.num_worker_processes, self._comparison.cluster
        results = workers.map_in_order(keeper, tasks, num_processes, cluster=cluster)
        return list(messages.bar(results, desc=noun, total=len(tasks)))


def _search_all(adi_cube: AdiCube, work: _Work, trial: Trial, comparison: Comparison) -> Results:
    """Searches the cube without an injection and with each; writes false_positives.csv."""
    plans = _plans(work, trial.separations, comparison)

    def ranks(number: int) -> dict[str, int]:
        nearest = min(trial.separations, key=lambda separation: abs(separation - number))
        return plans[nearest]["ranks"]

    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    tasks = [{"annulus": ring.number, "ranks": ranks(ring.number), "companion": None} for ring in rings]
    injected = [(separation, number) for separation in trial.separations for number in range(trial.num_maps)]
    for separation, number in injected:
        companion = plans[separation]["companions"][number][:3]
        tasks.append({"annulus": separation, "ranks": ranks(separation), "companion": companion})
    maps = work.results(injected_maps.search, tasks, "maps")
    without = roc.of_frame([ring.number for ring in rings], maps[: len(rings)], adi_cube.fwhm)
    comparison_report.write_false_positives(adi_cube, tasks[: len(rings)], without, trial)
    rows = []
    for (separation, number), candidates in zip(injected, maps[len(rings) :]):
        companion = plans[separation]["companions"][number]
        for method, of_method in candidates.items():
            cells = comparison_report.candidate_cells(of_method, companion, adi_cube.fwhm)
            rows += [[method, separation, number, *row] for row in cells]
    return Results(rows, without)


def _plans(work: _Work, separations: Sequence[int], comparison: Comparison) -> dict[int, dict[str, Any]]:
    """Returns the result of injected_maps.plan for each separation, and logs it."""
    shared = {
        "num_maps": comparison.num_maps,
        "snr_range": comparison.snr_range,
        "methods": comparison.images,
        "seed": comparison.seed,
    }
    tasks = [{"annulus": separation, **shared} for separation in separations]
    plans = work.results(injected_maps.plan, tasks, "separations")
    for separation, plan in zip(separations, plans):
        ranks = ", ".join(f"{method} by {rank} components" for method, rank in plan["ranks"].items())
        _LOG.info(f"{separation} FWHM: {ranks}, which show trial injections best")
        if plan["most_snr"] < comparison.snr_range[1]:
            _LOG.warning(
                f"WARNING: at {separation} FWHM an S/N of {plan['most_snr']:.1f} is the most that PCA gives however "
                "bright a companion is: set --snr_range below it"
            )
    return dict(zip(separations, plans))
