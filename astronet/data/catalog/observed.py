"""Finds the sectors in which a star has a light curve in a directory."""

import collections
import functools
import itertools
import os
from typing import Union

from light_curve_util import tess_io
from light_curve_util.errors import MissingLightCurveError

_FEW_FILES = 5_000  # listing fewer files than this is faster than looking up the stars of a table one by one


class ObservedSectors:
    """Function that returns the sectors of a star with a light curve.

    Its arguments are the TIC ID and the sectors in the star's row of a table, () if the row has none.

    Args:
      tess_data_dir: directory of light curves. It is listed once if it is small, or if a row has no sectors.
    """

    def __init__(self, tess_data_dir: Union[str, os.PathLike]) -> None:
        self._directory = os.fspath(tess_data_dir)

    def __call__(self, tic_id: int, sectors: tuple[int, ...]) -> tuple[int, ...]:
        if not sectors:
            return tuple(self._all.get(tic_id, ()))
        if self._is_small:
            return tuple(sector for sector in self._all.get(tic_id, ()) if sector in sectors)
        return tuple(sector for sector in sectors if self._is_there(tic_id, sector))

    @functools.cached_property
    def _is_small(self):
        files = (name for _, _, names in os.walk(self._directory) for name in names)
        return sum(1 for _ in itertools.islice(files, _FEW_FILES)) < _FEW_FILES

    @functools.cached_property
    def _all(self):
        sectors_of = collections.defaultdict(list)
        for sector, tic_id in tess_io.stars(self._directory):
            sectors_of[tic_id].append(sector)
        return sectors_of

    def _is_there(self, tic_id, sector):
        try:
            tess_io.find(self._directory, tic_id, sector)
        except MissingLightCurveError:
            return False
        return True
