"""Evaluation in full: figures with 95 % intervals, of all TCEs and of those that training has not seen, and by kind."""

import contextlib
import dataclasses
import os

import numpy as np

import astronet
from astronet.base import fingerprint, json_files
from astronet.base.files import make_directory, write_csv
from astronet.config import nouns
from astronet.data.catalog import tce_table
from astronet.data.records import leaks, tf_example, tfrecord
from astronet.estimator import checkpoints, scoring
from astronet.figures import tce
from astronet.stats import calibration, intervals, metrics

# What TCEs are told apart by: name -> column of the table, and the edges of its bins (None: each value is a bin).
_KINDS = {
    "S/N": ("SN", (10, 15, 25, 50, 100)),
    "Tmag": ("Tmag", (8, 9, 10, 11, 12)),
    "Period (days)": ("Period", (0.5, 1, 3, 5, 10)),
    "Duration (hours)": ("duration_hours", (1, 2, 4, 8)),
    "Disposition": ("Disposition", None),
    "Sector": ("Sectors", None),
    "Camera": ("camera", None),
    "Views": ("views", None),
}
# All that a report may consist of; without both labels or TCEs that are unseen in training, some are not there.
_FILES = (
    *("report.json", "figures.csv", "kinds.csv", "curves.png", "confusion.png", "reliability.png"),
    *("kinds_all.png", "kinds_unseen.png"),
)
_CATALOG_COLUMNS = ("Disposition", "Tmag", "SN", "Sectors", "camera")


WRITTEN = ("report.json", "figures.csv", "kinds.csv", "curves.png", "confusion.png", "reliability.png")


def tabulate(models, files, catalog=None):
    """Predicts labelled records.

    Args:
      models: ensemble.Ensemble; its calibration is not applied.
      files: list of record files.
      catalog: CSV file of TCEs, joined by (row_id, tic_id), for what the records lack: Tmag above all.

    Returns:
      DataFrame, one row a TCE in the order of the records: columns of the record, label (0 or 1) and example.
      Probabilities [num_tces, num_members], uncalibrated.

    Raises:
      ScriptError: naming the record that the configuration cannot read or whose disposition is not known.
    """
    from tqdm import tqdm

    from astronet.ops import dataset

    num_examples = dataset.count_examples(files, models.spec.config)
    uncalibrated = dataclasses.replace(models, calibration=calibration.Calibration())
    serialized = (record for path in files for record in tfrecord.read(path))
    unit = f" {nouns.of(models.spec.config.inputs.features).one}"
    progress = tqdm(serialized, total=num_examples, unit=unit, disable=None)
    predictions = list(scoring.predict_records(uncalibrated, progress))
    tces = table([prediction.example for prediction in predictions], models.spec.config.inputs, catalog)
    return tces, np.array([prediction.probabilities for prediction in predictions])


def table(examples, inputs, catalog=None):
    """The table of labelled tf.train.Examples that tabulate() returns; `inputs` of the Config says what is positive."""
    import pandas as pd

    tces = pd.DataFrame([_row(example, inputs) for example in examples])
    if not catalog:
        return tces
    # Whatever else a row lacks, it has its identity.
    return _join(tces, tce_table.load(catalog, tce_table.Request(needed=("row_id", "tic_id"))).table)


def _row(example, inputs):
    names = ("row_id", "tic_id", "Period", *_CATALOG_COLUMNS)
    values = {name: tf_example.value(example, name, np.nan) for name in names}
    return {
        **values,
        "duration_hours": 24 * tf_example.value(example, "Duration", np.nan),
        "label": int(inputs.label_map[tf_example.value(example, inputs.label_feature)] > 0),
        "example": example,
    }


def _join(tces, catalog):
    """Fills in what records lack; V and IS, which records hold as J, get their names back."""
    columns = [name for name in _CATALOG_COLUMNS if name in catalog]
    found = tces[["row_id", "tic_id"]].merge(
        catalog.drop_duplicates(["row_id", "tic_id"])[["row_id", "tic_id", *columns]], how="left"
    )
    joined = tces.assign(**{name: tces[name].where(tces[name].notna(), found[name]) for name in columns})
    is_renamed = (tces.Disposition == "J") & found.Disposition.isin(("V", "IS"))
    return joined.assign(Disposition=joined.Disposition.where(~is_renamed, found.Disposition))


