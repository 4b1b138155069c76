"""Simulates a cube of angular differential imaging: cube.fits, psf.fits, angles.fits and the truth, companions.csv.

Behind an ideal coronagraph, aberrations that change slowly leave speckles, which keep their places while the sky turns.
Faster aberrations, which the adaptive optics cannot follow, leave a halo that varies in strength and width. Photons and
the detector add noise. What this shows of a companion detector holds for the simulation alone.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments
from astronet.base.script import Parser, run
from astronet.base.terminal import printable
from astronet.direct_imaging import cube_simulation
from astronet.direct_imaging.cube import MIN_FRAMES
from astronet.direct_imaging.cube_simulation import DEFAULT_ANGLE, DEFAULT_CONTRAST, DEFAULT_SEPARATION


def _simulate(flags: argparse.Namespace) -> None:
    print(cube_simulation.write(arguments.from_flags(cube_simulation.CubeChoice, flags)))


def _companion(text: str) -> cube_simulation.Companion:
    """Returns the companion of a value of --companions."""
    try:
        separation, position_angle, contrast = map(arguments.finite_number, text.split(","))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"'{printable(text)}' is not SEPARATION,ANGLE,CONTRAST, as in 16,140,1e-4"
        ) from None
    return separation, position_angle, contrast


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the files"
    )
    parser.settings.add_argument(
        "--num_frames",
        type=arguments.whole_number(MIN_FRAMES, 10_000),
        default=50,
        help=f"number of frames, at least {MIN_FRAMES}",
    )
    parser.settings.add_argument(
        "--size",
        type=arguments.whole_number(1, 2001),
        default=81,
        help="width and height of a frame [pixels], an odd number",
    )
    parser.settings.add_argument(
        "--rotation_deg",
        type=arguments.number(above=0, most=cube_simulation.MOST_ROTATION, unit="degrees"),
        default=80.0,
        help="angle by which the sky turns during the sequence",
    )
    parser.settings.add_argument(
        "--fwhm",
        type=arguments.number(least=2, most=400, unit="pixels"),
        default=4.6,
        help="full width at half maximum of the PSF, at least 2 pixels",
    )
    parser.settings.add_argument(
        "--companions",
        type=_companion,
        nargs="*",
        metavar="SEPARATION,ANGLE,CONTRAST",
        help="companions: distance from the star [pixels], position angle [degrees east of north], flux over the "
        f"star's flux; without a value there is none (default: one, at {DEFAULT_SEPARATION:g} FWHM, "
        f"{DEFAULT_ANGLE:g} degrees, {DEFAULT_CONTRAST:g})",
    )
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of all random numbers")
    return run(_simulate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
