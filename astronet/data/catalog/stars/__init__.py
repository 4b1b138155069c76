"""Star parameters by TIC ID, from whichever catalog is at hand.

A catalog is an object with a `name` and `stars(tic_ids) -> {tic_id: Star}`, in which stars that it does not have are
absent. It holds connections: each process opens its own.
"""

import importlib.util
import os

from astronet.base.script import ScriptError
from astronet.data.catalog.stars.star import CatalogUnreachableError, Star

__all__ = ["CatalogUnreachableError", "Star", "open_catalog", "resolve"]

_LOCAL_NAMES = ("tic.sqlite", "tic.csv", "tic.fits")


class _NoCatalog:
    """Where no catalog is at hand: every star is unknown, and its own row of the TCE table has to do."""

    name = "none"

    def stars(self, tic_ids):
        return {}


def resolve(flag, base_dir, tables=()):
    """The catalog that a `--star_catalog` flag means.

    Args:
      flag: "auto", "pdo", "mast", "mast:CACHE_PATH" or "local:PATH". auto is pdo where its packages are installed, else
        tic.sqlite, tic.csv or tic.fits of base_dir, else none: a network is used on request only.
      base_dir: directory of the TCE tables.
      tables: paths of the TCE tables, which auto does not take for a star catalog, whatever their names.

    Returns:
      "pdo", "mast", "mast:CACHE_PATH", "local:PATH" or "none".

    Raises:
      ScriptError: the flag is none of these.
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


def open_catalog(resolved):
    """Opens what `resolve` named.

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
