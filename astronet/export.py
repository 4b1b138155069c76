"""Exports a trained model, or with --average an ensemble: its configuration and its weights, and nothing else.

All scripts predict with the copy as they do with the original. The copy cannot be trained on. Its probabilities differ
a little: run calibrate.py on the copy.
"""

import sys
from collections.abc import Sequence
from typing import Optional

import numpy as np

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.config import nouns
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, export_models, weights_file
from astronet.evaluation import labeled_records
from astronet.stats import metrics

_COMPARED = ("average_precision", "cross_entropy")


def _export(flags):
    choice = arguments.from_flags(ensemble.ModelChoice, flags)
    models = ensemble.load(choice, calibrated=False)
    files = tfrecord.expand(flags.eval_files) if flags.eval_files else []
    arguments.refuse_overwriting_in(flags.output_dir, export_models.WRITTEN, "--output_dir", {"--eval_files": files})
    exported, size = export_models.export_ensemble(models, flags.output_dir, choice.is_averaged, flags.dtype)
    num_models = len(exported.checkpoints)
    print(f"{flags.output_dir}: {num_models} model(s), {size / 1e6:.2f} MB of weights as {flags.dtype}")
    if files:
        _compare(models, exported, files)


def _compare(source, exported, files):
    """Prints what the export changed on labeled records."""
    tces, before = labeled_records.tabulate(source, files, shows_progress=True)
    _, after = labeled_records.tabulate(exported, files, shows_progress=True)
    before, after = before.mean(axis=1), after.mean(axis=1)
    counted = nouns.of(source.spec.config.inputs.features).count(len(tces))
    print(f"{counted}: no probability changes by more than {np.abs(after - before).max():.6f}")
    for when, probabilities in (("before", before), ("after", after)):
        values = metrics.summary(tces.label, probabilities)
        print(f"  {when:6s}  " + "  ".join(f"{name} {values[name]:.6f}" for name in _COMPARED))


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    ensemble.add_flags(parser)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the copy"
    )
    parser.output.add_argument(
        "--dtype", choices=weights_file.DTYPES, default="float16", help="number type of the weights in the copy"
    )
    parser.input.add_argument(
        "--eval_files",
        nargs="+",
        metavar="FILE",
        help="labeled record files or patterns, to compare the copy with the original on",
    )
    return run(locks.holding(_export, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
