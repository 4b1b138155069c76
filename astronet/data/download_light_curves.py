"""Downloads the light curves of a catalog's TCEs from MAST."""

import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments
from astronet.base.downloads import Server
from astronet.base.messages import LOG
from astronet.base.script import INTERRUPTED, Parser, ScriptError, run
from astronet.data.catalog import mast_downloads, mast_products
from light_curve_util.constants import SECONDS_PER_DAY

_MOST_PARALLEL = 8  # one user's fair share of an archive that everybody uses


def _download(flags):
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
    choice = mast_downloads.DownloadChoice(flags.catalog, flags.product, flags.output_dir, flags.num_parallel)
    report = mast_downloads.download(choice, server)
    _tell(report, choice, flags.mast_url)
    if report.stopped_by == mast_downloads.INTERRUPTED:
        return INTERRUPTED
    return 1 if report.count["failed"] else 0


def _tell(report, choice, mast_url):
    """Prints how many light curves were downloaded, were there already, are absent, or failed."""
    print(report)
    absent, failed = report.count["absent"], report.count["failed"]
    if absent + failed + report.num_unusable:
        print(f"reasons in {choice.list_path}")
    if absent == sum(report.count.values()):
        LOG.warning(f"no light curve is at {mast_url}: check --product and --mast_url")
    if report.stopped_by:
        LOG.error(f"error: {report.stopped_by}; the same command continues from here")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--catalog",
        type=arguments.input_file,
        required=True,
        help="catalog of TCEs, or table of stars: its columns tic_id and Sectors say which light curves to fetch",
    )
    parser.input.add_argument(
        "--product", required=True, choices=list(mast_products.PRODUCTS), help="whose light curves to fetch"
    )
    parser.input.add_argument(
        "--mast_url", default="https://mast.stsci.edu", metavar="URL", help="address of MAST, or of a mirror"
    )
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of sector-1, sector-2, ...; other scripts read it as --tess_data_dir",
    )
    parser.rename("--out", "--output_dir")
    parser.machine.add_argument(
        "--num_parallel",
        type=arguments.whole_number(1, _MOST_PARALLEL),
        default=4,
        help=f"transfers side by side, at most {_MOST_PARALLEL}: the share of one user of a public archive",
    )
    parser.machine.add_argument(
        "--requests_per_second",
        type=arguments.number(least=0.001, most=1000),
        default=5.0,
        help="most requests per second, of all transfers together",
    )
    parser.machine.add_argument(
        "--retries", type=arguments.whole_number(0, 100), default=4, help="how often to repeat a request that failed"
    )
    seconds = arguments.number(above=0, most=SECONDS_PER_DAY, unit="seconds")
    parser.machine.add_argument(
        "--backoff", type=seconds, default=1.0, help="time before the first repetition; it doubles each time"
    )
    parser.machine.add_argument(
        "--connect_timeout", type=seconds, default=10.0, help="time after which a connection has failed"
    )
    parser.machine.add_argument(
        "--read_timeout", type=seconds, default=60.0, help="time without a byte after which a transfer has failed"
    )
    parser.machine.add_argument(
        "--file_timeout", type=seconds, default=1800.0, help="most time for a file, all its tries together"
    )
    parser.machine.add_argument(
        "--max_file_megabytes",
        type=arguments.whole_number(1, 10**6),
        default=500,
        help="longest file to fetch, in megabytes",
    )
    return run(_download, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
