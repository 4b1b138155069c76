"""Simulates a cube of angular differential imaging: cube.fits, psf.fits, angles.fits and the truth, companions.csv.

Behind an ideal coronagraph, aberrations that change slowly leave speckles, which stay where they are while the sky
turns; a halo, of what the adaptive optics cannot follow, varies in strength and width; photons and the detector add
noise. What this shows of a detector holds for the simulation alone.
"""

import argparse
import os
import sys

import numpy as np

from astronet.base import arguments
from astronet.base.files import make_directory, write_aside, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.base.terminal import printable
from astronet.direct_imaging.cube import MIN_FRAMES

_LATITUDE, _DECLINATION = -24.6, -51.1  # of the observatory and of the star [deg]
_MOST_ROTATION = 140.0  # of the sky [deg], while the star is up

_MOST_VALUES, _BYTES_PER_VALUE = 10**9, 24  # of the frames, of which there are three copies at a time

_STAR_FLUX = 750_000.0  # in an aperture of one FWHM, one frame
_PUPIL = 32  # pixels across it: speckles reach half as many FWHM
_STATIC_RMS, _STATIC_SLOPE = 0.45, 1.4  # of the aberrations [radians]; their amplitude falls with that power
_SLOW_RMS, _SLOW_SLOPE = 0.13, 1.6
_JITTER_RMS, _JITTER_SLOPE = 0.05, 1.1
_SLOW_FRAMES = 60  # that the slow ones are correlated over
_HALO, _HALO_FWHM, _HALO_ALPHA = 0.01, 4.5, 1.5  # peak over the star's; width in FWHM; a Moffat profile's exponent
_HALO_STRENGTHS, _HALO_WIDTHS = 0.2, 0.05  # spread over time
_ELECTRONS = 30.0  # per unit of flux
_READ_NOISE = 1.1

DEFAULT_SEPARATION, DEFAULT_ANGLE, DEFAULT_CONTRAST = 3.5, 140.0, 4e-4  # [FWHM], [deg]


def parallactic_angles(num_frames, rotation):
    """Parallactic angles [num_frames, deg] of a star that transits in mid-sequence, and is seen at even intervals.

    Source: Meeus 1998, Astronomical Algorithms, chapter 14.

    Args:
      num_frames: how many.
      rotation: from the first to the last one [deg].
    """
    latitude, declination = np.radians([_LATITUDE, _DECLINATION])

    def angle(hour_angle):
        across = np.tan(latitude) * np.cos(declination) - np.sin(declination) * np.cos(hour_angle)
        return np.degrees(np.unwrap(np.arctan2(np.sin(hour_angle), across)))

    hours = np.linspace(0, np.pi / 2, 1000)
    last = np.interp(rotation / 2, np.abs(angle(hours) - angle(hours)[0]), hours)
    return angle(np.linspace(-last, last, num_frames))


def place(size, separation, position_angle):
    """Returns y and x, in frames with north up, of what is so far from the star [px], east of north [deg]."""
    angle = np.radians(position_angle)
    return size // 2 + separation * np.cos(angle), size // 2 - separation * np.sin(angle)


def star_psf(size, fwhm):
    """The star's image by VIP, [odd, odd], as it is without the coronagraph."""
    from vip_hci.fm import normalize_psf
    from vip_hci.var import create_synth_psf

    side = min(2 * round(4 * fwhm) + 1, size)
    psf = create_synth_psf("airy", (side, side), fwhm=fwhm)
    return _STAR_FLUX * normalize_psf(psf * _STAR_FLUX, fwhm=fwhm, verbose=False)


