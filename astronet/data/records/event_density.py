"""Measures event densities: how many other TCEs of a sector have events at the times of a TCE's events.

The instrument causes dips in many light curves at the same time; a planet causes dips in one. A TCE whose events
coincide with the events of many other TCEs is therefore probably instrumental. Searches for contamination compare
ephemerides in a similar way (Coughlin et al. 2014, AJ 147, 119).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.config.schema import SectorEvents
from astronet.data.catalog import focal_plane
from astronet.data.records import tf_example
from astronet.data.records.columns import CAMERA, EPOCH, EVENT_DENSITIES, PERIOD, SECTOR, TIC_ID
from light_curve_util.array_types import ArrayLike, Floats

if TYPE_CHECKING:
    import pandas as pd

# A value in EVENT_DENSITIES is a ratio: the density of other stars' events at the times of a TCE's events, divided by
# the mean density of the sector or the camera. It is the geometric mean over the TCE's events; NaN where unknown.
_NAMES = ("all", *map(str, range(1, focal_plane.NUM_CAMERAS + 1)))  # the density of the sector, and of each camera

_HALF_SPAN = 14.2  # days from the middle of a sector to its first and last events
_BIN = 0.1  # days
_NUM_BINS = round(2 * _HALF_SPAN / _BIN)
_SMOOTHED = 3  # bins
_LEAST_PERIOD = 2.0  # days; TCEs with shorter periods have events at all times
_LEAST_TCES = 200  # a sector with fewer TCEs has no densities: they would be chance
_LEAST_COUNTED = 50  # least number of TCEs with a period above _LEAST_PERIOD, in the sector and in a camera
_LATEST = 1e5  # days from BTJD 0, before or after; an epoch beyond is not valid
_CHUNK = 10_000  # TCEs
_FLOOR = 0.02  # ratios are limited to the range from _FLOOR to 1 / _FLOOR
_LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_STEP = -2 * np.log(_FLOOR) / (len(_LEVELS) - 1)


class Ephemerides:
    """The star, sector, camera, epoch and period of TCEs.

    Args:
      tic_id: TIC IDs. [num_tces]
      sector: sector numbers. [num_tces]
      camera: camera numbers, 0 where unknown, [num_tces]; None if the camera of every TCE is unknown.
      epoch: mid-times of an event, BTJD. [num_tces]
      period: days. [num_tces]
    """

    def __init__(
        self, tic_id: ArrayLike, sector: ArrayLike, camera: Optional[ArrayLike], epoch: ArrayLike, period: ArrayLike
    ) -> None:
        self.tic_id, self.sector = np.asarray(tic_id), np.asarray(sector)
        self.camera = np.zeros(len(self.tic_id), int) if camera is None else np.asarray(camera)
        self.epoch, self.period = np.asarray(epoch, float), np.asarray(period, float)

    def of_sector(self, sector: int) -> "tuple[np.ndarray, Ephemerides]":
        """Returns the TCEs of a sector that have an ephemeris: their indices (int array), and their Ephemerides."""
        usable = (np.abs(self.epoch) < _LATEST) & np.isfinite(self.period) & (self.period > 0)
        which = np.flatnonzero((self.sector == sector) & usable)
        return which, self.take(which)

    def take(self, rows: np.ndarray) -> "Ephemerides":
        """Returns the Ephemerides of the TCEs with these indices."""
        return Ephemerides(**{name: column[rows] for name, column in vars(self).items()})


def measure(tces: Ephemerides) -> dict[str, SectorEvents]:
    """Measures the event densities of all sectors with enough TCEs.

    Args:
      tces: Ephemerides.

    Returns:
      Dictionary of sector number (as text, for JSON) to SectorEvents.
    """
    return {
        str(sector): SectorEvents(density.start, {name: _encoded(ratio) for name, ratio in density.ratios()})
        for sector, _, density in _by_sector(tces)
    }


def among(tces: Ephemerides) -> dict[str, Floats]:
    """Returns the event densities of TCEs, measured from the same TCEs. The TCEs of the same star do not count.

    Args:
      tces: Ephemerides.

    Returns:
      Dictionary of column name (EVENT_DENSITIES) to float array [num_tces].
    """
    columns = _unknown(tces)
    for _, which, density in _by_sector(tces):
        for column, values in zip(EVENT_DENSITIES, density.without_own_star()):
            columns[column][which] = _rounded(values)
    return columns


def of_table(table: "pd.DataFrame") -> dict[str, Floats]:
    """Returns the event densities of the rows of a table, measured from the same rows, as among() does.

    Args:
      table: DataFrame of record columns (tce_table.to_record_columns); `camera` may be missing.
    """
    return among(Ephemerides(table.tic_id, table.Sectors, table.get(CAMERA), table.Epoc, table.Period))


def annotated(serialized: Sequence[bytes]) -> list[bytes]:
    """Returns records with their event densities filled in where missing, measured from the records by among().

    Args:
      serialized: list of serialized tf.train.Examples.
    """
    examples = [tf_example.from_serialized(record) for record in serialized]
    ephemeris = {TIC_ID: -1, SECTOR: 0, CAMERA: 0, EPOCH: np.nan, PERIOD: np.nan}
    values = ([tf_example.value(example, name, missing) for example in examples] for name, missing in ephemeris.items())
    for name, column in among(Ephemerides(*values)).items():
        for number, example in enumerate(examples):
            if np.isnan(tf_example.value(example, name, np.nan)):
                example.features.feature[name].float_list.value[:] = [column[number]]
    return [example.SerializeToString(deterministic=True) for example in examples]


def look_up(tces: Ephemerides, measured: Mapping[str, SectorEvents]) -> dict[str, Floats]:
    """Returns the event densities of TCEs by the densities that measure() returned for other TCEs.

    Args:
      tces: Ephemerides.
      measured: dictionary of sector number (as text) to SectorEvents.

    Returns:
      Dictionary of column name (EVENT_DENSITIES) to float array [num_tces].

    Raises:
      ScriptError: `measured` has a key that is not a sector, or a density that cannot be decoded.
    """
    columns = _unknown(tces)
    for sector, of_sector in measured.items():
        where = f"inputs.sector_events.{sector}"
        if not sector.isdecimal():
            raise ScriptError(f"{where}: {sector!r} is not the number of a sector")
        which, sector_tces = tces.of_sector(int(sector))
        log_ratios = np.full([len(_NAMES) + 1, _NUM_BINS], np.nan)
        for row, name in enumerate(_NAMES):
            if name in of_sector.densities:
                log_ratios[row] = _decoded(of_sector.densities[name], f"{where}.densities.{name}")
        for rows in _chunks(sector_tces):
            tce, event_bin = _events(of_sector.start, sector_tces.take(rows))
            for column, row in zip(EVENT_DENSITIES, _rows(sector_tces.camera[rows])):
                columns[column][which[rows]] = _rounded(_mean(log_ratios[row[tce], event_bin], tce, len(rows)))
    return columns


def _unknown(tces):
    return {column: np.full(len(tces.period), np.nan) for column in EVENT_DENSITIES}


def _by_sector(tces):
    """Yields (sector, indices of its TCEs, _Density of its TCEs) for each sector that has enough TCEs."""
    sectors, number = np.unique(tces.sector, return_counts=True)
    for sector in sectors[number >= _LEAST_TCES].tolist():
        middle = focal_plane.middle(sector)
        if middle is not None:
            which, sector_tces = tces.of_sector(sector)
            density = _Density(round(middle - _HALF_SPAN, 4), sector_tces)
            if density.is_known[0]:
                yield sector, which, density


def _chunks(tces):
    """Yields the indices of TCEs in parts of _CHUNK, so that their events do not take much memory."""
    for start in range(0, len(tces.period), _CHUNK):
        yield np.arange(start, min(start + _CHUNK, len(tces.period)))


def _chunks_of_stars(rows, star):
    """Yields row indices in parts as _chunks() does; all rows of a star are in the same part."""
    rows = rows[np.argsort(star[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(star[rows])) + 1
    chosen = ends[np.flatnonzero(np.diff(ends // _CHUNK, prepend=0))]
    yield from (part for part in np.split(rows, chosen) if len(part))


def _events(start, tces):
    """Returns the events in a sector, in the order of TCEs: index of the TCE [num_events], time bin [num_events].

    Args:
      start: first time of the sector, BTJD.
      tces: Ephemerides.
    """
    period = np.maximum(tces.period, _BIN)
    first = np.ceil((start - tces.epoch) / period)
    number = np.maximum(0, np.ceil((start + 2 * _HALF_SPAN - tces.epoch) / period) - first).astype(int)
    tce = np.repeat(np.arange(len(period)), number)
    count = np.arange(len(tce)) - np.repeat(np.cumsum(number) - number, number)
    time = tces.epoch[tce] + period[tce] * (first[tce] + count)
    return tce, np.clip(((time - start) / _BIN).astype(int), 0, _NUM_BINS - 1)


def _rows(camera):
    """For each of EVENT_DENSITIES: index into _NAMES of the density that each TCE uses; -1 where there is none.

    Args:
      camera: number of each TCE's camera. [num_tces]

    Returns:
      Pair of int arrays [num_tces].
    """
    is_known = (camera > 0) & (camera <= focal_plane.NUM_CAMERAS)
    return np.zeros(len(camera), int), np.where(is_known, camera, -1).astype(int)


class _Density:
    """Density of the events of a sector's TCEs over time.

    All events of a TCE together have the weight 1. TCEs with periods below _LEAST_PERIOD have no weight.
    """

    def __init__(self, start, tces):
        self.start, self._tces = start, tces
        # A TCE that the catalog lists twice counts once.
        _, first = np.unique(np.rec.fromarrays([tces.tic_id, tces.epoch, tces.period]), return_index=True)
        is_counted = np.zeros(len(tces.period), bool)
        is_counted[first] = tces.period[first] > _LEAST_PERIOD
        self._weight = np.zeros(len(tces.period))  # of each event of a TCE
        histograms = np.zeros([len(_NAMES), _NUM_BINS])
        for rows in _chunks(tces):
            tce, event_bin = _events(start, tces.take(rows))
            self._weight[rows] = is_counted[rows] / np.maximum(1, np.bincount(tce, minlength=len(rows)))
            is_counted[rows] &= np.bincount(tce, minlength=len(rows)) > 0
            for row, of_name in self._parts(rows):
                histograms[row] += np.bincount(event_bin, (self._weight[rows] * of_name)[tce], _NUM_BINS)
        self._smoothed = np.array([np.convolve(row, np.ones(_SMOOTHED) / _SMOOTHED, "same") for row in histograms])
        number = [np.count_nonzero(is_counted & of_name) for _, of_name in self._parts(np.arange(len(is_counted)))]
        self.is_known = np.array(number) >= _LEAST_COUNTED
        # The mean over the bins in which the sector has any events.
        mean = self._smoothed[:, self._smoothed[0] > 0].mean(axis=1) if self.is_known[0] else np.zeros(len(number))
        self._mean = np.append(np.where(self.is_known, mean, np.nan), np.nan)  # index -1, no density, gives NaN

    def _parts(self, rows):
        """Yields (index into _NAMES, mask of the TCEs that count for that density)."""
        yield 0, np.ones(len(rows), bool)
        for camera in range(1, focal_plane.NUM_CAMERAS + 1):
            yield camera, self._tces.camera[rows] == camera

    def ratios(self):
        """Yields (name, density divided by its mean [_NUM_BINS]) of each known density."""
        for row in np.flatnonzero(self.is_known):
            yield _NAMES[row], self._smoothed[row] / self._mean[row]

    def without_own_star(self):
        """Returns the logarithms of the density ratios without the TCE's own star, [len(EVENT_DENSITIES), num_tces]."""
        _, star, num_of_star = np.unique(self._tces.tic_id, return_inverse=True, return_counts=True)
        is_alone = num_of_star[star] == 1
        log_ratios = np.empty([len(EVENT_DENSITIES), len(star)])
        for rows in _chunks(self._tces):
            rows = rows[is_alone[rows]]
            tce, event_bin = _events(self.start, self._tces.take(rows))
            # A TCE that counts has events further apart than the smoothing: at each event, only that event is its own.
            own_density = self._weight[rows][tce] / _SMOOTHED
            log_ratios[:, rows] = list(self._log_ratios(rows, tce, event_bin, own_density))
        for rows in _chunks_of_stars(np.flatnonzero(~is_alone), star):
            tce, event_bin = _events(self.start, self._tces.take(rows))
            own_density = _smoothed_by_star(star[rows][tce], event_bin, self._weight[rows][tce])
            log_ratios[:, rows] = list(self._log_ratios(rows, tce, event_bin, own_density))
        return log_ratios

    def _log_ratios(self, rows, tce, event_bin, own_density):
        for row in _rows(self._tces.camera[rows]):
            seen = self._smoothed[row[tce], event_bin] - own_density
            yield _mean(np.log(_limited(seen / self._mean[row[tce]])), tce, len(rows))


