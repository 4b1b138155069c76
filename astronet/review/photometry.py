"""Reads the light curve that the record of a TCE was made from, and further fluxes that only people look at."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base import files, json_files
from astronet.data.records import preprocess
from astronet.review import momentum_dumps
from astronet.review.tce import ReviewTce
from light_curve_util import tess_io
from light_curve_util.errors import LightCurveError

MANIFEST = "records.json"
_RAW_OF_HDF5, _RAW_OF_FITS = ("RawMagnitude",), ("SAP_FLUX", "RAW_FLUX", "FLUX_RAW", "FRAW", "aperture_flux")
_MOST_APERTURES = 5  # in QLP's HDF5 files
_QLP_FITS_APERTURES = ("KSPSAP_FLUX_SML", "KSPSAP_FLUX", "KSPSAP_FLUX_LAG")
_SAME_TIME_DAYS = 1e-6


@dataclasses.dataclass(frozen=True)
class Photometry:
    """The light curve of a TCE.

    Attributes:
      time: BTJD, days, ascending, [n].
      flux: relative to the median, as it was folded for the network, [n].
      raw: flux before detrending at the same times, [n], NaN in cadences where it is not known; or None.
      paths: the files.
      sha256: hashes of the files, separated by spaces.
      apertures: dictionary of the name of each other aperture to (time, flux); empty if the file has only one.
      notes: sentences about what was converted or assumed.
      dumps: times of momentum dumps, BTJD, [num_dumps]; None if the files do not tell.
    """

    time: np.ndarray
    flux: np.ndarray
    raw: Optional[np.ndarray]
    paths: tuple[str, ...]
    sha256: str
    apertures: Mapping[str, tuple[np.ndarray, np.ndarray]]
    notes: tuple[str, ...] = ()
    dumps: Optional[np.ndarray] = None

    @property
    def cadence_days(self) -> float:
        """Median time between cadences, days."""
        return float(np.median(np.diff(self.time))) if len(self.time) > 1 else float("nan")


def settings_of_records(directory: str) -> preprocess.Settings:
    """Returns how the light curves of records were read, from their records.json; the defaults if there is none.

    Raises:
      ScriptError: flares were masked in the records, and the flare networks are missing.
    """
    settings = json_files.read_or_nothing(os.path.join(directory, MANIFEST)).get("settings", {})
    settings = settings if isinstance(settings, dict) else {}
    chosen: dict[str, Any] = {name: settings[name] for name in ("flux_key", "detrend", "quality") if settings.get(name)}
    if settings.get("mask_flares"):
        from astronet.flares import mask  # only imported if needed

        chosen["mask_flares"] = mask.of_directory(settings["mask_flares"])
    return preprocess.Settings({}, **chosen)


def read(tce: ReviewTce, tess_data_dir: str, settings: preprocess.Settings) -> Photometry:
    """Reads the light curve of a TCE.

    Args:
      tce: the TCE, with its star and sector.
      tess_data_dir: directory of the light curves.
      settings: how the records were made.

    Raises:
      LightCurveError: the light curve is missing or cannot be read.
    """
    paths = preprocess.find_light_curves(tce.columns, tess_data_dir)
    left_out: list[str] = []
    light_curve = preprocess.light_curve_of(
        paths, tce.event, settings, leave_out=lambda path, error: left_out.append(f"{path} is left out: {error}")
    )
    order = np.argsort(light_curve.time, kind="stable")
    time, flux = light_curve.time[order], light_curve.flux[order]
    return Photometry(
        time,
        flux,
        _raw(paths, time, settings),
        tuple(paths),
        " ".join(files.sha256(path) for path in paths),
        _apertures(paths, settings) if len(paths) == 1 else {},
        (*light_curve.notes, *left_out),
        momentum_dumps.times(paths),
    )


def _raw(paths: Sequence[str], time: np.ndarray, settings: preprocess.Settings) -> Optional[np.ndarray]:
    """Returns the flux before detrending at the times of the detrended one, [n]; None if no file contains it."""
    raw = np.full(len(time), np.nan)
    for path in paths:
        light_curve = _read_raw(path, settings)
        if light_curve is None:
            continue
        order = np.argsort(light_curve.time, kind="stable")
        raw_time, raw_flux = light_curve.time[order], light_curve.flux[order]
        place = np.clip(np.searchsorted(raw_time, time - _SAME_TIME_DAYS), 0, len(raw_time) - 1)
        is_same = np.abs(raw_time[place] - time) <= _SAME_TIME_DAYS
        raw[is_same] = raw_flux[place[is_same]]
    return raw if np.isfinite(raw).any() else None


def _read_raw(path: str, settings: preprocess.Settings) -> Optional[tess_io.LightCurve]:
    keys: tuple[Optional[str], ...]
    if settings.detrend != "none":  # the flux that was read is not detrended
        keys = (settings.flux_key,)
    else:
        keys = _RAW_OF_HDF5 if path.endswith(".h5") else _RAW_OF_FITS if ".fits" in path.lower() else ()
    for key in keys:
        try:
            return tess_io.read(path, key, quality=settings.quality, clip=False)
        except LightCurveError:
            continue
    return None


def _apertures(path: Sequence[str], settings: preprocess.Settings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns the light curve of each aperture, if one file has several."""
    apertures = {}
    for name, arguments in _aperture_arguments(path[0]):
        try:
            light_curve = tess_io.read(path[0], quality=settings.quality, **arguments)
        except LightCurveError:
            continue
        apertures[name] = (light_curve.time, light_curve.flux)
    return apertures if len(apertures) > 1 else {}


def _aperture_arguments(path: str) -> list[tuple[str, dict[str, Any]]]:
    name = os.path.basename(path).lower()
    if name.endswith(".h5"):
        return [(f"aperture {number}", {"aperture": number}) for number in range(_MOST_APERTURES)]
    if "qlp" in name:
        return [(key, {"flux_key": key}) for key in _QLP_FITS_APERTURES]
    return []
