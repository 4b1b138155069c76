"""Searches light curve files for flares and writes the tables and plots of find_flares.py."""

import contextlib
import csv
import dataclasses
import glob
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

import numpy as np

from astronet.base import arguments, messages
from astronet.base.files import make_directory, write_aside, write_csv
from astronet.base.script import ScriptError
from astronet.estimator.ensemble import Ensemble
from astronet.flares import detection, light_curves, search, stars
from astronet.flares.light_curves import LightCurveReading
from light_curve_util.errors import LightCurveError
from light_curve_util.numerals import numbered
from light_curve_util.tess_io import LightCurve

_LOG = logging.getLogger(__name__)

_TABLES = {  # file -> its columns
    "flares": search.FLARE_COLUMNS,
    "unsearched": search.UNSEARCHED_COLUMNS,
    "searched": search.SEARCHED_COLUMNS,
}


@dataclasses.dataclass(frozen=True)
class FlareSearch:
    """Which files are searched, how, and where the results go.

    Attributes:
      light_curves: paths of the light curve files.
      reading: how the light curves are read.
      output_dir: directory of the tables and plots.
      threshold: probability from which a cadence belongs to a flare; None is the ensemble's own threshold.
      least_significance: significance from which a flare counts as significant.
      star_catalog: path of a table of temperatures and radii; None if the headers have them.
      plot: whether each light curve is plotted.
    """

    light_curves: Sequence[str]
    reading: LightCurveReading
    output_dir: str
    threshold: Optional[float] = None
    least_significance: float = search.LEAST_SIGNIFICANCE
    star_catalog: Optional[str] = None
    plot: bool = False

    def check_paths(self) -> None:
        """Raises ScriptError if an output would overwrite an input or another output, or be searched next time."""
        stems = [search.stem(path) for path in self.light_curves]
        repeated = sorted({name for name in stems if stems.count(name) > 1})
        if repeated:
            raise ScriptError(
                f"more than one light curve is named {', '.join(repeated)}: rename one, or find them apart"
            )
        output_dir = os.path.realpath(self.output_dir)
        inside = (path for path in self.light_curves if os.path.dirname(os.path.realpath(path)) == output_dir)
        if path := next(inside, None):
            raise ScriptError(
                f"--output_dir {self.output_dir} holds the light curve {os.path.basename(path)}: give another, for the "
                "tables written there look like light curves to the next search"
            )
        tables = [os.path.join(self.output_dir, f"{name}.csv") for name in (*_TABLES, "skipped")]
        arguments.refuse_overwriting_inputs({"--output_dir": tables}, {"--star_catalog": self.star_catalog})


@dataclasses.dataclass(frozen=True)
class Summary:
    """The result of a search of several files; its str() has a few lines for the user.

    Attributes:
      files: what was searched.
      threshold: probability from which a cadence belongs to a flare.
      searched: rows of searched.csv.
      skips: pairs (path, reason) of the files that could not be searched.
    """

    files: FlareSearch
    threshold: float
    searched: list[dict[str, Any]]
    skips: list[tuple[str, str]]

    def __str__(self) -> str:
        num_flares, num_significant, num_bright = (
            sum(row[name] for row in self.searched)
            for name in ("num_flares", "num_significant", "num_bright_unsearched")
        )
        path = os.path.join(self.files.output_dir, "flares.csv")
        lines = [
            f"{path}: {num_flares} flares in {len(self.searched)} light curves, from a probability of "
            f"{self.threshold:g}",
            f"{num_flares - num_significant} of them flagged (is_significant 0): below a significance of "
            f"{self.files.least_significance:g}",
        ]
        if num_bright:
            stretches = "1 bright stretch" if num_bright == 1 else f"{num_bright} bright stretches"
            lines.append(f"{stretches} could not be searched, near gaps or between them: unsearched.csv")
        if self.skips:
            num_files = len(self.files.light_curves)
            lines.append(f"{len(self.skips)} of {num_files} files left out: skipped.csv has the reasons")
        return "\n".join(lines)


def find(models: Ensemble, files: FlareSearch) -> Summary:
    """Searches light curve files, writes all tables and plots, and returns the Summary.

    Files that cannot be read are skipped and listed in skipped.csv. Logs a line for each light curve.

    Args:
      models: ensemble of flare networks.
      files: what is searched; its paths are checked first.

    Raises:
      ScriptError: no light curve could be read, or a path is refused.
    """
    files.check_paths()
    known_stars = stars.read(files.star_catalog) if files.star_catalog else {}
    threshold, scorer = models.threshold(files.threshold), detection.Scorer(models, len(files.light_curves))
    make_directory(files.output_dir)
    with _open_tables(files.output_dir) as write:
        searched, skips = _search_all(files, scorer, threshold, known_stars, write)
        write_csv(os.path.join(files.output_dir, "skipped.csv"), ("light_curve", "reason"), skips)
        if not searched:
            raise ScriptError("no light curve could be read: " + "; ".join(reason for _, reason in skips))
    _remove_outdated(files, {row["light_curve"] for row in searched})
    return Summary(files, threshold, searched, skips)


