"""Cross-validation on record files: each TCE is predicted by models trained without its star, or without its sector."""

import dataclasses
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from astronet.base import fingerprint, json_files, version
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.config import configuration, nouns
from astronet.config.configuration import ModelSpec
from astronet.data.records import event_density, labeled, leaks, record_features, split, tf_example, tfrecord
from astronet.estimator import checkpoints, fit, scoring
from astronet.estimator.ensemble import Ensemble
from astronet.estimator.fit import Tell
from astronet.evaluation import labeled_records, report, suspect_labels
from astronet.stats.label_noise import LabelNoise
from astronet.stats.metrics import DEFAULT_THRESHOLD

if TYPE_CHECKING:  # most scripts start without it
    import pandas as pd

WRITTEN = ("out_of_fold.csv", "folds.csv", "folds.json", suspect_labels.TABLE)
_VALIDATION_SHARE = 0.1  # of the stars of a training side


@dataclasses.dataclass(frozen=True)
class FoldOptions:
    """How to cross-validate.

    Attributes:
      output_dir: directory of the folds and of the files of WRITTEN.
      folds: number of folds that the stars are split into, each held out in turn; None where sectors are held out.
      hold_out_sectors: sectors to hold out, each in turn; None where stars are.
      model, config_name, config_json: model and configuration, as configuration.resolve() takes them.
      num_models: number of models to average in each fold.
      train_share: share of the stars that are not held out to train on.
      train_steps: number of batches to train each model on; None: as fit.FitOptions has it.
      seed: of the folds, of the bootstrap, and of the first of the models.
      num_threads, cluster: as fit.FitOptions has them.
      catalog: CSV file of the TCEs, which tells V and IS from J; None: none.
      threshold: probability from which a TCE is called positive.
      num_resamples: of the bootstrap.
      plot: number of the least likely labels to plot; None: none.
    """

    output_dir: str
    folds: Optional[int] = None
    hold_out_sectors: Optional[Sequence[int]] = None
    model: Optional[str] = None
    config_name: Optional[str] = None
    config_json: Optional[str] = None
    num_models: int = 1
    train_share: float = 1.0
    train_steps: Optional[int] = None
    seed: int = 0
    num_threads: Optional[int] = None
    cluster: Optional[str] = None
    catalog: Optional[str] = None
    threshold: float = DEFAULT_THRESHOLD
    num_resamples: int = 1000
    plot: Optional[int] = None

    @property
    def spec(self) -> ModelSpec:
        return configuration.resolve(self.model, self.config_name, self.config_json)


@dataclasses.dataclass(frozen=True)
class OutOfFold:
    """Predictions of each TCE by models that have not seen its star, or its sector.

    Attributes:
      parts: table of the TCEs that a fold holds out, with their predictions, by the name of the fold.
      tces: table of all TCEs, as labeled_records.table() returns it.
    """

    parts: "dict[str, pd.DataFrame]"
    tces: "pd.DataFrame"

    @property
    def judged(self) -> "pd.DataFrame":
        """The TCEs of all folds, in the order of the records."""
        import pandas as pd

        return pd.concat(self.parts.values()).sort_index()


def predict(files: Sequence[str], options: FoldOptions, say: Tell, warn: Tell) -> OutOfFold:
    """Trains the models of each fold, as far as they are not trained yet, and predicts what it holds out.

    Args:
      files: labeled record files.
      options: FoldOptions.
      say, warn: as fit.fit_ensemble() takes them.

    Raises:
      ScriptError: a record cannot be read, a fold lacks positive or negative TCEs, or a model failed.
    """
    config = options.spec.config
    serialized = _read(files, config)
    tces = labeled_records.table(map(tf_example.from_serialized, serialized), config.inputs, options.catalog)
    stops_early = config.hparams.early_stop_patience is not None
    folds = _folds(tces, options)
    sides = {name: _sides(tces, is_held_out, options, stops_early) for name, is_held_out in folds.items()}
    for name, of_fold in sides.items():
        _check_labels(name, tces, of_fold)
    parts, begun = {}, time.monotonic()
    for number, (name, of_fold) in enumerate(sides.items()):
        where = f"== {name} ({number + 1} of {len(sides)}{_time_left(time.monotonic() - begun, number, len(sides))})"
        say(f"{where}: {_count(of_fold, stops_early, nouns.of(config.inputs.features))}")
        parts[name] = _predict_fold(name, serialized, tces, of_fold, options, say, warn)
    return OutOfFold(parts, tces)


