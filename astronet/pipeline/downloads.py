"""Fetches the light curves to triage from MAST."""

import logging
import os
from collections.abc import Sequence

from astronet.base.downloads import Server
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.data.catalog import mast_downloads, star_lists, tic_ids
from astronet.data.records.columns import SECTOR, TIC_ID

_LOG = logging.getLogger(__name__)


def fetch(stars: str, product: str, directory: str, server: Server, sectors: Sequence[int]) -> str:
    """Fetches light curves that are not there yet; what could not be had is listed in not_downloaded.csv.

    Args:
      stars: table with the columns tic_id and Sectors, such as a table of TCEs; or a list, one TIC ID a line.
      product: a key of mast_products.PRODUCTS.
      directory: directory of the light curves.
      server: MAST.
      sectors: of the stars of a list; one named sector-X-anything.txt tells its sector itself.

    Returns:
      The directory.

    Raises:
      ScriptError: no star or sector is named, or the server is down.
      KeyboardInterrupt: after Control-C.
    """
    make_directory(directory)
    catalog = _as_table(stars, directory, sectors)
    choice = mast_downloads.DownloadChoice(catalog, product, directory)
    report = mast_downloads.download(choice, server)
    _LOG.info(str(report))
    if report.stopped_by == mast_downloads.INTERRUPTED:
        raise KeyboardInterrupt
    if report.stopped_by:
        raise ScriptError(f"{report.stopped_by}; the same command goes on where this run ended")
    if report.count["failed"]:
        _LOG.warning(f"warning: reasons in {choice.list_path}; the same command tries again")
    return directory


def _as_table(path: str, directory: str, sectors: Sequence[int]) -> str:
    """The path of a table of stars and sectors: the file itself, or one that is made of a list."""
    if not _is_list(path):
        if sectors:
            raise ScriptError(
                f"--sectors is for a list of TIC IDs, and {path} is a table, which tells its sectors: leave it out"
            )
        return path
    if not sectors:
        try:
            sectors = [star_lists.sector_of(path)]
        except ScriptError:
            raise ScriptError(
                f"{path} is a list of TIC IDs, of which nothing tells the sectors: give them by --sectors"
            ) from None
    with open(path, encoding="utf-8-sig") as file:
        stars = list(dict.fromkeys(tic_ids.parse_tic_id(line) for line in file.read().splitlines() if line.strip()))
    table = os.path.join(directory, "stars.csv")
    write_csv(table, (TIC_ID, SECTOR), [(star, sector) for star in stars for sector in sectors], lineterminator="\n")
    return table


def _is_list(path: str) -> bool:
    """Whether a file holds one TIC ID a line, and no header.

    Raises:
      ScriptError: it is no text.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            first = next((line for line in file if line.strip()), "")
    except UnicodeDecodeError:
        return False  # a FITS or Parquet table, say
    try:
        tic_ids.parse_tic_id(first.strip())
    except ValueError:
        return False
    return True
