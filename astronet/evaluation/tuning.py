"""Searches hyperparameters with Optuna: a trial trains one model per fold of stars, and is given up if it is bad.

space = search_space.read("space.json")
best = search(TuningOptions("study", ("tfrecord/train-*",), space, num_trials=30))

The study is a file, study.sqlite, from which a stopped search continues. The search minimizes the loss on the stars
that a fold holds out, averaged over the folds. The loss of the best trial is therefore too low: measure its quality
again on TCEs that no trial has seen.
"""

import dataclasses
import functools
import itertools
import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional

from astronet.base import fingerprint, json_files, locks, workers
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.configuration import ModelSpec
from astronet.data.records import split, tf_example, tfrecord
from astronet.estimator import checkpoints, fit
from astronet.evaluation import search_space

STUDY, TRIALS, BEST, SETTINGS = "study.sqlite", "trials.csv", "best.json", "tuning.json"
_STARTUP_TRIALS = 5  # number of first trials, which are random and never given up
_LOG = logging.getLogger("astronet")


@dataclasses.dataclass(frozen=True)
class TuningOptions:
    """Settings of a search.

    Attributes:
      model_dir: directory of the study and of its results.
      files: labeled record files or patterns.
      space: the ranges of hyperparameters, as search_space.read() returns them.
      num_trials: number of all trials, including those of earlier runs.
      folds: number of folds by star that each trial is trained on.
      model, config_name, config_json: the configuration that trials change, as for configuration.resolve().
      train_steps: number of batches of each training; None: as in train.py.
      num_parallel: number of trials at a time, each in its own process; with 1, they run in this process.
      cluster: other machines to work on.
      seed: seed of the folds, the weights and the search. With num_parallel=1, the same seed makes the same trials.
    """

    model_dir: str
    files: tuple[str, ...]
    space: search_space.Space
    num_trials: int = 30
    folds: int = 3
    model: Optional[str] = None
    config_name: Optional[str] = None
    config_json: Optional[str] = None
    train_steps: Optional[int] = None
    num_parallel: int = 1
    cluster: Optional[str] = None
    seed: int = 0

    @property
    def spec(self) -> ModelSpec:
        """The configuration that trials change."""
        return configuration.resolve(self.model, self.config_name, self.config_json)


def search(options: TuningOptions, say: Callable[[str], object] = _LOG.info) -> dict[str, Any]:
    """Runs the remaining trials, and returns the best changes of the configuration, as in best.json.

    Raises:
      ScriptError: the space names a parameter that the configuration does not have, the directory contains a study with
        other settings, or no trial succeeded.
    """
    _optuna()
    search_space.check_names(options.space, options.spec)
    files = tfrecord.expand(options.files)
    with locks.exclusive(options.model_dir):
        _require_same_settings(options, files)
        _write_folds(options, files)
        study = _open_study(options)
        _take_up(study)
        left = options.num_trials - sum(trial.state.is_finished() for trial in study.trials)
        work = functools.partial(_run_trial, options=options)
        for line in workers.map_in_order(
            work, list(range(max(0, left))), options.num_parallel, cluster=options.cluster
        ):
            say(line)
        _write_results(options, study)
    return json_files.read(os.path.join(options.model_dir, BEST), "the best trial", "run the search again")


def _optuna():
    """Returns Optuna, with its own messages off; raises ScriptError if it is not installed."""
    try:
        import optuna
    except ImportError:
        raise ScriptError("Optuna is not installed: pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _require_same_settings(options, files):
    """Raises ScriptError if the directory contains a search with other records, folds, configuration or space."""
    names = ("folds", "model", "config_name", "config_json", "train_steps", "seed")
    settings = {name: getattr(options, name) for name in names}
    current = fingerprint.origin({"files": files}, space=json.loads(json.dumps(options.space)), **settings)
    path = os.path.join(options.model_dir, SETTINGS)
    changed = fingerprint.changes(path, current)
    if changed:
        raise ScriptError(
            f"{options.model_dir} contains a search with other settings ({', '.join(changed)}): choose another "
            "--output_dir, or the same settings"
        )
    fingerprint.write(path, current)


def _write_folds(options, files):
    """Writes the records of each fold: those to train on and, of other stars, those to evaluate on."""
    if os.path.exists(_fold_path(options, options.folds, "val")):
        return
    records = [record for path in files for record in tfrecord.read(path)]
    stars = [tf_example.value(tf_example.from_serialized(record), "tic_id") for record in records]
    of_star = [split.fold(star, options.folds, options.seed) for star in stars]
    for fold in range(1, options.folds + 1):
        make_directory(os.path.dirname(_fold_path(options, fold, "val")))
        for side, is_on in (("train", False), ("val", True)):
            chosen = [record for record, number in zip(records, of_star) if (number == fold) == is_on]
            tfrecord.write_shard(_fold_path(options, fold, side), chosen)


def _fold_path(options, fold, side):
    return os.path.join(options.model_dir, "folds", f"{side}-{fold:02d}-00000-of-00001")


def _open_study(options):
    optuna = _optuna()
    study = optuna.create_study(
        storage=f"sqlite:///{os.path.abspath(os.path.join(options.model_dir, STUDY))}",
        study_name="tuning",
        direction="minimize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=1),
    )
    # Seeded by the number of the trial, so that a continued search makes the same trials as an uninterrupted one.
    seed = options.seed + len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP_TRIALS)
    return study


