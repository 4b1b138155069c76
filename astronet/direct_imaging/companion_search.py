"""Searches a cube for companions and writes the files of detect_companions.py.

find() has two steps: the probability of a companion at each pixel, by a detector; and the files that tell of it.
"""

import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any, Optional

import numpy as np

from astronet.base import arguments, locks, messages
from astronet.base.files import write_aside, write_csv
from astronet.base.script import ScriptError
from astronet.config.schema import Config
from astronet.data.records import tfrecord
from astronet.direct_imaging import angle_sign, configurations, detection, measurement, own_detector, pca
from astronet.direct_imaging.cube import AdiCube, CubeFiles
from astronet.stats.metrics import is_positive

_LOG = logging.getLogger(__name__)

COLUMNS = (
    *("detection", "x", "y", "separation_px", "separation_fwhm", "position_angle_deg"),
    *("contrast", "flux", "probability", "num_pixels", "pca_snr"),
)
_OUTPUTS = ("detections.csv", "probability_map.fits", "detection_map.fits", "detections.png")


@dataclasses.dataclass(frozen=True)
class CompanionSearch:
    """How a cube is searched.

    Attributes:
      files: files of the cube.
      output_dir: directory of all output files.
      detector: the detector that is trained on the cube if model_dir is None.
      model_dir: directory of a trained detector or of an ensemble.
      threshold: probability from which a companion is detected.
      prior: probability that a companion is at a pixel, before anything is seen.
      num_components: number of components of the PCA image; None is measurement.middle_rank().
      num_measured: number of detections, the most probable ones, whose place and flux VIP measures.
    """

    files: CubeFiles
    output_dir: str
    detector: own_detector.DetectorChoice
    model_dir: Optional[str] = None
    threshold: float = 0.9
    prior: float = 0.01
    num_components: Optional[int] = None
    num_measured: int = 5

    def path(self, name: str) -> str:
        """Returns the path of an output file."""
        return os.path.join(self.output_dir, name)


@dataclasses.dataclass(frozen=True)
class Detections:
    """The result of the search of a cube; its str() has a line for each detection, for the user.

    Attributes:
      search: what was searched.
      rows: rows of detections.csv.
      num_searched: number of pixels that were searched.
    """

    search: CompanionSearch
    rows: list[dict[str, Any]]
    num_searched: int

    def __str__(self) -> str:
        lines = []
        for row in self.rows:
            flux = f", contrast {row['contrast']}" if row["contrast"] else ""
            place = f"{row['separation_px']} px at {row['position_angle_deg']} deg"
            scores = f"probability {row['probability']}, S/N by PCA {row['pca_snr']}"
            lines.append(f"  {row['detection']}: x={row['x']} y={row['y']}, {place}{flux}: {scores}")
        lines.append(
            f"{self.search.path('detections.csv')}: {len(self.rows)} detections from a probability of "
            f"{self.search.threshold:g} on, in {self.num_searched} pixels searched"
        )
        return "\n".join(lines)


def find(search: CompanionSearch) -> Detections:
    """Searches a cube, writes all files, and returns the Detections.

    Raises:
      ScriptError: a file or the detector cannot be used, or the output directory holds results of something else.
    """
    adi_cube = _read(search)
    with locks.exclusive(search.output_dir):
        probabilities = _probabilities(adi_cube, search)
        return _write(adi_cube, probabilities, search)


def _read(search: CompanionSearch) -> AdiCube:
    """Returns the cube, after checking that no output overwrites an input and that it has enough frames."""
    outputs = {f"--output_dir ({name})": search.path(name) for name in _OUTPUTS}
    arguments.refuse_overwriting_inputs(outputs, search.files.paths)
    adi_cube = search.files.read_and_warn()
    if search.num_components and search.num_components > len(adi_cube.frames):
        raise ScriptError(
            f"--num_components={search.num_components}: {search.files.cube} has {len(adi_cube.frames)} frames, and no "
            "more components than these"
        )
    return adi_cube


