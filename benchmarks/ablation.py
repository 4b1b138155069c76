"""What each ingredient of the triage recipe is worth: trainings without it, or with one that it has not.

Each line is a small ensemble, seeds --seed and those that follow, trained on --train_files and judged on --eval_files.
The directory keeps them: run again, it trains what is missing. Writes ablation.csv there and prints the table.
"""

import json
import os
import sys

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.files import make_directory, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration
from astronet.data.records import leaks, tfrecord
from astronet.estimator import ensemble, fit
from astronet.evaluation import labeled_records
from astronet.stats import metrics

_DENSITIES = {"event_density": None, "camera_event_density": None}
_TWO_CLASSES = {"inputs": {"label_map": {"EB": 1}}, "hparams": {"output_dim": 1}}
_WIDE = {"columns": {"global_view": {"max_num_filters": None}}}
# Changes to the configuration, as --config_json takes them.
_LINES = {
    "triage": {},
    "without event densities": {"inputs": {"scalars": _DENSITIES}},
    "without any scalar (triage_views)": {"inputs": {"scalars": None}},
    "without scatter channel": {"hparams": {"scatter_channel": False}},
    "without averaged weights": {"hparams": {"average_decay": 0}},
    "two classes": _TWO_CLASSES,
    "without dropout": {"hparams": {"dropout_rate": 0}},
    "constant learning rate": {"hparams": {"learning_rate_schedule": "constant"}},
    "one direction of time scored": {"hparams": {"score_both_directions": False}},
    "scalars never missing in training": {"hparams": {"scalar_drop_probability": 0}},
    "up to 256 filters": {"hparams": _WIDE},
    "with label smoothing 0.05": {"hparams": {"label_smoothing": 0.05}},
    "with noise up to its own": {"hparams": {"max_noise": 1.0}},
    "with shifts up to two bins": {"hparams": {"max_shift_bins": 2}},
}
_FIGURES = ("average_precision", "accuracy", "cross_entropy")


def _measure(flags):
    unknown = set(flags.lines or ()).difference(_LINES)
    if unknown:
        raise ScriptError(f"--lines has {', '.join(sorted(unknown))}; there are: {', '.join(_LINES)}")
    make_directory(flags.model_dir)
    trained = leaks.Trained.from_files(tfrecord.expand(flags.train_files))
    rows = []
    for line in flags.lines or _LINES:
        rows.append([line, *_judge(_train(line, flags), trained, flags)])
        print("| " + " | ".join(map(str, rows[-1])) + " |", flush=True)
    columns = (
        "line",
        *(f"{name}_{of}" for of in ("of_one", "of_mean") for name in _FIGURES),
        "average_precision_unseen",
    )
    write_csv(os.path.join(flags.model_dir, "ablation.csv"), columns, rows)


def _train(line, flags):
    """Trains the ensemble of a line; returns its directory."""
    directory = os.path.join(flags.model_dir, line.replace(" ", "_"))
    spec = configuration.resolve(config_name="triage", config_json=json.dumps(_LINES[line]))
    options = fit.FitOptions(
        directory,
        tuple(flags.train_files),
        tuple(flags.eval_files),
        seed=flags.seed,
        num_models=flags.num_models,
        num_threads=1,
    )
    fit.fit_ensemble(spec, options, print, print)
    return directory


def _judge(directory, trained, flags):
    """Figures of one member (of several: their mean and scatter), of the mean, and of the mean on what is unseen."""
    averaged = flags.num_models > 1
    models = ensemble.load(ensemble.ModelChoice(directory, average=averaged))
    tces, probabilities = labeled_records.tabulate(models, tfrecord.expand(flags.eval_files), shows_progress=True)
    labels, mean = tces.label.to_numpy(), probabilities.mean(axis=1)
    of_one = [metrics.summary(labels, of_member) for of_member in probabilities.T]
    for name in _FIGURES:
        values = [figures[name] for figures in of_one]
        yield f"{np.mean(values):.4f}" + (f" +- {np.std(values, ddof=1):.4f}" if averaged else "")
    of_mean = metrics.summary(labels, mean)
    yield from (f"{of_mean[name]:.4f}" for name in _FIGURES)
    same_views, same_star = trained.find(tces.example)
    unseen = ~(same_views | same_star)
    yield f"{metrics.summary(labels[unseen], mean[unseen])['average_precision']:.4f}" if unseen.any() else ""


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--train_files", nargs="+", required=True, help="record files or patterns to train on")
    parser.add_argument("--eval_files", nargs="+", required=True, help="record files or patterns to judge on")
    parser.add_argument("--model_dir", required=True, help="directory of the trainings and of ablation.csv")
    parser.add_argument("--lines", nargs="+", help="names of the lines to measure; None: all")
    parser.add_argument("--num_models", type=positive_integer, default=2, help="members of each line")
    parser.add_argument("--seed", type=int, default=1, help="of the first member")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
