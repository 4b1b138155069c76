"""Makes TEV tables of the stars in lists of TIC IDs, or in a directory of light curves. Most columns stay empty."""

import collections
import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from astronet.base import messages
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.base.workers import map_in_order
from astronet.data.catalog import tev

_FILE_NAME = re.compile(r"sector-(\d+)(?:-.*)?\.txt$", re.IGNORECASE)


class LeftOut(NamedTuple):
    """A line of a list of TIC IDs that adds no star; `line` is "" if the star is in an earlier list."""

    file: str
    line: object
    text: object
    reason: str


class Stars(NamedTuple):
    """The stars of each sector.

    Attributes:
      tic_ids_of: dict of sector to TIC IDs, in order.
      left_out_of: dict of sector to list of LeftOut.
    """

    tic_ids_of: Mapping[int, Sequence[int]]
    left_out_of: Mapping[int, Sequence[LeftOut]]


class WrittenTable(NamedTuple):
    """A table of one sector that was written.

    Attributes:
      path: path of the table.
      num_stars: number of its stars.
      num_left_out: number of lines of the lists that were left out.
      left_out_path: path of the CSV file that lists those lines.
    """

    path: str
    num_stars: int
    num_left_out: int
    left_out_path: str


def sector_of(path: str) -> int:
    """Returns the sector in a file's name, `sector-X.txt` or `sector-X-anything.txt`.

    >>> sector_of("lists/sector-12-bright.txt")
    12

    Raises:
      ScriptError: the name does not have this form.
    """
    match = _FILE_NAME.match(os.path.basename(path))
    if not match:
        raise ScriptError(f"{path}: no sector in the file's name; call it sector-X-anything.txt")
    return int(match.group(1))


def read_tic_ids(path: str) -> tuple[list[int], list[tuple[int, str, str]]]:
    """Reads TIC IDs from a text file with one TIC ID a line.

    Returns:
      List of TIC IDs without repetitions, and list of (line number, text, reason) of the lines that were left out.

    Raises:
      ScriptError: the file is not text.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: not a readable text file ({error}); give one TIC ID a line") from error
    tic_ids: dict[int, int] = {}  # to the line that has it
    dropped: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text.isdecimal():
            dropped += [(number, text, "not a TIC ID")] if text else []
        elif int(text) in tic_ids:
            dropped.append((number, text, f"the same as line {tic_ids[int(text)]}"))
        else:
            tic_ids[int(text)] = number
    return list(tic_ids), dropped


def read_lists(paths: Sequence[str], num_worker_processes: int = 1) -> Stars:
    """Reads lists of TIC IDs. The name of each file has the sector.

    Raises:
      ScriptError: a file is not text, or its name has no sector.
    """
    for path in paths:
        sector_of(path)  # raises an error for a name without a sector before anything is read
    tic_ids_of: dict[int, dict[int, str]] = collections.defaultdict(dict)  # to the list that has it first
    left_out_of: dict[int, list[LeftOut]] = collections.defaultdict(list)
    with messages.bar(total=len(paths), unit="file") as progress:
        for path, (tic_ids, problems) in zip(paths, map_in_order(read_tic_ids, paths, num_worker_processes)):
            sector, name = sector_of(path), os.path.basename(path)
            left_out_of[sector] += [LeftOut(name, *problem) for problem in problems]
            file_of_tic_id = tic_ids_of[sector]
            for tic_id in tic_ids:
                earlier = file_of_tic_id.setdefault(tic_id, name)
                if earlier != name:
                    left_out_of[sector].append(LeftOut(name, "", tic_id, f"is in {earlier} too"))
            progress.update()
    return Stars({sector: list(tic_ids) for sector, tic_ids in tic_ids_of.items()}, left_out_of)


def with_light_curves(tess_data_dir: str) -> Stars:
    """Finds the stars whose light curves are in a directory.

    Raises:
      ScriptError: no file in the directory is a light curve with a known star and sector.
    """
    from light_curve_util import tess_io

    tic_ids_of = collections.defaultdict(list)
    for sector, tic_id in tess_io.stars(tess_data_dir):
        tic_ids_of[sector].append(tic_id)
    if not tic_ids_of:
        raise ScriptError(f"no light curve with a known star and sector in {tess_data_dir}: see docs/light_curves.md")
    return Stars(tic_ids_of, collections.defaultdict(list))


def write_tables(stars: Stars, directory: str) -> list[WrittenTable]:
    """Writes sector-S-all.csv for each sector and, if lines were left out, sector-S-all_dropped.csv."""
    make_directory(directory)
    written = []
    for sector, tic_ids in sorted(stars.tic_ids_of.items()):
        rows = [
            {"src": "qlp", "tic_id": tic_id, "toi_id": ".01", "Disposition": "J", "Sectors": sector}
            for tic_id in tic_ids
        ]
        path = os.path.join(directory, f"sector-{sector}-all.csv")
        tev.write(path, rows)
        left_out, left_out_path = stars.left_out_of[sector], os.path.join(directory, f"sector-{sector}-all_dropped.csv")
        _write_left_out(left_out_path, left_out)
        written.append(WrittenTable(path, len(rows), len(left_out), left_out_path))
    return written


def _write_left_out(path, left_out):
    """Writes the list of lines that were left out. If there are none, it removes the list of an earlier run."""
    if left_out:
        write_csv(path, LeftOut._fields, left_out, lineterminator="\n")
        return
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
