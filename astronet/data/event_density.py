"""How crowded the times of a TCE's events are: with events of other TCEs of the same sector.

What an instrument does shows in many light curves at the same time, what a star does in its own. The idea is that of
searches for contamination by matching ephemerides (Coughlin et al. 2014, AJ 147, 119); here it is the times that match.
"""

import numpy as np

from astronet.data import detectors
from astronet.util import example_util
from astronet.util.config_schema import SectorEvents
from astronet.util.script import ScriptError

# Of a record: density of the events of other stars' TCEs at the times of its own, over the mean of the sector, or of
# the camera; the geometric mean over its events. NaN where it is not known.
COLUMNS = ("Event_Density", "Camera_Event_Density")
WHOLE_SECTOR = "all"

_HALF_SPAN = 14.2  # days from the middle of a sector to its first and last events
_BIN = 0.1  # days
_NUM_BINS = round(2 * _HALF_SPAN / _BIN)
_SMOOTHED = 3  # bins
_LEAST_PERIOD = 2.0  # days; shorter ones have events at all times
_LEAST_TCES = 200  # of a sector for its densities to tell more than chance
_LEAST_COUNTED = 50  # of these, and of a camera, with no short period
_FLOOR = 0.02  # least density that is told from none, over the mean; and the inverse of the greatest that is told
_LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_STEP = -2 * np.log(_FLOOR) / (len(_LEVELS) - 1)


class Tces:
    """What the densities of TCEs depend on, arrays [num_tces]: epoch (BTJD) and period in days, camera 0 where unknown.

    camera is None where it is unknown of all.
    """

    def __init__(self, tic_id, sector, camera, epoch, period):
        self.tic_id, self.sector = np.asarray(tic_id), np.asarray(sector)
        self.camera = np.zeros(len(self.tic_id), int) if camera is None else np.asarray(camera)
        self.epoch, self.period = np.asarray(epoch, float), np.asarray(period, float)

    def of_sector(self, sector):
        """Returns which TCEs are of a sector and have an ephemeris, and these: int array, Tces."""
        usable = np.isfinite(self.epoch) & np.isfinite(self.period) & (self.period > 0)
        which = np.flatnonzero((self.sector == sector) & usable)
        columns = (self.tic_id, self.sector, self.camera, self.epoch, self.period)
        return which, Tces(*(column[which] for column in columns))


def measure(tces):
    """Measures the densities of all sectors that have TCEs enough.

    Args:
      tces: Tces.

    Returns:
      Dictionary, sector (a text, as in JSON) -> SectorEvents.
    """
    return {
        str(sector): SectorEvents(counts.start, {name: _encoded(counts.ratio(name)) for name in counts.names})
        for sector, _, counts in _by_sector(tces)
    }


def among(tces):
    """Returns the COLUMNS of TCEs from each other, dictionary of [num_tces]; a star's own TCEs do not count for it."""
    columns = _unknown(tces)
    for _, which, counts in _by_sector(tces):
        for column, name, rows in _parts(counts.tces, counts.names):
            columns[column][which[rows]] = _rounded(counts.without_own_star(name, rows))
    return columns


def annotated(serialized):
    """Returns records of which each that lacks the COLUMNS has them from the others, as among() does.

    Args:
      serialized: list of serialized tf.train.Examples.
    """
    examples = [example_util.from_serialized(record) for record in serialized]
    ephemeris = {"tic_id": -1, "Sectors": 0, "camera": 0, "Epoc": np.nan, "Period": np.nan}
    values = (
        [example_util.value(example, name, missing) for example in examples] for name, missing in ephemeris.items()
    )
    for name, column in among(Tces(*values)).items():
        for number, example in enumerate(examples):
            if np.isnan(example_util.value(example, name, np.nan)):
                example.features.feature[name].float_list.value[:] = [column[number]]
    return [example.SerializeToString(deterministic=True) for example in examples]


def look_up(tces, measured):
    """Returns the COLUMNS of TCEs by what measure() returned for others, dictionary of [num_tces].

    Raises:
      ScriptError: the densities are none.
    """
    columns = _unknown(tces)
    for sector, of_sector in measured.items():
        where = f"inputs.sector_events.{sector}"
        if not sector.isdecimal():
            raise ScriptError(f"{where} is of no sector: a number needed")
        which, own = tces.of_sector(int(sector))
        tce, event_bin = _events(of_sector.start, own)
        for column, name, rows in _parts(own, of_sector.densities):
            log_ratio = _decoded(of_sector.densities[name], f"{where}.densities.{name}")[event_bin]
            columns[column][which[rows]] = _rounded(_mean(log_ratio, tce, len(own.period))[rows])
    return columns


def _unknown(tces):
    return {column: np.full(len(tces.period), np.nan) for column in COLUMNS}


