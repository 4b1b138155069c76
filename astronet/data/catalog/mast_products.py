"""The light-curve products at MAST: finds the file of a star and sector, and checks downloaded files."""

import dataclasses
import json
import os
import re
import threading
import urllib.parse
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from astronet.base.downloads import BadAnswerError, DownloadError, Server

_QUERY_PATH = "/api/v0/invoke"
_DOWNLOAD_PATH = "/api/v0.1/Download/file/?uri="
_MAX_ROWS = 10_000  # rows of an answer; far more than the stars of one query have
_SECONDS_BETWEEN_POLLS = 1
_MAX_POLLS = 120

# All threads share Python's warning filters, so only one thread at a time may change them.
_warning_filters = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Product:
    """The light curves of one pipeline.

    Attributes:
      collection, provenance: names of the product at MAST.
      file_name: regular expression for the whole name of a file, with the group `sector`, and the groups `tic_id` and
        `version` if names have them. A file with another name is never written.
      place: directory below the output directory, with the fields {sector} and {tic_id}.
      uri: URI of a file at MAST, with the same fields; "" if it depends on anything else.
    """

    collection: str
    provenance: str
    file_name: str
    place: str
    uri: str = ""


PRODUCTS = {
    "qlp": Product(
        collection="HLSP",
        provenance="QLP",
        file_name=r"hlsp_qlp_tess_ffi_s(?P<sector>\d{4})-(?P<tic_id>\d{16})_tess_v01_llc\.fits",
        place="sector-{sector}",
        uri="mast:HLSP/qlp/s{sector:04}/{tic_id_in_fours}/hlsp_qlp_tess_ffi_s{sector:04}-{tic_id:016}_tess_v01_llc.fits",
    ),
    # The names of 20-second light curves end in fast-lc.fits.
    "spoc": Product(
        collection="TESS",
        provenance="SPOC",
        file_name=r"tess\d{13}-s(?P<sector>\d{4})-(?P<tic_id>\d{16})-\d{4}-s_lc\.fits",
        place="sector-{sector}",
    ),
    "tglc": Product(
        collection="HLSP",
        provenance="TGLC",
        file_name=r"hlsp_tglc_tess_ffi_gaiaid-\d+-s(?P<sector>\d{4})-cam\d-ccd\d_tess_v(?P<version>\d+)_llc\.fits",
        place="sector-{sector}/{tic_id}",
    ),
}


def known_uri(product: Product, tic_id: int, sector: int) -> str:
    """Returns the URI of a star's light curve in a sector, for products with a `uri`: no query is needed."""
    digits = f"{tic_id:016}"
    in_fours = "/".join(digits[i : i + 4] for i in range(0, 16, 4))
    return product.uri.format(tic_id=tic_id, sector=sector, tic_id_in_fours=in_fours)


def look_up(server: Server, product: Product, tic_ids: Sequence[int], sector: int) -> dict[int, str]:
    """Asks MAST for the light curves of some stars in a sector.

    Args:
      server: downloads.Server of MAST.
      product: Product.
      tic_ids: list of TIC IDs.
      sector: number of the sector.

    Returns:
      {tic_id: URI} of the stars that have a light curve; the last version if there are several.

    Raises:
      DownloadError, ServerDownError, StoppedError: raised by downloads.Server.
    """
    filters = {
        "obs_collection": [product.collection],
        "provenance_name": [product.provenance],
        "sequence_number": [str(sector)],
        "target_name": [str(tic_id) for tic_id in tic_ids],
    }
    request = {
        "service": "Mast.Caom.Filtered",
        "params": {
            "columns": "*",
            "filters": [{"paramName": name, "values": values} for name, values in filters.items()],
        },
        "format": "json",
        "pagesize": _MAX_ROWS,
        "page": 1,
    }
    for _ in range(_MAX_POLLS):
        rows = server.ask(_QUERY_PATH, {"request": json.dumps(request)}, _rows)
        if rows is not None:
            return _choose(rows, product, set(tic_ids), sector)
        server.sleep(_SECONDS_BETWEEN_POLLS)
    raise DownloadError(f"MAST did not finish the look-up within {_MAX_POLLS} polls")