def _take_up(study):
    """Marks trials that a killed run left unfinished as failed, and queues their values again."""
    optuna = _optuna()
    for trial in study.trials:
        if trial.state == optuna.trial.TrialState.RUNNING:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            study.enqueue_trial(trial.params, user_attrs={"reason": f"trial {trial.number} was interrupted"})


def _run_trial(number, options):
    """Runs in worker processes: runs one trial and returns a line about it. A failed trial does not stop the others."""
    del number
    optuna = _optuna()
    study = _open_study(options)
    trial = study.ask()
    begin = time.monotonic()
    values = {name: search_space.suggest(trial, name, limits) for name, limits in options.space.items()}
    try:
        loss = _mean_loss(trial, options, configuration.changed(options.spec, json.dumps(search_space.nested(values))))
        study.tell(trial, loss)
        outcome = f"loss {loss:.4f}"
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        outcome = "given up, worse than the median"
    except ScriptError as error:
        trial.set_user_attr("reason", str(error))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        outcome = f"failed: {error}"
    changes = ", ".join(f"{name} {_short(value)}" for name, value in values.items())
    return f"trial {trial.number}: {outcome} ({time.monotonic() - begin:.0f} s; {changes})"


def _short(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _mean_loss(trial, options, spec):
    """Returns the lowest loss, averaged over the folds; raises optuna.TrialPruned if the trial is worse than others."""
    losses: list[float] = []
    for fold in range(1, options.folds + 1):
        directory = os.path.join(options.model_dir, f"trial-{trial.number}")
        try:
            losses.append(_loss_of_fold(trial, options, spec, fold, sum(losses), directory))
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    mean = sum(losses) / len(losses)
    if not math.isfinite(mean):
        raise ScriptError("the loss is not finite")
    return mean


def _loss_of_fold(trial, options, spec, fold, loss_before, directory):
    """Trains a model on a fold, and returns the lowest loss on the stars that the fold holds out."""
    prepared, train, validation = _read_fold(options, fold)
    config = dataclasses.replace(prepared.config, hparams=spec.config.hparams)
    steps = options.train_steps or configuration.num_steps(config.hparams, len(train))
    spec = dataclasses.replace(spec, config=config, train_steps=steps, seed=options.seed)
    places = itertools.count(1000 * fold)

    def evaluated(model_dir, step, logits):
        """Gives the trial up if its mean loss so far is above the median of other trials at the same step."""
        del step, logits
        trial.report((loss_before + _least_loss(model_dir)) / fold, step=next(places))
        if trial.should_prune():
            raise _optuna().TrialPruned

    make_directory(directory)
    fit.fit_model(spec, directory, train, validation, 1, _keep_silent, "", evaluated)
    return _least_loss(directory)


def _least_loss(model_dir):
    best = checkpoints.best_metrics(model_dir)
    if best is None:
        raise ScriptError(f"{model_dir} has no best checkpoint: is something else writing there?")
    return best["loss"]


def _read_fold(options, fold):
    """Returns the ModelSpec, with the statistics of the fold's records, and the Tces to train and to evaluate on."""
    paths = [_fold_path(options, fold, side) for side in ("train", "val")]
    if (key := tuple(paths)) not in _FOLDS:
        _FOLDS.clear()  # one in memory at a time
        _FOLDS[key] = fit.prepare(options.spec, paths[:1], paths[1:], train_steps=1)
    return _FOLDS[key]


_FOLDS: dict[tuple[str, ...], Any] = {}  # for all trials of this process: hyperparameters do not change the inputs


def _keep_silent(line):
    del line


def _write_results(options, study):
    """Writes trials.csv and best.json."""
    optuna = _optuna()
    names = list(options.space)
    rows = [
        [
            trial.number,
            trial.state.name.lower(),
            "" if trial.value is None else f"{trial.value:.6f}",
            f"{trial.duration.total_seconds():.1f}" if trial.duration else "",
            *(trial.params.get(name, "") for name in names),
            trial.user_attrs.get("reason", ""),
        ]
        for trial in study.trials
    ]
    columns = ("trial", "state", "loss", "seconds", *names, "reason")
    write_csv(os.path.join(options.model_dir, TRIALS), columns, rows, lineterminator="\n")
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if not complete:
        reasons = {trial.user_attrs.get("reason", "") for trial in study.trials} - {""}
        raise ScriptError(f"no trial succeeded: {'; '.join(sorted(reasons)) or 'all were given up'}")
    best = min(complete, key=lambda trial: trial.value)
    json_files.write(os.path.join(options.model_dir, BEST), search_space.nested(best.params))


def lines(options: TuningOptions) -> Iterator[str]:
    """Yields lines of text about a finished search: counts, the best trials, and which hyperparameters matter."""
    optuna = _optuna()
    study = _open_study(options)
    states: dict[str, int] = {}
    for trial in study.trials:
        states[trial.state.name.lower()] = states.get(trial.state.name.lower(), 0) + 1
    yield f"trials: {', '.join(f'{name} {count}' for name, count in sorted(states.items()))}"
    complete: Sequence[Any] = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    for trial in sorted(complete, key=lambda trial: trial.value)[:5]:
        yield f"  loss {trial.value:.4f}  " + ", ".join(f"{name} {_short(v)}" for name, v in trial.params.items())
    if len(complete) >= 2 * _STARTUP_TRIALS and len(options.space) > 1:
        importances = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
        )
        yield "share of the variance of the loss: " + ", ".join(f"{name} {v:.2f}" for name, v in importances.items())
