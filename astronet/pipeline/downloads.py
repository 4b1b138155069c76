"""Downloads the light curves to triage from MAST."""

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
    """Downloads the light curves that are missing; not_downloaded.csv lists those that could not be downloaded.

    Args:
      stars: table with the columns tic_id and Sectors, such as a table of TCEs; or a list with one TIC ID per line.
      product: a key of mast_products.PRODUCTS.
      directory: directory of the light curves.
      server: MAST.
      sectors: sectors of the stars of a list; not needed if the name of the list is sector-X-anything.txt.

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
        raise ScriptError(f"{report.stopped_by}; the same command continues from here")
    if report.count["failed"]:
        _LOG.warning(f"warning: reasons in {choice.list_path}; the same command tries again")
    return directory


def _as_table(path: str, directory: str, sectors: Sequence[int]) -> str:
    """Returns the path of a table of stars and sectors: the file itself, or a table made from a list."""
    if not _is_list(path):
        if sectors:
            raise ScriptError(
                f"--sectors is for a list of TIC IDs, and {path} is a table, which contains sectors: leave it out"
            )
        return path
    if not sectors:
        try:
            sectors = [star_lists.sector_of(path)]
        except ScriptError:
            raise ScriptError(f"{path} is a list of TIC IDs without sectors: give them by --sectors") from None
    with open(path, encoding="utf-8-sig") as file:
        stars = list(dict.fromkeys(tic_ids.parse_tic_id(line) for line in file.read().splitlines() if line.strip()))
    table = os.path.join(directory, "stars.csv")
    write_csv(table, (TIC_ID, SECTOR), [(star, sector) for star in stars for sector in sectors], lineterminator="\n")
    return table


def _is_list(path: str) -> bool:
    """Returns whether a file has one TIC ID per line, and no header.

    Raises:
      ScriptError: it is not text.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            first = next((line for line in file if line.strip()), "")
    except UnicodeDecodeError:
        return False  # perhaps a FITS or Parquet table
    try:
        tic_ids.parse_tic_id(first.strip())
    except ValueError:
        return False
    return True
