"""Writes the folder of a report: index.html, and data in pieces that the page loads when it needs them.

    data/index-N.js    rows of 2,000 TCEs, by column
    data/views-N.js    thumbnails of 2,000 TCEs
    data/lc-NNNN.js    panels of 20 TCEs: light curve, folds, checks

TCEs are put in random order before they are divided among files, so that the number of a file does not reveal how
probable a TCE is. The order is the same for the same TCEs.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base import version, workers
from astronet.base.files import make_directory, write_aside
from astronet.base.script import ScriptError
from astronet.config import nouns
from astronet.data.records import preprocess
from astronet.review import checks, label_columns, packing, page_files, panel, rows, twins
from astronet.review.tce import ReviewTce

ROWS_OF_INDEX, ROWS_OF_PANELS = 2000, 20
MOST_IN_ONE_FILE = 200
_THUMBNAIL_VIEWS = ("global_view", "local_view")
_DATA = "data"
_OWN_DATA = re.compile(r"(index-\d+|views-\d+|lc-\d{4,})\.js")
_README = """This folder is a report of TCEs. Open index.html in a browser; it needs no network.

Copy or send the whole folder: the page loads its data from data/. A report is a program: open only folders of people
whom you trust. The labels that you give are kept by your browser, not in this folder: export them (CSV) from the page.
"""


@dataclasses.dataclass(frozen=True)
class ReportRequest:
    """Settings of a report.

    Attributes:
      output_dir: the folder.
      tess_data_dir: directory of the light curves; None draws none.
      settings: how the records were made (photometry.settings_of_records).
      title: of the page.
      model: name and hash of the models; "" for a report without probabilities.
      threshold: the models call a TCE positive if its probability is at least this.
      catalog_sha256: hash of the catalog that the records were made from; "" if it is not known.
      blind: whether probabilities and dispositions are left out of the files.
      max_points: of a light curve of one sector.
      single_file: whether all data are inside index.html.
      num_worker_processes: that read light curves; 1 works in this process.
      cluster: where else to work, as --cluster has it.
      known: names and dates of the tables that tell which TCEs are known; "" where none was given.
      controls: row_id and TIC ID of the controls among the TCEs, which nothing on the page tells from the others.
      controls_dir: directory of their light curves.
    """

    output_dir: str
    tess_data_dir: Optional[str]
    settings: preprocess.Settings
    title: str = "TCEs"
    model: str = ""
    threshold: float = 0.5
    catalog_sha256: str = ""
    blind: bool = False
    max_points: int = 4000
    single_file: bool = False
    num_worker_processes: int = 1
    cluster: Optional[str] = None
    known: str = ""
    controls: frozenset[tuple[int, int]] = frozenset()
    controls_dir: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Written:
    """Result of write().

    Attributes:
      path: path of the page.
      num_tces: number of TCEs in it.
      problems: (row_id, tic_id, reason) of TCEs whose light curve is not drawn.
      num_bytes: size of all files.
    """

    path: str
    num_tces: int
    problems: tuple[tuple[int, int, str], ...]
    num_bytes: int


def write(request: ReportRequest, tces: Sequence[ReviewTce], progress: Any = iter) -> Written:
    """Writes the report of some TCEs to a folder, and replaces an earlier report there.

    index.html is removed first and written last: if it exists, all its files exist and belong to it.

    Args:
      request: what it shows, and how.
      tces: at least one; (row_id, tic_id, sector) names each.
      progress: function of the iterator over pieces of 20 TCEs that returns such an iterator, to show how far it is.

    Raises:
      ScriptError: there is no TCE, two of one name, too many for one file, or the folder holds another index.html.
    """
    _check(request, tces)
    make_directory(os.path.join(request.output_dir, "" if request.single_file else _DATA))
    _remove_earlier(request.output_dir)
    tces = _shuffled(tces)
    report_id = rows.report_id(tces)
    twins_of_tces = _without_controls(twins.find(tces), tces, request.controls)
    writer = _Writer(request, report_id)
    panels = list(progress(_panels(request, tces, twins_of_tces, writer)))
    of_tces = [one for of_chunk in panels for one in of_chunk]
    for number, part in enumerate(_parts(len(tces), ROWS_OF_INDEX)):
        columns = rows.columns(tces[part], of_tces[part], twins_of_tces[part])
        if not request.blind:
            columns.update(rows.opinion_columns(tces[part]))
        writer.write(f"index-{number}", columns)
        writer.write(f"views-{number}", _thumbnails(tces[part]))
    page = page_files.html(_meta(request, tces, report_id), writer.inlined)
    writer.write_text("README.txt", _README)
    writer.write_text("LICENSES.txt", page_files.licenses())
    writer.write_text("index.html", page)
    problems = tuple((tce.row_id, tce.tic_id, one.problem) for tce, one in zip(tces, of_tces) if one.problem)
    return Written(os.path.join(request.output_dir, "index.html"), len(tces), problems, writer.num_bytes)


@dataclasses.dataclass
class _Writer:
    """Writes files of the report, or keeps the data for a report in a single file."""

    request: ReportRequest
    report_id: str
    num_bytes: int = 0
    inlined: list[str] = dataclasses.field(default_factory=list)

    def write(self, key: str, value: Mapping[str, Any]) -> None:
        script = page_files.data_script(key, {"report": self.report_id, **value})
        if self.request.single_file:
            self.inlined.append(script)
            self.num_bytes += len(script)
        else:
            self.write_text(os.path.join(_DATA, f"{key}.js"), script)

    def write_text(self, name: str, text: str) -> None:
        with write_aside(os.path.join(self.request.output_dir, name)) as aside, open(aside, "wb") as file:
            self.num_bytes += file.write(text.encode("utf-8"))


def _check(request, tces):
    if not tces:
        raise ScriptError("there is no TCE to show: give other records")
    words = nouns.of(tces[0].views)
    if words is not nouns.TCES:
        raise ScriptError(f"these are records of {words.many}: a report shows TCEs, of generate_input_records.py")
    names: set[tuple[int, int, int]] = set()
    for tce in tces:
        name = (tce.row_id, tce.tic_id, tce.sector)
        if name in names:
            raise ScriptError(
                f"two records are of row_id {tce.row_id}, TIC {tce.tic_id}, sector {tce.sector}: give files of one set "
                "(--pattern)"
            )
        names.add(name)
    if request.single_file and len(tces) > MOST_IN_ONE_FILE:
        raise ScriptError(f"--single_file holds up to {MOST_IN_ONE_FILE} TCEs, here are {len(tces)}: leave it out")
    page = os.path.join(request.output_dir, "index.html")
    if os.path.exists(page):
        with open(page, encoding="utf-8", errors="replace") as file:
            if not file.read(len(page_files.FIRST_LINE)) == page_files.FIRST_LINE:
                raise ScriptError(f"{page} is not of a report: move it, or give another --output_dir")


def _remove_earlier(directory):
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(directory, "index.html"))
    data = os.path.join(directory, _DATA)
    if os.path.isdir(data):
        for name in os.listdir(data):
            if _OWN_DATA.fullmatch(name):
                os.remove(os.path.join(data, name))


def _shuffled(tces: Sequence[ReviewTce]) -> list[ReviewTce]:
    in_order = sorted(tces, key=lambda tce: (tce.row_id, tce.tic_id, tce.sector))
    seed = int(rows.report_id(in_order), 16)
    return [in_order[place] for place in np.random.default_rng(seed).permutation(len(in_order))]


def _without_controls(twins_of_tces, tces, controls):
    """Returns the twins of TCEs, without controls: they would reveal TCEs that occur twice."""
    names = {row_id for row_id, _ in controls}
    return [
        () if (tce.row_id, tce.tic_id) in controls else tuple(twin for twin in of_tce if twin.row_id not in names)
        for tce, of_tce in zip(tces, twins_of_tces)
    ]


def _panel_request(request, tce, of_tce):
    if (tce.row_id, tce.tic_id) not in request.controls:
        return panel.Request(tce, of_tce, request.tess_data_dir, request.settings, request.max_points)
    settings = dataclasses.replace(request.settings, flux_key=None)  # a control has one flux
    return panel.Request(tce, of_tce, request.controls_dir, settings, request.max_points)


def _panels(request, tces, twins_of_tces, writer) -> Iterator[list[panel.Panel]]:
    """Yields the panels of each piece of 20 TCEs, without their content, which is written."""
    wanted = [_panel_request(request, tce, of_tce) for tce, of_tce in zip(tces, twins_of_tces)]
    tasks = [wanted[part] for part in _parts(len(wanted), ROWS_OF_PANELS)]
    made = workers.map_in_order(_make_panels, tasks, request.num_worker_processes, cluster=request.cluster)
    for number, panels in enumerate(made):
        contents = [{**one.content, "members": [], "why": []} if request.blind else one.content for one in panels]
        writer.write(f"lc-{number:04d}", {"tces": contents})
        yield [dataclasses.replace(one, content={}) for one in panels]


def _make_panels(requests: Sequence[panel.Request]) -> list[panel.Panel]:
    requests[0].settings.prepare()
    return [panel.make(request) for request in requests]


def _parts(total: int, size: int) -> list[slice]:
    return [slice(start, min(total, start + size)) for start in range(0, total, size)]


def _thumbnails(tces: Sequence[ReviewTce]) -> dict[str, Any]:
    """Returns the views of some TCEs, one byte per bin, one after the other; a missing view is zeros."""
    packed = {}
    for name in _THUMBNAIL_VIEWS:
        length = max((len(tce.views.get(name, ())) for tce in tces), default=0)
        views = [tce.views.get(name) for tce in tces]
        whole = [packing.view(view) if view is not None and len(view) == length else bytes(length) for view in views]
        packed[name] = {"length": length, "data": packing.text_of(b"".join(whole))}
    return packed


def _meta(request, tces, report_id) -> dict[str, Any]:
    return {
        "title": request.title,
        "version": version.VERSION,
        "report_id": report_id,
        "num_tces": len(tces),
        "rows_of_index": ROWS_OF_INDEX,
        "rows_of_panels": ROWS_OF_PANELS,
        "blind": request.blind or not any(tce.opinion for tce in tces),
        "model": "" if request.blind else request.model,
        "threshold": request.threshold,
        "known": "" if request.blind else request.known,
        "catalog_sha256": request.catalog_sha256,
        "is_inlined": request.single_file,
        "checks": [[name, checks.TITLES[name]] for name in checks.CHECKS],
        "thresholds": checks.thresholds(),
        "labels": label_columns.LABELS,
        "methods": label_columns.METHODS,
        "reasons": label_columns.REASONS,
        "label_columns": label_columns.COLUMNS,
        "free_text": label_columns.FREE_TEXT,
        "formula_starts": label_columns.FORMULA_STARTS,
        "flux": {"missing": packing.MISSING_FLUX},
    }
