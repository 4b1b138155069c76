"""Star catalogs: the parameters of stars by TIC ID.

A star catalog is an object with a `name` and a method `stars(tic_ids)` that returns {tic_id: Star}. A star that the
catalog lacks is not in that dictionary. A catalog holds connections, so each process must open one for itself.
"""

import importlib.util
import os
from collections.abc import Iterable, Mapping
from typing import Protocol

from astronet.base.script import ScriptError
from astronet.data.catalog.stars.star import CatalogUnreachableError, Star

__all__ = ["CatalogUnreachableError", "Star", "open_catalog", "resolve"]

_LOCAL_NAMES = ("tic.sqlite", "tic.csv", "tic.fits")


class _NoCatalog:
    """A star catalog without stars, for --star_catalog=auto if there is no other: the TCE table must do."""

    name = "none"

    def stars(self, tic_ids):
        return {}


class Catalog(Protocol):
    """A star catalog."""

    name: str

    def stars(self, tic_ids: Iterable[int]) -> Mapping[int, Star]:
        """Returns the stars that the catalog has, by TIC ID."""


def resolve(flag: str, base_dir: str, tables: Iterable[str] = ()) -> str:
    """Returns which star catalog a value of `--star_catalog` means.

    >>> resolve("local:tic.csv", "."), resolve("auto", "a_directory_without_catalog")
    ('local:tic.csv', 'none')

    Args:
      flag: "auto", "pdo", "mast", "mast:CACHE_PATH" or "local:PATH". "auto" means "pdo" if its packages are installed,
        else the file tic.sqlite, tic.csv or tic.fits in base_dir, else "none". It never uses the network.
      base_dir: directory of the TCE tables.
      tables: paths of the TCE tables. "auto" does not use them as a star catalog, whatever their names.

    Returns:
      "pdo", "mast", "mast:CACHE_PATH", "local:PATH" or "none".

    Raises:
      ScriptError: the flag has another value.
    """
    kind, colon, path = flag.partition(":")
    if flag in ("pdo", "mast") or (kind in ("mast", "local") and path):
        return flag
    if flag != "auto":
        raise ScriptError(f"--star_catalog={flag}: give auto, pdo, mast, mast:CACHE_PATH or local:PATH")
    if all(importlib.util.find_spec(package) for package in ("tsig", "qlp")):
        return "pdo"
    for path in (os.path.join(base_dir, name) for name in _LOCAL_NAMES):
        if os.path.isfile(path) and not any(
            os.path.exists(table) and os.path.samefile(path, table) for table in tables
        ):
            return "local:" + path
    return "none"


def open_catalog(resolved: str) -> Catalog:
    """Opens the star catalog that `resolve` named.

    Raises:
      ScriptError: MIT's packages are not installed, or a file cannot be used.
    """
    kind, _, path = resolved.partition(":")
    if kind == "none":
        return _NoCatalog()
    if kind == "pdo":
        from astronet.data.catalog.stars.pdo import PdoCatalog

        return PdoCatalog()
    if kind == "mast":
        from astronet.data.catalog.stars.mast import MastCatalog

        return MastCatalog(path or None)
    from astronet.data.catalog.stars import local

    return local.open_extract(path)
