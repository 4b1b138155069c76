"""From a light curve and an event to the views that a network reads. Workers run this: it imports no TensorFlow."""

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Protocol, Union

from astronet.base.script import Parser
from astronet.data.catalog import epochs
from astronet.data.catalog.tce_values import stitched_sectors
from astronet.data.records import dip_check, event_columns
from astronet.data.records.columns import (
    CAMERA,
    CCD,
    DEPTH,
    DURATION,
    EPOCH,
    EPOCH_ERROR,
    PERIOD,
    PERIOD_ERROR,
    SECTOR,
    STITCHED_SECTORS,
    TIC_ID,
)
from light_curve_util import stitch, tess_io
from light_curve_util.array_types import Floats
from light_curve_util.detrend import METHODS, detrend
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.products.quality import QUALITIES
from light_curve_util.view_generator import ViewGenerator

Look = Callable[[tess_io.LightCurve], object]
LeaveOut = Callable[[str, LightCurveError], object]


class Mask(Protocol):
    """What drops flares from a light curve (flares.mask.FlareMask); worker processes get a pickled copy."""

    @property
    def sha256(self) -> str:
        """Hash of all that decides which cadences are dropped."""

    def prepare(self) -> None:
        """Loads the networks, once in a process."""

    def without_flares(
        self, light_curve: tess_io.LightCurve, flux_key: Optional[str], quality: str
    ) -> tess_io.LightCurve:
        """Returns the LightCurve without the cadences of flares; it was read with this flux_key and quality."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How views are made.

    Attributes:
      views: dict of view name to length in bins.
      flux_key: name that the product gives to the flux or magnitudes to read; None is its own detrended ones.
      detrend: "none" or "spline".
      quality: which flagged cadences are dropped, one of products.quality.QUALITIES.
      mask_flares: drops the flares of a light curve; None keeps them.
      measures: names of the columns that are measured for each TCE, of columns.EVENT_MEASURES.
    """

    views: dict
    flux_key: Optional[str] = None
    detrend: str = "none"
    quality: str = "default"
    mask_flares: Optional[Mask] = None
    measures: tuple[str, ...] = ()

    def decisive(self) -> dict:
        """Returns all that decides what the views are; of the flare networks, their content and not where they lie."""
        settings = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if not self.measures:  # as before there were any: what earlier runs have made stays
            del settings["measures"]
        return {**settings, "mask_flares": self.mask_flares and self.mask_flares.sha256}

    def prepare(self) -> None:
        """Loads what views are made with, once in a process, so that no light curve waits for it.

        Raises:
          ScriptError: the flare networks cannot be loaded.
        """
        if self.mask_flares:
            self.mask_flares.prepare()


def add_flags(parser: Parser) -> None:
    """Adds --flux_key, --quality and --detrend, which say how light curves are read."""
    parser.input.add_argument(
        "--flux_key",
        metavar="COLUMN",
        help="column of the flux or magnitudes (default: the detrended ones of each product, such as KSPMagnitude)",
    )
    parser.input.add_argument(
        "--quality",
        choices=QUALITIES,
        default="default",
        help="which flagged cadences to drop (docs/light_curves.md)",
    )
    parser.settings.add_argument("--detrend", choices=METHODS, default="none", help="how to flatten light curves")
    parser.settings.add_argument(
        "--mask_flares",
        nargs="?",
        const="pretrained:flares",
        metavar="DIR",
        help="drop flares before folding, in light curves with a cadence of 2 min or less; DIR has the networks "
        "that find them (without DIR: pretrained:flares)",
    )


def make_views(
    path: Union[str, Sequence[str]],
    event: PeriodicEvent,
    settings: Settings,
    look: Optional[Look] = None,
    leave_out: Optional[LeaveOut] = None,
) -> dict[str, Floats]:
    """Makes the views of one event in one light curve, or in those of several sectors joined.

    Args:
      path: file of the light curve, or a list of such files.
      event: PeriodicEvent.
      settings: Settings.
      look: called with the LightCurve as it was read; what it raises is raised.
      leave_out: called with the path and the LightCurveError of each of several files that cannot be read; the others
        are joined without it. None raises the error.

    Returns:
      Dict of view name to float64 array [length].

    Raises:
      LightCurveError: the light curve cannot be read, or fills no view.
    """
    return views_of(light_curve_of(path, event, settings, look, leave_out), event, settings.views)


