"""Builds a catalog of TCEs from tables of events, star parameters and results of transit searches. For example:

build(CatalogChoice(["sector-1.csv"], "tces.csv", "local:tic.sqlite", events.Searches("/pdo/qlp-data")))
"""

import collections
import dataclasses
import functools
import logging
import math
import os
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from astronet.base import arguments, kept, locks, messages, version
from astronet.base.kept import Kept, beside
from astronet.base.script import ScriptError
from astronet.base.workers import OncePerProcess, map_in_order
from astronet.data.catalog import catalog_rows, events, focal_plane, observed
from astronet.data.catalog import stars as star_catalogs
from astronet.data.records.columns import CATALOG_COLUMNS, DEC, LOGG, RA, STAR_MASS, STAR_RADIUS, TEFF, TMAG

_LOG = logging.getLogger(__name__)

_STARS_PER_TASK = 500
_FILES_PER_TASK = 200
_SEARCHES_PER_TASK = 4  # a search takes a second; reading a .blsanal file takes a fraction of a millisecond
_COLUMN_OF_FIELD = {  # field of Star -> column of the catalog
    "ra": RA,
    "dec": DEC,
    "tmag": TMAG,
    "rad": STAR_RADIUS,
    "mass": STAR_MASS,
    "teff": TEFF,
    "logg": LOGG,
}


@dataclasses.dataclass(frozen=True)
class CatalogChoice:
    """The inputs and settings of a catalog.

    Attributes:
      input_paths: paths of TEV tables, or of other tables that dialects.py knows.
      out_path: path of the CSV file to write. `dropped_path` and `warnings_path` are beside it.
      star_catalog: the star catalog, as stars.resolve returns it.
      searches: where the results of transit searches come from.
      max_tmag: fainter stars are dropped (TESS magnitude).
      num_worker_processes: number of processes; 1 works in this process. The output does not depend on it.
      cluster: a cluster to work on, as --cluster names it.
      tess_data_dir: directory of light curves. They decide the sectors of rows without a sector, or with several. None
        uses the sectors in the tables.
      stitch: joins the light curves of all sectors of a row, and of all rows of a star that have no period.
    """

    input_paths: Sequence[str]
    out_path: str
    star_catalog: str
    searches: events.Searches
    max_tmag: float = 12.0
    num_worker_processes: int = 1
    cluster: Any = None
    tess_data_dir: Optional[str] = None
    stitch: bool = False

    @property
    def dropped_path(self) -> str:
        """Path of the CSV file that lists the rows that did not become TCEs."""
        return os.path.splitext(self.out_path)[0] + "_dropped.csv"

    @property
    def warnings_path(self) -> str:
        """Path of the CSV file that lists warnings about the rows that became TCEs."""
        return os.path.splitext(self.out_path)[0] + "_warnings.csv"

    @property
    def single_events_path(self) -> str:
        """Path of the CSV file that lists the single events, where light curves are searched."""
        return os.path.splitext(self.out_path)[0] + "_single_events.csv"

    def check(self, star_flag: str) -> None:
        """Checks that no output is an input too, and opens the star catalog, so that no worker meets its errors first.

        Args:
          star_flag: value of --star_catalog, from which stars.resolve() made star_catalog.

        Raises:
          ScriptError: an output would overwrite a table, star catalog, transit search or light curve that is read; or
            the star catalog cannot be used.
        """
        _, _, star_path = self.star_catalog.partition(":")
        columns_of: dict[arguments.Path, Sequence[str]] = {
            self.out_path: CATALOG_COLUMNS,
            self.dropped_path: catalog_rows.list_columns("reason"),
            self.warnings_path: catalog_rows.list_columns("warning"),
            self.single_events_path: catalog_rows.single_event_columns(),
        }
        inputs = {"--input": self.input_paths, f"--star_catalog={star_flag}": star_path or None}
        arguments.refuse_overwriting_inputs({"--out_name": columns_of}, inputs)
        searched = {"--qlp_data_dir": self.searches.qlp_data_dir, "--tess_data_dir": self.tess_data_dir}
        arguments.refuse_overwriting_under({"--out_name": columns_of}, searched)
        try:
            star_catalogs.open_catalog(self.star_catalog)
        except ScriptError as error:
            if star_flag != "auto":
                raise
            raise ScriptError(
                f"{error}. --star_catalog=auto uses it as the star catalog because of its name: rename it, or choose "
                "another by --star_catalog"
            ) from error

    def _for_workers(self) -> "CatalogChoice":
        """Returns this choice with absolute paths, because workers of a cluster have another working directory."""
        kind, colon, path = self.star_catalog.partition(":")
        searches = dataclasses.replace(
            self.searches,
            qlp_data_dir=self.searches.qlp_data_dir and os.path.abspath(self.searches.qlp_data_dir),
            tess_data_dir=self.searches.tess_data_dir and os.path.abspath(self.searches.tess_data_dir),
        )
        star_catalog = kind + colon + (path and os.path.abspath(path))
        return dataclasses.replace(self, star_catalog=star_catalog, searches=searches)


