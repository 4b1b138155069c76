"""Reads tables of stars with temperatures and radii, for the energies of flares."""

import logging
import os
from typing import Optional, Union

from astronet.base.script import ScriptError
from astronet.data.catalog import tic_ids
from astronet.flares import light_curves, table_rows

_LOG = logging.getLogger(__name__)

_SPELLINGS = {
    "tic_id": ("tic_id", "TIC", "TICID", "TIC ID", "ID"),
    "teff": ("teff", "Teff (K)", "Stellar Eff Temp (K)", "st_teff"),
    "star_rad": ("star_rad", "radius", "rad", "R*", "Stellar Radius (R_Sun)", "st_rad"),
}
_KEYWORDS = {"teff": "TEFF", "star_rad": "RADIUS"}


def read(path: Union[str, os.PathLike]) -> dict[int, tuple[float, float]]:
    """Returns (temperature [K], radius [solar radii]) of stars by TIC ID; stars that lack one of the two are left out.

    Prints a warning for each row that cannot be used.

    Args:
      path: table with columns tic_id, teff [K] and star_rad [solar radii], or a catalog of this package.

    Raises:
      ScriptError: the file is no table, lacks a column, or has no row that can be used.
    """
    table = table_rows.read(path, _SPELLINGS, tuple(_SPELLINGS))
    known: dict[int, tuple[float, float]] = {}
    problems = list(table.broken)
    for row in table.rows:
        try:
            tic_id = tic_ids.parse_tic_id(row.text("tic_id"))
            teff, star_rad = (_plausible(row, name) for name in _KEYWORDS)
        except ValueError as error:
            problems.append((row.number, str(error)))
            continue
        if teff is not None and star_rad is not None:
            known[tic_id] = teff, star_rad
    for number, reason in sorted(problems):
        _LOG.warning(f"warning: {path}, row {number} left out: {reason}")
    if not known:
        raise ScriptError(f"{path} has no row with tic_id, teff and star_rad that can be used: give a table that has")
    return known


def _plausible(row: table_rows.Row, name: str) -> Optional[float]:
    """Returns the value of a cell; raises ValueError if no star has such a value."""
    value = row.value(name)
    least, most, unit = light_curves.PLAUSIBLE[_KEYWORDS[name]]
    if value is not None and not least <= value <= most:
        raise ValueError(f"{name} is {value:g}, no star's: {least:g} to {most:g} {unit} are expected")
    return value
