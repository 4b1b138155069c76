"""Finds the TCEs to score by a search of the light curves for transits."""

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator
from typing import Any, Optional

from astronet.base import fingerprint, messages
from astronet.base.files import make_directory, write_csv
from astronet.base.tables import open_table
from astronet.data.catalog import build, events, stars
from astronet.data.records.columns import DEC, DISPOSITION, RA, ROW_ID, SECTOR, TIC_ID, TMAG, TOI_ID
from light_curve_util import tess_io
from light_curve_util.identity import primary_header

_STARS, _CATALOG, _ORIGIN = "stars.csv", "tces.csv", "origin.json"
_OF_HEADER = {RA: "RA_OBJ", DEC: "DEC_OBJ", TMAG: "TESSMAG"}


@dataclasses.dataclass(frozen=True)
class Search:
    """How light curves are searched for transits.

    Attributes:
      directory: directory of the tables that the search writes.
      tess_data_dir: directory of the light curves.
      flux_key, quality: how the light curves are read.
      stitch: whether all sectors of a star are searched as one light curve.
      star_catalog: result of stars.resolve(); "none" uses the headers of the files.
      num_worker_processes, cluster: where the work is done.
    """

    directory: str
    tess_data_dir: str
    flux_key: Optional[str] = None
    quality: str = "default"
    stitch: bool = False
    star_catalog: str = "none"
    num_worker_processes: int = 1
    cluster: Optional[str] = None

    @property
    def catalog_path(self) -> str:
        """Path of the catalog of TCEs. tces_dropped.csv beside it lists light curves without TCEs, and why."""
        return os.path.join(self.directory, _CATALOG)

    @property
    def dropped_path(self) -> str:
        return os.path.splitext(self.catalog_path)[0] + "_dropped.csv"


def search(request: Search, of_light_curves: list[tuple[int, int]]) -> bool:
    """Searches light curves for transits, unless an earlier run has searched the same files in the same way.

    Args:
      request: Search.
      of_light_curves: list of (sector, TIC ID).

    Returns:
      True if they were searched now, False if an earlier run did.
    """
    make_directory(request.directory)
    paths = {
        (sector, tic_id): tess_io.find(request.tess_data_dir, tic_id, sector) for sector, tic_id in of_light_curves
    }
    origin = _origin(request, list(paths.values()))
    origin_path = os.path.join(request.directory, _ORIGIN)
    if fingerprint.changes(origin_path, origin) == [] and os.path.exists(request.catalog_path):
        return False
    if os.path.exists(origin_path):
        os.remove(origin_path)
    stars_path = os.path.join(request.directory, _STARS)
    _write_stars(stars_path, paths)
    build.build(
        build.CatalogChoice(
            [stars_path],
            request.catalog_path,
            request.star_catalog,
            events.Searches(
                os.path.join(request.directory, "bls"), request.tess_data_dir, request.flux_key, request.quality
            ),
            math.inf,
            request.num_worker_processes,
            request.cluster,
            request.tess_data_dir,
            request.stitch,
        )
    )
    fingerprint.write(origin_path, origin)
    return True


def resolve_star_catalog(flag: str, tess_data_dir: str) -> str:
    """Returns the star catalog that a flag stands for; "auto" looks beside the directory of the light curves."""
    return str(stars.resolve(flag, os.path.dirname(os.path.abspath(tess_data_dir))))


def dropped(request: Search) -> Iterator[tuple[str, str, str]]:
    """Yields TIC ID, sector and reason of each light curve without a TCE."""
    with open_table(request.dropped_path) as table:
        for row in table.rows():
            cells = dict(zip(table.columns, row))
            yield cells["tic_id"], cells["Sectors"], cells["reason"]


def _origin(request: Search, paths: list[str]) -> dict[str, Any]:
    """Returns a dictionary of everything that the catalog depends on."""
    settings = dataclasses.asdict(request)
    for name in ("directory", "num_worker_processes", "cluster"):
        del settings[name]
    kind, _, path = request.star_catalog.partition(":")
    stamps = [
        fingerprint.stamp(os.path.realpath(stamped)) for stamped in [*paths, *([path] if kind == "local" else [])]
    ]
    of_files = hashlib.sha256(json.dumps(stamps).encode()).hexdigest()  # names, sizes and times of change
    return fingerprint.origin({}, files=of_files, **settings)


def _write_stars(path: str, paths: dict[tuple[int, int], str]) -> None:
    """Writes a table with a row for each light curve: star, sector, and the star's parameters in the FITS header."""
    columns = (ROW_ID, TIC_ID, TOI_ID, DISPOSITION, SECTOR, *_OF_HEADER)
    rows: list[list[Any]] = []
    for (sector, tic_id), file in messages.bar(sorted(paths.items()), desc="headers"):
        header = primary_header(file)
        known = [_number(header, key) for key in _OF_HEADER.values()]
        rows.append([len(rows), tic_id, ".01", "", sector, *known])
    write_csv(path, columns, rows, lineterminator="\n")


def _number(header: Any, key: str) -> Any:
    """Returns a number of a header; "" if there is none."""
    value = None if header is None else header.get(key)
    return value if isinstance(value, (int, float)) and math.isfinite(value) else ""
