"""A cube of angular differential imaging: frames, parallactic angles and the star's PSF, read from files by VIP."""

import dataclasses
import os
import warnings

import numpy as np

from astronet.base import arguments
from astronet.base.script import ScriptError

MIN_FRAMES = 5
_MIN_PSF_SIZE = 5  # px, for a Gaussian to be fitted
_LEAST_PEAK, _MOST_PEAK = 1e-18, 1e18  # of the frames: their squares have to be numbers of float32
_MOST_ANGLE_DEG = 720.0
_SATURATED_PIXELS = 5  # of one and the same value, the greatest
_SUBIMAGE = 2.5  # FWHM, side of the square that the star's 2-D Gaussian is fitted to
_PSF_PEAK = 1000.0  # whichever the file's units


@dataclasses.dataclass(frozen=True)
class AdiCube:
    """What is observed of one star while the sky turns; lengths in pixels.

    Attributes:
      frames: float32 [num_frames, size, size]; size is odd, the star is on the central pixel.
      angles: float64 [num_frames], parallactic angles in degrees: vip_hci.preproc.cube_derotate(frames, angles) turns
        all frames north up (east is left).
      psf: float32 [odd, odd], of the star; 1 is its flux in an aperture of one FWHM in diameter.
      fwhm: full width at half maximum of the PSF.
      star_flux: flux of the star, as bright as in the frames, in the same aperture: a companion's over it is its
        contrast.
    """

    frames: np.ndarray
    angles: np.ndarray
    psf: np.ndarray
    fwhm: float
    star_flux: float

    @property
    def size(self):
        """Side of a frame."""
        return self.frames.shape[-1]

    @property
    def center(self):
        """Row, and column, of the star."""
        return self.size // 2

    @property
    def rotation(self):
        """By how much the sky turns in all [deg]."""
        return float(np.ptp(np.unwrap(self.angles, period=360.0)))

    def flipped(self):
        """The same with the sign of the angles changed: no companion adds up, speckles behave as they did."""
        return dataclasses.replace(self, angles=-self.angles)


def add_flags(parser):
    """Adds the files of a cube, and how it is read: CUBE PSF ANGLES, --recenter."""
    file = arguments.input_file
    parser.add_argument("cube", metavar="CUBE", type=file, help="FITS file of the frames, [frame, y, x]")
    parser.add_argument(
        "psf", metavar="PSF", type=file, help="FITS file of the unsaturated star: one image, or several"
    )
    parser.add_argument(
        "angles", metavar="ANGLES", type=file, help="FITS file of the parallactic angles of the frames [deg]"
    )
    parser.add_argument(
        "--recenter",
        choices=("none", "gaussian", "register"),
        default="none",
        help="how to bring the star to the center of all frames: not at all, it is there; by a 2-D Gaussian fitted to "
        "each frame, where the star shows; or by registering the frames with the first one, in which it is there",
    )
    parser.add_argument(
        "--angle_offset",
        type=arguments.number(-360, 360, unit="degrees"),
        default=0.0,
        help="added to ANGLES [deg]: what they lack to turn the frames north up (derotator, true north)",
    )
    parser.add_argument(
        "--flip_angles", action="store_true", help="change the sign of the angles, after --angle_offset"
    )
    parser.add_argument(
        "--star_flux",
        type=arguments.positive_number,
        help="flux of the star in an aperture of one FWHM in diameter, in units of CUBE, where PSF has another "
        "(another exposure, a filter, or normalized): contrasts are relative to it",
    )