def _smoothed_by_star(star, event_bin, weight):
    """Returns the smoothed density of the events of an event's own star, at each event. [num_events]"""
    place = star * (_NUM_BINS + 1) + event_bin  # one empty bin between stars, so that smoothing does not mix them
    places, index = np.unique(place, return_inverse=True)
    of_place = np.bincount(index, weight)
    smoothed = np.zeros(len(place))
    for offset in range(-(_SMOOTHED // 2), _SMOOTHED // 2 + 1):
        index_of_place = np.minimum(np.searchsorted(places, place + offset), len(places) - 1)
        smoothed += np.where(places[index_of_place] == place + offset, of_place[index_of_place], 0) / _SMOOTHED
    return smoothed


def _mean(values, tce, num_tces):
    """Returns the mean of values over the events of each TCE; NaN where a TCE has no events. [num_tces]"""
    number = np.bincount(tce, minlength=num_tces)
    with np.errstate(invalid="ignore"):
        return np.bincount(tce, values, num_tces) / number


def _limited(ratio):
    return np.clip(ratio, _FLOOR, 1 / _FLOOR)


def _rounded(log_ratio):
    """Returns the ratio to write to records, rounded to coarse steps: a catalog with a few more rows changes few."""
    return np.exp(np.round(log_ratio / _STEP) * _STEP)


def _encoded(ratio):
    level = np.round(np.log(_limited(ratio) / _FLOOR) / _STEP).astype(int)
    return "".join(_LEVELS[number] for number in level)


def _decoded(text, where):
    """Returns the logarithms of the ratios that _encoded() wrote as text. [_NUM_BINS]"""
    levels = [_LEVELS.find(character) for character in text]
    if len(levels) != _NUM_BINS or min(levels) < 0:
        raise ScriptError(f"{where} is not what training wrote: train into another --model_dir")
    return np.log(_FLOOR) + _STEP * np.array(levels)
