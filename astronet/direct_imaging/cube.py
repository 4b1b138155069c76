"""Reads a cube of angular differential imaging: frames, parallactic angles and the star's PSF."""

import dataclasses
import logging
import os
import warnings
from typing import Any, Optional, Union

import numpy as np

from astronet.base import arguments
from astronet.base.files import sha256
from astronet.base.script import Parser, ScriptError

_LOG = logging.getLogger(__name__)

MIN_FRAMES = 5
_MIN_PSF_SIZE = 5  # px, for a Gaussian to be fitted
_LEAST_PEAK, _MOST_PEAK = 1e-18, 1e18  # of the frames: their squares must fit into float32
_MOST_ANGLE_DEG = 720.0
_SATURATED_PIXELS = 5  # so many pixels with the greatest value show that the star is saturated
_SUBIMAGE = 2.5  # FWHM, side of the square that the star's 2-D Gaussian is fitted to
_PSF_PEAK = 1000.0  # of the PSF that VIP fits, whatever the file's units


Path = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class AdiCube:
    """An observation of one star while the sky turns; lengths are in pixels.

    Attributes:
      frames: float32 [num_frames, size, size]; size is odd, the star is on the central pixel.
      angles: float64 [num_frames], parallactic angles in degrees: vip_hci.preproc.cube_derotate(frames, angles) turns
        all frames north up (east is left).
      psf: float32 [odd, odd], image of the star with a flux of 1 in an aperture of one FWHM in diameter.
      fwhm: full width at half maximum of the PSF.
      star_flux: flux of the star in the same aperture, in the units of the frames; the contrast of a companion is its
        flux divided by this one.
    """

    frames: np.ndarray
    angles: np.ndarray
    psf: np.ndarray
    fwhm: float
    star_flux: float

    @property
    def size(self) -> int:
        """Width and height of a frame [px]."""
        return self.frames.shape[-1]

    @property
    def center(self) -> int:
        """Row of the star, and column, counted from 0."""
        return self.size // 2

    @property
    def rotation(self) -> float:
        """Angle by which the sky turns from first to last [deg]."""
        return float(np.ptp(np.unwrap(self.angles, period=360.0)))

    def flipped(self) -> "AdiCube":
        """Returns the cube with the sign of its angles changed: speckles behave the same, but no companion adds up."""
        return dataclasses.replace(self, angles=-self.angles)


@dataclasses.dataclass(frozen=True)
class CubeFiles:
    """The files of a cube, and how they are read: the flags of add_flags().

    Attributes:
      cube, psf, angles: paths of the FITS files.
      recenter: "none", "gaussian" or "register", as --recenter.
      angle_offset: added to the angles [deg].
      flip_angles: whether the sign of the angles is changed after that.
      star_flux: flux of the star in an aperture of one FWHM, in units of the frames; None takes it from the PSF.
    """

    cube: str
    psf: str
    angles: str
    recenter: str = "none"
    angle_offset: float = 0.0
    flip_angles: bool = False
    star_flux: Optional[float] = None

    @property
    def paths(self) -> dict[str, str]:
        """Paths of the files by the names that messages have for them: CUBE, PSF, ANGLES."""
        return {"CUBE": self.cube, "PSF": self.psf, "ANGLES": self.angles}

    @property
    def reading(self) -> list[Any]:
        """The settings that decide how the files are read."""
        return [self.recenter, self.angle_offset, self.star_flux, self.flip_angles]

    def hashes(self) -> list[str]:
        """Returns the SHA-256 of the three files."""
        return [sha256(path) for path in self.paths.values()]

    def absolute(self) -> "CubeFiles":
        """Returns the same files by absolute paths, for workers with another working directory."""
        cube, psf, angles = map(os.path.abspath, self.paths.values())
        return dataclasses.replace(self, cube=cube, psf=psf, angles=angles)

    def read(self) -> AdiCube:
        """Returns the cube; raises ScriptError as read() does."""
        return read(self.cube, self.psf, self.angles, *self.reading)

    def read_and_warn(self) -> AdiCube:
        """Returns the cube; logs a warning if the angles look like radians. Raises ScriptError as read() does."""
        adi_cube = self.read()
        angles = (-adi_cube.angles if self.flip_angles else adi_cube.angles) - self.angle_offset
        if np.abs(angles).max() <= 2 * np.pi and adi_cube.rotation < np.pi:
            _LOG.warning(
                f"WARNING: {self.angles}: all angles are within 2 pi of zero, and the sky turns by "
                f"{adi_cube.rotation:.3g} in all: they look like radians. Degrees are needed: if so, multiply them by "
                f"180 / pi, which makes {np.degrees(adi_cube.rotation):.0f} deg"
            )
        return adi_cube