def from_flags(flags):
    """Returns the AdiCube that the flags name; prints a warning where the angles look like radians.

    Raises:
      ScriptError: as read() does.
    """
    adi_cube = read(flags.cube, flags.psf, flags.angles, *how_to_read(flags))
    angles = (-adi_cube.angles if flags.flip_angles else adi_cube.angles) - flags.angle_offset
    if np.abs(angles).max() <= 2 * np.pi and adi_cube.rotation < np.pi:
        print(
            f"WARNING: {flags.angles}: all angles are within 2 pi of zero, and the sky turns by "
            f"{adi_cube.rotation:.3g} in all: they look like radians. Degrees are needed: if so, multiply them by "
            f"180 / pi, which makes {np.degrees(adi_cube.rotation):.0f} deg",
            flush=True,
        )
    return adi_cube


def how_to_read(flags):
    """Returns the arguments of read() that follow the paths."""
    return flags.recenter, flags.angle_offset, flags.star_flux, flags.flip_angles


def read(cube_path, psf_path, angles_path, recenter="none", angle_offset=0.0, star_flux=None, flip_angles=False):
    """Reads a cube.

    The star is at pixel size // 2 (counted from 0) of the files' frames, as VIP has it; an even size loses its first
    row and column.

    Args:
      cube_path: FITS file, [num_frames, size, size].
      psf_path: FITS file, [height, width] or [num_images, height, width], whose median is taken.
      angles_path: FITS file, [num_frames], or [1, num_frames], or [num_frames, 1].
      recenter: one of --recenter.
      angle_offset: added to the angles [deg].
      star_flux: as --star_flux; that of the PSF by default.
      flip_angles: whether to change the sign of the angles then.

    Returns:
      AdiCube.

    Raises:
      ScriptError: if a file cannot be read, or is not what it is to be; or if vip_hci is missing.
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


def _open(path):
    """Returns the image of a FITS file, float64: that of its first HDU, or else of the only extension with one."""
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
                others = [f"{number} ({each.name or 'no name'})" for number, each in enumerate(units) if number]
    except (OSError, TypeError, ValueError, AttributeError, MemoryError, AstropyWarning) as error:
        raise ScriptError(f"{path}: cannot be read as a FITS file ({error}): download or write it again") from error
    if values is None:
        found = f", and several of its extensions {', '.join(others)} may be meant" if others else ""
        raise ScriptError(
            f"{path}: has no image in its first HDU{found}: copy the image that is meant to a file of its own"
        )
    return values.astype(np.float64)


def _unit_with_image(units):
    """The HDU that holds the image; None where none does, or several extensions do and the first HDU does not."""
    images = [unit for unit in units if unit.is_image and unit.header.get("NAXIS", 0) > 0]
    return images[0] if images and (images[0] is units[0] or len(images) == 1) else None


def _refuse_gaps(path, values):
    """values [num, ...]; what is not a number, in which of them, and what to do."""
    bad = ~np.isfinite(values).reshape(len(values), -1)
    if bad.any():
        where = np.flatnonzero(bad.any(axis=1))
        shown = ", ".join(map(str, where[:5])) + (", ..." if len(where) > 5 else "")
        raise ScriptError(
            f"{path}: {bad.sum()} of {bad.size} values are NaN or infinite, in {len(where)} of {len(values)} frames "
            f"({shown}, counted from 0): mend bad pixels (vip_hci.preproc.cube_fix_badpix_isolated), "
            "crop the frames to what the detector saw, or leave the frames out"
        )


def _frames(path):
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


def _angles(path, num_frames, cube_path):
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


def _psf(path, most_size):
    """Returns the normalized PSF, [odd, odd] and no larger than the frames, its FWHM, and its flux."""
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
    # VIP leaves as it is what nearly has a flux of 1, and what is off center along one axis only.
    psf *= _PSF_PEAK / peak
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", AstropyWarning)  # a fit that fails shows by its numbers
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


def _recentered(frames, fwhm, how):
    from astropy.utils.exceptions import AstropyWarning
    from vip_hci.preproc import cube_recenter_2dfit, cube_recenter_dft_upsampling

    options = {"nproc": 1, "verbose": False, "plot": False, "full_output": True}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", AstropyWarning)  # a fit that fails shows by its shifts
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