def _read(files, config):
    """All records, an array of bytes."""
    labeled.count(files, config)
    serialized = [record for path in files for record in tfrecord.read(path)]
    # Of a sector that is held out, training has not seen when it has events.
    if record_features.reads_event_densities(config):
        serialized = event_density.annotated(serialized)
    return np.array(serialized, dtype=object)


def _count(sides, stops_early, words):
    num_train, num_val, num_test = (sides[side].sum() for side in ("train", "val", "test"))
    purpose = "to stop early by" if stops_early else "of these to watch the training by, which chooses nothing"
    return f"{words.count(num_train)} to train on, {num_val} {purpose}, {num_test} held out"


def _predict_fold(name, serialized, tces, sides, options, say, warn):
    """Returns the table of the held-out TCEs with their predictions and what training has seen of them."""
    directory = os.path.join(options.output_dir, name)
    paths = {side: _write_records(directory, side, serialized[is_on_side]) for side, is_on_side in sides.items()}
    models = _fit_members(directory, paths, options, say, warn)
    predictions = list(scoring.predict_records(models, serialized[sides["test"]]))
    held_out = tces[sides["test"]]
    same_views, same_star = leaks.Trained.from_files([paths["train"]]).find(held_out.example)
    return held_out.assign(
        fold=name,
        probability=[prediction.mean for prediction in predictions],
        spread=[prediction.standard_deviation for prediction in predictions],
        same_views=same_views,
        same_star=same_star,
    )


def _time_left(seconds, num_done, num_all):
    """Says how long the folds that are left will take; "" where none is done."""
    return f", about {seconds / num_done * (num_all - num_done) / 60:.0f} min left" if num_done else ""


def _folds(tces, options):
    """Returns whether a fold holds out each TCE, [num_tces], by the name of the fold."""
    if options.folds is None:
        sectors = list(dict.fromkeys(options.hold_out_sectors))
        absent = [str(sector) for sector in sectors if not (tces.Sectors == sector).any()]
        if absent:
            present = ", ".join(f"{sector:g}" for sector in np.unique(tces.Sectors.dropna())) or "of no known sector"
            raise ScriptError(f"no TCE is of sector {', '.join(absent)}: hold out some that the files have ({present})")
        return {f"sector-{sector}": (tces.Sectors == sector).to_numpy() for sector in sectors}
    of_star = np.array([split.fold(tic_id, options.folds, options.seed) for tic_id in tces.tic_id])
    return {f"fold-{number}": of_star == number for number in range(1, options.folds + 1)}


def _sides(tces, is_held_out, options, stops_early):
    """Returns whether each TCE is on a side, [num_tces], for the sides "train", "val" and "test".

    "val" evaluates the training. It is a part of "train": no choice may depend on TCEs that are held out, the last
    checkpoint is used, and nothing is chosen by "val". Only a training that stops early does not train on "val".
    """
    stars = tces.tic_id[~is_held_out].unique()
    stars = np.array([star for star in stars if split.fraction(star, f"share {options.seed}") < options.train_share])
    order = np.argsort([split.fraction(star, f"validation {options.seed}") for star in stars], kind="stable")
    chosen = stars[order[: int(np.ceil(_VALIDATION_SHARE * len(stars)))]]
    is_seen, is_val = (~is_held_out & tces.tic_id.isin(some).to_numpy() for some in (stars, chosen))
    return {"train": is_seen & ~(is_val & stops_early), "val": is_val, "test": is_held_out}


def _check_labels(name, tces, sides):
    for side, role in (("train", "trained on"), ("test", "held out")):
        labels = tces.label[sides[side]]
        if labels.nunique() < 2:
            raise ScriptError(
                f"{name}: of {len(labels)} TCEs {role}, {labels.sum()} are positive: both kinds are needed on both "
                "sides; give more records, fewer folds, or another sector"
            )


def _write_records(directory, side, serialized):
    """Writes the records of one side of a fold; returns the file. A file that is there has to hold the same records."""
    make_directory(os.path.join(directory, "records"))
    path = os.path.join(directory, "records", f"{side}-00000-of-00001")
    if not os.path.exists(path):
        tfrecord.write_shard(path, serialized)
    elif list(tfrecord.read(path)) != list(serialized):
        raise ScriptError(
            f"{path} holds other TCEs than these --files, --folds, --train_share and --seed give: choose another "
            "--output_dir, or remove that one"
        )
    return path


