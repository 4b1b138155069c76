"""Finds the TESS camera and CCD that observe a star in a sector."""

import functools
import importlib.util
from typing import Optional, Union

import numpy as np

from astronet.base.script import ScriptError
from light_curve_util import sector_times
from light_curve_util.array_types import ArrayLike

NUM_CAMERAS, NUM_CCDS = 4, 4
CCD_PIXELS = 2048  # pixels of a CCD's image along a row, and along a column
_HALF_FIELD = np.tan(np.radians(12.5))
# The edges of a CCD, in tess-point's pixels (0 is the center of the first pixel). MIT's catalogs assign a star to a
# CCD even if it falls up to ten rows before the image or one pixel beside it: docs/star_catalogs.md has the evidence.
_COLUMNS = (-1.0, 2049.0)
_ROWS = (-10.5, 2048.0)
# Rows of the published catalog, to test tsig: RA and Dec (degrees), sector, camera, CCD.
_KNOWN = ((100.470619, -55.794991, 1, 4, 4), (120.987058, -66.880424, 1, 4, 3), (319.530884, -51.78575, 1, 2, 4))


class DetectorError(ScriptError):
    """The pointing of a sector is unknown, or a focal plane model is not installed."""


@functools.cache
def _focal_plane(sector):
    """Returns tess-point's focal plane with the pointing of a sector."""
    import tess_stars2px

    if sector not in tess_stars2px.TESS_Spacecraft_Pointing_Data.sectors:
        raise DetectorError(
            f"sector {sector} is not in the installed tess-point's table of pointings (sectors 1 to "
            f"{tess_stars2px.max_sector}): correct the sector, or pip install --upgrade tess-point"
        )
    return tess_stars2px.TESS_Spacecraft_Pointing_Data(trySector=sector).fpgObjs[0]


def middle(sector: int) -> Optional[float]:
    """Returns the middle of a sector (BTJD) by tess-point's table of pointings; None if the table lacks the sector."""
    return sector_times.middle(sector)


class TessPoint:
    """The public model of the focal plane: tess-point (C. J. Burke et al. 2020, ASCL 2003.001)."""

    def __init__(self, name: str = "tess-point") -> None:
        self.name = name

    def locate(self, ra: ArrayLike, dec: ArrayLike, sector: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the camera and CCD of stars, each 1 to 4; both are 0 for a star on no CCD or without coordinates.

        A star in the overlap of two cameras gets the higher number, as in MIT's catalogs.

        >>> TessPoint().locate([100.470619, 0.0], [-55.794991, 90.0], sector=1)
        (array([4, 0]), array([4, 0]))

        Args:
          ra, dec: degrees; NaN where unknown. [n]
          sector: sector number.

        Returns:
          (camera, ccd), ints. [n], [n]

        Raises:
          DetectorError: the pointing in this sector is not known.
        """
        star, cameras, ccds, column, row = self.pixels(ra, dec, sector)
        inside = (_COLUMNS[0] < column) & (column < _COLUMNS[1]) & (_ROWS[0] < row) & (row < _ROWS[1])
        camera, ccd = np.zeros((2, np.size(ra)), int)
        # In order of cameras: for a star that two cameras see, the later assignment wins.
        camera[star[inside]], ccd[star[inside]] = cameras[inside], ccds[inside]
        return camera, ccd

    def pixels(
        self, ra: ArrayLike, dec: ArrayLike, sector: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns the pixels of stars on every CCD that they fall on or close to.

        Args:
          ra, dec: degrees. [n]
          sector: sector number.

        Returns:
          (star, camera, ccd, column, row), arrays of the same length, in order of camera. `star` is the index into
          ra and dec. Pixel (0, 0) is the first of a CCD's image, (2047, 2047) the last.
        """
        plane = _focal_plane(int(sector))
        degrees = np.array([ra, dec], float).reshape(2, -1)
        degrees[:, ~np.isfinite(degrees).all(axis=0)] = np.nan  # comparisons with NaN are false: in no field of view
        sky = np.stack(plane.sphereToCart(*degrees))
        hits = []
        for camera in range(NUM_CAMERAS):
            x, y, z = plane.rmat4[camera] @ sky
            near = np.flatnonzero((np.abs(x) < _HALF_FIELD * z) & (np.abs(y) < _HALF_FIELD * z))
            longitude, latitude = np.degrees([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])
            for star in near:
                ccd, pixel, _ = plane.mm_to_pix(camera, plane.optics_fp(camera, longitude[star], latitude[star]))
                hits.append((star, camera + 1, ccd + 1, *pixel))
        star, camera, ccd, column, row = np.array(hits).reshape(-1, 5).T
        return star.astype(int), camera.astype(int), ccd.astype(int), column, row

    def sky(self, camera: int, ccd: int, column: float, row: float, sector: int) -> tuple[float, float]:
        """Returns (ra, dec) in degrees of a pixel; the inverse of `pixels`."""
        return _focal_plane(int(sector)).pix2radec_nocheck_single(camera - 1, ccd - 1, np.array([column, row], float))


class Tsig:
    """MIT's own model of the focal plane, in its private package tsig.

    The interface of tsig is not published, and this class was written without access to it. It is used only if it
    gives the right camera and CCD for known stars.

    Raises:
      Exception: tsig is not installed, or its classes do not behave as expected.
    """

    name = "tsig"

    def __init__(self) -> None:
        from tsig.mission import MissionProfile
        from tsig.spacecraft import LevineModel, Spacecraft

        self._mission, self._spacecraft, self._model = MissionProfile(), Spacecraft(), LevineModel()
        for ra, dec, sector, *known in _KNOWN:
            answer = [int(number[0]) for number in self.locate([ra], [dec], sector)]
            if answer != known:
                raise ValueError(f"camera and CCD {answer} for {ra}, {dec} in sector {sector}, where {known} saw it")

    def locate(self, ra: ArrayLike, dec: ArrayLike, sector: int) -> tuple[np.ndarray, np.ndarray]:
        """As TessPoint.locate."""
        self._spacecraft.set_pointing(*self._mission.get_pointing(sector))
        detectors = np.zeros((np.size(ra), 2), int)
        for star, position in enumerate(zip(np.ravel(ra), np.ravel(dec))):
            if np.isfinite(position).all():
                detectors[star] = self._model.get_camera_ccd(self._spacecraft, *position) or (0, 0)
        return detectors[:, 0], detectors[:, 1]


def open_detectors(catalog: str = "auto") -> Union[TessPoint, Tsig]:
    """Returns the focal plane model that belongs to a star catalog.

    "pdo" uses tsig; "auto" uses tsig if it is installed. All others use tess-point, and so do these two if tsig does
    not answer as expected: the name of the returned model then says why.

    Args:
      catalog: the value of stars.resolve, or "auto".

    Returns:
      An object with `name` and `locate(ra, dec, sector) -> (camera, ccd)`. Each process must open one for itself.

    Raises:
      DetectorError: the catalog is "pdo", and tsig is not installed.
    """
    has_tsig = importlib.util.find_spec("tsig") is not None
    if catalog == "pdo" and not has_tsig:
        raise DetectorError("--star_catalog=pdo needs MIT's package tsig for the cameras; else give mast or local:PATH")
    if has_tsig and catalog in ("pdo", "auto"):
        try:
            return Tsig()
        except Exception as error:  # the interface of tsig is not known, so neither are its exceptions
            return TessPoint(f"tess-point, for tsig does not answer as expected ({type(error).__name__}: {error})")
    return TessPoint()
