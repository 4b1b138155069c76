"""How crowded the times of a TCE's events are: with events of other TCEs of the same sector.

What an instrument does shows in many light curves at the same time, what a star does in its own. The idea is that of
searches for contamination by matching ephemerides (Coughlin et al. 2014, AJ 147, 119); here it is the times that match.
"""

import numpy as np

from astronet.base.script import ScriptError
from astronet.config.schema import SectorEvents
from astronet.data.catalog import focal_plane
from astronet.data.records import tf_example
from astronet.data.records.columns import CAMERA, EPOCH, EVENT_DENSITIES, PERIOD, SECTOR, TIC_ID

# What EVENT_DENSITIES hold: the density of the events of other stars' TCEs at the times of a TCE's events, over the
# mean density of the sector or of the camera. It is the geometric mean over the TCE's events; NaN where not known.
_NAMES = ("all", *map(str, range(1, focal_plane.NUM_CAMERAS + 1)))  # of densities: of the sector, of its cameras

_HALF_SPAN = 14.2  # days from the middle of a sector to its first and last events
_BIN = 0.1  # days
_NUM_BINS = round(2 * _HALF_SPAN / _BIN)
_SMOOTHED = 3  # bins
_LEAST_PERIOD = 2.0  # days; shorter ones have events at all times
_LEAST_TCES = 200  # of a sector for its densities to tell more than chance
_LEAST_COUNTED = 50  # of these, and of a camera, with no short period
_LATEST = 1e5  # BTJD; a later epoch, or one as long before, is none
_CHUNK = 10_000  # TCEs
_FLOOR = 0.02  # least density that is told from none, over the mean; and the inverse of the greatest that is told
_LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_STEP = -2 * np.log(_FLOOR) / (len(_LEVELS) - 1)


class Ephemerides:
    """What the densities of TCEs depend on, arrays [num_tces]: epoch (BTJD) and period in days, camera 0 where unknown.

    camera is None where it is unknown of all.
    """

    def __init__(self, tic_id, sector, camera, epoch, period):
        self.tic_id, self.sector = np.asarray(tic_id), np.asarray(sector)
        self.camera = np.zeros(len(self.tic_id), int) if camera is None else np.asarray(camera)
        self.epoch, self.period = np.asarray(epoch, float), np.asarray(period, float)

    def of_sector(self, sector):
        """Returns which TCEs are of a sector and have an ephemeris, and these: int array, Ephemerides."""
        usable = (np.abs(self.epoch) < _LATEST) & np.isfinite(self.period) & (self.period > 0)
        which = np.flatnonzero((self.sector == sector) & usable)
        return which, self.take(which)

    def take(self, rows):
        """Returns some of them."""
        return Ephemerides(**{name: column[rows] for name, column in vars(self).items()})


def measure(tces):
    """Measures the densities of all sectors that have TCEs enough.

    Args:
      tces: Ephemerides.

    Returns:
      Dictionary, sector (a text, as in JSON) -> SectorEvents.
    """
    return {
        str(sector): SectorEvents(density.start, {name: _encoded(ratio) for name, ratio in density.ratios()})
        for sector, _, density in _by_sector(tces)
    }


def among(tces):
    """Returns the EVENT_DENSITIES of TCEs, measured among themselves. A star's own TCEs do not count for it.

    Args:
      tces: Ephemerides.

    Returns:
      Dictionary, name of the column -> float array [num_tces].
    """
    columns = _unknown(tces)
    for _, which, density in _by_sector(tces):
        for column, values in zip(EVENT_DENSITIES, density.without_own_star()):
            columns[column][which] = _rounded(values)
    return columns


def of_table(table):
    """Returns the EVENT_DENSITIES of the rows of a table from each other, as among() does.

    Args:
      table: DataFrame of record columns (tce_table.to_record_columns); `camera` may be missing.
    """
    return among(Ephemerides(table.tic_id, table.Sectors, table.get(CAMERA), table.Epoc, table.Period))


