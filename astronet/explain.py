"""Tells why a model calls a TCE what it does: what each part of its views and each of its inputs contributes."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, json_files, locks
from astronet.base.files import make_directory
from astronet.base.script import Parser, run
from astronet.data.records import tf_example, tfrecord
from astronet.estimator import ensemble
from astronet.evaluation import explanation


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--records", nargs="+", required=True, metavar="FILE", help="record files or patterns that hold the TCEs"
    )
    parser.input.add_argument(
        "--row_id", type=arguments.row_id, nargs="+", default=[], help="row_id of each TCE to explain"
    )
    parser.input.add_argument("--tic", type=arguments.tic_id, help="TIC ID: explain all its TCEs, or those of --row_id")
    parser.input.add_argument(
        "--train_files",
        nargs="+",
        metavar="FILE",
        help="labeled records among which to look for the most similar examples",
    )
    parser.settings.add_argument(
        "--num_neighbors", type=arguments.positive_integer, default=5, help="how many similar examples to show"
    )
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of the results: a figure and a JSON file for each TCE",
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    flags = parser.parse_args(argv)
    if not flags.row_id and flags.tic is None:
        parser.error("give --row_id or --tic: which TCEs to explain")
    return run(locks.holding(_explain, "output_dir"), flags)


def _explain(flags):
    from astronet.evaluation import explanation_figure  # brings in what --help does without
    from astronet.figures import tce

    explainer = explanation.Explainer(ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags)))
    files = tfrecord.expand(flags.records)
    train_files = tfrecord.expand(flags.train_files) if flags.train_files else []
    records = explanation.find(files, flags.row_id, flags.tic)
    written = [f"{name}_explanation.{suffix}" for name in records for suffix in ("json", "png")]
    read = {"--records": files, "--train_files": train_files}
    arguments.refuse_overwriting_in(flags.output_dir, written, "--output_dir", read)
    training = [tf_example.from_serialized(record) for path in train_files for record in tfrecord.read(path)]
    make_directory(flags.output_dir)
    for name, record in records.items():
        explained = explainer.explain(record, training, flags.num_neighbors)
        stem = os.path.join(flags.output_dir, name)
        json_files.write(f"{stem}_explanation.json", explained.to_json())
        tce.save(explanation_figure.page(explained), f"{stem}_explanation.png")
        print(f"{name}: probability {explained.probability:.3f}; {stem}_explanation.png")
        for line in explanation.lines(explained):
            print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
