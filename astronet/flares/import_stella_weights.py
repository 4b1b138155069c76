"""Makes our model directories of the published stella weights: final_models.zip of the PyPI package stella 0.1.0.

All scripts predict with them (--model_dir=DIR --average); they cannot be trained on. Of the Keras files, only the
arrays are read: no code in them runs.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.flares import stella_weights


def _import(flags: argparse.Namespace) -> None:
    num_models = stella_weights.convert(flags.archive, flags.output_dir)
    print(f"{flags.output_dir}: {num_models} models; predict with --model_dir={flags.output_dir} --average")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "archive",
        metavar="ARCHIVE",
        type=arguments.input_file,
        help="final_models.zip of the PyPI package stella 0.1.0",
    )
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory that gets a subdirectory for each model",
    )
    return run(locks.holding(_import, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
