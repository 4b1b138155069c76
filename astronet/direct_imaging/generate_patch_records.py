"""Makes the record files that companion detectors learn from: MLAR patches of injected companions and of speckles."""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments
from astronet.base.script import Parser, run
from astronet.direct_imaging import cube, patch_records


def _generate(flags: argparse.Namespace) -> None:
    files = arguments.from_flags(cube.CubeFiles, flags)
    choice = arguments.from_flags(patch_records.SampleChoice, flags, files=files)
    choice.check()
    arguments.refuse_overwriting_in(flags.output_dir, patch_records.WRITTEN, "--output_dir", files.paths)
    counts = patch_records.write(files.read_and_warn(), flags.output_dir, choice)
    for split, dispositions in counts.items():
        kinds = ", ".join(f"{count} {kind}s" for kind, count in sorted(dispositions.items()))
        print(f"{split}: {kinds} in {flags.output_dir}/{split}-*")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    patch_records.add_flags(parser)
    return run(_generate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
