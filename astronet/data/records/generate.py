"""Makes record files from a table of TCEs and a directory of light curves. For example:

choice = RecordRequest("tces.csv", "tess", "tfrecord", configuration.resolve(config_name="triage"))
records = generate(choice)
records.manifest["splits"]["train"]["num_records"]
"""

import collections
import dataclasses
import logging
import os
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from astronet.base import arguments, fingerprint, locks, version
from astronet.base.files import NO_ROOM
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.catalog import observed, tce_table
from astronet.data.catalog.tce_table import Skip, Warned
from astronet.data.records import event_columns, event_density, preprocess, record_set, shards, split
from astronet.data.records.columns import SN
from light_curve_util.view_generator import VIEW_NAMES

_LOG = logging.getLogger(__name__)

WRITTEN = ("skipped.csv", "warnings.csv", "records.json", "shards.json")
# Fields of RecordRequest that decide the content of the records; records.json lists them under "settings".
_DECISIVE = (
    *("make_test_set", "clean", "threshold", "split_by", "seed", "flux_key", "quality", "detrend", "mask_flares"),
    "stitch",
)


@dataclasses.dataclass(frozen=True)
class RecordRequest:
    """The inputs and settings of a set of records.

    Attributes:
      table_path: path of a table of TCEs: a catalog, or any public table that docs/data.md lists.
      tess_data_dir: directory of light curves.
      output_dir: directory of the record files.
      spec: the model whose views are made.
      make_test_set: makes one test set of all TCEs in the order of the table, instead of train, val and test.
      stitch: folds the light curves of all sectors of a row together, instead of one record for each sector.
      split_by: "tic" keeps all TCEs of a star in the same split, "row" splits row by row.
      seed: decides the split and the order of the records.
      clean: leaves TCEs with an S/N below `threshold` out of the training and validation sets (or the test set that
        make_test_set asks for).
      threshold: least S/N.
      num_train_shards: number of files of the training set, or of the test set of make_test_set.
      flux_key: column of the light curve files to read; None means the detrended flux of each product.
      quality: which flagged cadences to drop, one of products.quality.QUALITIES.
      detrend: "none" or "spline".
      mask_flares: name of the directory of flare networks, for records.json; None keeps flares.
      flare_mask: drops flares (flares.mask.of_directory); None keeps them.
      num_worker_processes: number of processes that make views; 1 makes them in this process.
      time_limit_seconds: seconds after which a TCE is skipped; 0 means no limit. It needs worker processes.
      cluster: a cluster to work on, as --cluster names it.
      dispositions: dict of (row_id, tic_id) to the disposition that reviewers gave. They replace those of the table,
        and TCEs without one are skipped. None uses the table's.
      further_specs: other models that read the same records.
      tell_warnings: whether to log that warnings.csv has rows; False for a caller who tells them.
    """

    table_path: str
    tess_data_dir: str
    output_dir: str
    spec: configuration.ModelSpec
    make_test_set: bool = False
    stitch: bool = False
    split_by: str = "tic"
    seed: int = 123
    clean: bool = False
    threshold: float = 15
    num_train_shards: int = 8
    flux_key: Optional[str] = None
    quality: str = "default"
    detrend: str = "none"
    mask_flares: Optional[str] = None
    flare_mask: Optional[preprocess.Mask] = None
    num_worker_processes: int = 1
    time_limit_seconds: float = 60
    cluster: Any = None
    dispositions: Optional[Mapping[tuple[int, int], str]] = None
    further_specs: tuple[configuration.ModelSpec, ...] = ()
    tell_warnings: bool = True

    def settings(self) -> preprocess.Settings:
        """Returns the settings of the views.

        Raises:
          ScriptError: the model needs an unknown view, or no view.
        """
        configs = [spec.config for spec in (self.spec, *self.further_specs)]
        views, measures = event_columns.asked_for_by_all(configs)
        unknown = sorted(set(views) - set(VIEW_NAMES))
        if unknown or not views:
            raise ScriptError(f"cannot make {', '.join(unknown) or 'no view'}: the views are {', '.join(VIEW_NAMES)}")
        return preprocess.Settings(views, self.flux_key, self.detrend, self.quality, self.flare_mask, measures)


@dataclasses.dataclass(frozen=True)
class GeneratedRecords:
    """The result of generate().

    Attributes:
      num_rows: number of TCEs in the table. A row with several sectors counts once for each sector.
      num_records: number of records; the other rows are in skipped.csv.
      skipped: dict of kind of reason to number of rows skipped.
      num_doubtful: number of rows that have a record, and a warning in warnings.csv.
      manifest: content of records.json; an empty dict if no TCE gives a record.
    """

    num_rows: int
    num_records: int
    skipped: Mapping[str, int]
    num_doubtful: int
    manifest: Mapping[str, Any]


@dataclasses.dataclass
class _Table:
    """The TCEs of a table, and its skipped rows.

    Attributes:
      num_rows: number of all rows.
      sha256: hash of the file.
      shards: dict of record file name to the DataFrame of its TCEs.
      skips: list of Skip.
      warnings: list of Warned.
    """

    num_rows: int
    sha256: str
    shards: dict
    skips: list[Skip]
    warnings: list[Warned]


def generate(choice: RecordRequest) -> GeneratedRecords:
    """Makes record files, skipped.csv, warnings.csv and records.json in the output directory.

    To resume a run that was stopped, call it again with the same choice. Shards that are up to date stay.

    Raises:
      ScriptError: the table, the light curves or the configuration cannot be used, another run writes to the same
        directory, or the disk is full.
      OSError: a file cannot be read or written.
    """
    with locks.exclusive(choice.output_dir):
        try:
            return _generate(choice)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            raise ScriptError(
                f"{choice.output_dir}: {error.strerror}: make room there, and run the same command again, which goes "
                "on from here"
            ) from error


