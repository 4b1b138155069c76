"""Finds the star, sector and detector of a light curve file, in its header, its name and its directory."""

import dataclasses
import gzip
import os
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Optional

from light_curve_util.errors import UnreadableLightCurveError

_FITS = re.compile(r".*\.fits?(\.gz)?", re.IGNORECASE)

# A TIC ID has at most 11 digits. Longer numbers are Gaia IDs; "TIC 123.01" is a planet; "WASP-18 b" is not a number.
_TIC_NAME = re.compile(r"\s*(?:TIC[-_ ]*)?(\d{1,11})\s*", re.IGNORECASE)
_LARGEST_TIC = 10**11

# In the order of preference. KIC and EPIC stand for TIC, quarter and campaign for the sector.
_TIC_KEYS, _NAME_KEYS = ("TICID", "TIC_ID", "KEPLERID"), ("OBJECT", "HLSPTARG", "TARGNAME")
_SECTOR_KEYS, _CAMERA_KEYS, _CCD_KEYS = ("SECTOR", "QUARTER", "CAMPAIGN"), ("CAMERA",), ("CCD", "CHIP")

_PLACE = re.compile(r".*/sector-(\d+)(?:/(?:ffi/)?cam([1-4])/ccd([1-4])(?:/LC)?|/(\d+))?")


@dataclasses.dataclass(frozen=True)
class Identity:
    """The star, sector, camera and CCD of a light curve; None for each that is not known."""

    tic_id: Optional[int] = None
    sector: Optional[int] = None
    camera: Optional[int] = None
    ccd: Optional[int] = None

    def completed_by(self, other: "Identity") -> "Identity":
        """Returns this identity with missing values filled in from another one.

        >>> Identity(tic_id=402026209).completed_by(Identity(tic_id=7, sector=2))
        Identity(tic_id=402026209, sector=2, camera=None, ccd=None)
        """
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other))
        return Identity(*(value_of_other if value is None else value for value, value_of_other in pairs))

    def contradiction(self, other: "Identity") -> Optional[str]:
        """Returns the first difference between two identities as text; None if they agree.

        >>> Identity(7, 1).contradiction(Identity(7, 2))
        'sector 1, not 2'
        """
        for field, name in (("tic_id", "TIC"), ("sector", "sector"), ("camera", "camera"), ("ccd", "CCD")):
            value, other_value = getattr(self, field), getattr(other, field)
            if None not in (value, other_value) and value != other_value:
                return f"{name} {value}, not {other_value}"
        return None


def of_header(header: Any) -> Identity:
    """Returns the Identity in the primary header of a FITS file.

    Planets ("TIC 123.01"), other names ("WASP-18 b") and other text without a whole number are ignored. The digits in a
    name are never used as an ID.
    """
    tic_id = _first(header, _TIC_KEYS, _tic_id)
    if tic_id is None:
        tic_id = _first(header, _NAME_KEYS, _tic_id)
    sector = _first(header, _SECTOR_KEYS, _whole_number)
    camera, ccd = (_first(header, keys, _whole_number) for keys in (_CAMERA_KEYS, _CCD_KEYS))
    return Identity(tic_id, sector or None, camera or None, ccd or None)


def of_name(name: str, patterns: Iterable[str]) -> Identity:
    """Returns the Identity in the name of a file.

    Args:
      name: name of the file, without its directory.
      patterns: regular expressions with the groups `tic`, `sector`, `camera` and `ccd`, or some of them. The first that
        matches is used.
    """
    for pattern in patterns:
        match = re.fullmatch(pattern, name)
        if match:
            groups = match.groupdict()
            numbers = (int(groups[key]) if groups.get(key) else None for key in ("tic", "sector", "camera", "ccd"))
            return Identity(*numbers)
    return Identity()


def of_place(path: str) -> Identity:
    """Returns the Identity in the directories of a path: sector-S/<tic>/ or sector-S/ffi/camC/ccdD/LC/.

    >>> of_place("tess/sector-2/ffi/cam1/ccd3/LC/7.h5")
    Identity(tic_id=None, sector=2, camera=1, ccd=3)
    """
    match = _PLACE.fullmatch("/" + os.path.dirname(os.fspath(path)).replace(os.sep, "/"))
    if not match:
        return Identity()
    sector, camera, ccd, tic_id = (int(number) if number else None for number in match.groups())
    return Identity(tic_id, sector, camera, ccd)


def primary_header(path: str) -> Any:
    """Returns the primary header of a FITS file; None if the file is not FITS, or is damaged. Does not read tables.

    Raises:
      FileNotFoundError: there is no such FITS file.
    """
    if not _FITS.fullmatch(os.fspath(path)):
        return None
    from astropy.io import fits  # takes 0.3 s to import, and HDF5 light curves do not need it

    try:
        with warnings.catch_warnings(), (gzip.open if path.lower().endswith(".gz") else open)(path, "rb") as file:
            warnings.simplefilter("ignore")
            return fits.Header.fromfile(file)
    except FileNotFoundError:
        raise
    except Exception:  # astropy raises many kinds of errors for damaged files
        return None


def checked(path: str, in_header: Identity, in_name: Identity) -> Identity:
    """Returns the Identity from the header and the name of a file together.

    Raises:
      UnreadableLightCurveError: header and name contradict each other.
    """
    contradiction = in_header.contradiction(in_name)
    if contradiction:
        raise UnreadableLightCurveError(
            f"{path}: its header is of {contradiction} as its name says: one of them is wrong; fetch the file again, "
            "or correct its name"
        )
    return in_header.completed_by(in_name)


def _first(header: Any, keys: Iterable[str], number: Callable[[Any], Optional[int]]) -> Optional[int]:
    return next((value for value in (number(header.get(key)) for key in keys) if value is not None), None)


def _tic_id(value: Any) -> Optional[int]:
    if isinstance(value, str):
        match = _TIC_NAME.fullmatch(value)
        value = int(match[1]) if match else None
    value = _whole_number(value)
    return value if value is not None and 0 < value < _LARGEST_TIC else None


def _whole_number(value: Any) -> Optional[int]:
    """Returns the value of a header keyword as an int; None if it is not a whole number of at least 0."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
        return int(number) if number == int(number) and number >= 0 else None
    except (TypeError, ValueError, OverflowError):
        return None
