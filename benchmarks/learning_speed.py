"""CPU seconds until an ensemble passes given marks on validation, against those of the published recipe.

The members of a configuration are trained side by side in this process, as train.py --num_models does, and the mean of
their probabilities is judged at each evaluation. CPU seconds are of the whole process (user and system, all threads)
from its start, reading and evaluations included, when the slowest member has come so far: those of members ahead of it
count too.

The published recipe takes hours, so that only the first steps of one member are timed; its whole cost is extrapolated.
"""

import json
import sys
import tempfile
import threading
import time

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.files import write_aside
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.estimator import fit
from astronet.stats import metrics

_PUBLISHED = {"model": "AstroCNNModel", "config_name": "yu2019"}
_PUBLISHED_MEMBERS = 10


def _measure(flags):
    evaluations = _train_ensemble(flags)
    marks = {"average_precision": flags.average_precision, "accuracy": flags.accuracy}
    passed = {name: _first(evaluations, {name: mark}) for name, mark in marks.items()}
    passed["both"] = _first(evaluations, marks)
    for name, evaluation in passed.items():
        when = f"{evaluation['cpu_seconds']:.0f} CPU s, step {evaluation['step']}" if evaluation else "not passed"
        print(f"{name}: {when}")
    report = {"num_models": flags.num_models, "marks": marks, "passed": passed, "evaluations": evaluations}
    if flags.published_steps:
        report["published"] = published = _time_published(flags)
        print(
            f"published recipe: {published['cpu_seconds_per_step']:.4f} CPU s a step of one member, by steps "
            f"{published['measured_from']} to {published['measured_to']}; EXTRAPOLATED to {_PUBLISHED_MEMBERS} members "
            f"of {configuration.PUBLISHED_STEPS} steps: "
            f"{published['extrapolated_cpu_seconds']:.0f} CPU s"
        )
        if passed["both"]:
            report["ratio"] = published["extrapolated_cpu_seconds"] / passed["both"]["cpu_seconds"]
            print(f"ratio: {report['ratio']:.1f}")
    if flags.output:
        with write_aside(flags.output) as aside, open(aside, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")


def _train_ensemble(flags):
    """Trains the ensemble; returns a dictionary for each evaluation of all its members together."""
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    spec, tces, validation = fit.prepare(spec, flags.train_files, flags.eval_files, flags.train_steps, flags.seed)
    logits, evaluations, lock = {}, [], threading.Lock()

    def on_evaluation(_, step, logits_of_member):
        with lock:
            logits.setdefault(step, []).append(logits_of_member)
            if len(logits[step]) == flags.num_models:
                evaluations.append(_evaluate(step, validation.labels, np.stack(logits.pop(step), axis=1)))

    with tempfile.TemporaryDirectory() as directory:
        members = fit.unfinished(fit.member_specs(spec, directory, flags.num_models), say=print)
        fit.fit_members(members, tces, validation, flags.num_models, 1, print, print, on_evaluation)
    return evaluations


def _evaluate(step, labels, logits):
    values = metrics.summary(labels, metrics.probability(metrics.average(logits)))
    evaluation = {name: values[name] for name in ("average_precision", "accuracy", "cross_entropy")}
    evaluation = {"step": step, "cpu_seconds": time.process_time(), **evaluation}
    print(
        f"== mean of {logits.shape[1]}, step {step}: {evaluation['cpu_seconds']:.1f} CPU s, AP "
        f"{evaluation['average_precision']:.4f}, accuracy {evaluation['accuracy']:.4f}, CE "
        f"{evaluation['cross_entropy']:.4f}",
        flush=True,
    )
    return evaluation


def _first(evaluations, marks):
    """The first evaluation that reaches all marks, or None."""
    return next((e for e in evaluations if all(e[name] >= mark for name, mark in marks.items())), None)


def _time_published(flags):
    """Times one member of the published recipe, with one thread, from the last evaluation but one to the last."""
    spec = configuration.resolve(**_PUBLISHED)
    spec, tces, validation = fit.prepare(spec, flags.train_files, flags.eval_files, flags.published_steps, flags.seed)
    times = []

    def on_evaluation(_, step, logits):
        times.append((step, time.process_time()))

    with tempfile.TemporaryDirectory() as directory:
        fit.fit_model(spec, directory, tces, validation, 1, print, "published recipe: ", on_evaluation)
    (start, started), (end, ended) = times[-2:]
    seconds = (ended - started) / (end - start)
    return {
        **_PUBLISHED,
        "measured_from": start,
        "measured_to": end,
        "cpu_seconds_per_step": seconds,
        "extrapolated_cpu_seconds": _PUBLISHED_MEMBERS * configuration.PUBLISHED_STEPS * seconds,
    }


def main(argv=None):
    parser = Parser(description=__doc__)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL, "triage")
    parser.add_argument("--train_files", nargs="+", required=True, help="record files or patterns to train on")
    parser.add_argument("--eval_files", nargs="+", required=True, help="record files or patterns to evaluate on")
    parser.add_argument("--train_steps", type=positive_integer, help="of each member; default: of the configuration")
    parser.add_argument("--num_models", type=positive_integer, default=5, help="members of the ensemble")
    parser.add_argument("--seed", type=int, default=1, help="of the first member; the next has the next")
    parser.add_argument("--average_precision", type=float, default=0.970, help="mark to pass")
    parser.add_argument("--accuracy", type=float, default=0.974, help="mark to pass")
    parser.add_argument(
        "--published_steps", type=int, default=412, help="of the published recipe (yu2019) to time; 0: leave it out"
    )
    parser.add_argument("--output", help="JSON file for all figures")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
