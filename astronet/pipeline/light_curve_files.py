"""Gathers light curve files, from wherever they lie, into one directory of links that all readers know."""

import dataclasses
import glob
import os
import shutil
from collections.abc import Sequence
from typing import Optional

import numpy as np

from astronet.base.files import make_directory
from astronet.base.script import ScriptError
from light_curve_util import identity as identities
from light_curve_util import sector_times, tess_io
from light_curve_util.errors import LightCurveError
from light_curve_util.identity import Identity

_WILDCARDS = "*?["


@dataclasses.dataclass(frozen=True)
class LightCurveFiles:
    """Light curves in a directory of sector-1, sector-2, ...

    Attributes:
      directory: the --tess_data_dir of other scripts.
      stars: list of (sector, TIC ID), sorted.
      skips: pairs (path, reason) of files that are no light curve of a known star.
      notes: texts about what was assumed.
    """

    directory: str
    stars: list[tuple[int, int]]
    skips: list[tuple[str, str]]
    notes: list[str]


def gather(paths: Sequence[str], directory: str, tic_id: Optional[int] = None) -> LightCurveFiles:
    """Gathers light curves.

    A single directory is taken as it is. Else each file becomes a link, DIRECTORY/sector-S/TIC/NAME.

    Args:
      paths: files, directories and patterns such as "tess/*.fits".
      directory: to make the links in; links of an earlier run are removed.
      tic_id: star of a single file, where that does not tell it.

    Raises:
      ScriptError: there is no such file, or none of them is a light curve of a known star.
    """
    expanded = [path for text in paths for path in _expanded(text)]
    if len(expanded) == 1 and os.path.isdir(expanded[0]):
        stars = tess_io.stars(expanded[0])
        if not stars:
            raise ScriptError(
                f"no light curve that tells its star and sector in {expanded[0]}: docs/light_curves.md lists what is "
                "read; a file of another name can be given by its path"
            )
        return LightCurveFiles(expanded[0], stars, [], [])
    if tic_id is not None and (len(expanded) != 1 or os.path.isdir(expanded[0])):
        raise ScriptError("--tic is for a single light curve, and here are several: leave it out")
    _empty(directory)
    skips, notes = _link_all(expanded, directory, tic_id)
    stars = tess_io.stars(directory)
    if not stars:
        told = "; ".join(reason for _, reason in skips[:3])
        raise ScriptError(f"no light curve of a known star and sector: {told}")
    return LightCurveFiles(directory, stars, skips, notes)


def _expanded(text: str) -> list[str]:
    """The files or directories that an argument stands for."""
    path = os.path.expanduser(text)
    if os.path.exists(path):
        return [path]
    found = sorted(glob.glob(path, recursive=True)) if any(character in path for character in _WILDCARDS) else []
    if not found:
        raise ScriptError(f"no light curve {text}: give files, directories or patterns that are there")
    return found


def _empty(directory: str) -> None:
    """Removes the links of an earlier run; never a file that is none."""
    make_directory(directory)
    for place, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                raise ScriptError(f"{path} is no link of an earlier run: choose another --output_dir")
    shutil.rmtree(directory)
    make_directory(directory)


def _link_all(paths: Sequence[str], directory: str, tic_id: Optional[int]) -> tuple[list[tuple[str, str]], list[str]]:
    """Links all light curves; returns the skipped files with their reasons, and notes."""
    skips: list[tuple[str, str]] = []
    notes: list[str] = []
    linked: dict[str, str] = {}
    for path in paths:
        if os.path.isdir(path):
            of_directory = [
                (tess_io.find(path, tic, sector), Identity(tic, sector)) for sector, tic in tess_io.stars(path)
            ]
            if not of_directory:
                skips.append((path, f"{path} has no light curve that tells its star and sector"))
        else:
            of_directory = [(path, Identity(tic_id))]
        for file, given in of_directory:
            try:
                star = _identified(file, given, notes)
            except (LightCurveError, OSError) as error:
                skips.append((file, str(error)))
                continue
            link = _link(file, star, directory)
            if link in linked and not os.path.samefile(linked[link], file):
                skips.append((file, f"{file} has the name, star and sector of {linked[link]}, which is read"))
            elif link not in linked:
                linked[link] = file
                os.makedirs(os.path.dirname(link), exist_ok=True)
                os.symlink(os.path.abspath(file), link)
    return skips, notes


def _identified(path: str, given: Identity, notes: list[str]) -> Identity:
    """The star and sector of a file; the times tell the sector where nothing else does.

    Raises:
      LightCurveError: it contradicts itself, does not tell its star, or cannot be read.
    """
    told = tess_io.identity(path)
    contradiction = given.contradiction(told)
    if contradiction:
        raise LightCurveError(f"{path} is given as that of {contradiction}: leave out --tic")
    star = told.completed_by(given)
    if star.tic_id is None:
        raise LightCurveError(
            f"{path} does not tell its star: give it a name such as tic123_s0001.csv, or, for a single "
            "file, name it by --tic"
        )
    if star.sector is None:
        sector = _sector_by_times(path)
        notes.append(f"{path}: its times are those of sector {sector}")
        star = dataclasses.replace(star, sector=sector)
    return star


def _sector_by_times(path: str) -> int:
    middle = float(np.median(tess_io.read(path).time))
    sectors = (sector for sector in range(1, 1000) if sector_times.middle(sector) is not None)
    near = min(sectors, key=lambda sector: abs((sector_times.middle(sector) or 0.0) - middle))
    window = sector_times.window(near)
    if window is None or not window[0] <= middle <= window[1]:
        raise LightCurveError(f"{path} does not tell its sector, and its times, BTJD {middle:.1f}, lie in none")
    return near


def _link(path: str, star: Identity, directory: str) -> str:
    """Where the link to a file goes."""
    name = os.path.basename(path)
    place = os.path.join(directory, f"sector-{star.sector}", str(star.tic_id))
    detector = identities.of_place(path)
    if detector.camera and detector.ccd and tess_io.has_known_name(path):  # which nothing but the place may tell
        place = os.path.join(directory, f"sector-{star.sector}/ffi/cam{detector.camera}/ccd{detector.ccd}/LC")
    return os.path.join(place, name if tess_io.has_known_name(path) else _known_name(name, star))


def _known_name(name: str, star: Identity) -> str:
    """A name for a link by which the file is found."""
    ending = name[len(name.partition(".")[0]) :].lower()
    if "fit" in ending:
        return f"{star.tic_id}_lc.fits" + (".gz" if ending.endswith(".gz") else "")
    if ending.endswith(".h5"):
        return f"{star.tic_id}.h5"
    return f"tic{star.tic_id}.csv" + (".gz" if ending.endswith(".gz") else "")
