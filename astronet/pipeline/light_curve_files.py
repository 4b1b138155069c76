"""Links light curve files from any places into one directory, in the layout that all readers know."""

import dataclasses
import glob
import os
import shutil
from collections.abc import Mapping, Sequence
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
      skips: pairs (path, reason) of files that are not a light curve of a known star.
      notes: texts about assumptions that were made.
      linked: the file that each link in the directory stands for, as it was given.
    """

    directory: str
    stars: list[tuple[int, int]]
    skips: list[tuple[str, str]]
    notes: list[str]
    linked: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def as_given(self, text: str) -> str:
        """Returns a message that names the files that were given, where it named their links."""
        start = text.find(self.directory) if self.linked else -1
        while start >= 0:
            ends = range(len(text), start, -1)
            link = next((text[start:end] for end in ends if text[start:end] in self.linked), None)
            given = self.linked[link] if link else self.directory
            text = text[:start] + given + text[start + len(link or self.directory) :]
            start = text.find(self.directory, start + len(given))
        return text


def gather(paths: Sequence[str], directory: str, tic_id: Optional[int] = None) -> LightCurveFiles:
    """Returns the light curves of files, directories and patterns, as one directory.

    If `paths` is a single directory, it is returned unchanged. Otherwise links DIRECTORY/sector-S/TIC/NAME are made.

    Args:
      paths: files, directories and patterns such as "tess/*.fits".
      directory: directory for the links; links of an earlier run are removed.
      tic_id: TIC ID of a single file, if the file does not contain it.

    Raises:
      ScriptError: there is no such file, or none of them is a light curve of a known star.
    """
    expanded = existing(paths)
    if len(expanded) == 1 and os.path.isdir(expanded[0]):
        stars = tess_io.stars(expanded[0])
        if not stars:
            raise ScriptError(
                f"no light curve with a known star and sector in {expanded[0]}: docs/light_curves.md lists what is "
                "read; a file of another name can be given by its path"
            )
        return LightCurveFiles(expanded[0], stars, [], [])
    if tic_id is not None and (len(expanded) != 1 or os.path.isdir(expanded[0])):
        raise ScriptError("--tic is for a single light curve, and here are several: leave it out")
    _empty(directory)
    skips, notes, linked = _link_all(expanded, directory, tic_id)
    stars = tess_io.stars(directory)
    if not stars:
        reasons = "; ".join(reason for _, reason in skips[:3])
        raise ScriptError(f"no light curve of a known star and sector: {reasons}")
    return LightCurveFiles(directory, stars, skips, notes, linked)


def existing(paths: Sequence[str]) -> list[str]:
    """Returns the files and directories that files, directories and patterns stand for.

    Raises:
      ScriptError: there is no such file, or none of this pattern.
    """
    return [path for text in paths for path in _expanded(text)]


def _expanded(text: str) -> list[str]:
    path = os.path.expanduser(text)
    if os.path.exists(path):
        return [path]
    if not any(character in path for character in _WILDCARDS):
        raise ScriptError(f"no light curve {text}: there is no such file or directory; check its name")
    paths = sorted(glob.glob(path, recursive=True))
    if not paths:
        raise ScriptError(f"no light curve {text}: there is no file or directory of this pattern; check it")
    return paths


def _empty(directory: str) -> None:
    """Removes the links of an earlier run, and nothing that is not a link."""
    make_directory(directory)
    for place, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                raise ScriptError(f"{path} is not a link of an earlier run: choose another --output_dir")
    shutil.rmtree(directory)
    make_directory(directory)


def _link_all(
    paths: Sequence[str], directory: str, tic_id: Optional[int]
) -> tuple[list[tuple[str, str]], list[str], dict[str, str]]:
    """Links all light curves; returns the skipped files with their reasons, notes, and the file of each link."""
    skips: list[tuple[str, str]] = []
    notes: list[str] = []
    linked: dict[str, str] = {}
    seen: set[str] = set()  # a file that is given twice, by itself or in a directory, is one
    for path in paths:
        if os.path.isdir(path):
            of_directory = [
                (tess_io.find(path, tic, sector), Identity(tic, sector)) for sector, tic in tess_io.stars(path)
            ]
            if not of_directory and not _is_again(path, seen):
                skips.append((path, f"{path} has no light curve with a known star and sector"))
        else:
            of_directory = [(path, Identity(tic_id))]
        for file, given in of_directory:
            if _is_again(file, seen):
                continue
            try:
                star = _identified(file, given, notes)
            except (LightCurveError, OSError) as error:
                skips.append((file, str(error)))
                continue
            link = _link(file, star, directory)
            if link in linked and not os.path.samefile(linked[link], file):
                skips.append((file, f"{file} has the same name, star and sector as {linked[link]}, which is read"))
            elif link not in linked:
                linked[link] = file
                os.makedirs(os.path.dirname(link), exist_ok=True)
                os.symlink(os.path.abspath(file), link)
    return skips, notes, linked


def _is_again(path: str, seen: set[str]) -> bool:
    """Returns whether a path is among those seen; if not, it is now."""
    place, name = os.path.split(os.path.abspath(path))
    whole = os.path.join(os.path.realpath(place), name)
    if whole in seen:
        return True
    seen.add(whole)
    return False


def _identified(path: str, given: Identity, notes: list[str]) -> Identity:
    """Returns the star and sector of a file; the sector follows from the times if the file does not contain it.

    Raises:
      LightCurveError: the file contradicts itself, does not contain its star, or cannot be read.
    """
    identity = tess_io.identity(path)
    contradiction = given.contradiction(identity)
    if contradiction:
        raise LightCurveError(f"{path} does not agree with --tic ({contradiction}): leave out --tic")
    star = identity.completed_by(given)
    if star.tic_id is None:
        tess_io.read(path)  # a file that is no light curve needs no other name
        raise LightCurveError(
            f"{path} does not contain its TIC ID: give it a name such as tic123_s0001.csv, or, for a single "
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
        raise LightCurveError(f"{path} does not contain its sector, and its times, BTJD {middle:.1f}, are in none")
    return near


def _link(path: str, star: Identity, directory: str) -> str:
    """Returns the path of the link to a file."""
    name = os.path.basename(path)
    place = os.path.join(directory, f"sector-{star.sector}", str(star.tic_id))
    detector = identities.of_place(path)
    if detector.camera and detector.ccd and tess_io.has_known_name(path):  # which nothing but the place may tell
        place = os.path.join(directory, f"sector-{star.sector}/ffi/cam{detector.camera}/ccd{detector.ccd}/LC")
    return os.path.join(place, name if tess_io.has_known_name(path) else _known_name(name, star))


def _known_name(name: str, star: Identity) -> str:
    """Returns a name for a link, from which readers know star and sector."""
    ending = name[len(name.partition(".")[0]) :].lower()
    if "fit" in ending:
        return f"{star.tic_id}_lc.fits" + (".gz" if ending.endswith(".gz") else "")
    if ending.endswith(".h5"):
        return f"{star.tic_id}.h5"
    return f"tic{star.tic_id}.csv" + (".gz" if ending.endswith(".gz") else "")
