"""Which of TESS's cameras and CCDs sees a star in a sector."""

import functools
import importlib.util

import numpy as np

from astronet.base.script import ScriptError
from light_curve_util import sector_times

NUM_CAMERAS, NUM_CCDS = 4, 4
CCD_PIXELS = 2048  # of a CCD's image, along a row and along a column
_HALF_FIELD = np.tan(np.radians(12.5))
# Where a CCD ends, in tess-point's pixels (0 is the middle of the image's first). MIT's catalogs count a star to a
# CCD also when it falls up to ten rows before the image or a pixel beside it: docs/data.md has the evidence.
_COLUMNS = (-1.0, 2049.0)
_ROWS = (-10.5, 2048.0)
# Rows of the published catalog: RA, Dec, sector, camera, CCD.
_KNOWN = ((100.470619, -55.794991, 1, 4, 4), (120.987058, -66.880424, 1, 4, 3), (319.530884, -51.78575, 1, 2, 4))


class DetectorError(ScriptError):
    """A sector without a known pointing, or a focal plane model that is not installed."""


@functools.cache
def _focal_plane(sector):
    """tess-point's focal plane as it was pointed in a sector."""
    import tess_stars2px

    if sector not in tess_stars2px.TESS_Spacecraft_Pointing_Data.sectors:
        raise DetectorError(
            f"sector {sector} is not in the installed tess-point's table of pointings (sectors 1 to "
            f"{tess_stars2px.max_sector}): correct the sector, or pip install --upgrade tess-point"
        )
    return tess_stars2px.TESS_Spacecraft_Pointing_Data(trySector=sector).fpgObjs[0]


def middle(sector):
    """Returns the middle of a sector (BTJD, days) by tess-point's table of pointings; None where it has none."""
    return sector_times.middle(sector)


class TessPoint:
    """The public model of the focal plane: tess-point (C. J. Burke et al. 2020, ASCL 2003.001)."""

    def __init__(self, name="tess-point"):
        self.name = name

    def locate(self, ra, dec, sector):
        """Camera and CCD, each 1 to 4, of stars; 0, 0 for those that fall on none or have no coordinates.

        Where two cameras overlap it is the higher one, as in MIT's catalogs.

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
        # In order of cameras: of a star that two see, the later assignment stays.
        camera[star[inside]], ccd[star[inside]] = cameras[inside], ccds[inside]
        return camera, ccd

    def pixels(self, ra, dec, sector):
        """Every camera and CCD that a star falls on or close to, and where.

        Args:
          ra, dec: degrees. [n]
          sector: sector number.

        Returns:
          (star, camera, ccd, column, row), arrays of one length, in order of camera; star is the index into ra and dec.
          Pixel 0, 0 is the first of a CCD's image, 2047, 2047 the last.
        """
        plane = _focal_plane(int(sector))
        degrees = np.array([ra, dec], float).reshape(2, -1)
        degrees[:, ~np.isfinite(degrees).all(axis=0)] = np.nan  # in no field of view, for it compares as false
        sky = np.stack(plane.sphereToCart(*degrees))
        found = []
        for camera in range(NUM_CAMERAS):
            x, y, z = plane.rmat4[camera] @ sky
            near = np.flatnonzero((np.abs(x) < _HALF_FIELD * z) & (np.abs(y) < _HALF_FIELD * z))
            longitude, latitude = np.degrees([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])
            for star in near:
                ccd, pixel, _ = plane.mm_to_pix(camera, plane.optics_fp(camera, longitude[star], latitude[star]))
                found.append((star, camera + 1, ccd + 1, *pixel))
        star, camera, ccd, column, row = np.array(found).reshape(-1, 5).T
        return star.astype(int), camera.astype(int), ccd.astype(int), column, row

    def sky(self, camera, ccd, column, row, sector):
        """(ra, dec) in degrees of a pixel; the opposite of `pixels`."""
        return _focal_plane(int(sector)).pix2radec_nocheck_single(camera - 1, ccd - 1, np.array([column, row], float))


class Tsig:
    """MIT's own model of the focal plane, in its private package tsig.

    What tsig's classes take and give is published nowhere, and this was written without them: it serves once it is
    right for known stars.

    Raises:
      Exception: tsig is not installed, or its classes are not as expected here.
    """

    name = "tsig"

    def __init__(self):
        from tsig.mission import MissionProfile
        from tsig.spacecraft import LevineModel, Spacecraft

        self._mission, self._spacecraft, self._model = MissionProfile(), Spacecraft(), LevineModel()
        for ra, dec, sector, *known in _KNOWN:
            answer = [int(number[0]) for number in self.locate([ra], [dec], sector)]
            if answer != known:
                raise ValueError(f"camera and CCD {answer} for {ra}, {dec} in sector {sector}, where {known} saw it")

    def locate(self, ra, dec, sector):
        """As TessPoint.locate."""
        self._spacecraft.set_pointing(*self._mission.get_pointing(sector))
        detectors = np.zeros((np.size(ra), 2), int)
        for star, position in enumerate(zip(ra, dec)):
            if np.isfinite(position).all():
                detectors[star] = self._model.get_camera_ccd(self._spacecraft, *position) or (0, 0)
        return detectors[:, 0], detectors[:, 1]


def open_detectors(catalog="auto"):
    """The focal plane model that goes with a star catalog.

    Args:
      catalog: what stars.resolve returns, or "auto". tsig for "pdo", and for "auto" where it is installed, as
        long as it answers as expected; else tess-point, whose name then says what was wrong with tsig.

    Returns:
      An object with `name` and `locate(ra, dec, sector) -> (camera, ccd)`. Each process opens its own.

    Raises:
      DetectorError: "pdo" without tsig.
    """
    there = importlib.util.find_spec("tsig") is not None
    if catalog == "pdo" and not there:
        raise DetectorError("--star_catalog=pdo needs MIT's package tsig for the cameras; else give mast or local:PATH")
    if there and catalog in ("pdo", "auto"):
        try:
            return Tsig()
        except Exception as error:  # of a package that nobody here has seen
            return TessPoint(f"tess-point, for tsig does not answer as expected ({type(error).__name__}: {error})")
    return TessPoint()
