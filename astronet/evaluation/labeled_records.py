"""Labeled records: what models predict for them, as a table, and how good the predictions are."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Optional

import numpy as np

from astronet.base import messages
from astronet.config import nouns
from astronet.config.schema import Inputs
from astronet.data.catalog import tce_table
from astronet.data.records import tf_example, tfrecord
from astronet.estimator import scoring
from astronet.estimator.ensemble import Ensemble
from astronet.stats import calibration

if TYPE_CHECKING:  # most scripts start without it
    import pandas as pd

_CATALOG_COLUMNS = ("Disposition", "Tmag", "SN", "Sectors", "camera")


def evaluate(models: Ensemble, files: Sequence[str], threshold: Optional[float] = None) -> dict[str, float]:
    """Evaluates a model, or the mean of an ensemble, on labeled records.

    Args:
      models: as ensemble.load() returns it.
      files: record files.
      threshold: probability from which a TCE is called positive; None takes the threshold of the models.

    Returns:
      The figures of metrics.evaluate(), and global_step (the last of the members').
    """
    from astronet.estimator import tensorflow_engine

    members = list(models.checkpoints.values())
    return tensorflow_engine.evaluate(
        models.spec, members, files, models.threshold(threshold), models.calibration.temperature
    )


def tabulate(
    models: Ensemble, files: Sequence[str], catalog: Optional[str] = None, shows_progress: bool = False
) -> "tuple[pd.DataFrame, np.ndarray]":
    """Predicts labeled records.

    Args:
      models: as ensemble.load() returns it; its calibration is not applied.
      files: record files.
      catalog: CSV file of TCEs, joined by (row_id, tic_id), for columns that the records lack: Tmag above all.
      shows_progress: whether a bar on a terminal tells how far the work is.

    Returns:
      Table with a row for each TCE, in the order of the records: columns of the record, label (0 or 1) and example.
      Probabilities [num_tces, num_members], uncalibrated.

    Raises:
      ScriptError: the configuration cannot read a record, or its disposition is not known; it names the record.
    """
    from astronet.ops import dataset

    num_examples = dataset.count_examples(files, models.spec.config)
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
      inputs: part of the Config that says which dispositions are positive.
      catalog: as tabulate() takes it.
    """
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
    matched = tces[["row_id", "tic_id"]].merge(
        catalog.drop_duplicates(["row_id", "tic_id"])[["row_id", "tic_id", *columns]], how="left"
    )
    joined = tces.assign(**{name: tces[name].where(tces[name].notna(), matched[name]) for name in columns})
    is_renamed = (tces.Disposition == "J") & matched.Disposition.isin(("V", "IS"))
    return joined.assign(Disposition=joined.Disposition.where(~is_renamed, matched.Disposition))
