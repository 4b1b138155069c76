"""Predicts labeled records: a table of the predictions, and figures of their quality."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Optional

import numpy as np

from astronet.base import messages
from astronet.config import nouns
from astronet.config.schema import Inputs
from astronet.data.catalog import tce_table
from astronet.data.records import labeled, tf_example, tfrecord
from astronet.estimator import checkpoints, engines, scoring
from astronet.estimator.ensemble import Ensemble
from astronet.stats import calibration, metrics

if TYPE_CHECKING:  # slow to import, and not needed by most scripts
    import pandas as pd

_BATCH = 1024  # records that are scored at a time
_CATALOG_COLUMNS = ("Disposition", "Tmag", "SN", "Sectors", "camera")


def evaluate(models: Ensemble, files: Sequence[str], threshold: Optional[float] = None) -> dict[str, float]:
    """Evaluates a model, or the mean of an ensemble, on labeled records.

    Args:
      models: as ensemble.load() returns it.
      files: record files.
      threshold: a TCE is called positive if its probability is at least this; None: the threshold of the models.

    Returns:
      Dictionary of the figures of metrics.evaluate(), of figures for each class if there are more than two, and
      global_step (the largest of the members).
    """
    models = models.with_engine_for(tfrecord.count_roughly(files))
    members = list(models.checkpoints.values())
    score = engines.logits_scorer(models.engine, models.spec, members)
    scored = [_scored(path, models, score) for path in files]  # one in memory at a time
    labels, logits = map(np.concatenate, zip(*scored))
    averaged = metrics.average(logits, models.calibration.temperature)
    figures = metrics.evaluate(labels, averaged, models.threshold(threshold))
    label_map = models.spec.config.inputs.label_map
    of_classes = _by_class(labels, averaged, label_map) if averaged.shape[-1] > 2 else {}
    return {**figures, **of_classes, "global_step": max(map(checkpoints.step, members))}


def _by_class(labels: np.ndarray, logits: np.ndarray, label_map: Mapping[str, int]) -> dict[str, float]:
    """Returns figures of each class, such as "classes/PC/average_precision" and "classes/PC/called/EB" (a number)."""
    classes = range(logits.shape[-1])
    names = ["-".join(name for name, label in label_map.items() if label == index) or str(index) for index in classes]
    precisions, confusion = metrics.by_class(labels, logits)
    values = {f"classes/{name}/average_precision": float(value) for name, value in zip(names, precisions)}
    counts = {
        f"classes/{name}/called/{called}": float(number)
        for name, row in zip(names, confusion)
        for called, number in zip(names, row)
    }
    return {**values, **counts}


def _scored(path: str, models: Ensemble, score: engines.Scorer) -> tuple[np.ndarray, np.ndarray]:
    """Returns the labels of a record file, [num_tces], and their logits, [num_tces, num_members, output_dim]."""
    serialized, _, labels = zip(*labeled.records(path, models.spec.config))
    batches = (list(serialized[start : start + _BATCH]) for start in range(0, len(serialized), _BATCH))
    where = functools.partial("{}, record {}".format, path)
    features = engines.feature_batches(models.engine, batches, models.spec.config, where)
    return np.array(labels, np.int32), np.concatenate([score(batch) for batch in features])


def tabulate(
    models: Ensemble, files: Sequence[str], catalog: Optional[str] = None, shows_progress: bool = False
) -> "tuple[pd.DataFrame, np.ndarray]":
    """Predicts labeled records.

    Args:
      models: as ensemble.load() returns it; its calibration is not applied.
      files: record files.
      catalog: CSV file of TCEs, joined by (row_id, tic_id), for columns that the records lack, such as Tmag.
      shows_progress: whether to show a progress bar in a terminal.

    Returns:
      Table with a row for each TCE, in the order of the records: columns of the record, label (0 or 1) and example.
      Probabilities [num_tces, num_members], uncalibrated.

    Raises:
      ScriptError: the model cannot read a record, or its disposition is not known; the message names the record.
    """
    num_examples = labeled.count(files, models.spec.config)
    models = models.with_engine_for(num_examples)
    uncalibrated = dataclasses.replace(models, calibration=calibration.Calibration())
    serialized = (record for path in files for record in tfrecord.read(path))
    unit = f" {nouns.of(models.spec.config.inputs.features).one}"
    bar = messages.bar(serialized, total=num_examples, unit=unit, disable=None if shows_progress else True)
    predictions = list(scoring.predict_records(uncalibrated, bar))
    tces = table([prediction.example for prediction in predictions], models.spec.config.inputs, catalog)
    return tces, np.array([prediction.probabilities for prediction in predictions])


def table(examples: Iterable[tf_example.Example], inputs: Inputs, catalog: Optional[str] = None) -> "pd.DataFrame":
    """Returns the table of labeled tf.train.Examples that tabulate() returns.

    Args:
      examples: one for each TCE.
      inputs: the part `inputs` of the Config; it defines which dispositions are positive.
      catalog: as for tabulate().
    """
    import pandas as pd

    tces = pd.DataFrame([_row(example, inputs) for example in examples])
    if not catalog:
        return tces
    # Every row has its identity, even if all other columns are missing.
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
    """Fills columns that records lack from the catalog; V and IS, which are J in records, get their names back."""
    columns = [name for name in _CATALOG_COLUMNS if name in catalog]
    matched = tces[["row_id", "tic_id"]].merge(
        catalog.drop_duplicates(["row_id", "tic_id"])[["row_id", "tic_id", *columns]], how="left"
    )
    joined = tces.assign(**{name: tces[name].where(tces[name].notna(), matched[name]) for name in columns})
    is_renamed = (tces.Disposition == "J") & matched.Disposition.isin(("V", "IS"))
    return joined.assign(Disposition=joined.Disposition.where(~is_renamed, matched.Disposition))