def add_flags(parser: Parser) -> None:
    """Adds the flags of CubeFiles."""
    file = arguments.input_file
    parser.input.add_argument("cube", metavar="CUBE", type=file, help="FITS file of the frames, [frame, y, x]")
    parser.input.add_argument(
        "psf", metavar="PSF", type=file, help="FITS file of the unsaturated star: one image, or several"
    )
    parser.input.add_argument(
        "angles", metavar="ANGLES", type=file, help="FITS file of the parallactic angles of the frames [deg]"
    )
    parser.input.add_argument(
        "--recenter",
        choices=("none", "gaussian", "register"),
        default="none",
        help="how to bring the star to the center of the frames. none: it is there; gaussian: fit a Gaussian to the "
        "star in each frame, where it shows; register: shift the frames onto the first one, where it is in the "
        "center",
    )
    parser.input.add_argument(
        "--angle_offset",
        type=arguments.number(-360, 360, unit="degrees"),
        default=0.0,
        help="angle to add to ANGLES, so that they turn the frames north up (derotator, true north)",
    )
    parser.input.add_argument(
        "--flip_angles", action="store_true", help="change the sign of the angles, after --angle_offset"
    )
    parser.input.add_argument(
        "--star_flux",
        type=arguments.positive_number,
        help="flux of the star in an aperture of one FWHM in diameter, in units of CUBE, if PSF has another flux "
        "(another exposure, a filter, or normalized); contrasts are relative to it",
    )


def read(
    cube_path: Path,
    psf_path: Path,
    angles_path: Path,
    recenter: str = "none",
    angle_offset: float = 0.0,
    star_flux: Optional[float] = None,
    flip_angles: bool = False,
) -> AdiCube:
    """Returns the cube in three FITS files.

    In the files, the star is at pixel size // 2 (counted from 0) of the frames, as in VIP. Frames of an even size lose
    their first row and column.

    Args:
      cube_path: file of the frames, [num_frames, size, size].
      psf_path: file of the star's image, [height, width], or of several, [num_images, height, width]: their median is
        used.
      angles_path: file of the angles, [num_frames], [1, num_frames] or [num_frames, 1].
      recenter, angle_offset, star_flux, flip_angles: see CubeFiles.

    Raises:
      ScriptError: a file cannot be read or has another content, or vip_hci is missing.
    """
    try:
        import vip_hci  # noqa: F401
    except ImportError as error:
        raise ScriptError(
            "direct imaging needs the package vip_hci, which is missing: pip install 'astronet-triage[direct-imaging]'"
        ) from error
    if star_flux is not None and not 0 < star_flux < np.inf:
        raise ScriptError(f"--star_flux={star_flux:g}: give the star's flux, above 0")
    if not np.isfinite(angle_offset):
        raise ScriptError(f"--angle_offset={angle_offset:g}: give a number of degrees")
    frames = _frames(cube_path)
    angles = _angles(angles_path, len(frames), cube_path)
    psf, fwhm, psf_flux = _psf(psf_path, frames.shape[-1])
    if recenter != "none":
        frames = _recentered(frames, fwhm, recenter)
    cube = AdiCube(frames, angles + angle_offset, psf, fwhm, psf_flux if star_flux is None else star_flux)
    if np.radians(cube.rotation) * cube.center < fwhm:
        raise ScriptError(
            f"{angles_path}: the sky turns by {cube.rotation:.3g} deg in all, at the frames' edge by less than the "
            f"FWHM of {fwhm:.1f} px: a companion cannot be told from speckles. Give the angles in degrees, not "
            "radians; or a sequence with more rotation"
        )
    return cube.flipped() if flip_angles else cube


