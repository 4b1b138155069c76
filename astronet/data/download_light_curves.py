"""Downloads from MAST the light curves that the TCEs of a catalogue need."""

import collections
import functools
import itertools
import os
import sys
from typing import NamedTuple

from tqdm import tqdm

from astronet.base import arguments, locks
from astronet.base.downloads import AbsentError, DownloadError, Server, ServerDownError, in_threads
from astronet.base.files import write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.data.catalog import mast_products, tce_table

LIST_NAME = "not_downloaded.csv"
_STARS_PER_QUERY = 100
_MOST_PARALLEL = 8  # one user's fair share of an archive that everybody uses
_SECONDS_PER_DAY = 86_400
_INTERRUPTED = 130  # the exit code of what Ctrl-C ended


class Outcome(NamedTuple):
    """What became of one light curve: `kind` is downloaded, there, absent or failed; `reason` tells of the last two."""

    kind: str
    reason: str = ""
    num_bytes: int = 0


class Unusable(NamedTuple):
    """A row of the catalogue that names no star and sector, with its cells as they are."""

    tic_id: str
    sector: str
    reason: str


def read_catalogue(path):
    """Reads which light curves a catalogue needs.

    Args:
      path: a table of any source that dialects.py knows; only its stars and sectors are looked at.

    Returns:
      List of (tic_id, sector), each once, in the order of the rows; and the list of Unusable rows.

    Raises:
      ScriptError: the file lacks a column.
      OSError: the file cannot be read.
    """
    request = tce_table.Request(needed=("tic_id", "Sectors"), only=("tic_id", "Sectors"))
    every, notes = tce_table.load_all(path, request)
    for note in notes:
        print(f"{path}: {note}", file=sys.stderr)
    wanted, unusable = {}, []
    for i, reason in enumerate(every.reasons):
        tic_id, sector = (int(every.columns[name][i]) for name in ("tic_id", "Sectors"))
        if not (reason or tic_id and sector):
            reason = "invalid: TIC ID and sector begin at 1"
        if reason:
            texts = (every.texts[name][i] for name in ("tic_id", "Sectors"))
            kind, _, what = reason.partition(": ")
            unusable.append(Unusable(*texts, f"invalid: row {every.numbers[i] + 1}: {what}"))
        else:
            wanted[tic_id, sector] = None
    return list(wanted), unusable


class _Download:
    """One run.

    Attributes:
      outcomes: {(tic_id, sector): Outcome} of what is done.
      stopped_by: why the rest was given up, or "".
    """

    def __init__(self, product, out_dir, server, num_parallel):
        self._product = product
        self._out_dir = out_dir
        self._server = server
        self._num_parallel = num_parallel
        self.outcomes = {}
        self.stopped_by = ""

    def run(self, wanted):
        """Downloads what is not there, until that is done, or the server is down, or Ctrl-C."""
        try:
            with tqdm(total=len(wanted), unit="file", disable=None) as progress:
                for star_and_sector, outcome in self._outcomes(wanted):
                    self.outcomes[star_and_sector] = outcome
                    progress.update()
        except ServerDownError as error:
            self.stopped_by = str(error)
        except KeyboardInterrupt:
            self.stopped_by = "interrupted"
        finally:
            self._server.stop()

    def _outcomes(self, wanted):
        there = mast_products.files_there(self._product, self._out_dir, wanted)
        missing = []
        for star_and_sector in wanted:
            if star_and_sector in there and _is_whole(there[star_and_sector], *star_and_sector):
                yield star_and_sector, Outcome("there")
            else:
                missing.append(star_and_sector)
        uris = {}
        if self._product.uri:
            uris = {key: mast_products.known_uri(self._product, *key) for key in missing}
        else:
            for (sector, tic_ids), (found, failure) in in_threads(self._look_up, _queries(missing), self._num_parallel):
                for tic_id in tic_ids:
                    if tic_id in found:
                        uris[tic_id, sector] = found[tic_id]
                    else:
                        yield (tic_id, sector), failure
        tasks = [(key, uris[key]) for key in missing if key in uris]
        for (star_and_sector, _), outcome in in_threads(self._fetch, tasks, self._num_parallel):
            yield star_and_sector, outcome

    def _look_up(self, query):
        """{tic_id: URI}, and the Outcome of the stars that are not among these."""
        sector, tic_ids = query
        try:
            found = mast_products.look_up(self._server, self._product, tic_ids, sector)
        except DownloadError as error:
            return {}, Outcome("failed", f"its file's name could not be looked up: {error}")
        return found, Outcome("absent", f"MAST lists no light curve of {self._product.provenance}")

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
        tqdm.write(f"{path}: {error}; downloaded again", file=sys.stderr)
        return False
    return True


def _queries(stars_and_sectors):
    """(sector, TIC IDs) of each question to MAST."""
    tic_ids_of_sector = collections.defaultdict(list)
    for tic_id, sector in stars_and_sectors:
        tic_ids_of_sector[sector].append(tic_id)
    return [
        (sector, tic_ids[start : start + _STARS_PER_QUERY])
        for sector, tic_ids in tic_ids_of_sector.items()
        for start in range(0, len(tic_ids), _STARS_PER_QUERY)
    ]