def compute(models, files, flags):
    """Computes all that write() writes.

    Args:
      models: ensemble.Ensemble.
      files: list of record files.
      flags: catalog, train_files (list of files or None), threshold, num_resamples, seed.

    Returns:
      Dictionary for JSON, and dictionary of the tables of TCEs that it is about: all, and unseen in training.
    """
    tces, probabilities = tabulate(models, files, flags.catalog)
    tces["uncalibrated"] = probabilities.mean(axis=1)
    tces["probability"] = models.calibration.apply(probabilities).mean(axis=1)
    threshold = models.threshold(flags.threshold)
    fitted = models.calibration
    tces["unlike_training"] = scoring.unlike_training(tces.example, fitted)
    views = np.array(scoring.unlike_training(tces.example, dataclasses.replace(fitted, scalar_limits=None)))
    tces["views"] = np.where(views != "", "unlike training", "like training") if fitted.view_limits else np.nan
    sets, seen = {"all": tces}, None
    if flags.train_files:
        same_views, same_star = leaks.Trained.from_files(tfrecord.expand(flags.train_files)).find(tces.example)
        sets["unseen"] = tces[~(same_views | same_star)]
        seen = {"identical_views": int(same_views.sum()), "shared_stars": int(same_star.sum())}
    report = {
        "version": astronet.__version__,
        "model": models.spec.model,
        "config_name": models.spec.config_name,
        "num_members": len(models.checkpoints),
        "checkpoints_sha256": checkpoints.sha256(models.checkpoints.values()),
        "records": [os.path.basename(path) for path in files],
        "records_sha256": fingerprint.of_files(files),
        "threshold": threshold,
        "calibration": {
            **dataclasses.asdict(models.calibration),
            "before": judge_calibration(tces.label, tces.uncalibrated),
            "after": judge_calibration(tces.label, tces.probability),
        },
        "seen_in_training": seen,
        "unlike_training": _list_unlike(tces) if fitted.has_limits else None,
        "sets": {
            name: {
                **describe(members, threshold, flags),
                "kinds": {kind: _by_kind(members, *_KINDS[kind], threshold) for kind in _KINDS},
            }
            for name, members in sets.items()
            if len(members)
        },
    }
    return report, {name: sets[name] for name in report["sets"]}


def _list_unlike(tces):
    """The TCEs whose views or scalars are unlike those of training, and what is unlike."""
    unlike = tces[tces.unlike_training != ""]
    return {"num_tces": len(unlike), "tces": unlike[["row_id", "tic_id", "unlike_training"]].to_dict("records")}


def judge_calibration(labels, probabilities):
    """Cross-entropy, expected calibration error and Brier score, as a dictionary."""
    values = metrics.summary(labels, probabilities)
    error = metrics.expected_calibration_error(labels, probabilities)
    kept = {name: values[name] for name in ("cross_entropy", "brier_score")}
    return {**kept, "expected_calibration_error": error}


def describe(tces, threshold, flags):
    """Counts TCEs and computes their figures with intervals.

    Args:
      tces: DataFrame with columns tic_id, label and probability.
      threshold: probability from which a TCE is called positive.
      flags: num_resamples, seed.

    Returns:
      Dictionary of num_tces, num_stars, num_positive, and figures: name -> dictionary of value, low, high.
    """
    return {
        "num_tces": len(tces),
        "num_stars": tces.tic_id.nunique(),
        "num_positive": int(tces.label.sum()),
        "figures": _figures(tces, threshold, flags),
    }


def _figures(tces, threshold, flags):
    sample = tces.label, tces.probability
    values = metrics.summary(*sample, threshold)
    limits = intervals.bootstrap(*sample, tces.tic_id, threshold, flags.num_resamples, flags.seed)
    return {name: {"value": value, "low": limits[name][0], "high": limits[name][1]} for name, value in values.items()}


def _by_kind(tces, column, edges, threshold):
    """Rows, one a bin, of what is recalled and what of it is right; none where no TCE has the column."""
    import pandas as pd

    values = tces[column]
    if values.isna().all():
        return []
    if edges:
        names = [f"< {edges[0]}", *(f"{low} to {high}" for low, high in zip(edges, edges[1:])), f">= {edges[-1]}"]
        bins = pd.cut(values, [-np.inf, *edges, np.inf], right=False, labels=names)
    else:
        names, bins = sorted(values.dropna().unique()), values
    rows = [_count(name if isinstance(name, str) else f"{name:g}", tces[bins == name], threshold) for name in names]
    unknown = tces[bins.isna()]
    return [row for row in [*rows, _count("unknown", unknown, threshold)] if row["num_tces"]]