def _open(path: Path) -> np.ndarray:
    """Returns the image in the first HDU of a FITS file, or else in its only extension with an image; float64."""
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    if not os.path.isfile(path):
        raise ScriptError(f"{path}: no such file, or none that can be read again and again (as a pipe cannot)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)  # a truncated file is one
            # Opened here, for neither VIP nor astropy closes a file that it cannot read.
            with open(path, "rb") as file, fits.open(file, memmap=False) as units:
                unit = _unit_with_image(units)
                values = None if unit is None else unit.data
                extensions = [f"{number} ({hdu.name or 'no name'})" for number, hdu in enumerate(units) if number]
    except (OSError, TypeError, ValueError, AttributeError, MemoryError, AstropyWarning) as error:
        raise ScriptError(f"{path}: cannot be read as a FITS file ({error}): download or write it again") from error
    if values is None:
        several = f", and several of its extensions {', '.join(extensions)} may be meant" if extensions else ""
        raise ScriptError(
            f"{path}: has no image in its first HDU{several}: copy the image that is meant to a file of its own"
        )
    return values.astype(np.float64)


def _unit_with_image(units: Any) -> Any:
    """Returns the HDU with the image; None if there is none, or if only extensions have images, and more than one."""
    images = [unit for unit in units if unit.is_image and unit.header.get("NAXIS", 0) > 0]
    return images[0] if images and (images[0] is units[0] or len(images) == 1) else None


def _refuse_gaps(path: Path, values: np.ndarray) -> None:
    """Raises ScriptError if some values of frames [num_frames, ...] are not finite; it names the frames."""
    bad = ~np.isfinite(values).reshape(len(values), -1)
    if bad.any():
        where = np.flatnonzero(bad.any(axis=1))
        shown = ", ".join(map(str, where[:5])) + (", ..." if len(where) > 5 else "")
        raise ScriptError(
            f"{path}: {bad.sum()} of {bad.size} values are NaN or infinite, in {len(where)} of {len(values)} frames "
            f"({shown}, counted from 0): mend bad pixels (vip_hci.preproc.cube_fix_badpix_isolated), "
            "crop the frames to what the detector saw, or leave the frames out"
        )


def _frames(path: Path) -> np.ndarray:
    from vip_hci.preproc import cube_crop_frames

    frames = _open(path)
    if frames.ndim != 3:
        more = "; cubes of an integral field spectrograph are not supported: give one wavelength, or their mean"
        raise ScriptError(
            f"{path}: has {frames.ndim} axes {frames.shape}, instead of 3: frame, y, x{more if frames.ndim > 3 else ''}"
        )
    number, height, width = frames.shape
    if height != width:
        raise ScriptError(
            f"{path}: frames of {height} x {width} pixels: crop them to a square with the star in its center"
        )
    if number < MIN_FRAMES:
        raise ScriptError(f"{path}: {number} frames; at least {MIN_FRAMES} are needed")
    _refuse_gaps(path, frames)
    empty = np.flatnonzero(np.ptp(frames, axis=(1, 2)) == 0)
    if len(empty):
        raise ScriptError(
            f"{path}: {len(empty)} of {number} frames have the same value everywhere (first frame {empty[0]}, counted "
            "from 0): leave them out, and their angles"
        )
    peak = np.abs(frames).max()
    if not _LEAST_PEAK <= peak <= _MOST_PEAK:
        raise ScriptError(
            f"{path}: the greatest value is {peak:.3g}: give the frames in a unit that makes it {_LEAST_PEAK:g} to "
            f"{_MOST_PEAK:g}"
        )
    if not np.ptp(frames, axis=0).any():
        raise ScriptError(f"{path}: all frames are the same: nothing is told of a companion by the sky's turning")
    if height % 2 == 0:
        frames = cube_crop_frames(frames, height - 1, force=True, verbose=False)
    return np.ascontiguousarray(frames, np.float32)


def _angles(path: Path, num_frames: int, cube_path: Path) -> np.ndarray:
    angles = _open(path)
    if angles.size != max(angles.shape):
        raise ScriptError(f"{path}: has the shape {angles.shape}: give one angle for each frame")
    angles = angles.ravel()
    if len(angles) != num_frames:
        raise ScriptError(f"{path}: {len(angles)} angles for the {num_frames} frames of {cube_path}: give one for each")
    if not np.isfinite(angles).all():
        where = ", ".join(map(str, np.flatnonzero(~np.isfinite(angles))[:5]))
        raise ScriptError(
            f"{path}: angles that are NaN or infinite, first those of the frames {where} (counted from 0)"
        )
    if np.abs(angles).max() > _MOST_ANGLE_DEG:
        raise ScriptError(
            f"{path}: the values reach from {angles.min():.6g} to {angles.max():.6g}, beyond {_MOST_ANGLE_DEG:g} deg: "
            "give the parallactic angles of the frames in degrees, not their times"
        )
    return angles


def _psf(path: Path, most_size: int) -> tuple[np.ndarray, float, float]:
    """Returns the normalized PSF [odd, odd], at most `most_size` wide, its FWHM [px] and its flux."""
    from astropy.utils.exceptions import AstropyWarning
    from vip_hci.fm import normalize_psf
    from vip_hci.preproc import frame_crop, frame_shift
    from vip_hci.var import fit_2dgaussian

    psf = _open(path)
    if psf.ndim not in (2, 3):
        raise ScriptError(f"{path}: has {psf.ndim} axes {psf.shape}, instead of 2: y, x, or 3: image, y, x")
    psf = psf[np.newaxis] if psf.ndim == 2 else psf
    _refuse_gaps(path, psf)
    psf = np.median(psf, axis=0)
    if psf.shape[0] != psf.shape[1]:
        raise ScriptError(
            f"{path}: {psf.shape[0]} x {psf.shape[1]} pixels: crop it to a square with the star in its center"
        )
    size = min(len(psf) - (len(psf) + 1) % 2, most_size)
    if size < _MIN_PSF_SIZE:
        raise ScriptError(
            f"{path}: {len(psf)} x {len(psf)} pixels: give an image of the star that is a few FWHM wide, at least "
            f"{_MIN_PSF_SIZE} x {_MIN_PSF_SIZE} pixels"
        )
    if size < len(psf):
        psf = frame_crop(psf, size, force=True, verbose=False)
    peak = psf.max()
    if not (peak > 0 and psf.sum() > 0):
        raise ScriptError(f"{path}: is not positive: give the star's image less its background, unsaturated")
    # VIP would not normalize a PSF whose flux is nearly 1, nor shift one that is off center along one axis only.
    psf *= _PSF_PEAK / peak
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", AstropyWarning)  # its numbers show whether the fit failed
        fit = fit_2dgaussian(psf, full_output=True, debug=False).iloc[0]
        fwhm = abs(fit.fwhm_x + fit.fwhm_y) / 2
        if not (fit.amplitude > 0 and 1 < fwhm < size / 2):
            raise ScriptError(
                f"{path}: no star with a full width at half maximum between 1 and {size / 2:g} px (fitted: {fwhm:.2f})"
                ": give the star's image, unsaturated, less its background, and a few FWHM wide"
            )
        num_greatest = np.count_nonzero(psf == psf.max())
        if num_greatest >= _SATURATED_PIXELS:
            raise ScriptError(
                f"{path}: {num_greatest} pixels have one and the same value, the greatest: the star looks saturated, "
                "so that neither its flux nor its width is known: give an unsaturated image"
            )
        dy, dx = fit.centroid_y - size // 2, fit.centroid_x - size // 2
        if np.hypot(dy, dx) > fwhm:
            raise ScriptError(
                f"{path}: the star is {dx:+.1f}, {dy:+.1f} px (x, y) off the center, by more than its FWHM of "
                f"{fwhm:.1f} px: crop the image around it"
            )
        if np.hypot(dy, dx) > 0.02:
            psf = frame_shift(psf, -dy, -dx)
        psf, flux, fwhm = normalize_psf(psf, fwhm="fit", full_output=True, verbose=False)
    return psf.astype(np.float32), float(fwhm), float(flux * peak / _PSF_PEAK)


def _recentered(frames: np.ndarray, fwhm: float, how: str) -> np.ndarray:
    from astropy.utils.exceptions import AstropyWarning
    from vip_hci.preproc import cube_recenter_2dfit, cube_recenter_dft_upsampling

    options = {"nproc": 1, "verbose": False, "plot": False, "full_output": True}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", AstropyWarning)  # its shifts show whether the fit failed
        if how == "register":
            centered, dy, dx = cube_recenter_dft_upsampling(frames, **options)
        else:
            side = min(2 * int(_SUBIMAGE * fwhm / 2) + 1, frames.shape[-1])
            centered, dy, dx = cube_recenter_2dfit(frames, fwhm=fwhm, subi_size=side, **options)
    shift = np.hypot(dy, dx)
    wild = np.flatnonzero(~(shift < max(2 * fwhm, 5)))
    if len(wild):
        raise ScriptError(
            f"--recenter={how}: finds the star {shift[wild[0]]:.1f} px off the center of frame {wild[0]} (counted from "
            f"0) and far off in {len(wild)} of {len(frames)} frames: choose the other way, or center the frames before"
        )
    return centered.astype(np.float32)