def light_curve_of(
    path: Union[str, Sequence[str]],
    event: PeriodicEvent,
    settings: Settings,
    look: Optional[Look] = None,
    leave_out: Optional[LeaveOut] = None,
) -> tess_io.LightCurve:
    """Returns the light curve that make_views() folds, which has the same arguments.

    Raises:
      LightCurveError: the light curve cannot be read.
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else path
    return stitch.join(list(_light_curves(paths, event, settings, look, leave_out)))


def views_of(light_curve: tess_io.LightCurve, event: PeriodicEvent, lengths: Mapping[str, int]) -> dict[str, Floats]:
    """Returns the views of one event, dict of view name to float64 array [length].

    Raises:
      LightCurveError: naming the file of the light curve, which fills no view.
    """
    generator = ViewGenerator(light_curve.time, light_curve.flux, event)
    try:
        return {name: generator.view(name, length) for name, length in lengths.items()}
    except LightCurveError as error:
        raise type(error)(f"{light_curve.path}: {error}") from None


def _light_curves(paths, event, settings, look, leave_out):
    """Yields the light curves of files; those that cannot be read are left out, unless none can."""
    num_left = len(paths)
    for path in paths:
        try:
            yield _light_curve(path, event, settings, look)
        except LightCurveError as error:
            num_left -= 1
            if leave_out is None or not num_left:
                raise
            leave_out(path, error)


def _light_curve(path, event, settings, look):
    """The light curve of one file, prepared() to be folded."""
    return prepared(tess_io.read(path, settings.flux_key, quality=settings.quality), event, settings, look)


def prepared(
    light_curve: tess_io.LightCurve, event: PeriodicEvent, settings: Settings, look: Optional[Look] = None
) -> tess_io.LightCurve:
    """Returns a light curve of one sector, as it was read, without flares and slow variation if the settings want that.

    Args:
      light_curve: LightCurve, of a file if flares are to be masked.
      event: PeriodicEvent, whose dips stay.
      settings: Settings.
      look: called with the LightCurve as it was read; what it raises is raised.
    """
    if look:
        look(light_curve)
    if settings.mask_flares:
        light_curve = settings.mask_flares.without_flares(light_curve, settings.flux_key, settings.quality)
    return detrend(light_curve, settings.detrend, event)


def find_light_curves(columns: Mapping[str, Any], tess_data_dir: str) -> list[str]:
    """Finds the light curves of one row of the catalog, as tess_io.find does; the arguments are of views_or_reason.

    Returns:
      List of paths: one, but where the row has several sectors to join.

    Raises:
      MissingLightCurveError: one of them is not there.
    """
    return [tess_io.find(tess_data_dir, *wanted) for wanted in _wanted(columns)]


def choice_notes(columns: Mapping[str, Any], tess_data_dir: str) -> list[str]:
    """Returns what to say where find_light_curves() took one of several files; the arguments are of that."""
    notes = (tess_io.choice_note(tess_data_dir, *wanted) for wanted in _wanted(columns))
    return [note for note in notes if note]


def _wanted(columns: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The arguments of tess_io.find, after the directory, for each light curve of a row."""
    stitched = stitched_sectors(columns)
    if stitched:
        return [(columns[TIC_ID], sector) for sector in stitched]
    return [(columns[TIC_ID], columns[SECTOR], columns.get(CAMERA), columns.get(CCD))]


@dataclasses.dataclass
class TimeCheck:
    """Checks that light curves are of their sectors, and not too far from the epochs.

    Attributes:
      windows: dict of sector to its start and end in BTJD (sector_times.window), None for one that is not known.
      warnings: what is to be said of the TCE whose light curves were checked.
      is_far: whether one of these is that the epoch is far away; it is said of the first light curve of several.
    """

    windows: dict
    warnings: list = dataclasses.field(default_factory=list)
    is_far: bool = False

    def look(self, light_curve: tess_io.LightCurve, event: PeriodicEvent, columns: Mapping[str, Any]) -> None:
        """Checks one light curve.

        Args:
          light_curve: LightCurve.
          event: PeriodicEvent.
          columns: dict of the row's columns; errors of the epoch and the period are used where it has them.

        Raises:
          MisplacedLightCurveError: the light curve is not of its sector, but would be with another zero point.
        """
        self.warnings += light_curve.notes
        ran = self.windows.get(columns[SECTOR])
        # What stands for the sector of another mission is a quarter or a campaign.
        if ran and tess_io.is_of_tess(light_curve.path):
            self.warnings += epochs.sector_warnings(light_curve.time, columns[SECTOR], ran)
        if not self.is_far:
            errors = (columns.get(name, math.nan) for name in (EPOCH_ERROR, PERIOD_ERROR))
            of_epoch = epochs.event_warnings(light_curve.time, event, *errors)
            self.warnings += of_epoch
            self.is_far = bool(of_epoch)
        if not (self.is_far or columns.get(STITCHED_SECTORS)):
            self.warnings += dip_check.warnings(light_curve.time, light_curve.flux, event, columns.get(DEPTH, math.nan))


def views_or_reason(
    columns: dict[str, Any],
    tess_data_dir: str,
    settings: Settings,
    paths: Optional[list[str]] = None,
    check: Optional[TimeCheck] = None,
) -> tuple[dict[str, Floats], Optional[str]]:
    """Makes the views of one row of the catalog; whatever is wrong with it, the other rows go on.

    Args:
      columns: dict of the row's columns, as tce_table.to_record_columns gives them (Duration in days). Of several
        sectors to join, those that cannot be read are taken out of its column STITCHED_SECTORS. The columns that the
        settings ask to measure are added.
      tess_data_dir: directory that holds the light curves.
      settings: Settings.
      paths: the light curves, where they have been found already.
      check: what checks the times of the light curve, and collects warnings; None does not.

    Returns:
      Dict of views and None; or an empty one and the reason: the kind of problem, a colon, and what is wrong.

    Raises:
      MemoryError: which says little about the row.
    """
    try:
        event = PeriodicEvent(columns[EPOCH], columns[PERIOD], columns[DURATION])
        paths = paths or find_light_curves(columns, tess_data_dir)
        if check:
            check.warnings += choice_notes(columns, tess_data_dir)
        sector_of = dict(zip(paths, stitched_sectors(columns) or [columns.get(SECTOR, 0)]))

        def look(light_curve):
            if check:
                check.look(light_curve, event, {**columns, SECTOR: sector_of[light_curve.path]})

        def leave_out(path, error):
            sector = sector_of.pop(path)
            columns[STITCHED_SECTORS] = ",".join(map(str, sector_of.values()))
            if check:
                check.warnings.append(f"sector {sector} is left out: {error.reason}: {error}")

        light_curve = light_curve_of(paths, event, settings, look, leave_out)
        views = views_of(light_curve, event, settings.views)
        columns.update(
            event_columns.measured(settings.measures, light_curve, event, columns, list(sector_of), settings.quality)
        )
        return views, None
    except LightCurveError as error:
        return {}, f"{error.reason}: {error}"
    except MemoryError:
        raise
    except Exception as error:
        return {}, f"error: {type(error).__name__}: {error}"
