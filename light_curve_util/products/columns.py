"""The columns of a light curve file, as all readers return them."""

import dataclasses
import gzip
import io
from typing import Optional

from light_curve_util.array_types import Bools, Floats
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.identity import Identity
from light_curve_util.numerals import numbered
from light_curve_util.time_systems import Times, TimeSystem

MAX_CADENCES = 10_000_000  # a hundred sectors of 20 s; the header of a damaged file may claim any number

_MAX_BYTES = 1 << 28  # ten times a sector of 20 s; a small gzip file can unpack to a thousand times its size
_GZIP_MAGIC = b"\x1f\x8b"


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of one light curve file. No cadence is dropped yet.

    Attributes:
      time: float64 [n], BTJD.
      values: float64 [n], flux in any unit, or magnitudes.
      good: bool [n], whether the quality mask keeps a cadence.
      flux_key: name of the column of the values.
      is_magnitude: whether the values are magnitudes; None if unknown.
      unit: "ppm", "ppt", "percent" or "mmag" if the file has one of these units, else "".
      is_guessed: whether the kind of the values was guessed from the column's name; the values are then checked.
      notes: messages about what was converted or assumed.
      identity: star and sector in the header.
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
    """Returns the bytes of a file, unpacked if it is gzipped.

    Raises:
      UnreadableLightCurveError: the file is longer than any light curve.
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
    """Returns messages about times that are not in the system that the file says, or in no known system."""
    notes = [note for note in times.notes if system is None or f" in {system.name}, " not in note]
    if times.problems:
        notes.append(f"{numbered(len(times.problems), 'time')} dropped: {next(iter(times.problems.values()))}")
    return notes


def expect_no_aperture(path: str, aperture: Optional[int]) -> None:
    """Raises UnreadableLightCurveError if an aperture is given for a product that does not number its apertures."""
    if aperture is not None:
        raise UnreadableLightCurveError(
            f"{path}: aperture {aperture} was asked for, but only QLP HDF5 files number their apertures: leave it out"
        )
