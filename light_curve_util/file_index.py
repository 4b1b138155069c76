"""Finds the file of one star and sector among those of all products, listing each directory once."""

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

# A file that is added within one tick of the file system's clock (some ms) does not change the time of its directory:
# the list of a directory that changed just now is not kept.
_SETTLED_NS = 100_000_000
_COLLECTIONS = ("TESS", "HLSP", "Kepler", "K2")  # of the archive's downloads
Products = tuple[Product, ...]
Observations = tuple[dict[int, list[str]], tuple[str, ...]]
RankedName = tuple[int, str]  # the lowest rank is the preferred one

_MAX_DIRECTORIES = 1024  # those of sectors, used for each star, outlast those of stars, used once


def find(
    products: Products, data_dir: str, tic_id: int, sector: int, camera: Optional[int] = None, ccd: Optional[int] = None
) -> Optional[str]:
    """Finds the file of a star and sector.

    Files of EXACT_NAMES go first. Then products count in their order, names of one product in the order of its NAMES,
    and of equal names the last, which is that of the latest version. What only a header tells goes last.

    Args:
      products: tuple of product modules, the preferred first.
      data_dir: directory of light curves.
      tic_id: TIC ID of the star.
      sector: number of the sector.
      camera, ccd: detector that saw the star; None or 0 where not known.

    Returns:
      The path of the file; None where there is none.
    """
    found = candidates(products, data_dir, tic_id, sector, camera, ccd)
    return found[-1] if found else None


def candidates(
    products: Products, data_dir: str, tic_id: int, sector: int, camera: Optional[int] = None, ccd: Optional[int] = None
) -> list[str]:
    """Returns the paths of all files that find() has to choose from by their names alone; it takes the last.

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
    found = []
    for place, files in listed.items():
        for tic_told in (tic_id, None) if place == star else (tic_id,):
            for sector_told in (sector, None) if place and place not in downloads else (sector,):
                found += [(*file, place) for file in files.named.get((tic_told, sector_told), ())]
    if not found:
        for place, files in listed.items():
            found += [(*file, place) for file in files.by_header.get((tic_id, sector), ())]
        for place in ("", *downloads):
            for rank, name in listed[place].named.get((tic_id, None), ()):
                if _told_by_header(os.path.join(directories[place], name)) == (tic_id, sector):
                    found.append((rank, name, place))
    preferred = min((rank for rank, _, _ in found), default=None)
    of_best = sorted(file for file in found if file[0] == preferred)
    return [os.path.join(directories[place], name) for _, name, place in of_best]


def _exact(
    products: Products, directories: Mapping[str, str], tic_id: int, sector: int, outside: Container[str]
) -> Optional[str]:
    """The path of the first file of EXACT_NAMES, None where there is none; places outside a sector's need its name."""
    for product in products:
        for template in product.EXACT_NAMES:
            for place, directory in directories.items():
                path = os.path.join(directory, template.format(tic_id=tic_id, sector=sector))
                if (place not in outside or "{sector" in template) and os.path.exists(path):
                    return path
    return None


def stars(products: Products, data_dir: str) -> list[tuple[int, int]]:
    """The stars of which `find` finds a light curve.

    Args:
      products: tuple of product modules.
      data_dir: directory of light curves.

    Returns:
      List of (sector, TIC ID), sorted.
    """
    found = set()
    for directory, _, names in os.walk(data_dir):
        of_place = re.search(r"/sector-(\d+)(?:/(\d+)$|/|$)", "/" + os.path.relpath(directory, data_dir))
        numbers: tuple[Any, ...] = of_place.groups() if of_place else (None, None)
        sector_of_place, tic_of_place = numbers
        for _, name, tic_id, sector in _recognized(names, products):
            tic_id, sector = tic_id or tic_of_place, sector or sector_of_place
            if tic_id and sector:
                found.add((int(sector), int(tic_id)))
            else:
                star = _told_by_header(os.path.join(directory, name))
                if star:
                    found.add(star[::-1])
    return [(sector, tic_id) for sector, tic_id in sorted(found) if find(products, data_dir, tic_id, sector)]