def _by_sector(tces):
    """Yields each sector that has TCEs enough, which of them all are its own, and the _Counts of these."""
    sectors, number = np.unique(tces.sector, return_counts=True)
    for sector in sectors[number >= _LEAST_TCES].tolist():
        middle = detectors.middle(sector)
        if middle is not None:
            which, own = tces.of_sector(sector)
            counts = _Counts(round(middle - _HALF_SPAN, 4), own)
            if counts.names:
                yield sector, which, counts


def _parts(tces, names):
    """Yields column, name of the densities, and which TCEs have theirs from there, bool [num_tces]."""
    if WHOLE_SECTOR in names:
        yield COLUMNS[0], WHOLE_SECTOR, np.ones(len(tces.period), bool)
    for camera in range(1, detectors.NUM_CAMERAS + 1):
        if str(camera) in names:
            yield COLUMNS[1], str(camera), tces.camera == camera


def _events(start, tces):
    """The events of TCEs in a sector, in order of TCE: arrays of the TCE and of the bin. [num_events], [num_events]"""
    period = np.maximum(tces.period, _BIN)
    first = np.ceil((start - tces.epoch) / period)
    number = np.maximum(0, np.ceil((start + 2 * _HALF_SPAN - tces.epoch) / period) - first).astype(int)
    tce = np.repeat(np.arange(len(period)), number)
    count = np.arange(len(tce)) - np.repeat(np.cumsum(number) - number, number)
    time = tces.epoch[tce] + period[tce] * (first[tce] + count)
    return tce, np.clip(((time - start) / _BIN).astype(int), 0, _NUM_BINS - 1)


class _Counts:
    """Events of a sector's TCEs by time. Each TCE of no short period counts 1 in all, however many events it has."""

    def __init__(self, start, tces):
        self.start, self.tces = start, tces
        self._tce, self._bin = _events(start, tces)
        num_events = np.bincount(self._tce, minlength=len(tces.period))
        # Two rows of the catalogue can be one and the same TCE.
        identity = np.rec.fromarrays([tces.tic_id, tces.epoch, tces.period])
        is_counted = np.zeros(len(tces.period), bool)
        is_counted[np.unique(identity, return_index=True)[1]] = True
        is_counted &= (tces.period > _LEAST_PERIOD) & (num_events > 0)
        self._weight = (is_counted / np.maximum(1, num_events))[self._tce]
        self._star = np.unique(tces.tic_id, return_inverse=True)[1][self._tce]
        self._smoothed = {}
        for _, name, of_name in _parts(tces, (WHOLE_SECTOR, *map(str, range(1, detectors.NUM_CAMERAS + 1)))):
            if np.count_nonzero(is_counted & of_name) >= _LEAST_COUNTED:
                histogram = np.bincount(self._bin, self._weight * of_name[self._tce], _NUM_BINS)
                self._smoothed[name] = np.convolve(histogram, np.ones(_SMOOTHED) / _SMOOTHED, "same")

    @property
    def names(self):
        return list(self._smoothed)

    def ratio(self, name):
        """Densities over their mean. [_NUM_BINS]"""
        return self._smoothed[name] / self._mean_density(name)

    def _mean_density(self, name):
        """Over all times at which the sector has events at all."""
        return self._smoothed[name][self._smoothed[WHOLE_SECTOR] > 0].mean()

    def without_own_star(self, name, rows):
        """The logarithm of the density of other stars' events that each of `rows` (bool) sees. [rows.sum()]"""
        events = rows[self._tce]
        # An empty bin between stars, so that the neighbors of the first and last ones are of none.
        place = self._star * (_NUM_BINS + 1) + self._bin
        places, index = np.unique(place[events], return_inverse=True)
        own = np.bincount(index, self._weight[events])
        seen = self._smoothed[name][self._bin[events]]
        for offset in range(-(_SMOOTHED // 2), _SMOOTHED // 2 + 1):
            found = np.minimum(np.searchsorted(places, place[events] + offset), len(places) - 1)
            seen -= np.where(places[found] == place[events] + offset, own[found], 0) / _SMOOTHED
        log_ratio = np.log(_limited(seen / self._mean_density(name)))
        return _mean(log_ratio, self._tce[events], len(rows))[rows]


def _mean(values, tce, num_tces):
    """The mean over the events of each TCE; NaN where it has none. [num_tces]"""
    number = np.bincount(tce, minlength=num_tces)
    with np.errstate(invalid="ignore"):
        return np.bincount(tce, values, num_tces) / number


def _limited(ratio):
    return np.clip(ratio, _FLOOR, 1 / _FLOOR)


def _rounded(log_ratio):
    """What goes into records: coarse, so that a few more rows in a catalogue change few records."""
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