@dataclasses.dataclass(frozen=True)
class BuiltCatalog:
    """The numbers of TCEs, of dropped rows, of warnings about TCEs, and of single events that build() wrote."""

    num_tces: int
    num_dropped: int
    num_warnings: int
    num_single_events: int = 0


def build(choice: CatalogChoice) -> BuiltCatalog:
    """Writes a catalog, the list of dropped rows, and the list of warnings about the TCEs.

    To resume a killed run, call it again with the same choice.

    Raises:
      ScriptError: a table cannot be read, the cluster cannot be used, or another run writes the same catalog.
    """
    choose_sectors = observed.ObservedSectors(choice.tess_data_dir) if choice.tess_data_dir else None
    with locks.exclusive_file(choice.out_path):
        rows, notes = catalog_rows.read(choice.input_paths, choose_sectors, choice.stitch)
        for note in notes:
            _LOG.warning(note)
        if choice.stitch:
            catalog_rows.join_stars(rows)
        return _complete_and_write(rows, choice._for_workers())


def log_sources(choice: CatalogChoice) -> None:
    """Logs where star parameters, cameras and events come from."""
    if choice.star_catalog == "none":
        _LOG.info(
            "no star catalog: RA, Dec and Tmag come from the tables, other star parameters stay empty "
            "(--star_catalog=mast fetches them)"
        )
    else:
        _LOG.info(f"star parameters from {choice.star_catalog}")
    _LOG.info(f"cameras and CCDs by {open_detectors(choice.star_catalog).name}")
    qlp_data_dir, tess_data_dir = choice.searches.qlp_data_dir, choice.searches.tess_data_dir
    has_files = os.path.isdir(qlp_data_dir)
    if tess_data_dir:
        first = f"transit searches from {qlp_data_dir}; else " if has_files else ""
        _LOG.info(f"{first}searching the light curves in {tess_data_dir}")
    elif has_files:
        _LOG.info(f"transit searches from {qlp_data_dir}")
    else:
        _LOG.info(
            f"no transit searches, because there is no {qlp_data_dir}: events and SN stay as the tables have them, "
            "and what a table lacks stays empty"
        )


def open_detectors(star_catalog: str) -> Any:
    """Returns the focal plane model that belongs to a star catalog (focal_plane.open_detectors)."""
    return focal_plane.open_detectors("pdo" if star_catalog == "pdo" else "auto")


def _complete_and_write(rows, choice):
    _add_stars(_kept(rows), choice)
    _drop_faint(_kept(rows), choice.max_tmag)
    _add_detectors(_kept(rows), open_detectors(choice.star_catalog))
    results_on_disk = _add_events(_kept(rows), choice)
    events.check(_kept(rows))
    catalog_rows.write_catalog(choice.out_path, rows)
    dropped = [row for row in rows if row.reason]
    catalog_rows.write_list(choice.dropped_path, dropped, "reason", lambda row: [row.reason])
    num_warnings = catalog_rows.write_list(choice.warnings_path, _kept(rows), "warning", lambda row: row.warnings)
    num_single_events = 0
    if choice.searches.tess_data_dir:
        num_single_events = catalog_rows.write_single_events(choice.single_events_path, rows)
    kept.discard(results_on_disk.directory)
    return BuiltCatalog(len(rows) - len(dropped), len(dropped), num_warnings, num_single_events)


def _kept(rows):
    """Returns the rows that have not been dropped."""
    return [row for row in rows if not row.reason]


def _add_stars(rows, choice):
    """Adds the star of each row from the star catalog. If the catalog lacks a value, the table's value is used."""
    stars, problems = _look_up_all(sorted({row.tic_id for row in rows}), choice)
    for row in rows:
        if row.tic_id in stars:
            row.star = stars[row.tic_id]
        elif choice.star_catalog != "none":
            row.warnings.append(f"{problems[row.tic_id]}: its star parameters stay empty")
        from_table = {
            field: row.numbers.get(column, math.nan)
            for field, column in _COLUMN_OF_FIELD.items()
            if math.isnan(getattr(row.star, field))
        }
        row.star = dataclasses.replace(row.star, **from_table)