def _remove_outdated(files: FlareSearch, names: set[str]) -> None:
    """Removes what an earlier search left for light curves of other names, or a plot that this one has not made."""
    pattern = os.path.join(glob.escape(files.output_dir), f"*{light_curves.PROBABILITY_SUFFIX}")
    removed = []
    for table in filter(light_curves.is_own_output, filter(os.path.isfile, glob.glob(pattern))):
        output = table.removesuffix(light_curves.PROBABILITY_SUFFIX)
        is_searched = os.path.basename(output) in names
        plot = f"{output}.png"
        outdated = ([] if is_searched else [table]) + ([] if is_searched and files.plot else [plot])
        for path in filter(os.path.isfile, outdated):
            os.remove(path)
            removed.append(path)
    if removed:
        _LOG.info(f"{numbered(len(removed), 'file')} of an earlier search removed from {files.output_dir}")


@contextlib.contextmanager
def _open_tables(directory: str) -> Iterator[Callable[[search.Found], None]]:
    """Yields a function that writes a search.Found to the tables, which appear together at the end, or not at all."""
    with contextlib.ExitStack() as stack:
        tables = {}
        for name, columns in _TABLES.items():
            aside = stack.enter_context(write_aside(os.path.join(directory, f"{name}.csv")))
            tables[name] = csv.DictWriter(stack.enter_context(open(aside, "w", encoding="utf-8", newline="")), columns)
            tables[name].writeheader()

        def write(result: search.Found) -> None:
            tables["flares"].writerows(result.flares)
            tables["unsearched"].writerows(result.unsearched)
            tables["searched"].writerow(result.searched)

        yield write


def _search_all(
    files: FlareSearch,
    scorer: detection.Scorer,
    threshold: float,
    known_stars: Mapping[int, tuple[float, float]],
    write: Callable[[search.Found], None],
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Searches all files; returns the rows of searched.csv, and (path, reason) of the files that are skipped."""
    searched, skips = [], []
    for path in files.light_curves:
        try:
            light_curve, star = _read(path, files, known_stars)
        except (ScriptError, LightCurveError, OSError) as error:
            skips.append((path, str(error)))
            continue
        result = _search(light_curve, star, files, scorer, threshold)  # what cannot be written stops the search
        write(result)
        searched.append(result.searched)
        _LOG.info(f"{path}: {result}")
    return searched, skips


def _read(
    path: str, files: FlareSearch, known_stars: Mapping[int, tuple[float, float]]
) -> tuple[LightCurve, light_curves.Star]:
    """Reads one light curve and what is known of its star; logs the notes on both."""
    light_curve, star = light_curves.read(path, files.reading), light_curves.star(path)
    if star.tic_id is not None and star.tic_id in known_stars:
        star = light_curves.Star(star.tic_id, star.sector, *known_stars[star.tic_id])
    for note in star.notes:
        _LOG.warning(f"warning: {note}")
    for note in light_curve.notes:
        _LOG.warning(f"warning: {path}: {note}")
    return light_curve, star


def _search(
    light_curve: LightCurve,
    star: light_curves.Star,
    files: FlareSearch,
    scorer: detection.Scorer,
    threshold: float,
) -> search.Found:
    """Searches one light curve, writes its probabilities and its plot, and returns its flares."""
    name = search.stem(light_curve.path)
    # At a terminal, a bar shows the progress in a long light curve.
    with messages.bar(desc=name, total=len(light_curve.time), unit=" cadences", delay=3, leave=False) as bar:
        probabilities = scorer.cadences(light_curve, bar.update)
    mean = probabilities.mean(axis=1)
    result = search.collect(light_curve, probabilities, threshold, star, files.least_significance)
    output = os.path.join(files.output_dir, name)
    _write_probabilities(output + light_curves.PROBABILITY_SUFFIX, light_curve, mean)
    if files.plot:
        from astronet.figures import tce
        from astronet.flares import plots

        page = plots.flares_page(light_curve, mean, result.flares, star, threshold, result.unsearched)
        tce.save(page, f"{output}.png")
    return result


def _write_probabilities(path: str, light_curve: LightCurve, probability: np.ndarray) -> None:
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(light_curves.PROBABILITY_COLUMNS)
        for time, flux, value in zip(light_curve.time, light_curve.flux, probability):
            writer.writerow((f"{time:.8f}", f"{flux:.8g}", "" if np.isnan(value) else f"{value:.6f}"))
