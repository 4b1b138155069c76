"""Reads star parameters from the TIC and Gaia DR2 through MIT's private packages tsig and qlp."""

import dataclasses
import math
from collections.abc import Iterable

from astronet.base.script import ScriptError
from astronet.data.catalog.stars.star import TIC_COLUMNS, Star, make_star

_GAIA_COLUMNS = ("radius_val", "teff_val")
_GAIA_MATCH_DEGREES = 0.02


class PdoCatalog:
    """A star catalog that queries both services once for each star: the packages have no query for many stars."""

    name = "pdo"

    def __init__(self) -> None:
        try:
            from qlp.util.gaia import GaiaCatalog
            from tsig.catalog import TIC
        except ImportError as error:
            raise ScriptError(
                f"--star_catalog=pdo needs MIT's packages tsig and qlp ({error}); else give mast or local:PATH"
            ) from error
        self._tic, self._gaia = TIC(), GaiaCatalog()

    def stars(self, tic_ids: Iterable[int]) -> dict[int, Star]:
        star_of = {tic_id: self._star(tic_id) for tic_id in tic_ids}
        return {tic_id: star for tic_id, star in star_of.items() if star}

    def _star(self, tic_id):
        columns = ("id", *TIC_COLUMNS)
        rows = _records(self._tic.query_by_id(tic_id, ",".join(columns)), columns)
        if not rows:
            return None
        star = make_star([rows[0][column] for column in TIC_COLUMNS])
        if math.isnan(star.ra + star.dec):
            return star
        matches = _records(self._gaia.query_by_loc(star.ra, star.dec, _GAIA_MATCH_DEGREES, star.tmag), _GAIA_COLUMNS)
        gaia = [matches[0].get(column) for column in _GAIA_COLUMNS] if matches else (None, None)
        return make_star(dataclasses.astuple(star), gaia)


def _records(answer, columns):
    """Returns the answer of a query as a list of dicts: from a table, named rows, or rows in the order of columns."""
    if answer is None:
        return []
    if hasattr(answer, "to_dict"):  # pandas
        return answer.to_dict("records")
    if isinstance(answer, tuple) and len(answer) == 2 and not hasattr(answer[0], "keys"):
        answer = answer[0]  # (rows, names)
    names = getattr(getattr(answer, "dtype", None), "names", None)
    if hasattr(answer, "keys") or (names and getattr(answer, "ndim", 1) == 0):
        answer = [answer]
    return [_record(row, columns) for row in answer]


def _record(row, columns):
    if hasattr(row, "keys"):
        return dict(row)
    names = getattr(getattr(row, "dtype", None), "names", None)
    return {name: row[name] for name in names} if names else dict(zip(columns, row))