def _look_up_all(tic_ids, choice):
    """Looks up stars. Returns {TIC ID: Star}, and {TIC ID: reason} for the stars that were not found."""
    at_mast = choice.star_catalog.startswith("mast")  # one process at a time asks MAST
    num_workers, cluster = (1, None) if at_mast else (choice.num_worker_processes, choice.cluster)
    tasks = [tic_ids[start : start + _STARS_PER_TASK] for start in range(0, len(tic_ids), _STARS_PER_TASK)]
    open_catalog = OncePerProcess(star_catalogs.open_catalog, choice.star_catalog)
    work = functools.partial(_look_up, open_catalog=open_catalog)
    stars: dict[int, star_catalogs.Star] = {}
    problems: dict[int, str] = {}
    with messages.bar(desc="stars", total=len(tic_ids)) as progress:
        for task, (answered, problem) in zip(tasks, map_in_order(work, tasks, num_workers, cluster=cluster)):
            stars.update(answered)
            problems.update((tic_id, problem) for tic_id in task if tic_id not in answered)
            progress.update(len(task))
    return stars, problems


def _look_up(tic_ids, open_catalog):
    """Looks up stars, in a worker process. Returns {TIC ID: Star}, and the reason why other stars were not found."""
    catalog = open_catalog()
    try:
        return catalog.stars(tic_ids), f"not in {catalog.name}"
    except star_catalogs.CatalogUnreachableError as error:
        return error.stars, str(error)


def _drop_faint(rows, max_tmag):
    for row in rows:
        if row.star.tmag > max_tmag:
            row.reason = f"Tmag {row.star.tmag:.3f} is fainter than {max_tmag} (--max_tmag)"


def _add_detectors(rows, focal_plane_model):
    """Adds the camera and CCD of each row, from the star's position and the sector's pointing."""
    rows_of_sector = collections.defaultdict(list)
    for row in rows:
        if math.isfinite(row.star.ra + row.star.dec):
            rows_of_sector[row.sector].append(row)
        else:
            row.warnings.append("neither star catalog nor table has coordinates: camera and ccd are not computed")
    for sector, located in sorted(rows_of_sector.items()):
        ra, dec = np.array([(row.star.ra, row.star.dec) for row in located]).T
        try:
            for row, camera, ccd in zip(located, *focal_plane_model.locate(ra, dec, sector)):
                row.camera, row.ccd = int(camera), int(ccd)
        except focal_plane.DetectorError as error:
            for row in located:
                row.warnings.append(f"camera and ccd are not computed: {error}")


def _add_events(rows, choice):
    """Adds the event of each row. Returns the Kept results on disk, to discard once the catalog is written."""
    searches = choice.searches
    size = _SEARCHES_PER_TASK if searches.tess_data_dir else _FILES_PER_TASK
    requests = [events.request(row) for row in rows]
    tasks = [requests[start : start + size] for start in range(0, len(requests), size)]
    work = Kept(
        functools.partial(_find_events, searches=searches),
        beside(os.path.abspath(choice.out_path)),
        {"version": version.VERSION, **dataclasses.asdict(searches)},
        functools.partial(_files, searches=searches),
    )
    num_kept = sum(len(task) for task in tasks if work.has(task))
    if num_kept:
        _LOG.info(f"resuming: {num_kept} of {len(rows)} rows are in {work.directory} (remove it to begin anew)")
    answers = []
    with messages.bar(desc="events", total=len(rows)) as progress:
        for results in map_in_order(work, tasks, choice.num_worker_processes, cluster=choice.cluster):
            answers += results
            progress.update(len(results))
    for row, answer in zip(rows, answers):
        _take_event(row, answer)
    return work


def _take_event(row, answer):
    """Copies the answer of events.find_or_reason() into a row."""
    row.reason = answer.get("reason", "")
    row.event, row.event_source = answer.get("event", {}), answer.get("source", "")
    row.warnings += answer.get("warnings", [])
    row.single_events = answer.get("single_events", [])
    if "camera" in answer and (answer["camera"], answer["ccd"]) != (row.camera, row.ccd):
        if row.camera:
            row.warnings.append(
                f"lies on camera {row.camera} ccd {row.ccd}, its .blsanal file in cam{answer['camera']}/"
                f"ccd{answer['ccd']}: the file's are taken"
            )
        row.camera, row.ccd = answer["camera"], answer["ccd"]


def _files(requests, searches):
    """Returns the paths of the files that the answers to some requests depend on."""
    return [path for request in requests for path in events.files(request, searches)]


def _find_events(requests, searches):
    """Returns the answer to each request, in a worker process."""
    return [events.find_or_reason(request, searches) for request in requests]
