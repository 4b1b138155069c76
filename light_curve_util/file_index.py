"""Finds the light curve file of a star and sector among the files of all products. Lists each directory only once."""

import collections
import functools
import itertools
import os
import re
import stat
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Optional, Union

from light_curve_util import identity
from light_curve_util.products import Product

# If a file is added within one tick of the file system's clock (some ms) after the last change of its directory, the
# modification time of the directory stays the same. So the listing of a directory that has just changed is not cached.
_SETTLED_NS = 100_000_000
_COLLECTIONS = ("TESS", "HLSP", "Kepler", "K2")  # directories of downloads from the archive
Products = tuple[Product, ...]
Observations = tuple[dict[int, list[str]], tuple[str, ...]]
RankedName = tuple[int, str]  # the lowest rank is the preferred one

_MAX_DIRECTORIES = 1024  # cached listings; directories of sectors are used again and again and stay in the cache


def find(
    products: Products, data_dir: str, tic_id: int, sector: int, camera: Optional[int] = None, ccd: Optional[int] = None
) -> Optional[str]:
    """Finds the file of a star and sector.

    If there are several files, the order of preference is: files with EXACT_NAMES; the order of products; the order of
    NAMES of a product; the alphabetically last name, which is the latest version. Files whose star or sector only the
    header names come last.

    Args:
      products: product modules, in the order of preference.
      data_dir: directory of light curves.
      tic_id: TIC ID of the star.
      sector: number of the sector.
      camera, ccd: detector that saw the star; None or 0 if unknown.

    Returns:
      The path of the file; None if there is none.
    """
    paths = candidates(products, data_dir, tic_id, sector, camera, ccd)
    return paths[-1] if paths else None


def candidates(
    products: Products, data_dir: str, tic_id: int, sector: int, camera: Optional[int] = None, ccd: Optional[int] = None
) -> list[str]:
    """Returns the paths of the files with the highest preference for find(), sorted by name; find() returns the last.

    The arguments are those of find().
    """
    star = f"sector-{sector}/{tic_id}"
    directories = {place: os.path.join(data_dir, place) for place in (*places(sector, camera, ccd), star, "")}
    path = _exact(products, directories, tic_id, sector, ("",))
    if path:
        return [path]
    downloads = _downloads(data_dir, tic_id)
    path = _exact(products, downloads, tic_id, sector, downloads)
    if path:
        return [path]
    directories.update(downloads)
    listed = {place: _directory(directory, products) for place, directory in directories.items()}
    files_found = []
    for place, files in listed.items():
        for tic_in_name in (tic_id, None) if place == star else (tic_id,):
            for sector_in_name in (sector, None) if place and place not in downloads else (sector,):
                files_found += [(*file, place) for file in files.named.get((tic_in_name, sector_in_name), ())]
    if not files_found:
        for place, files in listed.items():
            files_found += [(*file, place) for file in files.by_header.get((tic_id, sector), ())]
        for place in ("", *downloads):
            for rank, name in listed[place].named.get((tic_id, None), ()):
                if _star_in_header(os.path.join(directories[place], name)) == (tic_id, sector):
                    files_found.append((rank, name, place))
    preferred = min((rank for rank, _, _ in files_found), default=None)
    of_best = sorted(file for file in files_found if file[0] == preferred)
    return [os.path.join(directories[place], name) for _, name, place in of_best]


def _exact(
    products: Products, directories: Mapping[str, str], tic_id: int, sector: int, outside: Container[str]
) -> Optional[str]:
    """Returns the path of the first existing file of EXACT_NAMES, or None.

    In the directories `outside`, which do not belong to one sector, the name of the file must contain the sector.
    """
    for product in products:
        for template in product.EXACT_NAMES:
            for place, directory in directories.items():
                path = os.path.join(directory, template.format(tic_id=tic_id, sector=sector))
                if (place not in outside or "{sector" in template) and os.path.exists(path):
                    return path
    return None


def stars(products: Products, data_dir: str) -> list[tuple[int, int]]:
    """Returns the stars for which `find` finds a light curve.

    Args:
      products: product modules.
      data_dir: directory of light curves.

    Returns:
      List of (sector, TIC ID), sorted.
    """
    sectors_and_stars = set()
    for directory, _, names in os.walk(data_dir):
        of_place = re.search(r"/sector-(\d+)(?:/(\d+)$|/|$)", "/" + os.path.relpath(directory, data_dir))
        numbers: tuple[Any, ...] = of_place.groups() if of_place else (None, None)
        sector_of_place, tic_of_place = numbers
        for _, name, tic_id, sector in _recognized(names, products):
            tic_id, sector = tic_id or tic_of_place, sector or sector_of_place
            if tic_id and sector:
                sectors_and_stars.add((int(sector), int(tic_id)))
            else:
                star = _star_in_header(os.path.join(directory, name))
                if star:
                    sectors_and_stars.add(star[::-1])
    return [
        (sector, tic_id) for sector, tic_id in sorted(sectors_and_stars) if find(products, data_dir, tic_id, sector)
    ]


