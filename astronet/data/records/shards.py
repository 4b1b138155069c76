"""Makes the record files of the TCEs of each shard in worker processes. Shards that are up to date stay."""

import functools
import itertools
import logging
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional

from astronet.base import messages, workers
from astronet.data.catalog.tce_values import stitched_sectors
from astronet.data.records import pieces, preprocess, record_set
from astronet.data.records.columns import SECTOR
from light_curve_util import sector_times

_LOG = logging.getLogger(__name__)
if TYPE_CHECKING:
    import pandas as pd

_TCES_PER_PIECE = 128  # a tenth of a second of work, so that even one large shard keeps many workers busy


def make(
    directory: str,
    tables: "Mapping[str, pd.DataFrame]",
    tess_data_dir: str,
    settings: preprocess.Settings,
    num_worker_processes: int,
    time_limit_seconds: Optional[float],
    cluster: Optional[str] = None,
) -> dict[str, tuple[str, record_set.Entry]]:
    """Makes the shards that are not up to date, and prints how many are up to date.

    Args:
      directory: directory of the set. record_set.publish() moves the shards there.
      tables: dict of shard name to the DataFrame of its TCEs, as tce_table.to_record_columns returns it.
      tess_data_dir: directory of the light curves.
      settings: preprocess.Settings.
      num_worker_processes: number of processes; 1 works in this process, without a time limit.
      time_limit_seconds: seconds after which a TCE is given up; 0 means no limit.
      cluster: a cluster to work on, as --cluster names it.

    Returns:
      Dict of shard name to (path, record_set.Entry).

    Raises:
      ScriptError: the data directory has disappeared, several workers were killed, or the cluster cannot be used.
      OSError: the directory cannot be written.
    """
    staging = record_set.staging_directory(directory)
    if num_worker_processes <= 1 and not cluster:
        time_limit_seconds = None
    # Workers of a cluster have another working directory.
    where = os.path.abspath(staging), os.path.abspath(tess_data_dir)
    pieces_of = {
        name: functools.partial(_pieces, table, *where, settings, time_limit_seconds) for name, table in tables.items()
    }
    with workers.open_executor(cluster, num_worker_processes) as executor:
        # A piece counts its own attempts, because it knows which of its TCEs failed.
        in_order = functools.partial(workers.in_order, executor, attempts=math.inf)
        made = {name: _up_to_date(directory, name, pieces_of[name], in_order) for name in tables}
        to_do = {name: table for name, table in tables.items() if not made[name]}
        if len(to_do) < len(tables):
            _LOG.info(f"{len(tables) - len(to_do)} of {len(tables)} shards are up to date")
        with messages.bar(desc="views", total=sum(map(len, to_do.values())), unit="TCE", disable=False) as progress:
            summaries = in_order(pieces.make, itertools.chain.from_iterable(pieces_of[name]() for name in to_do))
            for name, table in to_do.items():
                summaries_of_shard = itertools.islice(summaries, math.ceil(len(table) / _TCES_PER_PIECE))
                made[name] = record_set.assemble(staging, name, _counted(summaries_of_shard, progress))
    return made


def _up_to_date(directory, name, pieces_of_shard, in_order):
    """Returns (path, Entry) of a shard that a new run would make again identically; None if there is none."""
    matching = record_set.candidates(directory, name)
    if matching:
        made_from = record_set.combined(piece.key for piece in pieces_of_shard())
        matching = [
            (path, entry)
            for path, entry in matching
            if entry.made_from == made_from and pieces.is_final(entry.skipped) and record_set.is_whole(path, entry)
        ]
    if matching:
        light_curves = record_set.combined(in_order(pieces.light_curves, pieces_of_shard()))
        matching = [(path, entry) for path, entry in matching if entry.light_curves == light_curves]
    return matching[0] if matching else None


def _pieces(table, staging, tess_data_dir, settings, time_limit_seconds):
    for start in range(0, len(table), _TCES_PER_PIECE):
        columns = table.iloc[start : start + _TCES_PER_PIECE].to_dict("list")
        key = pieces.key_of(columns, settings)
        # The look-up takes half a second. It is done here because workers have a time limit.
        rows = (dict(zip(columns, values)) for values in zip(*columns.values()))
        sectors = {sector for row in rows for sector in (row[SECTOR], *stitched_sectors(row))}
        ran = {sector: sector_times.window(sector) for sector in sectors}
        yield pieces.Piece(staging, key, columns, tess_data_dir, settings, time_limit_seconds, ran)


def _counted(summaries, progress):
    for summary in summaries:
        progress.update(sum(summary.dispositions.values()) + len(summary.skipped))
        yield summary
