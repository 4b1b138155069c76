"""Downloads the light curves of a catalog's TCEs from MAST. For example:

report = download(DownloadChoice("tces.csv", "qlp", "light_curves"), Server("https://mast.stsci.edu"))
"""

import collections
import dataclasses
import functools
import itertools
import logging
import os
from collections.abc import Mapping
from typing import NamedTuple

from astronet.base import arguments, locks, messages
from astronet.base.downloads import AbsentError, DownloadError, Server, ServerDownError, in_threads
from astronet.base.files import write_csv
from astronet.base.script import ScriptError
from astronet.data.catalog import mast_products, tce_table
from astronet.data.records.columns import SECTOR, TIC_ID

_LOG = logging.getLogger(__name__)

LIST_NAME = "not_downloaded.csv"
INTERRUPTED = "interrupted"
_STARS_PER_QUERY = 100


@dataclasses.dataclass(frozen=True)
class DownloadChoice:
    """Which light curves to download.

    Attributes:
      catalog_path: path of a table of TCEs that dialects.py knows.
      product: a key of mast_products.PRODUCTS.
      output_dir: directory of sector-1, sector-2, ...
      num_parallel: number of simultaneous transfers.
    """

    catalog_path: str
    product: str
    output_dir: str
    num_parallel: int = 4

    @property
    def list_path(self) -> str:
        """Path of the CSV file that lists what was not downloaded."""
        return os.path.join(self.output_dir, LIST_NAME)


@dataclasses.dataclass(frozen=True)
class DownloadReport:
    """The result of downloading the light curves of a catalog.

    Attributes:
      count: dict of Outcome.kind to number of light curves; those not tried after a stop count as failed.
      num_bytes: number of downloaded bytes.
      num_unusable: number of rows of the catalog without a star and a sector.
      stopped_by: why the run stopped early, INTERRUPTED after Control-C; "" if it did not.
    """

    count: Mapping[str, int]
    num_bytes: int
    num_unusable: int
    stopped_by: str

    def __str__(self) -> str:
        downloaded, present, absent, failed = (self.count[kind] for kind in ("downloaded", "there", "absent", "failed"))
        return (
            f"{downloaded} downloaded ({self.num_bytes / 1e6:.1f} MB), {present} already there, {absent} not at MAST, "
            f"{failed} failed, {self.num_unusable} unusable rows"
        )


class Outcome(NamedTuple):
    """The result of one light curve: `kind` is downloaded, there, absent or failed; the last two have a `reason`."""

    kind: str
    reason: str = ""
    num_bytes: int = 0


class Unusable(NamedTuple):
    """A row of the catalog without a star and a sector, with the texts of its cells."""

    tic_id: str
    sector: str
    reason: str


def download(choice: DownloadChoice, server: Server) -> DownloadReport:
    """Downloads the light curves that are not in the output directory yet, and lists those that it could not get.

    Raises:
      ScriptError: no row of the catalog has a star and a sector, or another run writes to the same directory.
      OSError: a file cannot be read or written.
    """
    arguments.refuse_overwriting_inputs(
        {f"--output_dir ({LIST_NAME})": choice.list_path}, {"--catalog": choice.catalog_path}
    )
    wanted, unusable = read_catalog(choice.catalog_path)
    for row in unusable:
        _LOG.warning(f"{choice.catalog_path}: {row.reason}; left out")
    if not wanted:
        raise ScriptError(f"{choice.catalog_path} names no light curve: it has no row with a tic_id and a sector")
    with locks.exclusive(choice.output_dir):
        _LOG.info(f"{len(wanted)} light curves wanted of {choice.product}, in {choice.output_dir}")
        product = mast_products.PRODUCTS[choice.product]
        run = _Download(product, choice.output_dir, server, choice.num_parallel)
        run.run(wanted)
        _write_list(choice.list_path, choice.product, unusable, wanted, run.outcomes, run.stopped_by)
        count = collections.Counter(outcome.kind for outcome in run.outcomes.values())
        count["failed"] += len(wanted) - len(run.outcomes)
        num_bytes = sum(outcome.num_bytes for outcome in run.outcomes.values())
        return DownloadReport(count, num_bytes, len(unusable), run.stopped_by)


def read_catalog(path: str) -> tuple[list[tuple[int, int]], list[Unusable]]:
    """Reads which light curves a catalog needs.

    Args:
      path: path of a table that dialects.py knows. Only its stars and sectors are read.

    Returns:
      List of (tic_id, sector) without repetitions, in the order of the rows; and list of Unusable rows.

    Raises:
      ScriptError: the file lacks a column.
      OSError: the file cannot be read.
    """
    request = tce_table.Request(needed=(TIC_ID, SECTOR), only=(TIC_ID, SECTOR))
    all_rows, notes = tce_table.load_all(path, request)
    for note in notes:
        _LOG.warning(f"{path}: {note}")
    wanted: dict[tuple[int, int], None] = {}
    unusable = []
    for i, reason in enumerate(all_rows.reasons):
        tic_id, sector = (int(all_rows.columns[name][i]) for name in (TIC_ID, SECTOR))
        if not (reason or tic_id and sector):
            reason = "invalid: TIC ID and sector begin at 1"
        if reason:
            kind, _, problem = reason.partition(": ")
            unusable.append(
                Unusable(
                    all_rows.texts[TIC_ID][i],
                    all_rows.texts[SECTOR][i],
                    f"invalid: row {all_rows.numbers[i] + 1}: {problem}",
                )
            )
        else:
            wanted[tic_id, sector] = None
    return list(wanted), unusable


