"""Draws pages of plots of the most probable TCEs in worker processes, except pages that are up to date."""

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from astronet.base import fingerprint, json_files, messages, version, workers
from astronet.base.files import make_directory
from astronet.data.records import preprocess
from astronet.data.records.columns import DISPOSITION, DURATION, EPOCH, PERIOD, SECTOR, TIC_ID
from astronet.estimator.scoring import Prediction
from light_curve_util import stitch, tess_io
from light_curve_util.array_types import Floats
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent

_LOG = logging.getLogger(__name__)
_PAGES = "pages.json"  # dictionary of the name of a page to the hash of its data


@dataclasses.dataclass(frozen=True)
class Page:
    """A page to draw; worker processes get a pickled copy.

    Attributes:
      path: PNG file.
      key: hash of its data.
      title: line above the panels.
      light_curves: files that were folded.
      event: ephemeris that they were folded by.
      views: dictionary of the name of each view to the network's input.
      settings: how the light curves are read.
    """

    path: str
    key: str
    title: str
    light_curves: tuple[str, ...]
    event: PeriodicEvent
    views: dict[str, Floats]
    settings: preprocess.Settings


def draw(
    rows: Sequence[dict[str, Any]],
    predictions: Sequence[Prediction],
    directory: str,
    settings: preprocess.Settings,
    num_plots: int,
    num_worker_processes: int = 1,
    cluster: Optional[str] = None,
) -> None:
    """Draws the pages of the first rows, and writes their paths to the column `plot`. Removes pages of other TCEs.

    Args:
      rows, predictions: as candidates.ranked() returns them.
      directory: directory of the pages.
      settings: how the light curves are read; its views are not used.
      num_plots: number of pages.
      num_worker_processes, cluster: where the pages are drawn.
    """
    kept = json_files.read_or_nothing(os.path.join(directory, _PAGES))
    if not (kept or (num_plots and rows)):
        return
    make_directory(directory)
    taken: set[str] = set()
    wanted = [
        _page(row, prediction, directory, settings, taken)
        for row, prediction in zip(rows[:num_plots], predictions[:num_plots])
    ]
    names = {os.path.basename(page.path) for page in wanted}
    for name in kept.keys() - names:
        _remove(directory, name)
    drawn = {os.path.basename(page.path): page.key for page in wanted if _is_kept(page, kept)}
    missing = [page for page in wanted if os.path.basename(page.path) not in drawn]
    try:
        with messages.bar(desc="plots", total=len(missing)) as progress:
            problems = workers.map_in_order(_draw, missing, num_worker_processes, cluster=cluster)
            for page, problem in zip(missing, problems):
                if problem:
                    _LOG.warning(f"warning: no plot: {problem}")
                else:
                    drawn[os.path.basename(page.path)] = page.key
                progress.update()
    finally:  # lets an interrupted run continue from here
        json_files.write(os.path.join(directory, _PAGES), drawn)
    for row, page in zip(rows, wanted):
        row["plot"] = page.path if os.path.basename(page.path) in drawn else ""


def _is_kept(page: Page, kept: Mapping[str, Any]) -> bool:
    """Returns whether an earlier run has drawn a page from the same data."""
    return kept.get(os.path.basename(page.path)) == page.key and os.path.exists(page.path)


def _remove(directory: str, name: str) -> None:
    """Removes a page of an earlier run, and no file outside the directory of pages."""
    path = os.path.join(directory, name)
    if os.path.basename(name) == name and name.endswith(".png") and os.path.isfile(path):
        os.remove(path)


def _page(
    row: dict[str, Any], prediction: Prediction, directory: str, settings: preprocess.Settings, taken: set[str]
) -> Page:
    from astronet.figures import tce as plotting

    tce = prediction.identity
    path: str = plotting.tce_path(directory, tce.row_id, tce.tic_id, tce.sector, taken)
    title = plotting.tce_title(row[TIC_ID], row[SECTOR], row[PERIOD], row.get(DISPOSITION), prediction.mean)
    event = PeriodicEvent(row[EPOCH], row[PERIOD], row[DURATION] / 24)
    files = tuple(row["light_curve"].split(";"))
    views = prediction.views
    made_from: list[Any] = [
        version.VERSION,
        title,
        dataclasses.astuple(event),
        list(map(fingerprint.stamp, files)),
    ]
    made_from += [
        dataclasses.replace(settings, views={}).decisive(),
        {name: view.tolist() for name, view in views.items()},
    ]
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return Page(os.path.abspath(path), key, title, files, event, views, settings)


def _draw(page: Page) -> str:
    """Runs in worker processes: draws a page. Returns why it could not, or ""."""
    from astronet.figures import tce as plotting

    settings = page.settings
    try:
        parts = [tess_io.read(path, settings.flux_key, quality=settings.quality) for path in page.light_curves]
        light_curve = stitch.join([preprocess.prepared(part, page.event, settings) for part in parts])
    except LightCurveError as error:
        return str(error)
    plotting.plot_tce(page.path, light_curve, page.event, page.views, page.title)
    return ""
