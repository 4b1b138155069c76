"""Turns light curves into ranked TCEs: search or table, records, probabilities, candidates.csv and pages of plots.

result = run(TriageRequest(["tess"], "out"))
result.candidates[0]["probability"]
"""

import dataclasses
import itertools
import logging
import os
from collections.abc import Sequence
from typing import Any, Optional

from astronet.base import arguments
from astronet.base.files import make_directory, write_csv
from astronet.base.script import ScriptError
from astronet.base.tables import open_table
from astronet.config import nouns
from astronet.data.catalog import observed, tce_table
from astronet.data.records import generate, preprocess
from astronet.estimator import checkpoints, scoring, stages
from astronet.estimator.ensemble import ModelChoice
from astronet.estimator.scoring import Prediction, RecordChoice
from astronet.estimator.stages import Stage
from astronet.pipeline import candidates, light_curve_files, pages, tces
from astronet.pipeline.light_curve_files import LightCurveFiles
from astronet.stats.metrics import is_positive

_LOG = logging.getLogger(__name__)
_SKIPPED = ("row_id", "tic_id", "sector", "reason")
_SHARDS_ON_CLUSTER = 8
OUTPUTS = ("candidates.csv", "candidates.ecsv", "skipped.csv")


@dataclasses.dataclass(frozen=True)
class TriageRequest:
    """Settings of a triage.

    Attributes:
      light_curves: files, directories and patterns, of any products.
      output_dir: directory of all results.
      table: table of TCEs, any that docs/data.md lists; None: search the light curves for transits.
      models: the models that predict.
      threshold: a TCE is a candidate if its probability is at least this; None: the threshold that calibration chose.
      tic_id: TIC ID of a single light curve that does not contain it.
      stitch: whether to search and fold the light curves of all sectors of a star together.
      flux_key, quality, detrend: how light curves are read.
      mask_flares, flare_mask: directory of flare networks, and which cadences they drop; None: flares are kept.
      star_catalog: for a search, as in make_catalog.py.
      is_kept: False if output_dir is removed after the run: no message then names a file in it.
      num_plots: number of the most probable TCEs for which pages of plots are drawn.
      num_worker_processes: number of worker processes; with 1, all work is done in this process.
      cluster: other machines to work on, as for --cluster.
    """

    light_curves: Sequence[str]
    output_dir: str
    table: Optional[str] = None
    models: ModelChoice = ModelChoice("pretrained:triage")
    threshold: Optional[float] = None
    tic_id: Optional[int] = None
    stitch: bool = False
    flux_key: Optional[str] = None
    quality: str = "default"
    detrend: str = "none"
    mask_flares: Optional[str] = None
    flare_mask: Optional[preprocess.Mask] = None
    star_catalog: str = "auto"
    is_kept: bool = True
    num_plots: int = 50
    num_worker_processes: int = 1
    cluster: Optional[str] = None

    def path(self, *names: str) -> str:
        """Returns the path of a file in the output directory."""
        return os.path.join(self.output_dir, *names)

    def check(self) -> None:
        """Raises ScriptError if inputs lie where outputs are written."""
        inputs = {"--table": self.table, "LIGHT_CURVES": list(filter(os.path.isfile, self.light_curves))}
        arguments.refuse_overwriting_in(self.output_dir, OUTPUTS, "--output_dir", inputs)
        made = os.path.realpath(self.path("light_curves"))
        is_linked = len(self.light_curves) > 1 or os.path.isdir(made)  # a single directory is read where it is
        for real, path in ((os.path.realpath(path), path) for path in self.light_curves):
            common = os.path.commonpath([made, real])
            if common == made or (common == real and is_linked):
                raise ScriptError(
                    f"{path} holds {self.path('light_curves')}, or lies in it: choose another --output_dir"
                )

    @property
    def records_dir(self) -> str:
        """Directory of the record files, which batch_predict.py, evaluate.py and the report read."""
        return self.path("records")


@dataclasses.dataclass(frozen=True)
class TriageResult:
    """Results of a triage.

    Attributes:
      request: the settings.
      files: the light curves.
      table: path of the table of TCEs: the one in the settings, or the catalog that the search wrote.
      stages: the models: the triage, and those that judge its candidates.
      threshold: a TCE is a candidate if its probability is at least this.
      candidates: a dictionary for each TCE that was scored, the most probable first: the columns of candidates.csv.
      predictions: the Prediction of each, in the same order; it holds the record with its views.
      skips: rows of skipped.csv: row_id, tic_id, sector and reason of each TCE or light curve that was not scored.
    """

    request: TriageRequest
    files: LightCurveFiles
    table: str
    stages: tuple[Stage, ...]
    threshold: float
    candidates: list[dict[str, Any]]
    predictions: list[Prediction]
    skips: list[tuple[Any, ...]]

    @property
    def num_candidates(self) -> int:
        """Number of TCEs whose probability is at least the threshold."""
        return sum(bool(row["is_candidate"]) for row in self.candidates)

    @property
    def nums_passed(self) -> list[int]:
        """For each stage after the triage, the number of TCEs with at least its threshold, out of those it judged."""
        return [
            sum(
                bool(is_positive(prediction.later[stage.name].mean, stage.threshold))
                for prediction in self.predictions
                if stage.name in prediction.later
            )
            for stage in self.stages[1:]
        ]


