"""Makes pieces of a shard: the records of as many TCEs as one worker takes at a time.

The worker writes the piece to disk, and returns only a summary. The name of the file is a hash of everything that the
piece is made from except the light curves; the summary has a hash of those. So a later run recognizes the pieces of an
interrupted one. Worker processes import this module, so it imports neither TensorFlow nor pandas.
"""

import collections
import contextlib
import dataclasses
import faulthandler
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from astronet.base import json_files, version
from astronet.base.files import write_aside
from astronet.base.script import ScriptError
from astronet.data.records import preprocess, tf_example, tfrecord
from astronet.data.records.columns import DISPOSITION, ROW_ID, SECTOR, TIC_ID
from light_curve_util.errors import MissingLightCurveError

TIME_LIMIT = "time limit"  # TCEs skipped for this reason are tried again by the next run
_TRIES_OF_A_TCE = 2
_TRIES_OF_A_PIECE = 3


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some TCEs of a shard.

    Attributes:
      directory: directory of the piece's files.
      key: hash of everything that decides its content except the light curves (key_of).
      columns: dict of column name to list of values, as tce_table.to_record_columns returns them.
      tess_data_dir: directory of the light curves.
      settings: preprocess.Settings.
      time_limit_seconds: seconds after which a TCE is given up, and its process ended; None means no limit.
      sector_windows: dict of sector to its start and end, as in preprocess.TimeCheck.
    """

    directory: str
    key: str
    columns: dict
    tess_data_dir: str
    settings: preprocess.Settings
    time_limit_seconds: Optional[float] = None
    sector_windows: dict = dataclasses.field(default_factory=dict)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields each TCE of the piece as a dict of its columns."""
        for values in zip(*self.columns.values()):
            yield dict(zip(self.columns, values))