def _generate(choice):
    settings = _checked_settings(choice)
    table = _read(choice)
    made = shards.make(
        choice.output_dir,
        table.shards,
        choice.tess_data_dir,
        settings,
        num_worker_processes=choice.num_worker_processes,
        time_limit_seconds=choice.time_limit_seconds,
        cluster=choice.cluster,
    )
    record_set.publish(choice.output_dir, made)
    entries = [entry for _, entry in made.values()]
    skips = table.skips + [Skip(*skip) for entry in entries for skip in entry.skipped]
    record_set.write_skips(choice.output_dir, skips)
    warnings = table.warnings + [Warned(*warned) for entry in entries for warned in entry.warned]
    num_doubtful = _write_warnings(choice, warnings, skips)

    counts = {name: entry.dispositions for name, (_, entry) in made.items()}
    num_records = sum(sum(dispositions.values()) for dispositions in counts.values())
    assert table.num_rows == num_records + len(skips), "a row was lost"
    skipped = collections.Counter(skip.reason.partition(":")[0] for skip in skips)
    manifest = _write_manifest(choice, settings, table, counts, skipped) if num_records else {}
    return GeneratedRecords(table.num_rows, num_records, skipped, num_doubtful, manifest)


def _checked_settings(choice):
    """Returns the settings of the views, after checking that inputs exist and that no output overwrites them."""
    inputs = {"--input_tce_csv_file": choice.table_path}
    arguments.refuse_overwriting_in(choice.output_dir, WRITTEN, "--output_dir", inputs)
    record_set.check_directory(choice.output_dir, choice.table_path, choice.tess_data_dir)
    settings = choice.settings()
    if not os.path.isdir(choice.tess_data_dir):
        raise ScriptError(f"no directory {choice.tess_data_dir}: --tess_data_dir is the one that holds sector-1, ...")
    return settings


def _write_manifest(choice, settings, table, counts, skipped):
    decisive = {name: getattr(choice, name) for name in _DECISIVE}
    if settings.mask_flares:
        decisive["mask_sha256"] = settings.mask_flares.sha256
    if choice.dispositions is not None:
        decisive["labels_sha256"] = fingerprint.of_items(choice.dispositions)
    return record_set.write_manifest(
        choice.output_dir,
        counts,
        version=version.VERSION,
        catalogue={"path": choice.table_path, "sha256": table.sha256, "num_rows": table.num_rows},
        configuration={
            "model": choice.spec.model,
            "config_name": choice.spec.config_name,
            "views": settings.views,
            **({"measures": list(settings.measures)} if settings.measures else {}),
        },
        settings=decisive,
        skipped=skipped,
    )


def _write_warnings(choice, warnings, skips):
    """Writes warnings.csv for the rows that are not skipped. Returns the number of rows with warnings."""
    skipped = {skip[:3] for skip in skips}
    kept = [warned for warned in warnings if warned[:3] not in skipped]
    path = record_set.write_warnings(choice.output_dir, kept)
    num_rows = len({warned[:3] for warned in kept})
    if num_rows and choice.tell_warnings:
        _LOG.warning(f"warning: {num_rows} row(s) have a record but are doubtful: {path} says why")
    return num_rows


def _read(choice):
    """Reads the _Table. Afterwards only one copy of each TCE is in memory."""
    request = tce_table.Request(
        required=(SN,) if choice.clean else (),
        for_training=not choice.make_test_set and choice.dispositions is None,
        choose_sectors=observed.ObservedSectors(choice.tess_data_dir),
        stitch=choice.stitch,
    )
    catalog = tce_table.load(choice.table_path, request)
    for note in catalog.notes:
        _LOG.warning(f"{choice.table_path}: {note}")
    num_rows = len(catalog.table) + len(catalog.skips)
    table, repeated = tce_table.drop_repeated(catalog.table)
    warnings = tce_table.doubts(choice.table_path, table)
    table = tce_table.to_record_columns(table)
    table = table.assign(**event_density.of_table(table))
    unlabeled: list[tce_table.Skip] = []
    if choice.dispositions is not None:
        table, unlabeled = tce_table.with_dispositions(table, choice.dispositions)
    splits, faint = _splits(table, choice)
    return _Table(
        num_rows, catalog.sha256, _shards(splits, choice), catalog.skips + repeated + unlabeled + faint, warnings
    )


def _splits(table, choice):
    """Returns {split name: DataFrame}, and the list of Skip of the TCEs that `clean` leaves out."""
    if choice.make_test_set:
        splits = {"test": table}
    else:
        splits = (split.by_tic if choice.split_by == "tic" else split.by_row)(table, choice.seed)
    faint = []
    if choice.clean:
        for name in ("test",) if choice.make_test_set else ("train", "val"):
            splits[name], skips = tce_table.drop_faint(splits[name], choice.threshold)
            faint += skips
    return splits, faint


def _shards(splits, choice):
    """Returns {record file name: DataFrame of its TCEs}."""
    tables = {}
    for name, table in splits.items():
        total = choice.num_train_shards if name == "train" or choice.make_test_set else 1
        ends = np.cumsum([len(rows) for rows in np.array_split(np.arange(len(table)), total)])
        for i, (start, end) in enumerate(zip([0, *ends], ends)):
            tables[f"{name}-{i:05d}-of-{total:05d}"] = table.iloc[start:end]
    return tables
