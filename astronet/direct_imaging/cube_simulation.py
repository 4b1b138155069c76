"""Simulates a cube of angular differential imaging behind an ideal coronagraph: speckles, halo, noise, companions."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base.files import make_directory, write_aside, write_csv
from astronet.base.script import ScriptError

_LATITUDE, _DECLINATION = -24.6, -51.1  # of the observatory and of the star [deg]
MOST_ROTATION = 140.0  # of the sky while the star is up [deg]

_MOST_VALUES, _BYTES_PER_VALUE = 10**9, 24  # of the frames; three copies are in memory at a time

_STAR_FLUX = 750_000.0  # in an aperture of one FWHM, in one frame
_PUPIL = 32  # pixels across the pupil; speckles reach half as many FWHM from the star
_STATIC_RMS, _STATIC_SLOPE = 0.45, 1.4  # of the aberrations [radians]; power of spatial frequency by which they fall
_SLOW_RMS, _SLOW_SLOPE = 0.13, 1.6
_JITTER_RMS, _JITTER_SLOPE = 0.05, 1.1
_SLOW_FRAMES = 60  # over which the slow aberrations are correlated
_HALO, _HALO_FWHM, _HALO_ALPHA = 0.01, 4.5, 1.5  # peak over the star's; width in FWHM; a Moffat profile's exponent
_HALO_STRENGTHS, _HALO_WIDTHS = 0.2, 0.05  # spread over time
_ELECTRONS = 30.0  # per unit of flux
_READ_NOISE = 1.1

DEFAULT_SEPARATION, DEFAULT_ANGLE, DEFAULT_CONTRAST = 3.5, 140.0, 4e-4  # [FWHM], [deg]

Companion = tuple[float, float, float]  # separation [px], position angle [deg east of north], contrast


@dataclasses.dataclass(frozen=True)
class CubeChoice:
    """Which cube is simulated.

    Attributes:
      output_dir: directory of the files.
      num_frames: number of frames.
      size: width and height of a frame, odd [px].
      rotation_deg: angle by which the sky turns during the sequence [deg].
      fwhm: full width at half maximum of the PSF [px].
      companions: the companions; None is one at the default place, with the default contrast.
      seed: seed of all random numbers.
    """

    output_dir: str
    num_frames: int = 50
    size: int = 81
    rotation_deg: float = 80.0
    fwhm: float = 4.6
    companions: Optional[Sequence[Companion]] = None
    seed: int = 0

    def all_companions(self) -> Sequence[Companion]:
        """Returns the companions, or the default one."""
        if self.companions is not None:
            return self.companions
        separation = min(DEFAULT_SEPARATION * self.fwhm, 0.7 * (self.size // 2))
        return [(separation, DEFAULT_ANGLE, DEFAULT_CONTRAST)]

    def check(self) -> None:
        """Raises ScriptError if frames or companions are impossible, or the cube would not fit into memory."""
        if self.size % 2 == 0 or self.size < 5 * self.fwhm:
            raise ScriptError(f"--size={self.size}: give an odd number, of at least 5 times --fwhm={self.fwhm:g}")
        if self.num_frames * self.size**2 > _MOST_VALUES:
            gigabytes = _BYTES_PER_VALUE * self.num_frames * self.size**2 / 1e9
            raise ScriptError(
                f"{self.num_frames} frames of {self.size} x {self.size} px would take {gigabytes:.0f} GB of memory: "
                "lower --num_frames or --size"
            )
        for separation, _, contrast in self.all_companions():
            if not (0 < separation < self.size // 2 and 0 < contrast < 1):
                raise ScriptError(
                    f"--companions={separation:g},...,{contrast:g}: give a separation between 0 and "
                    f"{self.size // 2} px, and a contrast between 0 and 1"
                )


def write(choice: CubeChoice) -> str:
    """Simulates a cube, writes cube.fits, psf.fits, angles.fits and companions.csv; returns a line that says so.

    Raises:
      ScriptError: as CubeChoice.check().
    """
    from astropy.io import fits

    choice.check()
    companions = choice.all_companions()
    frames, psf, angles = observe(
        choice.num_frames, choice.size, choice.rotation_deg, choice.fwhm, companions, choice.seed
    )
    make_directory(choice.output_dir)
    for name, values in (("cube", frames), ("psf", psf), ("angles", angles)):
        with write_aside(os.path.join(choice.output_dir, f"{name}.fits")) as aside:
            fits.writeto(aside, values, overwrite=True)
    rows = []
    for separation, position_angle, contrast in companions:
        y, x = place(choice.size, separation, position_angle)
        rows.append((f"{x:.3f}", f"{y:.3f}", f"{separation:.3f}", f"{position_angle:.3f}", f"{contrast:.4g}"))
    columns = ("x", "y", "separation", "position_angle", "contrast")
    write_csv(os.path.join(choice.output_dir, "companions.csv"), columns, rows)
    return (
        f"{choice.output_dir}: cube.fits, {choice.num_frames} frames of {choice.size} x {choice.size} px; psf.fits; "
        f"angles.fits, {choice.rotation_deg:g} deg in all; companions.csv, {len(rows)} of them"
    )


def parallactic_angles(num_frames: int, rotation: float) -> np.ndarray:
    """Returns the parallactic angles [num_frames, deg] of a star that transits in the middle of the sequence.

    The frames follow each other at even intervals.

    Source: Meeus 1998, Astronomical Algorithms, chapter 14.

    Args:
      num_frames: number of frames.
      rotation: angle from the first frame to the last [deg].
    """
    latitude, declination = np.radians([_LATITUDE, _DECLINATION])

    def angle(hour_angle: np.ndarray) -> np.ndarray:
        across = np.tan(latitude) * np.cos(declination) - np.sin(declination) * np.cos(hour_angle)
        return np.degrees(np.unwrap(np.arctan2(np.sin(hour_angle), across)))

    hours = np.linspace(0, np.pi / 2, 1000)
    last = np.interp(rotation / 2, np.abs(angle(hours) - angle(hours)[0]), hours)
    return angle(np.linspace(-last, last, num_frames))


def place(size: int, separation: float, position_angle: float) -> tuple[float, float]:
    """Returns the pixel coordinates (y, x) at a separation and position angle from the star, in frames with north up.

    Args:
      size: width and height of a frame [px].
      separation: distance from the star [px].
      position_angle: [deg east of north].

    >>> place(21, separation=4, position_angle=0)
    (14.0, 10.0)
    """
    angle = np.radians(position_angle)
    return float(size // 2 + separation * np.cos(angle)), float(size // 2 - separation * np.sin(angle))


def star_psf(size: int, fwhm: float) -> np.ndarray:
    """Returns the star's image without the coronagraph, by VIP, [odd, odd], at most `size` wide."""
    from vip_hci.fm import normalize_psf
    from vip_hci.var import create_synth_psf

    side = min(2 * round(4 * fwhm) + 1, size)
    psf = create_synth_psf("airy", (side, side), fwhm=fwhm)
    return _STAR_FLUX * normalize_psf(psf * _STAR_FLUX, fwhm=fwhm, verbose=False)