def key_of(columns: Mapping[str, Any], settings: preprocess.Settings) -> str:
    """Returns the hash of everything that a piece is made from except the light curves."""
    origin = [version.VERSION, settings.decisive(), columns]
    return hashlib.sha256(json.dumps(origin).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Summary:
    """The result of making a piece.

    Attributes:
      key: key of the piece.
      path: path of its records, a part of a record file.
      sha256: hash of that file.
      light_curves: hash of the names, sizes and modification times of the light curves.
      dispositions: dict of disposition to number of records.
      skipped: list of [row_id, tic_id, sector, reason].
      warned: list of [row_id, tic_id, sector, warning] of rows that have a record.
    """

    key: str
    path: str
    sha256: str
    light_curves: str
    dispositions: dict
    skipped: list
    warned: list = dataclasses.field(default_factory=list)

    def write(self) -> None:
        json_files.write(self.path + ".json", dataclasses.asdict(self), indent=None)

    def read_data(self) -> Optional[bytes]:
        """Returns the bytes of the piece's records; None if the file is missing or has changed."""
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as file:
            data = file.read()
            if hashlib.sha256(data).hexdigest() == self.sha256:
                return data
        return None

    def remove(self) -> None:
        for path in (self.path + ".json", self.path):
            os.remove(path)


def make(piece: Piece) -> Summary:
    """Makes a piece, unless an earlier run has made it and its light curves have not changed.

    A TCE at which an earlier attempt hung is skipped; so is a TCE at which two workers died.

    Args:
      piece: Piece.

    Returns:
      Summary.

    Raises:
      ScriptError: there is no data directory, or several workers were killed.
      OSError: the piece cannot be written.
    """
    path = os.path.join(piece.directory, piece.key)
    earlier = json_files.record(Summary, json_files.read_or_nothing(path + ".json"))
    if (
        earlier
        and is_final(earlier.skipped)
        and earlier.read_data() is not None
        and light_curves(piece) == earlier.light_curves
    ):
        return dataclasses.replace(earlier, path=path)

    piece.settings.prepare()
    seen, digest = hashlib.sha256(), hashlib.sha256()
    dispositions: collections.Counter[str] = collections.Counter()
    skipped, warned = [], []
    watch = _Watch(f"{path}.watch", piece.time_limit_seconds)
    with write_aside(path) as aside, open(aside, "wb") as file, watch:
        for i, columns in enumerate(piece.rows()):
            reason, check = watch.begin(i), preprocess.TimeCheck(piece.sector_windows)
            if reason:
                seen.update(b"not looked at")
            else:
                paths, stamp = _find(columns, piece.tess_data_dir)
                seen.update(stamp)
                views, reason = preprocess.views_or_reason(columns, piece.tess_data_dir, piece.settings, paths, check)
            identity = [columns[ROW_ID], columns[TIC_ID], columns[SECTOR]]
            if reason:
                _check_directory(piece.tess_data_dir)
                skipped.append([*identity, reason])
                continue
            warned += [[*identity, warning] for warning in check.warnings]
            dispositions[columns[DISPOSITION]] += 1
            serialized = tf_example.to_example(columns, views).SerializeToString(deterministic=True)
            framed = tfrecord.framed(serialized)
            digest.update(framed)
            file.write(framed)
    summary = Summary(piece.key, path, digest.hexdigest(), seen.hexdigest(), dict(dispositions), skipped, warned)
    summary.write()
    return summary


def light_curves(piece: Piece) -> str:
    """Returns the hash of the names, sizes and modification times of a piece's light curves. It does not read them."""
    seen = hashlib.sha256()
    for columns in piece.rows():
        seen.update(_find(columns, piece.tess_data_dir)[1])
    return seen.hexdigest()


def is_final(skipped: Iterable[Any]) -> bool:
    """Returns whether another run would probably skip these TCEs too: none was skipped for its time limit."""
    return all(isinstance(row, list) and row and not str(row[-1]).startswith(TIME_LIMIT) for row in skipped)


def _find(columns, tess_data_dir):
    """Returns the paths of a TCE's light curves, and bytes that change if a file changes; None and b"-" if missing."""
    try:
        paths = preprocess.find_light_curves(columns, tess_data_dir)
        stats = [os.stat(path) for path in paths]
    except (MissingLightCurveError, OSError):
        return None, b"-\n"
    names = [path[len(os.fspath(tess_data_dir)) :] for path in paths]
    stamps = (f"{name} {status.st_size} {status.st_mtime_ns}\n" for name, status in zip(names, stats))
    return paths, "".join(stamps).encode()


def _check_directory(tess_data_dir):
    if not os.path.isdir(tess_data_dir):
        raise ScriptError(
            f"no directory {tess_data_dir} any more: bring it back (is its file system mounted?), and run the same "
            "command again, which goes on from here"
        )


class _Watch:
    """Writes to disk which TCE a worker is working on, and ends the process if a TCE takes too long.

    The file has one line for each attempt at the piece: the number of the TCE. If the worker dies, the next one reads
    from it which TCE was the cause. faulthandler ends a process that exceeds the time limit. It runs in a separate
    thread in C, so it works whatever the process hangs in. Before, it writes "Timeout" and the traceback to the file.
    """

    def __init__(self, path, time_limit_seconds):
        self._path, self._time_limit = path, time_limit_seconds
        self._armed = -float("inf")

    def __enter__(self):
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT)
        self._hung: set[int] = set()
        self._died: collections.Counter[int] = collections.Counter()
        for line in os.read(self._file, os.fstat(self._file).st_size).decode(errors="replace").splitlines():
            if line.strip().isdigit():
                last = int(line)
                self._died[last] += 1
            elif line.startswith("Timeout"):
                self._died[last] -= 1
                self._hung.add(last)
        if sum(self._died.values()) >= _TRIES_OF_A_PIECE:
            raise ScriptError(
                f"{_TRIES_OF_A_PIECE} worker processes were killed at the same {os.path.basename(self._path)}, perhaps "
                "for want of memory: run the same command again with fewer --num_worker_processes; it goes on from here"
            )
        self._line = os.lseek(self._file, 0, os.SEEK_END)
        return self

    def begin(self, i):
        """Writes that TCE i has begun. Returns the reason to skip it, or None."""
        os.pwrite(self._file, b"%9d\n" % i, self._line)
        # Setting a timer costs as much as writing 30 numbers, so it is not set for every TCE: the limit is 25 % longer.
        if self._time_limit and time.monotonic() - self._armed > self._time_limit / 4:
            self._armed = time.monotonic()
            os.lseek(self._file, 0, os.SEEK_END)
            faulthandler.dump_traceback_later(1.25 * self._time_limit, exit=True, file=self._file)
        if i in self._hung:
            return f"{TIME_LIMIT}: its light curve was not read and folded within {self._time_limit:g} s"
        if self._died[i] >= _TRIES_OF_A_TCE:
            return f"killed: {_TRIES_OF_A_TCE} times its worker process was killed or ran out of memory"
        return None

    def __exit__(self, exc_type, exc_value, exc_traceback):
        faulthandler.cancel_dump_traceback_later()
        os.close(self._file)
        if exc_type is None:
            os.remove(self._path)
