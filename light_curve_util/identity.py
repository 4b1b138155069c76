"""Which star a light curve file is of, and which sector and detector saw it: from its header, its name, its place."""

import dataclasses
import gzip
import os
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Optional

from light_curve_util.errors import UnreadableLightCurveError

_FITS = re.compile(r".*\.fits?(\.gz)?", re.IGNORECASE)

# A TIC ID has at most 11 digits. Longer numbers are Gaia's; "TIC 123.01" is a planet, and "WASP-18 b" no number at all.
_TIC_NAME = re.compile(r"\s*(?:TIC[-_ ]*)?(\d{1,11})\s*", re.IGNORECASE)
_LARGEST_TIC = 10**11

# In the order of preference. KIC and EPIC stand for TIC, quarter and campaign for the sector.
_TIC_KEYS, _NAME_KEYS = ("TICID", "TIC_ID", "KEPLERID"), ("OBJECT", "HLSPTARG", "TARGNAME")
_SECTOR_KEYS, _CAMERA_KEYS, _CCD_KEYS = ("SECTOR", "QUARTER", "CAMPAIGN"), ("CAMERA",), ("CCD", "CHIP")

_PLACE = re.compile(r".*/sector-(\d+)(?:/(?:ffi/)?cam([1-4])/ccd([1-4])(?:/LC)?|/(\d+))?")


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a file tells of the star and of when and where it was seen; None for what it does not tell."""

    tic_id: Optional[int] = None
    sector: Optional[int] = None
    camera: Optional[int] = None
    ccd: Optional[int] = None

    def completed_by(self, other: "Identity") -> "Identity":
        """This identity, with what it lacks from another."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other))
        return Identity(*(other if own is None else own for own, other in pairs))

    def contradiction(self, other: "Identity") -> Optional[str]:
        """In words, the first thing of which two identities say different things; None where there is none."""
        for field, name in (("tic_id", "TIC"), ("sector", "sector"), ("camera", "camera"), ("ccd", "CCD")):
            own, others = getattr(self, field), getattr(other, field)
            if None not in (own, others) and own != others:
                return f"{name} {own}, not {others}"
        return None


def of_header(header: Any) -> Identity:
    """The Identity that the primary header of a FITS file tells.

    Text that is no whole number counts as not told, as do planets ("TIC 123.01") and other names ("WASP-18 b"): no ID
    is made of the digits of a name.
    """
    tic_id = _first(header, _TIC_KEYS, _tic_id)
    if tic_id is None:
        tic_id = _first(header, _NAME_KEYS, _tic_id)
    sector = _first(header, _SECTOR_KEYS, _whole_number)
    camera, ccd = (_first(header, keys, _whole_number) for keys in (_CAMERA_KEYS, _CCD_KEYS))
    return Identity(tic_id, sector or None, camera or None, ccd or None)


def of_name(name: str, patterns: Iterable[str]) -> Identity:
    """The Identity that a file's name tells.

    Args:
      name: the name alone, without its directory.
      patterns: regular expressions with the groups `tic`, `sector`, `camera` and `ccd`, or some of them; the first that
        fits counts.
    """
    for pattern in patterns:
        match = re.fullmatch(pattern, name)
        if match:
            told = match.groupdict()
            numbers = (int(told[key]) if told.get(key) else None for key in ("tic", "sector", "camera", "ccd"))
            return Identity(*numbers)
    return Identity()


def of_place(path: str) -> Identity:
    """The Identity that the directories of a survey tell: sector-S/<tic>/ and sector-S/ffi/camC/ccdD/LC/."""
    match = _PLACE.fullmatch("/" + os.path.dirname(os.fspath(path)).replace(os.sep, "/"))
    if not match:
        return Identity()
    sector, camera, ccd, tic_id = (int(number) if number else None for number in match.groups())
    return Identity(tic_id, sector, camera, ccd)


def primary_header(path: str) -> Any:
    """The primary header of a FITS file, read without its tables; None where the file is none, or is damaged.

    Raises:
      FileNotFoundError: there is no such FITS file.
    """
    if not _FITS.fullmatch(os.fspath(path)):
        return None
    from astropy.io import fits  # takes 0.3 s to import, for nothing where all light curves are HDF5

    try:
        with warnings.catch_warnings(), (gzip.open if path.lower().endswith(".gz") else open)(path, "rb") as file:
            warnings.simplefilter("ignore")
            return fits.Header.fromfile(file)
    except FileNotFoundError:
        raise
    except Exception:  # no FITS file, or a damaged one: astropy fails in too many ways to list
        return None


def checked(path: str, told_by_header: Identity, told_by_name: Identity) -> Identity:
    """The Identity of both.

    Raises:
      UnreadableLightCurveError: they contradict each other.
    """
    contradiction = told_by_header.contradiction(told_by_name)
    if contradiction:
        raise UnreadableLightCurveError(
            f"{path}: its header is of {contradiction} as its name says: one of them is wrong; fetch the file again, "
            "or give it its right name"
        )
    return told_by_header.completed_by(told_by_name)


def _first(header: Any, keys: Iterable[str], number: Callable[[Any], Optional[int]]) -> Optional[int]:
    return next((found for found in (number(header.get(key)) for key in keys) if found is not None), None)


def _tic_id(value: Any) -> Optional[int]:
    if isinstance(value, str):
        match = _TIC_NAME.fullmatch(value)
        value = int(match[1]) if match else None
    value = _whole_number(value)
    return value if value is not None and 0 < value < _LARGEST_TIC else None


def _whole_number(value: Any) -> Optional[int]:
    """An int of a header's value, None where it is no whole number that is not negative."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
        return int(number) if number == int(number) and number >= 0 else None
    except (TypeError, ValueError, OverflowError):
        return None
