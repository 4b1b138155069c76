"""Makes a report of the TCEs in record files, for scripts: its request, a progress bar, warnings."""

import os
from collections.abc import Sequence
from typing import Any

from astronet.base import json_files, messages
from astronet.base.messages import LOG
from astronet.estimator import checkpoints
from astronet.estimator.ensemble import Ensemble
from astronet.estimator.stages import Stage
from astronet.review import folder, photometry
from astronet.review.tce import ReviewTce


def model_name(model_dir: str, models: Ensemble) -> str:
    """Returns the name of models in a report: their directory, and the beginning of the hash of their weights."""
    return f"{model_dir}@{checkpoints.sha256(models.checkpoints.values())[:12]}"


def models_name(judges: Sequence[Stage]) -> str:
    """Returns what a report calls models that judge one after the other."""
    return " ".join(model_name(stage.model_dir, stage.models) for stage in judges)


def request(records_dir: str, **choices: Any) -> folder.ReportRequest:
    """Returns the request of a report of records.

    Args:
      records_dir: directory of the record files; its records.json contains how light curves were read, and the catalog.
      **choices: other fields of folder.ReportRequest.

    Raises:
      ScriptError: flares were masked in the records, and the flare networks are missing.
    """
    manifest = json_files.read_or_nothing(os.path.join(records_dir, photometry.MANIFEST))
    catalog = manifest.get("catalogue")
    choices.setdefault("title", os.path.basename(os.path.abspath(records_dir)))
    return folder.ReportRequest(
        settings=photometry.settings_of_records(records_dir),
        catalog_sha256=str(catalog.get("sha256", "")) if isinstance(catalog, dict) else "",
        **choices,
    )


def write(wanted: folder.ReportRequest, tces: Sequence[ReviewTce]) -> folder.Written:
    """Writes a report, and prints where it is and which light curves are not drawn."""
    total = -(-len(tces) // folder.ROWS_OF_PANELS)
    unit = f" x {folder.ROWS_OF_PANELS} TCEs"
    written = folder.write(wanted, tces, lambda pieces: messages.bar(pieces, total=total, unit=unit))
    if wanted.tess_data_dir is None:
        LOG.warning("warning: no light curves were given (--tess_data_dir): panels show what the network read alone")
        return written
    for row_id, tic_id, why in written.problems:
        LOG.warning(f"warning: row_id {row_id} (TIC {tic_id}) is shown without its light curve: {why}")
    return written
