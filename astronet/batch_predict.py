"""Predicts TCEs (or windows, or patches) of record files: prediction_SUFFIX.txt and .csv, a line for each, in order."""

import contextlib
import csv
import os
import sys

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_aside
from astronet.base.script import Parser, run, tell_problems
from astronet.config import nouns
from astronet.estimator import ensemble, scoring
from astronet.figures import tce as plotting
from astronet.stats.metrics import is_positive

_COLUMNS = ("row_id", "tic_id", "toi_id", "sector", "period", "mean", "standard_deviation")
_UNLIKE = "unlike_training"


def _columns(models):
    """The members' probabilities come last; after them, where calibrate.py stored limits, what is unlike training."""
    unlike = [_UNLIKE] if models.calibration.has_limits else []
    return [*_COLUMNS, *(f"member_{name}" for name in models.checkpoints), *unlike]


def _csv_row(prediction, columns):
    """What the CSV says about a TCE, in the order of its columns."""
    tce = prediction.identity
    probabilities = (prediction.mean, prediction.standard_deviation, *prediction.probabilities)
    unlike = [prediction.unlike_training] if _UNLIKE in columns else []
    identity = tce.row_id, tce.tic_id, tce.toi_id, tce.sector, f"{tce.period:.7g}"
    return [*identity, *(f"{p:.7f}" for p in probabilities), *unlike]


def _write(predictions, stem, columns):
    """Yields the predictions once they are in stem.txt and stem.csv, which appear when all are in, or not at all."""
    with locks.exclusive_file(stem), contextlib.ExitStack() as stack:
        text, table = (
            stack.enter_context(
                open(stack.enter_context(write_aside(stem + suffix)), "w", encoding="utf-8", newline="")
            )
            for suffix in (".txt", ".csv")
        )
        writer = csv.writer(table)
        writer.writerow(columns)
        for prediction in predictions:
            print(f"{prediction.identity.tic_id} {prediction.mean:.3f}", file=text)
            writer.writerow(_csv_row(prediction, columns))
            yield prediction


def _plot(prediction, save_dir, plots, kind):
    tce = prediction.identity
    words = nouns.of(prediction.views)
    path = plotting.tce_path(save_dir, tce.row_id, tce.tic_id, tce.sector, plots, words, kind)
    plotting.plot_prediction(path, prediction)


def _predict(flags):
    from tqdm import tqdm

    models = ensemble.load(ensemble.ModelChoice.from_flags(flags))
    threshold = models.threshold(flags.threshold)
    make_directory(flags.output_dir)
    if flags.plot:
        make_directory(flags.save_dir)
    name = f"prediction_{flags.suffix}" if flags.suffix else "prediction"
    stem = os.path.normpath(os.path.join(flags.output_dir, name))
    records = scoring.RecordChoice.from_flags(flags)
    scoring.refuse_overwriting_records([f"{stem}.txt", f"{stem}.csv"], records)
    problems, plots, num_predicted, num_positive = [], set(), 0, 0
    predictions = scoring.predict_files(models, records, problems)
    words = nouns.of(models.spec.config.inputs.features)
    for prediction in tqdm(_write(predictions, stem, _columns(models)), unit=f" {words.one}", disable=None):
        num_predicted += 1
        num_positive += bool(is_positive(prediction.mean, threshold))
        if flags.plot:
            _plot(prediction, flags.save_dir, plots, name)

    print(
        f"{stem}.txt, {stem}.csv: {words.count(num_predicted)} by {len(models.checkpoints)} model(s), "
        f"{num_positive} with a probability of {threshold:g} or more"
    )
    if flags.plot:
        print(f"{flags.save_dir}: {len(plots)} plots")
    return tell_problems(problems)


def main(argv=None):
    parser = Parser(description=__doc__)
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    scoring.add_record_flags(parser)
    parser.add_argument("--plot", action="store_true", help="plot the views of each TCE (needs --save_dir)")
    parser.add_argument("--save_dir", type=arguments.output_directory, help="directory of the plots")
    ensemble.add_threshold_flag(parser)
    flags = parser.parse_args(argv)
    if flags.plot and not flags.save_dir:
        parser.error("--plot needs --save_dir: the directory to save the plots in")
    return run(locks.holding(_predict, *(["save_dir"] if flags.plot else [])), flags)


if __name__ == "__main__":
    sys.exit(main())
