"""Compares detectors by companions injected into a cube: candidates.csv, roc.csv, roc.png, false_positives.csv.

One companion at a time is injected at a random angle into the middle of an annulus. Each trained detector
(--model_dirs), and the S/N in images by PCA and by LLSG, then says where in the annulus a companion is. Candidates are
pixels with the highest score within one FWHM. The best candidate within 3/4 FWHM of the companion has found it; all
others are false positives. The candidates of all other annuli, in the cube without an injection, are false positives,
too: false positives count for a whole frame (columns and a table of their own have those of the companion's annulus).
The score of a candidate is the S/N, or the detector's log-odds: log(p / (1 - p)) of probability p. All methods search
the same pixels, from 0.85 FWHM on.

No injection has been seen in training: training samples have the sign of the angles changed (samples.py), injections
here have not. The cube should hold no companion of its own. Its speckles are the same in all maps, so the intervals
tell how much other injections into this cube would change the result, not how much another cube would.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 4; VIP's ROC, too, counts false positives of whole frames.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, workers
from astronet.base.script import Parser, run
from astronet.direct_imaging import comparison, cube, detection, patch_records


def _named(text: str) -> tuple[str, str]:
    """Returns (name, directory) of a value of --model_dirs."""
    name, _, directory = text.partition("=")
    if not name or not directory:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=DIR, such as SODINN=out/sodinn")
    return name, directory


def _compare(flags: argparse.Namespace) -> None:
    files = arguments.from_flags(cube.CubeFiles, flags)
    print(*comparison.compare(arguments.from_flags(comparison.Comparison, flags, files=files)), sep="\n")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of all output files"
    )
    parser.model.add_argument(
        "--model_dirs",
        type=_named,
        nargs="+",
        required=True,
        metavar="NAME=DIR",
        help="trained detectors, or ensembles of them; the tables have them by NAME",
    )
    parser.settings.add_argument(
        "--no_llsg", action="store_true", help="compare with PCA alone, because LLSG takes long"
    )
    parser.settings.add_argument(
        "--separations",
        type=arguments.positive_integer,
        nargs="+",
        default=[1, 2, 3, 4],
        metavar="FWHM",
        help="distances of the injections from the star, in FWHM",
    )
    parser.settings.add_argument(
        "--num_maps",
        type=arguments.whole_number(1, 100_000),
        default=50,
        help="number of injections at each separation",
    )
    patch_records.add_snr_flag(parser)
    detection.add_flags(parser)
    parser.settings.add_argument(
        "--snr_threshold",
        type=arguments.positive_number,
        default=5.0,
        help="S/N from which a candidate of PCA or LLSG counts as a false positive",
    )
    parser.settings.add_argument(
        "--seed", type=arguments.seed, default=0, help="seed of the places and S/N of the companions"
    )
    workers.add_flags(parser)
    return run(
        _compare,
        parser.parse_args(argv),
        go_on="the same command, given again, goes on with the maps that are searched",
    )


if __name__ == "__main__":
    sys.exit(main())
