"""Evaluates a trained model, or with --average an ensemble, on labeled record files."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.config import nouns
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, weights_file
from astronet.evaluation import labeled_records, report, report_files


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--eval_files", nargs="+", required=True, metavar="FILE", help="labeled record files or patterns to evaluate on"
    )
    parser.input.add_argument(
        "--train_files",
        nargs="+",
        metavar="FILE",
        help="record files of the training: the report adds figures without TCEs that share a star or views with them",
    )
    parser.input.add_argument(
        "--catalog",
        type=arguments.input_file,
        help="catalog of the TCEs, for columns that their records lack: the report adds figures by Tmag",
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        help="write a full report into this directory: JSON, CSV and figures (default: no report)",
    )
    parser.rename("--report", "--output_dir")
    parser.output.add_argument(
        "--eval_name",
        type=arguments.suffix,
        default="test",
        metavar="NAME",
        help="name of the evaluation: TensorBoard finds it in eval_NAME in --model_dir",
    )
    parser.settings.add_argument(
        "--num_resamples",
        type=arguments.num_resamples,
        default=1000,
        help="number of resamples of the bootstrap, which gives the intervals of the report",
    )
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of the bootstrap")
    flags = parser.parse_args(argv)
    if not flags.output_dir and (flags.train_files or flags.catalog):
        parser.error("--train_files and --catalog are for the report: give its directory, --output_dir")
    return run(locks.holding(_evaluate, "output_dir"), flags)


def _evaluate(flags):
    written = flags.output_dir, report_files.WRITTEN, "--output_dir"
    arguments.refuse_overwriting_in(*written, {"--catalog": flags.catalog})
    models = ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags))
    files = tfrecord.expand(flags.eval_files)
    arguments.refuse_overwriting_in(*written, {"--eval_files": files})
    values = labeled_records.evaluate(models, files, flags.threshold)
    step = int(values["global_step"])
    figures = ", ".join(
        f"{name} = {value if name == 'global_step' else round(value, 7)}"
        for name, value in sorted(values.items())
        if not name.startswith("classes/")
    )
    print(f"INFO:tensorflow:Saving dict for global step {step}: {figures}")
    _print_classes(values)
    # An exported model has no training to be shown beside.
    if not any(map(weights_file.is_weights_file, models.checkpoints.values())):
        from astronet.estimator import tensorboard

        tensorboard.write_summary(os.path.join(flags.model_dir, f"eval_{flags.eval_name}"), step, values)
    if flags.output_dir:
        _report(models, files, flags)


def _print_classes(values):
    """Prints the confusion matrix of a model of several classes, and how well it ranks each of them."""
    names = [name.split("/")[1] for name in values if name.startswith("classes/") and name.endswith("precision")]
    if not names:
        return
    width = max(map(len, names))
    print("class".ljust(width), "   TCEs", "   AP", *(f"called {name}" for name in names), sep="  ")
    for name in names:
        called = {other: values[f"classes/{name}/called/{other}"] for other in names}
        precision = values[f"classes/{name}/average_precision"]
        cells = (f"{number:>{len('called ') + len(other)}.0f}" for other, number in called.items())
        print(name.ljust(width), f"{sum(called.values()):7.0f}", f"{precision:.3f}", *cells, sep="  ")


def _report(models, files, flags):
    words = nouns.of(models.spec.config.inputs.features)
    computed, sets = report.compute(models, files, arguments.from_flags(report.ReportOptions, flags), True)
    report_files.write(flags.output_dir, computed, sets, words)
    for name, part in computed["sets"].items():
        counted = f"{words.count(part['num_tces'])} of {words.count_sources(part['num_stars'])}"
        print(f"{name}: {counted}, {part['num_positive']} of them positive")
        for figure, value in part["figures"].items():
            print(f"  {figure:18s} {value['value']:.4f}  ({value['low']:.4f} to {value['high']:.4f})")
    print(f"{flags.output_dir}: report.json, figures.csv, kinds.csv and plots; intervals are of 95 %")
    directories = {os.path.dirname(os.path.abspath(path)) for path in files}
    if words is nouns.TCES and len(directories) == 1:
        pattern = os.path.commonprefix([os.path.basename(path) for path in files])
        print(
            f"to look at these {words.many}: astronet/report.py --records={directories.pop()} --pattern='{pattern}*' "
            f"--model_dir={flags.model_dir}{' --average' if flags.average else ''} --tess_data_dir=... --output_dir=..."
        )


if __name__ == "__main__":
    sys.exit(main())
