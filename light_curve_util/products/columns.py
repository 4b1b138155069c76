"""What every reader returns: the columns of one file, as they stand."""

import dataclasses
import gzip
import io
from typing import Optional

from light_curve_util.array_types import Bools, Floats
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.identity import Identity
from light_curve_util.numerals import numbered
from light_curve_util.time_systems import Times, TimeSystem

MAX_CADENCES = 10_000_000  # a hundred sectors of 20 s; a damaged file may claim any number

_MAX_BYTES = 1 << 28  # ten times a sector of 20 s; a small gzip file can unpack to a thousand times its size
_GZIP_MAGIC = b"\x1f\x8b"


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of one light curve file; no cadence is dropped yet.

    Attributes:
      time: float64 [n], BTJD days.
      values: float64 [n], flux in any unit, or magnitudes.
      good: bool [n], the cadences that the quality mask keeps.
      flux_key: name of the column that the values are from.
      is_magnitude: whether the values are magnitudes; None where nothing tells.
      unit: "ppm", "ppt", "percent" or "mmag" where the file says so, "" elsewhere.
      is_guessed: whether it is guessed from the column's name what the values are, so that they have to look like it.
      notes: what is to be said of the file, once: what was converted or assumed.
      identity: what the header tells of the star.
    """

    time: Floats
    values: Floats
    good: Bools
    flux_key: str
    is_magnitude: Optional[bool] = False
    unit: str = ""
    is_guessed: bool = False
    notes: tuple[str, ...] = ()
    identity: Identity = Identity()


def content(path: str) -> bytes:
    """The bytes of a file, plain or gzipped.

    Raises:
      UnreadableLightCurveError: there are more of them than any light curve has.
      OSError, EOFError, zlib.error: the file cannot be read or unpacked to its end.
    """
    with open(path, "rb") as file:
        packed = file.read(_MAX_BYTES + 1)
    unpacked = packed
    if packed.startswith(_GZIP_MAGIC):
        with gzip.open(io.BytesIO(packed)) as file:
            unpacked = file.read(_MAX_BYTES + 1)
    if max(len(packed), len(unpacked)) > _MAX_BYTES:
        raise UnreadableLightCurveError(f"more than {_MAX_BYTES} bytes, too many for a light curve: fetch it again")
    return unpacked


def time_notes(times: Times, system: Optional[TimeSystem]) -> list[str]:
    """What is to be said of times that were converted from another system than the file says, or are none."""
    notes = [note for note in times.notes if system is None or f" in {system.name}, " not in note]
    if times.problems:
        notes.append(f"{numbered(len(times.problems), 'time')} dropped: {next(iter(times.problems.values()))}")
    return notes


def expect_no_aperture(path: str, aperture: Optional[int]) -> None:
    """Raises UnreadableLightCurveError where an aperture is asked for, but the product does not number any."""
    if aperture is not None:
        raise UnreadableLightCurveError(
            f"{path}: aperture {aperture} was asked for, but only QLP HDF5 files number their apertures: leave it out"
        )