def starlight(num_frames, size, fwhm, peak, random):
    """What the coronagraph leaves of the star, less all noise.

    The field in the image is the Fourier transform of that in the pupil; the coronagraph takes away its mean. What
    changes during a frame adds up as intensity: the halo.

    Args:
      num_frames, size, fwhm: of the cube.
      peak: of the star's image without the coronagraph.
      random: np.random.Generator.

    Returns:
      [num_frames, size, size].
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


def _screen(pupil, rms, slope, random):
    """Aberrations of a pupil [n, n] whose amplitude falls with a power of spatial frequency."""
    number = 2 * len(pupil)  # pixels: some of what is wider than the pupil, too
    frequency = np.hypot(np.fft.fftfreq(number)[:, np.newaxis], np.fft.rfftfreq(number))
    frequency[0, 0] = np.inf
    white = np.fft.rfft2(random.standard_normal([number, number]))
    screen = np.fft.irfft2(white * frequency**-slope, s=[number, number])
    # Scaled by what it is on average, so that some have more and some less.
    scale = np.sqrt((frequency[:, : number // 2] ** (-2 * slope)).mean())
    return rms / scale * screen[: len(pupil), : len(pupil)]


def _walk(num_frames, draw):
    """List of num_frames draws, of a mean of zero and their usual spread, each correlated with those before it."""
    kept = np.exp(-1 / _SLOW_FRAMES)
    values = [draw()]
    for _ in range(num_frames - 1):
        values.append(kept * values[-1] + np.sqrt(1 - kept**2) * draw())
    return values


def observe(num_frames, size, rotation, fwhm, companions, seed):
    """Simulates a cube.

    Args:
      num_frames: how many.
      size: of the frames, odd [px].
      rotation: of the sky [deg].
      fwhm: of the PSF [px].
      companions: list of (separation [px], position angle [deg east of north], contrast).
      seed: of all that is random.

    Returns:
      frames float32 [num_frames, size, size], psf float32 [odd, odd], angles float32 [num_frames].
    """
    from vip_hci.fm import cube_inject_companions

    random = np.random.default_rng(seed)
    psf, angles = star_psf(size, fwhm), parallactic_angles(num_frames, rotation)
    frames = starlight(num_frames, size, fwhm, psf.max(), random)
    for separation, position_angle, contrast in companions:
        # VIP counts its angle from the x axis, counterclockwise; north is up, east is left.
        where = {"rad_dists": [separation], "theta": 90 + position_angle}
        frames = cube_inject_companions(frames, psf, angles, flevel=contrast, **where)
    frames = random.poisson(np.maximum(frames, 0) * _ELECTRONS) / _ELECTRONS
    frames += random.normal(0, _READ_NOISE, frames.shape)
    return frames.astype(np.float32), psf.astype(np.float32), angles.astype(np.float32)


def _simulate(flags):
    from astropy.io import fits

    companions = flags.companions
    if companions is None:
        separation = min(DEFAULT_SEPARATION * flags.fwhm, 0.7 * (flags.size // 2))
        companions = [(separation, DEFAULT_ANGLE, DEFAULT_CONTRAST)]
    _check(flags, companions)
    frames, psf, angles = observe(flags.num_frames, flags.size, flags.rotation_deg, flags.fwhm, companions, flags.seed)
    make_directory(flags.output_dir)
    for name, values in (("cube", frames), ("psf", psf), ("angles", angles)):
        with write_aside(os.path.join(flags.output_dir, f"{name}.fits")) as aside:
            fits.writeto(aside, values, overwrite=True)
    rows = []
    for separation, position_angle, contrast in companions:
        y, x = place(flags.size, separation, position_angle)
        rows.append((f"{x:.3f}", f"{y:.3f}", f"{separation:.3f}", f"{position_angle:.3f}", f"{contrast:.4g}"))
    write_csv(
        os.path.join(flags.output_dir, "companions.csv"), ("x", "y", "separation", "position_angle", "contrast"), rows
    )
    print(
        f"{flags.output_dir}: cube.fits, {flags.num_frames} frames of {flags.size} x {flags.size} px; psf.fits; "
        f"angles.fits, {flags.rotation_deg:g} deg in all; companions.csv, {len(rows)} of them"
    )


def _check(flags, companions):
    if flags.size % 2 == 0 or flags.size < 5 * flags.fwhm:
        raise ScriptError(f"--size={flags.size}: give an odd number, of at least 5 times --fwhm={flags.fwhm:g}")
    if flags.num_frames * flags.size**2 > _MOST_VALUES:
        gigabytes = _BYTES_PER_VALUE * flags.num_frames * flags.size**2 / 1e9
        raise ScriptError(
            f"{flags.num_frames} frames of {flags.size} x {flags.size} px would take {gigabytes:.0f} GB of memory: "
            "lower --num_frames or --size"
        )
    for separation, _, contrast in companions:
        if not (0 < separation < flags.size // 2 and 0 < contrast < 1):
            raise ScriptError(
                f"--companions={separation:g},...,{contrast:g}: give a separation between 0 and "
                f"{flags.size // 2} px, and a contrast between 0 and 1"
            )


def _companion(text):
    try:
        separation, position_angle, contrast = map(arguments.finite_number, text.split(","))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"'{printable(text)}' is not SEPARATION,ANGLE,CONTRAST, as in 16,140,1e-4"
        ) from None
    return separation, position_angle, contrast


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--output_dir", type=arguments.output_directory, required=True, help="directory of the files")
    parser.add_argument(
        "--num_frames",
        type=arguments.whole_number(MIN_FRAMES, 10_000),
        default=50,
        help=f"frames, {MIN_FRAMES} or more",
    )
    parser.add_argument(
        "--size", type=arguments.whole_number(1, 2001), default=81, help="width and height of a frame, odd [px]"
    )
    parser.add_argument(
        "--rotation_deg",
        type=arguments.number(above=0, most=_MOST_ROTATION, unit="degrees"),
        default=80.0,
        help="angle by which the sky turns during the sequence [deg]",
    )
    parser.add_argument(
        "--fwhm",
        type=arguments.number(least=2, most=400, unit="pixels"),
        default=4.6,
        help="full width at half maximum of the PSF, 2 or more [px]",
    )
    parser.add_argument(
        "--companions",
        type=_companion,
        nargs="*",
        metavar="SEPARATION,ANGLE,CONTRAST",
        help="companions: distance from the star [px], position angle [deg east of north], flux over the star's; the "
        f"flag without a value: none; by default one, at {DEFAULT_SEPARATION:g} FWHM, {DEFAULT_ANGLE:g} deg, "
        f"{DEFAULT_CONTRAST:g}",
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="seed of all random numbers")
    return run(_simulate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