def _write_list(path, product_name, unusable, wanted, outcomes, stopped_by):
    """Lists what was not downloaded: unusable rows, then the others in the catalogue's order."""
    rest = Outcome("failed", f"given up before its turn: {stopped_by}")
    results = ((key, outcomes.get(key, rest)) for key in wanted)
    not_there = (
        (*key, f"{outcome.kind}: {outcome.reason}") for key, outcome in results if outcome.kind in ("absent", "failed")
    )
    rows = ((tic_id, sector, product_name, reason) for tic_id, sector, reason in itertools.chain(unusable, not_there))
    write_csv(path, ("tic_id", "sector", "product", "reason"), rows, lineterminator="\n")


def _run(flags):
    try:
        server = Server(
            flags.mast_url,
            flags.requests_per_second,
            flags.retries,
            flags.backoff,
            flags.connect_timeout,
            flags.read_timeout,
            flags.max_file_megabytes * 10**6,
            flags.file_timeout,
        )
    except ValueError as error:
        raise ScriptError(f"--mast_url: {error}") from error
    arguments.refuse_overwriting_inputs(
        {f"--out ({LIST_NAME})": os.path.join(flags.out, LIST_NAME)}, {"--catalog": flags.catalog}
    )
    wanted, unusable = read_catalogue(flags.catalog)
    for row in unusable:
        print(f"{flags.catalog}: {row.reason}; left out", file=sys.stderr)
    if not wanted:
        raise ScriptError(f"{flags.catalog} names no light curve: it has no row with a tic_id and a sector")
    with locks.exclusive(flags.out):
        return _download(flags, server, wanted, unusable)


def _download(flags, server, wanted, unusable):
    """Downloads and tells; returns the exit code."""
    print(f"{len(wanted)} light curves wanted of {flags.product}, in {flags.out}")

    download = _Download(mast_products.PRODUCTS[flags.product], flags.out, server, flags.num_parallel)
    download.run(wanted)
    list_path = os.path.join(flags.out, LIST_NAME)
    _write_list(list_path, flags.product, unusable, wanted, download.outcomes, download.stopped_by)

    count = collections.Counter(outcome.kind for outcome in download.outcomes.values())
    num_failed = len(wanted) - count["downloaded"] - count["there"] - count["absent"]
    megabytes = sum(outcome.num_bytes for outcome in download.outcomes.values()) / 1e6
    print(
        f"{count['downloaded']} downloaded ({megabytes:.1f} MB), {count['there']} already there, "
        f"{count['absent']} not at MAST, {num_failed} failed, {len(unusable)} unusable rows"
    )
    if count["absent"] + num_failed + len(unusable):
        print(f"reasons in {list_path}")
    if count["absent"] == len(wanted):
        print(f"none of them is at {flags.mast_url}: check --product and --mast_url", file=sys.stderr)
    if download.stopped_by:
        print(f"error: {download.stopped_by}; the same command goes on where this run ended", file=sys.stderr)
    if download.stopped_by == "interrupted":
        return _INTERRUPTED
    return 1 if num_failed else 0


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--catalog",
        type=arguments.input_file,
        required=True,
        help="table of TCEs or stars with the columns tic_id and Sectors",
    )
    parser.add_argument("--product", required=True, choices=list(mast_products.PRODUCTS), help="whose light curves")
    parser.add_argument(
        "--out",
        type=arguments.output_directory,
        required=True,
        help="directory of sector-1, sector-2, ...: --tess_data_dir of others",
    )
    parser.add_argument(
        "--num_parallel",
        type=arguments.whole_number(1, _MOST_PARALLEL),
        default=4,
        help=f"transfers side by side; at most {_MOST_PARALLEL}, one user's share of a public archive",
    )
    parser.add_argument(
        "--requests_per_second",
        type=arguments.number(least=0.001, most=1000),
        default=5.0,
        help="of all transfers together",
    )
    parser.add_argument(
        "--retries", type=arguments.whole_number(0, 100), default=4, help="how often to repeat a request that failed"
    )
    seconds = arguments.number(above=0, most=_SECONDS_PER_DAY, unit="seconds")
    parser.add_argument(
        "--backoff", type=seconds, default=1.0, help="seconds before the first retry; doubles each time"
    )
    parser.add_argument("--connect_timeout", type=seconds, default=10.0, help="seconds")
    parser.add_argument("--read_timeout", type=seconds, default=60.0, help="seconds without a byte")
    parser.add_argument(
        "--file_timeout", type=seconds, default=1800.0, help="seconds for a file, all its tries together"
    )
    parser.add_argument(
        "--max_file_megabytes", type=arguments.whole_number(1, 10**6), default=500, help="a longer file is not fetched"
    )
    parser.add_argument("--mast_url", default="https://mast.stsci.edu", help="MAST or a mirror of it")
    return run(_run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