def places(sector: int, camera: Union[int, str, None] = None, ccd: Union[int, str, None] = None) -> list[str]:
    """Directories of a sector's files, below that of the data.

    Args:
      sector: number of the sector.
      camera, ccd: detector; None or 0 stands for each of the four.

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
    """Directories that lightkurve and astroquery make, mastDownload/TESS/<observation>/, where the star's files may be.

    The name of an observation has the TIC ID in it, or is that of a product which names stars by their Gaia IDs.

    Args:
      data_dir: directory of light curves, which holds mastDownload or is it.
      tic_id: TIC ID of the star.

    Returns:
      Dict of relative path to path.
    """
    found = {}
    for root in ("mastDownload", ""):
        for collection in _COLLECTIONS:
            directory = os.path.join(data_dir, root, collection)
            of_star, of_gaia = _observations(directory)
            for name in (*of_star.get(tic_id, ()), *of_gaia):
                found[os.path.join(root, collection, name)] = os.path.join(directory, name)
    return found


def _observations(directory: str) -> Observations:
    """Names in a directory: dict of a number in them to the names, and those with a Gaia ID."""
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
    """Yields (rank, name, TIC ID, sector) of the names that are a light curve's; None for what a name does not tell."""
    patterns = [re.compile(pattern) for product in products for pattern in product.NAMES]
    for name in names:
        match = next(filter(None, (pattern.fullmatch(name) for pattern in patterns)), None)
        if match:
            told = match.groupdict()
            tic_id, sector = (int(told[key]) if told.get(key) else None for key in ("tic", "sector"))
            yield patterns.index(match.re), name, tic_id, sector


class _Directory:
    """The light curve files of one directory.

    Attributes:
      named: dict of what a name tells, (TIC ID or None, sector or None), to a list of (rank, name); the lowest rank is
        the preferred one.
    """

    def __init__(self, path: str = "", products: Products = ()) -> None:
        self.named: dict[tuple[Optional[int], Optional[int]], list[RankedName]] = collections.defaultdict(list)
        self._path = path
        exact = [template for product in products for template in product.EXACT_NAMES]
        for rank, name, tic_id, sector in _recognized(os.listdir(path) if path else (), products):
            # Those of exact names may be a million, and are never looked up here.
            if name not in (template.format(tic_id=tic_id or 0, sector=sector or 0) for template in exact):
                self.named[tic_id, sector].append((rank, name))

    @functools.cached_property
    def by_header(self) -> dict[tuple[int, int], list[RankedName]]:
        """Dict of (TIC ID, sector) to a list of (rank, name), for the FITS files whose names do not tell their star."""
        files: dict[tuple[int, int], list[RankedName]] = collections.defaultdict(list)
        for told in [told for told in self.named if told[0] is None]:
            for rank, name in self.named[told]:
                path = os.path.join(self._path, name)
                star = _told_by_header(path, told[1] or identity.of_place(path).sector)
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
    """When a directory changed last, ns; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns if stat.S_ISDIR(found.st_mode) else None


def _is_settled(changed: int) -> bool:
    return abs(time.time_ns() - changed) >= _SETTLED_NS


@functools.lru_cache(_MAX_DIRECTORIES)
def _settled_directory(path: str, products: Products, changed: int) -> _Directory:
    return _Directory(path, products)


def _told_by_header(path: str, sector: Optional[int] = None) -> Optional[tuple[int, int]]:
    """(TIC ID, sector) that the primary header of a FITS file has; None where it has not both.

    Args:
      path: file name.
      sector: that of the name or the directory, for headers without any; None is unknown.
    """
    try:
        header = identity.primary_header(path)
    except FileNotFoundError:  # deleted since its directory was listed
        return None
    told = identity.of_header(header) if header is not None else identity.Identity()
    told = told.completed_by(identity.Identity(sector=sector))
    return None if told.tic_id is None or told.sector is None else (told.tic_id, told.sector)
