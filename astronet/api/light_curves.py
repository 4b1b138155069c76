"""Converts what callers pass as a light curve (file, array, table, time series) to LightCurve, and finds its star."""

import dataclasses
import os
from typing import Any, Optional, Union

from astronet.base.script import ScriptError
from astronet.estimator.one_tce import Source
from light_curve_util import arrays, tess_io
from light_curve_util import identity as identities
from light_curve_util.identity import Identity
from light_curve_util.tess_io import LightCurve


@dataclasses.dataclass(frozen=True)
class Reading:
    """How light curves are read.

    Attributes:
      flux_key: name of the column of the flux; None: the detrended flux of the product.
      quality: which flagged cadences are dropped, one of tess_io.QUALITIES.
      clip: whether bright outliers are dropped; False for a search for flares.
    """

    flux_key: Optional[str] = None
    quality: str = "default"
    clip: bool = True


def read_light_curve(
    path: Union[str, "os.PathLike[str]"], flux_key: Optional[str] = None, quality: str = "default", clip: bool = True
) -> LightCurve:
    """Reads a light curve file of any product that docs/light_curves.md lists: QLP, SPOC, TGLC, Kepler, text, ...

    Args:
      path: name of the file.
      flux_key: column of the flux or magnitudes; None: the detrended flux of the product.
      quality: which flagged cadences are dropped: "none", "flares", "default" or "hard".
      clip: whether bright outliers (5 standard deviations above the median) are dropped; False for a search for flares.

    Returns:
      LightCurve: `time` (BTJD, days) and `flux` (relative to its median), float64 [n]; `path`; and `notes`, sentences
      about what was converted or dropped.

    Raises:
      LightCurveError: there is no such file, or it cannot be read; the message says what to do.

    >>> light_curve = read_light_curve("tess2018234235059-s0002-0000000402026209-0121-s_lc.fits.gz")  # doctest: +SKIP
    >>> light_curve.time, light_curve.flux  # doctest: +SKIP
    """
    return tess_io.read(os.path.expanduser(os.fspath(path)), flux_key, quality=quality, clip=clip)


def given(time: Any, flux: Any, reading: Reading, flags: Any, star: Identity) -> tuple[list[LightCurve], Source]:
    """Returns the light curves that a caller passes in any form, and the star of the first one.

    Args:
      time: times [n]; or, without `flux`: a path, LightCurve, table or time series, or a list of these, one per sector.
      flux: [n], or None.
      reading: how it is read.
      flags: quality flags [n], if time and flux are arrays; None: there are none.
      star: star, sector and camera that the caller passes.

    Returns:
      List of LightCurve, one per sector; and the Source of the first one.

    Raises:
      ScriptError: star, sector or camera of the caller is not that of the light curve.
      LightCurveError: the light curve cannot be read.
    """
    if flux is None and _is_list(time):
        if not len(time):
            raise ScriptError("no light curve: the list is empty")
        read = [_one(one, None, reading, None, star if number == 0 else Identity()) for number, one in enumerate(time)]
        stars = {source.star.tic_id for _, source in read if source.star.tic_id is not None}
        if len(stars) > 1:
            raise ScriptError(
                f"light curves of several stars, TIC {', '.join(map(str, sorted(stars)))}: give those of one star"
            )
        return [light_curve for light_curve, _ in read], read[0][1]
    light_curve, source = _one(time, flux, reading, flags, star)
    return [light_curve], source


def whole(name: str, value: Any) -> Optional[int]:
    """Returns a whole number of at least 1 as an int, and None as None; raises ScriptError for anything else."""
    if value is None:
        return None
    try:
        if int(value) == value and value > 0:
            return int(value)
    except (TypeError, ValueError):
        pass
    raise ScriptError(f"{name}={value!r} must be a whole number, 1 or more")


def _is_list(value: Any) -> bool:
    """Returns whether a value is a list of light curves, such as lightkurve's LightCurveCollection."""
    if isinstance(value, (str, LightCurve)) or arrays.is_table(value) or hasattr(value, "dtype"):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__")


def _one(time: Any, flux: Any, reading: Reading, flags: Any, star: Identity) -> tuple[LightCurve, Source]:
    if flux is not None:
        if arrays.is_table(time) or isinstance(time, (str, os.PathLike, LightCurve)):
            raise ScriptError(f"a {type(time).__name__} and a flux: give only one of them")
        return _held(time, flux, reading, flags, star), Source(star)
    if flags is not None:
        raise ScriptError("flags can only be given with arrays: a file or a table contains its flags")
    if isinstance(time, (str, os.PathLike)):
        path = os.path.expanduser(os.fspath(time))
        light_curve = tess_io.read(path, reading.flux_key, quality=reading.quality, clip=reading.clip)
        return light_curve, _of_file(path, star)
    if isinstance(time, LightCurve):
        return time, _of_file(time.path, star) if os.path.exists(time.path) else Source(star)
    identity = arrays.identity(time)
    is_of_tess = str(arrays.header(time).get("MISSION", "TESS")).upper() not in ("KEPLER", "K2")
    source = Source(_agreed(star, identity, "the light curve"), arrays.header(time), is_of_tess)
    return _held(time, None, reading, None, source.star), source


def _held(time: Any, flux: Any, reading: Reading, flags: Any, star: Identity) -> LightCurve:
    name = "the light curve" if star.tic_id is None else f"the light curve of TIC {star.tic_id}"
    return arrays.light_curve(
        time,
        flux,
        flux_key=reading.flux_key,
        quality=reading.quality,
        flags=flags,
        clip=reading.clip,
        sector=star.sector,
        name=name,
    )


def _of_file(path: str, star: Identity) -> Source:
    identity = tess_io.identity(path)
    return Source(_agreed(star, identity, path), identities.primary_header(path), tess_io.is_of_tess(path))


def _agreed(star: Identity, identity: Identity, name: str) -> Identity:
    """Returns the values that a caller passes, completed by those of the light curve.

    Raises:
      ScriptError: they contradict each other.
    """
    contradiction = identity.contradiction(star)
    if contradiction:
        raise ScriptError(f"{name} is of {contradiction}: give another light curve, or leave the argument out")
    return star.completed_by(identity)