def run(request: TriageRequest) -> TriageResult:
    """Triages light curves. A second run with the same request only does what is missing or has changed.

    Args:
      request: TriageRequest.

    Raises:
      ScriptError: there is no light curve, or the table or the models cannot be used.
      OSError: a file cannot be read or written.
    """
    judges = stages.load(request.models, request.threshold)
    for stage in judges:
        if nouns.of(stage.models.spec.config.inputs.features) is not nouns.TCES:
            raise ScriptError(f"{stage.model_dir} does not classify TCEs: give a model of the triage")
    threshold = judges[0].threshold
    make_directory(request.output_dir)
    files = light_curve_files.gather(request.light_curves, request.path("light_curves"), request.tic_id)
    for note in files.notes:
        _LOG.warning(f"warning: {note}")
    skips: list[tuple[Any, ...]] = [("", "", "", f"unreadable: {reason}") for _, reason in files.skips]
    table = request.table or _searched(request, files, skips)
    predictions = _predicted(request, files, table, judges, skips)
    skips = [(*row[:-1], files.as_given(row[-1])) for row in skips]
    _write_skips(request.path("skipped.csv"), skips)
    catalog = _catalog(request, files, table) if predictions else None
    rows, predictions = candidates.ranked(
        predictions, catalog, files.directory, threshold, _warnings(request.records_dir, files) if predictions else {}
    )
    settings = preprocess.Settings({}, request.flux_key, request.detrend, request.quality, request.flare_mask)
    pages.draw(
        rows,
        predictions,
        request.path("plots"),
        settings,
        request.num_plots,
        request.num_worker_processes,
        request.cluster,
    )
    hashes = [checkpoints.sha256(stage.models.checkpoints.values()) for stage in judges]
    model = {"model": request.models.model_dir, "model_sha256": ";".join(hashes)}
    candidates.write(request.output_dir, rows, {**model, "threshold": threshold}, [stage.name for stage in judges[1:]])
    return TriageResult(request, files, table, judges, threshold, rows, predictions, skips)


def _searched(request: TriageRequest, files: LightCurveFiles, skips: list[tuple[Any, ...]]) -> str:
    """Searches the light curves and returns the path of the catalog."""
    place = request.light_curves[0] if len(request.light_curves) == 1 else files.directory
    search = tces.Search(
        request.path("search"),
        files.directory,
        request.flux_key,
        request.quality,
        request.stitch,
        tces.resolve_star_catalog(request.star_catalog, place),
        request.num_worker_processes,
        request.cluster,
    )
    if len(files.stars) > 1:
        _LOG.info(f"no table: searching {len(files.stars)} light curves for transits")
    if not tces.search(search, files.stars):
        _LOG.info(f"{search.catalog_path} already has the TCEs of these light curves")
    skips += [("", tic_id, sector, f"search: {reason}") for tic_id, sector, reason in tces.dropped(search)]
    return search.catalog_path


def _predicted(
    request: TriageRequest,
    files: LightCurveFiles,
    table: str,
    judges: Sequence[Stage],
    skips: list[tuple[Any, ...]],
) -> list[Prediction]:
    """Makes the records of the TCEs of a table, and returns their predictions in the order of the table."""
    with open_table(table) as opened:
        if request.table is None and not any(itertools.islice(opened.rows(), 1)):
            return []
    made = generate.generate(
        generate.RecordRequest(
            table,
            files.directory,
            request.records_dir,
            judges[0].models.spec,
            further_specs=tuple(stage.models.spec for stage in judges[1:]),
            make_test_set=True,
            stitch=request.stitch,
            num_train_shards=_SHARDS_ON_CLUSTER
            if request.cluster
            else 1,  # on a cluster, a worker predicts one file at a time
            flux_key=request.flux_key,
            quality=request.quality,
            detrend=request.detrend,
            mask_flares=request.mask_flares,
            flare_mask=request.flare_mask,
            num_worker_processes=request.num_worker_processes if request.num_worker_processes > 1 else 0,
            cluster=request.cluster,
            tell_warnings=request.is_kept,
        )
    )
    with open_table(os.path.join(request.records_dir, "skipped.csv")) as opened:
        skips += [tuple(row) for row in opened.rows()]
    if not made.num_records:
        return []
    problems: list[str] = []
    records = RecordChoice(request.records_dir, cluster=request.cluster)
    predictions = list(stages.judge(judges, scoring.predict_files(judges[0].models, records, problems)))
    if problems:
        raise ScriptError("; ".join(problems))
    return predictions


def _catalog(request: TriageRequest, files: LightCurveFiles, table: str) -> Any:
    """Returns a table as the DataFrame that records are made from."""
    choose = observed.ObservedSectors(files.directory)
    read: Any = tce_table.load(table, tce_table.Request(choose_sectors=choose, stitch=request.stitch))
    return read.table


def _warnings(records_dir: str, files: LightCurveFiles) -> dict[tuple[int, int, int], list[str]]:
    """Returns warnings about the TCEs that have a record, by row_id, tic_id and sector."""
    path = os.path.join(records_dir, "warnings.csv")
    warnings: dict[tuple[int, int, int], list[str]] = {}
    if os.path.exists(path):
        with open_table(path) as table:
            for row_id, tic_id, sector, warning in table.rows():
                warnings.setdefault((int(row_id), int(tic_id), int(sector)), []).append(files.as_given(warning))
    return warnings


def _write_skips(path: str, skips: list[tuple[Any, ...]]) -> None:
    write_csv(path, _SKIPPED, skips, lineterminator="\n")