def _probabilities(adi_cube: AdiCube, search: CompanionSearch) -> np.ndarray:
    """Returns the probability of a companion at each pixel, [size, size]; NaN where the cube is not searched."""
    if search.model_dir is None:
        own_detector.check(search.detector)
    _LOG.info(
        f"{search.files.cube}: {len(adi_cube.frames)} frames of {adi_cube.size} x {adi_cube.size} pixels, "
        f"FWHM {adi_cube.fwhm:.2f} px, the sky turns by {adi_cube.rotation:.1f} deg"
    )
    verdict = angle_sign.check(adi_cube)
    if verdict.sign == angle_sign.FLIPPED:
        _LOG.warning(f"WARNING: {verdict}")
    else:
        _LOG.info(str(verdict))
    return _scorer(adi_cube, search).map(adi_cube, _progress("search"))


def _scorer(adi_cube: AdiCube, search: CompanionSearch) -> detection.Scorer:
    """Returns the scorer of the detector: the one of model_dir, or one that is trained now or was trained before."""
    if search.model_dir:
        scorer = detection.Scorer(detection.load(search.model_dir), search.prior)
        scorer.check(adi_cube)
        return scorer
    models = own_detector.load(adi_cube, search.detector)
    scorer = detection.Scorer(models, search.prior)
    _tell_test_companions(scorer, models.spec.config, search)
    return scorer


def _tell_test_companions(scorer: detection.Scorer, config: Config, search: CompanionSearch) -> None:
    """Logs how many companions of the test samples would be detected; a warning if there are none."""
    from astronet.ops import dataset

    files = os.path.join(search.detector.records_dir, "test-*")
    tces = dataset.read(tfrecord.expand(files), config)
    probabilities = scorer.patches(tces.features[configurations.FEATURE][tces.labels == 1])
    num_detected = np.count_nonzero(is_positive(probabilities, search.threshold))
    low, high = search.detector.samples.snr_range
    line = (
        f"of {len(probabilities)} companions injected for test (S/N {low:g} to {high:g}), "
        f"{num_detected or 'none'} would be detected: their probability is {probabilities.max():.4f} at most"
    )
    if num_detected:
        _LOG.info(line)
        return
    _LOG.warning(
        f"WARNING: {line}. Nor would others like them: set a lower --threshold, or train with more samples or another "
        "--seed, in another --output_dir"
    )


def _progress(step: str) -> Callable[..., Iterable[Any]]:
    """Returns a function that iterates over a list and shows a progress bar; `step` is the name of the bar."""
    return functools.partial(messages.bar, desc=step)


def _write(adi_cube: AdiCube, probabilities: np.ndarray, search: CompanionSearch) -> Detections:
    """Writes all files on the probabilities [size, size], and returns the detections."""
    from astronet.direct_imaging import plots

    detections = detection.detections(probabilities, search.threshold, adi_cube.fwhm)
    num_components = search.num_components or measurement.middle_rank(adi_cube)
    image = pca.images(adi_cube, [num_components])[0]
    pca_image = measurement.PcaImage(image, pca.snr_map(adi_cube, image), num_components)
    if num_measured := min(len(detections), search.num_measured):
        _LOG.info(f"place and flux are measured of {num_measured} of {len(detections)} detections, by VIP")
    measured = measurement.rows(adi_cube, detections, pca_image, search.num_measured)
    rows = list(_progress("detections")(measured, total=len(detections)))

    above = np.where(np.nan_to_num(probabilities) >= search.threshold, probabilities, 0)
    _write_image(search.path("probability_map.fits"), probabilities)
    _write_image(search.path("detection_map.fits"), above)
    write_csv(search.path("detections.csv"), COLUMNS, [list(row.values()) for row in rows])
    plots.plot_detections(
        search.path("detections.png"),
        adi_cube,
        {"image": image, "snr": pca_image.snr_map, "probability": probabilities, "above": above},
        num_components,
        [(float(row["x"]), float(row["y"])) for row in rows],
        search.threshold,
    )
    return Detections(search, rows, int(np.count_nonzero(~np.isnan(probabilities))))


def _write_image(path: str, image: np.ndarray) -> None:
    from astropy.io import fits

    with write_aside(path) as aside:
        fits.PrimaryHDU(np.asarray(image, np.float32)).writeto(aside)
