"""Fits the temperature of a model's probabilities, and chooses its decision threshold, on validation records.

Both are stored in model_dir/calibration.json; all predicting scripts use them from then on. With --train_files the
file also has limits of the views and scalars of the training; batch_predict.py then says which TCEs lie beyond.
"""

import sys
from collections.abc import Sequence
from typing import Optional

import numpy as np

from astronet.base import arguments
from astronet.base.messages import LOG
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration, nouns
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, pretrained
from astronet.evaluation import calibrate_models, report
from astronet.stats import calibration, intervals, metrics


def _calibrate(flags):
    if pretrained.is_name(flags.model_dir):
        raise ScriptError(
            f"{flags.model_dir} is part of the package, and calibrated: to calibrate it for other data, copy it with "
            f"export.py --model_dir={flags.model_dir} --output_dir=COPY, and give --model_dir=COPY --average"
        )
    models = ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags), calibrated=False)
    files = tfrecord.expand(flags.eval_files)
    read = {"--eval_files": files, "--train_files": tfrecord.expand(flags.train_files) if flags.train_files else None}
    arguments.refuse_overwriting_inputs({"--model_dir": calibration.path_in(flags.model_dir)}, read)
    calibrated = calibrate_models.calibrate(models, files, flags.train_files, flags.recall_target, shows_progress=True)
    path = calibration.save(flags.model_dir, calibrated.calibration)
    config = models.spec.config
    if flags.train_files and not configuration.view_lengths(config):
        LOG.info("the model reads no time series: there are no limits of its views")
    _print(calibrated, nouns.of(config.inputs.features))
    print(f"{path}: used by all scripts that predict with {flags.model_dir}, as long as it holds these weights")


def _print(calibrated, words):
    for unlike in calibrated.unlike:
        shares = ", ".join(f"{share:.3f} {way}" for way, share in unlike.shares.items())
        print(f"unlike the {unlike.inputs} of {unlike.num_training} training {words.many}: of the evaluated, {shares}")
    temperature, threshold = calibrated.calibration.temperature, calibrated.calibration.threshold
    print(f"temperature {temperature:.4f} from {words.count(len(calibrated.tces))}")
    lowest, highest = calibration.TEMPERATURES
    if not 1.01 * lowest < temperature < 0.99 * highest:
        few = f"too few or too easy {words.many}"
        LOG.warning(f"warning: the best temperature lies beyond: {few} to calibrate with")
    labels = calibrated.tces.label
    for when, probabilities in (("before", calibrated.before), ("after", calibrated.after)):
        figures = report.judge_calibration(labels, probabilities)
        print(f"  {when:6s}  " + "  ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    _print_threshold(np.array(labels) > 0, metrics.is_positive(calibrated.after, threshold), threshold)


def _print_threshold(truth, called, threshold):
    num_right = np.sum(truth & called)
    figures = (
        f"{name} {count / total:.4f} ({low:.4f} to {high:.4f})" if total else f"{name} undefined"
        for name, count, total in (("recall", num_right, truth.sum()), ("precision", num_right, called.sum()))
        for low, high in [intervals.wilson(count, total)]
    )
    print(f"threshold {threshold:.4f} calls {called.sum()} of {len(called)} positive: {', '.join(figures)}")


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--eval_files", nargs="+", required=True, metavar="FILE", help="validation records, never trained or tested on"
    )
    parser.input.add_argument(
        "--train_files", nargs="+", metavar="FILE", help="record files that the model was trained on"
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    parser.settings.add_argument(
        "--recall_target",
        type=arguments.recall,
        help="share of the positives to find, which decides the threshold (default: the threshold is 0.5)",
    )
    return run(_calibrate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