class _Download:
    """One run of downloads.

    Attributes:
      outcomes: {(tic_id, sector): Outcome} of the light curves that are done.
      stopped_by: why the run stopped early; "" if it did not.
    """

    def __init__(self, product, out_dir, server, num_parallel):
        self._product = product
        self._out_dir = out_dir
        self._server = server
        self._num_parallel = num_parallel
        self.outcomes = {}
        self.stopped_by = ""

    def run(self, wanted):
        """Downloads the missing light curves. Stops early if the server is down, or after Control-C."""
        try:
            with messages.bar(total=len(wanted), unit="file") as progress:
                for star_and_sector, outcome in self._outcomes(wanted):
                    self.outcomes[star_and_sector] = outcome
                    progress.update()
        except ServerDownError as error:
            self.stopped_by = str(error)
        except KeyboardInterrupt:
            self.stopped_by = INTERRUPTED
        finally:
            self._server.stop()

    def _outcomes(self, wanted):
        existing = mast_products.files_there(self._product, self._out_dir, wanted)
        missing = []
        for star_and_sector in wanted:
            if star_and_sector in existing and _is_whole(existing[star_and_sector], *star_and_sector):
                yield star_and_sector, Outcome("there")
            else:
                missing.append(star_and_sector)
        uris = {}
        if self._product.uri:
            uris = {key: mast_products.known_uri(self._product, *key) for key in missing}
        else:
            for (sector, tic_ids), (uri_of_star, failure) in in_threads(
                self._look_up, _queries(missing), self._num_parallel
            ):
                for tic_id in tic_ids:
                    if tic_id in uri_of_star:
                        uris[tic_id, sector] = uri_of_star[tic_id]
                    else:
                        yield (tic_id, sector), failure
        tasks = [(key, uris[key]) for key in missing if key in uris]
        for (star_and_sector, _), outcome in in_threads(self._fetch, tasks, self._num_parallel):
            yield star_and_sector, outcome

    def _look_up(self, query):
        """Returns {tic_id: URI}, and the Outcome of the stars without a URI."""
        sector, tic_ids = query
        try:
            uri_of_star = mast_products.look_up(self._server, self._product, tic_ids, sector)
        except DownloadError as error:
            return {}, Outcome("failed", f"its file's name could not be looked up: {error}")
        return uri_of_star, Outcome("absent", f"MAST lists no light curve of {self._product.provenance}")

    def _fetch(self, task):
        (tic_id, sector), uri = task
        path = mast_products.path_of(self._product, self._out_dir, tic_id, sector, uri)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        check = functools.partial(mast_products.check, tic_id=tic_id, sector=sector)
        try:
            num_bytes = self._server.fetch(mast_products.download_path(uri), path, check)
        except AbsentError as error:
            return Outcome("absent", f"MAST has no {uri} ({error})")
        except DownloadError as error:
            return Outcome("failed", f"{uri}: {error}")
        return Outcome("downloaded", num_bytes=num_bytes)


def _is_whole(path, tic_id, sector):
    try:
        mast_products.check(path, tic_id, sector)
    except mast_products.BadAnswerError as error:
        _LOG.warning(f"{path}: {error}; downloaded again")
        return False
    return True


def _queries(stars_and_sectors):
    """Returns (sector, TIC IDs) of each query to MAST."""
    tic_ids_of_sector = collections.defaultdict(list)
    for tic_id, sector in stars_and_sectors:
        tic_ids_of_sector[sector].append(tic_id)
    return [
        (sector, tic_ids[start : start + _STARS_PER_QUERY])
        for sector, tic_ids in tic_ids_of_sector.items()
        for start in range(0, len(tic_ids), _STARS_PER_QUERY)
    ]


def _write_list(path, product_name, unusable, wanted, outcomes, stopped_by):
    """Writes the list of light curves that were not downloaded: unusable rows first, the rest in catalog order."""
    rest = Outcome("failed", f"given up before its turn: {stopped_by}")
    results = ((key, outcomes.get(key, rest)) for key in wanted)
    not_there = (
        (*key, f"{outcome.kind}: {outcome.reason}") for key, outcome in results if outcome.kind in ("absent", "failed")
    )
    rows = ((tic_id, sector, product_name, reason) for tic_id, sector, reason in itertools.chain(unusable, not_there))
    write_csv(path, ("tic_id", "sector", "product", "reason"), rows, lineterminator="\n")
