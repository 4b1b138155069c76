"""Draws TCEs of a catalog, a page each: light curve, folded light curve, and the views that a network sees."""

import dataclasses
import logging
from collections.abc import Collection
from typing import Any, Optional

from astronet.base import messages
from astronet.base.files import make_directory
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.catalog import observed, tce_table
from astronet.data.records import preprocess
from astronet.figures import tce as plotting
from light_curve_util import sector_times, tess_io
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class PageChoice:
    """Which TCEs are drawn, and from what.

    Attributes:
      table_path: table of TCEs: a catalog, or any public table that docs/data.md lists.
      tess_data_dir: directory of light curves.
      output_dir: directory of the pages.
      spec: the model whose views are drawn.
      tic: TIC IDs of the stars to draw; None draws all.
      row_id: row IDs of the TCEs to draw; None draws all.
      flux_key, quality, detrend, flare_mask: how light curves are read, as preprocess.Settings has them.
    """

    table_path: str
    tess_data_dir: str
    output_dir: str
    spec: configuration.ModelSpec
    tic: Optional[Collection[int]] = None
    row_id: Optional[Collection[int]] = None
    flux_key: Optional[str] = None
    quality: str = "default"
    detrend: str = "none"
    flare_mask: Optional[preprocess.Mask] = None

    def settings(self) -> preprocess.Settings:
        """Returns how views are made."""
        views = configuration.view_lengths(self.spec.config)
        return preprocess.Settings(views, self.flux_key, self.detrend, self.quality, self.flare_mask)

    def names(self, row: Any) -> bool:
        """Returns whether a skipped or doubtful row is one of those to draw; its IDs may be text."""
        of_star = not self.tic or str(row.tic_id) in map(str, self.tic)
        return of_star and (not self.row_id or str(row.row_id) in map(str, self.row_id))


@dataclasses.dataclass(frozen=True)
class Pages:
    """The paths of the pages that were drawn, and the number of TCEs that were to be drawn."""

    paths: Collection[str]
    num_chosen: int


def draw(choice: PageChoice) -> Pages:
    """Draws the page of each chosen TCE as a PNG file. A TCE whose light curve cannot be read is logged and left out.

    Raises:
      ScriptError: the table cannot be read, or has none of the TCEs.
    """
    request = tce_table.Request(choose_sectors=observed.ObservedSectors(choice.tess_data_dir))
    catalog = tce_table.load(choice.table_path, request)
    for note in catalog.notes:
        _LOG.warning(f"{choice.table_path}: {note}")
    for skip in filter(choice.names, catalog.skips):
        _LOG.warning(f"row_id {skip.row_id} (TIC {skip.tic_id}) left out: {skip.reason}")
    chosen = _rows_with(_rows_with(catalog.table, "tic_id", choice.tic), "row_id", choice.row_id)
    for doubt in filter(choice.names, tce_table.doubts(choice.table_path, catalog.table)):
        _LOG.warning(f"warning: row_id {doubt.row_id} (TIC {doubt.tic_id}): {doubt.warning}")
    make_directory(choice.output_dir)
    paths: set[str] = set()
    for tce in messages.bar(chosen.itertuples(), total=len(chosen), unit=" TCE"):
        try:
            _draw(tce, choice, paths)
        except LightCurveError as error:
            _LOG.warning(f"row_id {tce.row_id} (TIC {tce.tic_id}) left out: {error.reason}: {error}")
    return Pages(paths, len(chosen))


def _rows_with(table: Any, column: str, wanted: Optional[Collection[int]]) -> Any:
    """Returns the rows of a DataFrame whose `column` is one of `wanted`; all rows if none is wanted."""
    if not wanted:
        return table
    missing = set(wanted) - set(table[column])
    if missing:
        raise ScriptError(f"no usable row of the catalog has {column} {', '.join(map(str, sorted(missing)))}")
    return table[table[column].isin(wanted)]


def _draw(tce: Any, choice: PageChoice, paths: set[str]) -> None:
    """Draws the page of a TCE, a row of the table, and adds its path to `paths`."""
    event, settings = PeriodicEvent(tce.Epoc, tce.Period, tce.Duration / 24), choice.settings()
    detector = getattr(tce, "camera", None), getattr(tce, "ccd", None)
    path = tess_io.find(choice.tess_data_dir, tce.tic_id, tce.Sectors, *detector)
    light_curve = tess_io.read(path, settings.flux_key, quality=settings.quality)
    check = preprocess.TimeCheck({tce.Sectors: sector_times.window(tce.Sectors)})
    check.warnings += preprocess.choice_notes(tce._asdict(), choice.tess_data_dir)
    check.look(light_curve, event, tce._asdict())
    for warning in check.warnings:
        _LOG.warning(f"warning: row_id {tce.row_id} (TIC {tce.tic_id}): {warning}")
    light_curve = preprocess.prepared(light_curve, event, settings)
    views = preprocess.views_of(light_curve, event, settings.views)
    title = plotting.tce_title(tce.tic_id, tce.Sectors, tce.Period, tce.Disposition)
    page_path = plotting.tce_path(choice.output_dir, tce.row_id, tce.tic_id, tce.Sectors, paths)
    plotting.plot_tce(page_path, light_curve, event, views, title)