def starlight(num_frames: int, size: int, fwhm: float, peak: float, random: np.random.Generator) -> np.ndarray:
    """Returns the starlight behind the coronagraph, without noise: [num_frames, size, size].

    The field in the image is the Fourier transform of the field in the pupil; the coronagraph takes away the mean of
    the latter. Changes during a frame add up as intensity, the halo.

    Args:
      num_frames: number of frames.
      size: width and height of a frame [px].
      fwhm: of the PSF [px].
      peak: greatest value of the star's image without the coronagraph.
      random: random numbers.
    """
    from vip_hci.var import create_synth_psf

    across = (np.arange(_PUPIL) + 0.5) / _PUPIL - 0.5
    pupil = np.hypot(across, across[:, np.newaxis]) <= 0.5
    # The image of a round pupil is 1.028 wavelengths over its diameter wide at half maximum.
    pixels = (np.arange(size) - size // 2) * 1.028 / fwhm
    transform = np.exp(-2j * np.pi * pixels[:, np.newaxis] * across)
    static = _screen(pupil, _STATIC_RMS, _STATIC_SLOPE, random)
    slow = _walk(num_frames, lambda: _screen(pupil, _SLOW_RMS, _SLOW_SLOPE, random))
    strength = 1 + _HALO_STRENGTHS * np.array(_walk(num_frames, random.standard_normal))
    width = 1 + _HALO_WIDTHS * np.array(_walk(num_frames, random.standard_normal))
    frames = []
    for i in range(num_frames):
        phase = static + slow[i] + _screen(pupil, _JITTER_RMS, _JITTER_SLOPE, random)
        field = pupil * np.exp(1j * phase)
        field -= pupil * field[pupil].mean()
        image = transform @ field @ transform.T / pupil.sum()
        halo = create_synth_psf("moff", (size, size), fwhm=_HALO_FWHM * fwhm * width[i], alpha=_HALO_ALPHA)
        frames.append(peak * (np.abs(image) ** 2 + _HALO * max(strength[i], 0) * halo))
    return np.array(frames)


def _screen(pupil: np.ndarray, rms: float, slope: float, random: np.random.Generator) -> np.ndarray:
    """Returns aberrations [radians] of a pupil, both [n, n]; they fall with a power of spatial frequency."""
    number = 2 * len(pupil)  # pixels: twice the pupil, so that some aberrations are wider than it
    frequency = np.hypot(np.fft.fftfreq(number)[:, np.newaxis], np.fft.rfftfreq(number))
    frequency[0, 0] = np.inf
    white = np.fft.rfft2(random.standard_normal([number, number]))
    screen = np.fft.irfft2(white * frequency**-slope, s=[number, number])
    # Scaled by the average, not by itself: some screens have more aberrations than others.
    scale = np.sqrt((frequency[:, : number // 2] ** (-2 * slope)).mean())
    return rms / scale * screen[: len(pupil), : len(pupil)]


def _walk(num_frames: int, draw: Callable[[], Any]) -> list[Any]:
    """Returns a series of correlated random values, whose mean and spread are those of draw().

    Args:
      num_frames: length of the series.
      draw: function that returns a random number or array with a mean of zero.
    """
    share_kept = np.exp(-1 / _SLOW_FRAMES)
    values = [draw()]
    for _ in range(num_frames - 1):
        values.append(share_kept * values[-1] + np.sqrt(1 - share_kept**2) * draw())
    return values


def observe(
    num_frames: int, size: int, rotation: float, fwhm: float, companions: Sequence[Companion], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a simulated cube: frames [num_frames, size, size], psf [odd, odd], angles [num_frames, deg], float32.

    Args:
      num_frames: number of frames.
      size: width and height of a frame, odd [px].
      rotation: angle by which the sky turns [deg].
      fwhm: of the PSF [px].
      companions: the companions.
      seed: seed of all random numbers.
    """
    from vip_hci.fm import cube_inject_companions

    random = np.random.default_rng(seed)
    psf, angles = star_psf(size, fwhm), parallactic_angles(num_frames, rotation)
    frames = starlight(num_frames, size, fwhm, psf.max(), random)
    for separation, position_angle, contrast in companions:
        # VIP counts the angle from the x axis, counterclockwise; north is up, east is left.
        where = {"rad_dists": [separation], "theta": 90 + position_angle}
        frames = cube_inject_companions(frames, psf, angles, flevel=contrast, **where)
    frames = random.poisson(np.maximum(frames, 0) * _ELECTRONS) / _ELECTRONS
    frames += random.normal(0, _READ_NOISE, frames.shape)
    return frames.astype(np.float32), psf.astype(np.float32), angles.astype(np.float32)