def _count(name, tces, threshold):
    truth, called = tces.label > 0, metrics.is_positive(tces.probability, threshold)
    num_positive, num_called, num_right = (int(np.sum(which)) for which in (truth, called, truth & called))
    num_negative, num_wrong = len(tces) - num_positive, num_called - num_right
    row = {"bin": name, "num_tces": len(tces), "num_positive": num_positive, "num_called": num_called}
    for figure, count, total in (
        ("recall", num_right, num_positive),
        ("precision", num_right, num_called),
        ("false_positive_rate", num_wrong, num_negative),
    ):
        low, high = intervals.wilson(count, total)
        row[figure] = {"value": count / total if total else np.nan, "low": low, "high": high}
    return row


def write(directory, report, sets, words=nouns.TCES):
    """Writes report.json, figures.csv, kinds.csv and plots into a directory, in place of an earlier report there.

    report.json is removed first and written last: where it is, all files of the directory are of the report it tells.

    Args:
      directory: made where it is missing.
      report, sets: of compute().
      words: nouns.Nouns of what the model classifies.
    """
    make_directory(directory)
    for name in _FILES:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(directory, name))
    columns = ("set", "figure", "value", "low", "high")
    write_csv(os.path.join(directory, "figures.csv"), columns, figure_rows(report["sets"]))
    columns = ("set", "kind", "bin", "num_tces", "num_positive", "num_called", "figure", "value", "low", "high")
    write_csv(os.path.join(directory, "kinds.csv"), columns, _kind_rows(report))

    _draw(directory, report, sets, words)
    json_files.write(os.path.join(directory, "report.json"), report)


def _draw(directory, report, sets, words):
    threshold = report["threshold"]
    samples = {name: (tces.label.to_numpy(), tces.probability.to_numpy()) for name, tces in sets.items()}
    curves = {name: sample for name, sample in samples.items() if len(set(sample[0])) == 2}
    if curves:
        tce.plot_curves(os.path.join(directory, "curves.png"), curves, threshold)
    tce.plot_confusion(os.path.join(directory, "confusion.png"), *samples["all"], threshold)
    tce.plot_reliability(
        os.path.join(directory, "reliability.png"), _reliability_curves(report, sets["all"], words), words
    )
    for name, part in report["sets"].items():
        title = (
            f"{words.count(part['num_tces'])} ({name}), {part['num_positive']} of them positive; "
            f"called positive from a probability of {threshold:.3g}"
        )
        tce.plot_kinds(os.path.join(directory, f"kinds_{name}.png"), part["kinds"], title, words)


def _reliability_curves(report, tces, words):
    """By name, labels and probabilities: as the network gives them, and calibrated where they are."""
    calibrated = report["calibration"]
    where = f", on these {words.many}" if calibrated["records_sha256"] == report["records_sha256"] else ""
    curves = {"before": ("as the network gives them", tces.uncalibrated)}
    if calibrated["records_sha256"]:
        name = f"calibrated{where}: temperature {calibrated['temperature']:.2f}"
        curves["after"] = name, tces.probability
    return {
        f"{name} (ECE {calibrated[when]['expected_calibration_error']:.4f}, "
        f"Brier {calibrated[when]['brier_score']:.4f})": (tces.label.to_numpy(), probabilities.to_numpy())
        for when, (name, probabilities) in curves.items()
    }


def figure_rows(sets):
    """Yields [set, figure, value, low, high] of a dictionary, name of a set -> what describe() says about it."""
    for name, part in sets.items():
        for figure, values in part["figures"].items():
            yield [name, figure, *_rounded(values)]


def _kind_rows(report):
    for name, part in report["sets"].items():
        for kind, rows in part["kinds"].items():
            for row in rows:
                counts = [row[column] for column in ("bin", "num_tces", "num_positive", "num_called")]
                for figure in ("recall", "precision", "false_positive_rate"):
                    yield [name, kind, *counts, figure, *_rounded(row[figure])]


def _rounded(values):
    return ["" if np.isnan(value) else f"{value:.5f}" for value in values.values()]
