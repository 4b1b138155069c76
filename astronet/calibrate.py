"""Fits the temperature of a model's probabilities, and chooses its decision threshold, on validation records.

Both are stored in model_dir/calibration.json, and all scripts that predict use them from then on. With --train_files
so are the limits of the views and scalars that the model was trained on; batch_predict.py tells which TCEs lie beyond.
"""

import os
import sys

import numpy as np

from astronet.base import arguments, fingerprint
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration, nouns
from astronet.data.records import tf_example, tfrecord
from astronet.data.records.columns import EVENT_DENSITIES
from astronet.estimator import checkpoints, ensemble, pretrained, scoring
from astronet.evaluation import report
from astronet.stats import calibration, intervals, metrics, novelty
from astronet.stats.calibration import Calibration


def _calibrate(flags):
    if pretrained.is_name(flags.model_dir):
        raise ScriptError(
            f"{flags.model_dir} is part of the package, and calibrated: to calibrate it for other data, copy it with "
            f"export.py --model_dir={flags.model_dir} --output_dir=COPY, and give --model_dir=COPY --average"
        )
    models = ensemble.load(ensemble.ModelChoice.from_flags(flags), calibrated=False)
    files = tfrecord.expand(flags.eval_files)
    tces, uncalibrated = report.tabulate(models, files)
    temperature = calibration.fit_temperature(tces.label, uncalibrated)
    probabilities = metrics.temper(uncalibrated, temperature).mean(axis=1)
    threshold = metrics.DEFAULT_THRESHOLD
    if flags.recall_target:
        threshold = calibration.threshold_for_recall(tces.label, probabilities, flags.recall_target)
    limits = _limits(models, flags.train_files, tces.example) if flags.train_files else {}
    fitted = Calibration(
        temperature=temperature,
        threshold=threshold,
        recall_target=flags.recall_target,
        checkpoints_sha256=checkpoints.sha256(models.checkpoints.values()),
        records_sha256=fingerprint.of_files(files),
        records=[os.path.basename(path) for path in files],
        **limits,
    )
    path = calibration.save(flags.model_dir, fitted)
    words = nouns.of(models.spec.config.inputs.features)

    print(f"temperature {temperature:.4f} from {words.count(len(tces))}")
    lowest, highest = calibration.TEMPERATURES
    if not 1.01 * lowest < temperature < 0.99 * highest:
        few = f"too few or too easy {words.many}"
        print(f"warning: the best temperature lies beyond: {few} to calibrate with", file=sys.stderr)
    for when, values in (("before", uncalibrated.mean(axis=1)), ("after", probabilities)):
        judged = report.judge_calibration(tces.label, values)
        print(f"  {when:6s}  " + "  ".join(f"{name} {value:.4f}" for name, value in judged.items()))
    _print_threshold(np.array(tces.label) > 0, metrics.is_positive(probabilities, threshold), threshold)
    print(f"{path}: used by all scripts that predict with {flags.model_dir}, as long as it holds these weights")


def _limits(models, patterns, examples):
    """Limits of the views and scalars of the training files: dict, fields of Calibration.

    It prints how many of `examples`, as they are and altered, lie beyond.
    """
    train_examples = [
        tf_example.from_serialized(record) for path in tfrecord.expand(patterns) for record in tfrecord.read(path)
    ]
    config = models.spec.config
    names = list(configuration.view_lengths(config))
    limits, words = {}, nouns.of(config.inputs.features)
    if names:
        limits["view_limits"] = fitted = novelty.fit(scoring.stack_views(train_examples, names))
        views = scoring.stack_views(examples, names)
        kinds = {"as they are": views, **novelty.altered(views)}
        _print_unlike("views", len(train_examples), words, kinds, (fitted, None))
    else:
        print("the model reads no time series: there are no limits of its views")
    # The density of events is no number that a user gives, and published records lack it.
    columns = [name for name in configuration.scalar_columns(config) if name not in EVENT_DENSITIES]
    if columns:
        limits["scalar_limits"] = fitted = novelty.fit_scalars(scoring.stack_scalars(train_examples, columns))
        scalars = scoring.stack_scalars(examples, columns)
        kinds = {"as they are": scalars, **novelty.altered_scalars(scalars)}
        _print_unlike("scalars", len(train_examples), words, kinds, (None, fitted))
    return limits


def _print_unlike(what, num_train, words, kinds, limits):
    told = [
        f"{np.mean([bool(text) for text in novelty.describe(of_kind, *limits)]):.3f} {kind}"
        for kind, of_kind in kinds.items()
    ]
    print(f"unlike the {what} of {num_train} training {words.many}: of the evaluated, {', '.join(told)}")


def _print_threshold(truth, called, threshold):
    num_right = np.sum(truth & called)
    told = (
        f"{name} {count / total:.4f} ({low:.4f} to {high:.4f})" if total else f"{name} undefined"
        for name, count, total in (("recall", num_right, truth.sum()), ("precision", num_right, called.sum()))
        for low, high in [intervals.wilson(count, total)]
    )
    print(f"threshold {threshold:.4f} calls {called.sum()} of {len(called)} positive: {', '.join(told)}")


def main(argv=None):
    parser = Parser(description=__doc__)
    ensemble.add_flags(parser)
    parser.add_argument("--eval_files", nargs="+", required=True, help="validation records, never trained or tested on")
    parser.add_argument("--train_files", nargs="+", help="record files that the model was trained on")
    parser.add_argument(
        "--recall_target",
        type=arguments.recall,
        help="fraction of positives to find, which chooses the threshold (default: the threshold is 0.5)",
    )
    return run(_calibrate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