def _fit_members(directory, paths, options, say, warn):
    """Trains the models of a fold, directory/1 and so on, unless they are trained already; returns the Ensemble."""
    model_dir = directory if options.num_models > 1 else os.path.join(directory, "1")
    fitting = fit.FitOptions(
        model_dir,
        (paths["train"],),
        (paths["val"],),
        options.train_steps,
        options.seed,
        options.num_models,
        num_threads=options.num_threads,
        cluster=options.cluster,
    )
    try:
        fit.fit_ensemble(options.spec, fitting, say, warn)
    except (ScriptError, OSError) as error:
        raise ScriptError(f"a model of {directory} failed ({error}): mend that, and run this again") from error
    members = {str(number): os.path.join(directory, str(number)) for number in range(1, options.num_models + 1)}
    paths_of_members = {name: checkpoints.find(member) for name, member in members.items()}
    return Ensemble({name: configuration.load(member) for name, member in members.items()}, paths_of_members)


def describe(predicted: OutOfFold, options: FoldOptions) -> dict[str, dict[str, Any]]:
    """Says how well each fold, and "all" of them together, were predicted, and what training has seen of them.

    Returns:
      By the name of the fold: seen_in_training (numbers of TCEs), and sets: what report.describe() says of all TCEs,
      and of those unseen in training.
    """
    return {name: _describe(part, options) for name, part in {**predicted.parts, "all": predicted.judged}.items()}


def _describe(part, options):
    """Says what training has seen of held-out TCEs, and how well they were predicted: all, and the unseen ones."""
    is_unseen = ~(part.same_views | part.same_star)
    sets = {"all": part} if is_unseen.all() else {"all": part, "unseen": part[is_unseen]}
    return {
        "seen_in_training": {
            "identical_views": int(part.same_views.sum()),
            "shared_stars": int(part.same_star.sum()),
        },
        "sets": {
            name: report.describe(members, options.threshold, options.num_resamples, options.seed)
            for name, members in sets.items()
            if len(members)
        },
    }


def write(
    predicted: OutOfFold, described: dict[str, dict[str, Any]], files: Sequence[str], options: FoldOptions
) -> LabelNoise:
    """Writes the files of WRITTEN, and the plots of suspect labels; returns the noise of the labels.

    Args:
      predicted: as predict() returns it.
      described: as describe() returns it.
      files: the record files.
      options: FoldOptions.
    """
    judged = predicted.judged
    noise = suspect_labels.write(options.output_dir, judged, predicted.tces, options.plot or 0)
    names: tuple[str, ...] = ("model", "config_name", "config_json", "folds", "hold_out_sectors", "num_models")
    names += ("train_share", "train_steps", "seed", "threshold", "num_resamples")
    content = {
        "version": version.VERSION,
        **{name: getattr(options, name) for name in names},
        "records": [os.path.basename(path) for path in files],
        "records_sha256": fingerprint.of_files(files),
        "results": described,
        "label_noise": {
            "num_suspects": int(noise.is_suspect.sum()),
            "thresholds": noise.thresholds.tolist(),
            "counts": noise.counts.tolist(),
            "joint": noise.joint.tolist(),
            "share": noise.share,
        },
    }
    json_files.write(os.path.join(options.output_dir, "folds.json"), content)
    rows = [[name, *row] for name, result in described.items() for row in report.figure_rows(result["sets"])]
    columns = ("fold", "set", "figure", "value", "low", "high")
    write_csv(os.path.join(options.output_dir, "folds.csv"), columns, rows)
    _write_predictions(os.path.join(options.output_dir, "out_of_fold.csv"), judged)
    return noise


def _write_predictions(path, judged):
    columns = ("row_id", "tic_id", "Sectors", "Disposition", "label", "fold", "probability", "spread")
    numbers = {"Sectors": "{:g}", "probability": "{:.7f}", "spread": "{:.7f}"}
    table = judged.assign(**{name: judged[name].map(form.format, na_action="ignore") for name, form in numbers.items()})
    write_csv(path, columns, table[list(columns)].fillna("").to_numpy().tolist())