def places(sector: int, camera: Union[int, str, None] = None, ccd: Union[int, str, None] = None) -> list[str]:
    """Returns the directories in which the files of a sector may be, relative to the data directory.

    >>> places(2, camera=1, ccd=3)
    ['sector-2', 'sector-2/ffi/cam1/ccd3/LC', 'sector-2/cam1/ccd3']

    Args:
      sector: number of the sector.
      camera, ccd: detector; None or 0 means each of the four.

    Returns:
      List of relative paths.
    """
    detectors = list(itertools.product([camera] if camera else range(1, 5), [ccd] if ccd else range(1, 5)))
    return [
        f"sector-{sector}",
        *(f"sector-{sector}/ffi/cam{camera}/ccd{ccd}/LC" for camera, ccd in detectors),
        *(f"sector-{sector}/cam{camera}/ccd{ccd}" for camera, ccd in detectors),
    ]


def _downloads(data_dir: str, tic_id: int) -> dict[str, str]:
    """Returns the directories made by lightkurve and astroquery, mastDownload/TESS/<observation>/, of a star.

    The name of the observation contains the TIC ID, or belongs to a product that names stars by their Gaia IDs.

    Args:
      data_dir: directory of light curves: the directory mastDownload, or its parent.
      tic_id: TIC ID of the star.

    Returns:
      Dict of relative path to path.
    """
    path_of_place = {}
    for root in ("mastDownload", ""):
        for collection in _COLLECTIONS:
            directory = os.path.join(data_dir, root, collection)
            of_star, of_gaia = _observations(directory)
            for name in (*of_star.get(tic_id, ()), *of_gaia):
                path_of_place[os.path.join(root, collection, name)] = os.path.join(directory, name)
    return path_of_place


def _observations(directory: str) -> Observations:
    """Returns the names in a directory: a dict of number to the names that contain it, and names with a Gaia ID."""
    changed = _changed(directory)
    if changed is None:
        return {}, ()
    return (_settled_observations if _is_settled(changed) else _listed_observations)(directory, changed)


def _listed_observations(directory: str, changed: int) -> Observations:
    of_star, of_gaia = collections.defaultdict(list), []
    for name in sorted(os.listdir(directory)):
        if re.search(r"gaia|hlsp_t16_", name):
            of_gaia.append(name)
        for number in {int(number) for number in re.findall(r"\d+", name)}:
            of_star[number].append(name)
    return dict(of_star), tuple(of_gaia)


_settled_observations = functools.lru_cache(len(_COLLECTIONS) * 4)(_listed_observations)


def _recognized(names: Iterable[str], products: Products) -> Iterator[tuple[int, str, Optional[int], Optional[int]]]:
    """Yields (rank, name, TIC ID, sector) of the names of light curves; None if the name has no TIC ID or sector."""
    patterns = [re.compile(pattern) for product in products for pattern in product.NAMES]
    for name in names:
        match = next(filter(None, (pattern.fullmatch(name) for pattern in patterns)), None)
        if match:
            groups = match.groupdict()
            tic_id, sector = (int(groups[key]) if groups.get(key) else None for key in ("tic", "sector"))
            yield patterns.index(match.re), name, tic_id, sector


class _Directory:
    """The light curve files of one directory.

    Attributes:
      named: dict of (TIC ID or None, sector or None), as in the name, to a list of (rank, name). The lowest rank is
        preferred.
    """

    def __init__(self, path: str = "", products: Products = ()) -> None:
        self.named: dict[tuple[Optional[int], Optional[int]], list[RankedName]] = collections.defaultdict(list)
        self._path = path
        exact = [template for product in products for template in product.EXACT_NAMES]
        for rank, name, tic_id, sector in _recognized(os.listdir(path) if path else (), products):
            # There may be a million files with exact names, and they are never looked up here.
            if name not in (template.format(tic_id=tic_id or 0, sector=sector or 0) for template in exact):
                self.named[tic_id, sector].append((rank, name))

    @functools.cached_property
    def by_header(self) -> dict[tuple[int, int], list[RankedName]]:
        """Dict of (TIC ID, sector) to a list of (rank, name), for the FITS files without a TIC ID in their name."""
        files: dict[tuple[int, int], list[RankedName]] = collections.defaultdict(list)
        for key in [key for key in self.named if key[0] is None]:
            for rank, name in self.named[key]:
                path = os.path.join(self._path, name)
                star = _star_in_header(path, key[1] or identity.of_place(path).sector)
                if star:
                    files[star].append((rank, name))
        return files


def _directory(path: str, products: Products) -> _Directory:
    changed = _changed(path)
    if changed is None:
        return _Directory()
    if not _is_settled(changed):
        return _Directory(path, products)
    return _settled_directory(path, products, changed)


def _changed(path: str) -> Optional[int]:
    """Returns the modification time of a directory in ns; None if there is no such directory."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns if stat.S_ISDIR(status.st_mode) else None


def _is_settled(changed: int) -> bool:
    return abs(time.time_ns() - changed) >= _SETTLED_NS


@functools.lru_cache(_MAX_DIRECTORIES)
def _settled_directory(path: str, products: Products, changed: int) -> _Directory:
    return _Directory(path, products)


def _star_in_header(path: str, sector: Optional[int] = None) -> Optional[tuple[int, int]]:
    """Returns (TIC ID, sector) from the primary header of a FITS file; None if it does not have both.

    Args:
      path: path of the file.
      sector: sector in the name of the file or directory, for a header without one; None if unknown.
    """
    try:
        header = identity.primary_header(path)
    except FileNotFoundError:  # the file was deleted after the directory was listed
        return None
    star = identity.of_header(header) if header is not None else identity.Identity()
    star = star.completed_by(identity.Identity(sector=sector))
    return None if star.tic_id is None or star.sector is None else (star.tic_id, star.sector)