def _rows(answer):
    """Returns the rows of an answer; None if MAST is still busy with the query."""
    status = answer.get("status") if isinstance(answer, dict) else None
    if status == "EXECUTING":
        return None
    if status != "COMPLETE":
        raise BadAnswerError(f"the look-up failed: {answer.get('msg') or status}" if status else "no answer of MAST's")
    rows = answer.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadAnswerError("the look-up's answer is no table")
    return rows


def _choose(
    rows: Sequence[Mapping[str, Any]], product: Product, tic_ids: Collection[int], sector: int
) -> dict[int, str]:
    candidates: dict[int, list[tuple[int, str]]] = {}
    for row in rows:
        uri, target = str(row.get("dataURL")), str(row.get("target_name"))
        match = re.fullmatch(product.file_name, name_of(uri))
        # Skips other files of the star (validation reports, fast cadence), and invalid rows.
        if not match or not target.isdecimal() or int(match["sector"]) != sector:
            continue
        tic_id, groups = int(target), match.groupdict()
        if tic_id in tic_ids and int(groups.get("tic_id", tic_id)) == tic_id:
            candidates.setdefault(tic_id, []).append((int(groups.get("version", 0)), uri))
    return {tic_id: max(of_star)[1] for tic_id, of_star in candidates.items()}


def name_of(uri: str) -> str:
    """Returns the file name in a URI."""
    return uri.rpartition("/")[2]


def download_path(uri: str) -> str:
    """Returns the path below MAST's URL at which the file of a URI can be downloaded."""
    return _DOWNLOAD_PATH + urllib.parse.quote(uri, safe=":/")


def path_of(product: Product, out_dir: str, tic_id: int, sector: int, uri: str) -> str:
    """Returns the path to write the file of a URI to. Its name matches the product's pattern, so it holds no slash."""
    return os.path.join(_directory(product, out_dir, tic_id, sector), name_of(uri))


def files_there(
    product: Product, out_dir: str, stars_and_sectors: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """Returns {(tic_id, sector): path} of the light curves that exist already, by their names and directories."""
    listings, path_of_star = {}, {}
    for tic_id, sector in stars_and_sectors:
        directory = _directory(product, out_dir, tic_id, sector)
        if directory not in listings:
            listings[directory] = _list(product, directory, sector)
        of_sector = listings[directory]
        name = of_sector.get(tic_id) or of_sector.get(None)
        if name:
            path_of_star[tic_id, sector] = os.path.join(directory, name)
    return path_of_star


def _directory(product, out_dir, tic_id, sector):
    return os.path.join(out_dir, *product.place.format(tic_id=tic_id, sector=sector).split("/"))


def _list(product, directory, sector):
    """Returns {tic_id: name} of the files in a directory. The key is None if file names do not contain the TIC ID."""
    names = {}
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else ():
        match = re.fullmatch(product.file_name, name)
        if match and int(match["sector"]) == sector:
            tic_id = match.groupdict().get("tic_id")
            names[tic_id and int(tic_id)] = name
    return names


def check(path: str, tic_id: int, sector: int) -> None:
    """Checks by the headers and the length of a file that it is the whole light curve of a star in a sector.

    Args:
      path: path of a FITS file. Its first table must have columns for time and flux.
      tic_id: TIC ID that the header must have.
      sector: sector that the header must have, if it has any.

    Raises:
      BadAnswerError: the file fails the check; the message says why.
    """
    from astropy.io import fits

    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy warns of short files, which are detected below
        try:
            with fits.open(path, memmap=False) as hdus:
                header, table = hdus[0].header, hdus[1]
                columns = [name.upper() for name in table.columns.names]
                place = table.fileinfo()
        except Exception as error:  # astropy raises many kinds of errors for damaged files
            reason = str(error).partition("\n")[0]
            raise BadAnswerError(f"no FITS file with a table: {reason}") from error
    if "TIME" not in columns or not any(name.endswith("FLUX") for name in columns):
        raise BadAnswerError(f"no columns TIME and FLUX, but {', '.join(columns)}")
    if place["datLoc"] + place["datSpan"] > os.path.getsize(path):
        raise BadAnswerError("the file ends within its table")
    star = str(header.get("TICID") or header.get("OBJECT", "")).upper().replace("TIC", "").strip()
    if star != str(tic_id):
        raise BadAnswerError(f"a light curve of TIC {star or '(none)'}, not of TIC {tic_id}")
    if header.get("SECTOR", sector) != sector:
        raise BadAnswerError(f"a light curve of sector {header['SECTOR']}, not of sector {sector}")
