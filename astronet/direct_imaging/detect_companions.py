"""Finds companions in a cube: detections.csv, probability_map.fits, detection_map.fits, and figures beside PCA's S/N.

A detector is trained on samples of the cube itself, unless --model_dir names one. Results of an earlier run with the
same --output_dir are used again; if that run had another cube or other samples, this one ends before it changes
anything.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments
from astronet.base.script import Parser, run
from astronet.direct_imaging import companion_search, cube, detection, own_detector, patch_records


def _detect(flags: argparse.Namespace) -> None:
    files = arguments.from_flags(cube.CubeFiles, flags)
    samples = arguments.from_flags(patch_records.SampleChoice, flags, files=files)
    detector = arguments.from_flags(own_detector.DetectorChoice, flags, samples=samples)
    search = arguments.from_flags(companion_search.CompanionSearch, flags, files=files, detector=detector)
    print(companion_search.find(search))


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of all output files"
    )
    parser.model.add_argument(
        "--model_dir", metavar="DIR", help="a trained detector, or an ensemble (default: train one on this cube)"
    )
    own_detector.add_flags(parser)
    detection.add_flags(parser)
    parser.settings.add_argument(
        "--num_components",
        type=arguments.positive_integer,
        help="components of the PCA image (default: the median over all annuli and levels of the patches)",
    )
    parser.settings.add_argument(
        "--num_measured",
        type=arguments.whole_number(),
        default=5,
        help="how many detections, the most probable ones, VIP measures the place and flux of (half a minute each)",
    )
    return run(_detect, parser.parse_args(argv), go_on="the same command, given again, goes on with what is made")


if __name__ == "__main__":
    sys.exit(main())
