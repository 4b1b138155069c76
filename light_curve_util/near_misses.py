"""Finds light curve files with a slightly wrong name or directory, for the message that a file was not found."""

import functools
import itertools
import os
import re

_MOST_FILES = 20_000  # a directory is listed up to this number of files


def near_miss(data_dir: str, tic_id: int, sector: int) -> str:
    """Returns advice about a file that is probably the missing light curve; "" if there is no such file.

    Args:
      data_dir: directory of light curves, in which the file was not found.
      tic_id: TIC ID of the star.
      sector: number of the sector.
    """
    of_sector = [name for name in _names(data_dir) if _is_like_sector(name, sector)]
    for place in (*sorted(of_sector), ""):
        for name in _names(os.path.join(data_dir, place)):
            numbers = [int(number) for number in re.findall(r"\d+", name)]
            if tic_id in numbers and not _other_sector(name, sector):
                return _advice(data_dir, os.path.join(place, name), place, tic_id, sector)
    return ""


def _advice(data_dir: str, path: str, place: str, tic_id: int, sector: int) -> str:
    wanted = f"sector-{sector}"
    if place not in ("", wanted):
        return f"{data_dir} has {path}: rename {place} to {wanted}"
    ending = os.path.splitext(path.lower().removesuffix(".gz"))[1]
    return (
        f"{data_dir} has {path}, which is not looked for: move it to {wanted}/{tic_id}{ending}, or give its path alone"
    )


def _is_like_sector(name: str, sector: int) -> bool:
    match = re.fullmatch(r"(?:sector|s)?[-_ ]?0*(\d{1,5})", name, re.IGNORECASE)
    return match is not None and int(match[1]) == sector


def _other_sector(name: str, sector: int) -> bool:
    match = re.search(r"(?<![a-z])(?:sector|s)[-_ ]?0*(\d{1,4})(?!\d)", name, re.IGNORECASE)
    return match is not None and int(match[1]) != sector


def _names(directory: str) -> tuple[str, ...]:
    """Returns the first _MOST_FILES names in a directory, sorted; () if there is no such directory."""
    try:
        return _listed(directory, os.stat(directory).st_mtime_ns)
    except OSError:
        return ()


@functools.lru_cache(64)
def _listed(directory: str, changed: int) -> tuple[str, ...]:
    with os.scandir(directory) as entries:
        return tuple(sorted(entry.name for entry in itertools.islice(entries, _MOST_FILES)))
