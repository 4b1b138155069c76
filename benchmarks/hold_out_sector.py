"""Splits record files by sector: train-without-S holds all other sectors, test-of-S all of sector S.

What a model of the one gives on the other is what to expect of it in a sector that nobody has labelled.
"""

import os
import sys

from astronet.util import example_util, records
from astronet.util.example_util import TceIdentity
from astronet.util.files import make_directory
from astronet.util.script import Parser, ScriptError, run


def _hold_out(flags):
    inside, outside = [], []
    for path in records.expand(flags.files):
        for serialized in records.read(path):
            identity = TceIdentity.from_example(example_util.from_serialized(serialized))
            (inside if identity.sector == flags.sector else outside).append(serialized)
    if not (inside and outside):
        raise ScriptError(f"{len(inside)} TCEs are of sector {flags.sector}, {len(outside)} are not: both are needed")
    make_directory(flags.output_dir)
    for name, part in ((f"train-without-{flags.sector}", outside), (f"test-of-{flags.sector}", inside)):
        path = os.path.join(flags.output_dir, name)
        records.write_shard(path, part)
        print(f"{path}: {len(part)} TCEs")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--files", nargs="+", required=True, help="record files or patterns")
    parser.add_argument("--sector", type=int, required=True, help="the sector to hold out")
    parser.add_argument("--output_dir", required=True, help="directory of the two record files")
    return run(_hold_out, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