def annotated(serialized):
    """Returns records of which each that lacks the EVENT_DENSITIES has them from the others, as among() does.

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


def look_up(tces, measured):
    """Returns the EVENT_DENSITIES of TCEs by what measure() returned for others, dictionary of [num_tces].

    Raises:
      ScriptError: the densities are none.
    """
    columns = _unknown(tces)
    for sector, of_sector in measured.items():
        where = f"inputs.sector_events.{sector}"
        if not sector.isdecimal():
            raise ScriptError(f"{where} is of no sector: a number needed")
        which, own = tces.of_sector(int(sector))
        log_ratios = np.full([len(_NAMES) + 1, _NUM_BINS], np.nan)
        for row, name in enumerate(_NAMES):
            if name in of_sector.densities:
                log_ratios[row] = _decoded(of_sector.densities[name], f"{where}.densities.{name}")
        for rows in _chunks(own):
            tce, event_bin = _events(of_sector.start, own.take(rows))
            for column, row in zip(EVENT_DENSITIES, _rows(own.camera[rows])):
                columns[column][which[rows]] = _rounded(_mean(log_ratios[row[tce], event_bin], tce, len(rows)))
    return columns


def _unknown(tces):
    return {column: np.full(len(tces.period), np.nan) for column in EVENT_DENSITIES}


def _by_sector(tces):
    """Yields each sector that has TCEs enough, which of them all are its own, and the _Density of these."""
    sectors, number = np.unique(tces.sector, return_counts=True)
    for sector in sectors[number >= _LEAST_TCES].tolist():
        middle = focal_plane.middle(sector)
        if middle is not None:
            which, own = tces.of_sector(sector)
            density = _Density(round(middle - _HALF_SPAN, 4), own)
            if density.is_known[0]:
                yield sector, which, density


def _chunks(tces):
    """Yields the rows of TCEs, so many at a time that their events do not take much memory."""
    for start in range(0, len(tces.period), _CHUNK):
        yield np.arange(start, min(start + _CHUNK, len(tces.period)))


def _chunks_of_stars(rows, star):
    """Yields rows in parts as _chunks() does, those of a star together."""
    rows = rows[np.argsort(star[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(star[rows])) + 1
    chosen = ends[np.flatnonzero(np.diff(ends // _CHUNK, prepend=0))]
    yield from (part for part in np.split(rows, chosen) if len(part))


def _events(start, tces):
    """The events of TCEs in a sector, in order of TCE: arrays of the TCE and of the bin. [num_events], [num_events]"""
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
    """Events of a sector's TCEs by time. Each TCE of no short period counts 1 in all, however many events it has."""

    def __init__(self, start, tces):
        self.start, self._tces = start, tces
        # Two rows of the catalog can be one and the same TCE.
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
        # Over all times at which the sector has events at all.
        mean = self._smoothed[:, self._smoothed[0] > 0].mean(axis=1) if self.is_known[0] else np.zeros(len(number))
        self._mean = np.append(np.where(self.is_known, mean, np.nan), np.nan)  # the last is of no density

    def _parts(self, rows):
        """Yields the number of a density, 0 for that of the whole sector, and which of the TCEs count for it."""
        yield 0, np.ones(len(rows), bool)
        for camera in range(1, focal_plane.NUM_CAMERAS + 1):
            yield camera, self._tces.camera[rows] == camera

    def ratios(self):
        """Yields the name of each known density, and what it is over its mean, [_NUM_BINS]."""
        for row in np.flatnonzero(self.is_known):
            yield _NAMES[row], self._smoothed[row] / self._mean[row]

    def without_own_star(self):
        """Logarithms of the densities of other stars' events that each TCE sees, [len(EVENT_DENSITIES), num_tces]."""
        _, star, num_of_star = np.unique(self._tces.tic_id, return_inverse=True, return_counts=True)
        is_alone = num_of_star[star] == 1
        log_ratios = np.empty([len(EVENT_DENSITIES), len(star)])
        for rows in _chunks(self._tces):
            rows = rows[is_alone[rows]]
            tce, event_bin = _events(self.start, self._tces.take(rows))
            # Its events are so far apart, if it counts, that each sees itself alone.
            own = self._weight[rows][tce] / _SMOOTHED
            log_ratios[:, rows] = list(self._log_ratios(rows, tce, event_bin, own))
        for rows in _chunks_of_stars(np.flatnonzero(~is_alone), star):
            tce, event_bin = _events(self.start, self._tces.take(rows))
            own = _smoothed_by_star(star[rows][tce], event_bin, self._weight[rows][tce])
            log_ratios[:, rows] = list(self._log_ratios(rows, tce, event_bin, own))
        return log_ratios

    def _log_ratios(self, rows, tce, event_bin, own):
        for row in _rows(self._tces.camera[rows]):
            seen = self._smoothed[row[tce], event_bin] - own
            yield _mean(np.log(_limited(seen / self._mean[row[tce]])), tce, len(rows))


def _smoothed_by_star(star, event_bin, weight):
    """The smoothed density of a star's own events at each of them. [num_events]"""
    place = star * (_NUM_BINS + 1) + event_bin  # an empty bin between stars: neighbors of the last and first are none's
    places, index = np.unique(place, return_inverse=True)
    of_place = np.bincount(index, weight)
    smoothed = np.zeros(len(place))
    for offset in range(-(_SMOOTHED // 2), _SMOOTHED // 2 + 1):
        found = np.minimum(np.searchsorted(places, place + offset), len(places) - 1)
        smoothed += np.where(places[found] == place + offset, of_place[found], 0) / _SMOOTHED
    return smoothed


def _mean(values, tce, num_tces):
    """The mean over the events of each TCE; NaN where it has none. [num_tces]"""
    number = np.bincount(tce, minlength=num_tces)
    with np.errstate(invalid="ignore"):
        return np.bincount(tce, values, num_tces) / number


def _limited(ratio):
    return np.clip(ratio, _FLOOR, 1 / _FLOOR)


def _rounded(log_ratio):
    """What goes into records: coarse, so that a few more rows in a catalog change few records."""
    return np.exp(np.round(log_ratio / _STEP) * _STEP)


def _encoded(ratio):
    level = np.round(np.log(_limited(ratio) / _FLOOR) / _STEP).astype(int)
    return "".join(_LEVELS[number] for number in level)


def _decoded(text, where):
    """The logarithm of the ratio that _encoded() took. [_NUM_BINS]"""
    levels = [_LEVELS.find(character) for character in text]
    if len(levels) != _NUM_BINS or min(levels) < 0:
        raise ScriptError(f"{where} is not what training wrote: train into another --model_dir")
    return np.log(_FLOOR) + _STEP * np.array(levels)
