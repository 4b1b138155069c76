"""Reads and writes .blsanal files: the VARTOOLS BLS results of the Quick-Look Pipeline.

There is one file for each star and sector. Each row of a file is one peak of the search.
"""

import dataclasses
import glob
import math
import os
import re
from collections.abc import Iterable
from typing import Optional, Union

from astronet.base.files import write_aside
from light_curve_util.numerals import parse_float

_COLUMNS = {  # attribute of Peak -> column of the file
    "t0": "BLS_Tc_1_0",
    "period": "BLS_Period_1_0",
    "duration_phase": "BLS_Qtran_1_0",
    "depth": "BLS_Depth_1_0",
    "ingress_fraction": "BLS_Qingress_1_0",
    "pink_signal_to_noise": "BLS_SignaltoPinknoise_1_0",
    "signal_to_noise": "BLS_SN_1_0",
    "num_points_in_transit": "BLS_Npointsintransit_1_0",
    "out_of_transit_magnitude": "BLS_OOTmag_1_0",
}


class BlsError(ValueError):
    """A .blsanal file cannot be used; the message names it."""


@dataclasses.dataclass(frozen=True)
class Peak:
    """One peak of a transit search.

    Attributes:
      t0: mid-time of the first event, BTJD.
      period: days.
      duration_phase: duration divided by period.
      depth: relative flux.
      ingress_fraction: duration of ingress divided by duration of transit.
      pink_signal_to_noise: signal to noise, for white and correlated noise.
      signal_to_noise: signal to noise, for white noise only.
      num_points_in_transit: cadences in transit.
      out_of_transit_magnitude: magnitude of the star outside transits.
    """

    t0: float
    period: float
    duration_phase: float
    depth: float
    ingress_fraction: float
    pink_signal_to_noise: float
    signal_to_noise: float
    num_points_in_transit: float
    out_of_transit_magnitude: float

    @property
    def duration_hours(self) -> float:
        return self.duration_phase * self.period * 24

    @property
    def depth_ppm(self) -> float:
        return self.depth * 1e6

    def why_not_tce(self) -> str:
        """Returns why this peak is not a threshold crossing event; "" if it is one."""
        needed = 5 if self.out_of_transit_magnitude < 12 else 9
        # Written as "not greater" so that a NaN fails too.
        if not self.pink_signal_to_noise > 9:
            return f"signal to pink noise {self.pink_signal_to_noise:.2f} is not above 9"
        if not self.num_points_in_transit > 5:
            return f"{self.num_points_in_transit:.0f} points in transit, more than 5 are needed"
        if not self.signal_to_noise > needed:
            return (
                f"S/N {self.signal_to_noise:.2f} is not above {needed} at magnitude {self.out_of_transit_magnitude:.2f}"
            )
        return ""


def path(qlp_data_dir: str, sector: Union[int, str], camera: Union[int, str], ccd: Union[int, str], tic_id: int) -> str:
    """Returns the path of a star's file in the layout of the pipeline.

    >>> path("/pdo/qlp-data", sector=1, camera=4, ccd=3, tic_id=38846515)
    '/pdo/qlp-data/sector-1/ffi/cam4/ccd3/BLS/38846515.blsanal'
    """
    directory = os.path.join(qlp_data_dir, f"sector-{int(sector)}", "ffi", f"cam{camera}", f"ccd{ccd}", "BLS")
    return os.path.join(directory, f"{int(tic_id)}.blsanal")


def find(qlp_data_dir: str, sector: int, tic_id: int, camera: int = 0, ccd: int = 0) -> Optional[tuple[str, int, int]]:
    """Finds a star's file. Returns (path, camera, ccd), or None if there is no file.

    It looks in the directory of the star's camera and CCD first (0 if they are unknown), then in those of the other
    detectors: the pipeline may assign a star near an edge to the neighboring detector.
    """
    if camera and ccd:
        expected = path(qlp_data_dir, sector, camera, ccd, tic_id)
        if os.path.exists(expected):
            return expected, camera, ccd
    paths = sorted(glob.glob(path(glob.escape(str(qlp_data_dir)), sector, "[1-4]", "[1-4]", tic_id)))
    if not paths:
        return None
    camera, ccd = map(int, re.findall(r"cam(\d)[/\\]ccd(\d)[/\\]BLS", paths[0])[-1])
    return paths[0], camera, ccd


def read(file_path: str) -> list[Peak]:
    """Reads the peaks of one file, best first.

    Raises:
      BlsError: the file is empty, lacks a column or holds something that is not a number.
    """
    with open(file_path, encoding="utf-8", errors="replace") as file:
        lines = [line.split() for line in file.read().splitlines() if line.strip()]
    if not lines or not lines[0][0].startswith("#"):
        raise BlsError(f"{file_path}: no header line that starts with '#'; make the file again")
    header = " ".join(lines[0]).lstrip("#").split()
    missing = [column for column in _COLUMNS.values() if column not in header]
    if missing:
        raise BlsError(f"{file_path}: no column {', '.join(missing)}; make the file again")
    if len(lines) == 1:
        raise BlsError(f"{file_path}: no peak below the header; make the file again")
    peaks = []
    for number, cells in enumerate(lines[1:], start=1):
        row = dict(zip(header, cells))
        try:
            peaks.append(Peak(**{name: parse_float(row[column]) for name, column in _COLUMNS.items()}))
        except (KeyError, ValueError) as error:
            raise BlsError(f"{file_path}: peak {number} is not a row of {len(header)} numbers ({error})") from None
        if any(map(math.isinf, dataclasses.astuple(peaks[-1]))):
            raise BlsError(f"{file_path}: peak {number} has an infinite value; make the file again")
    return peaks


def write(file_path: str, peaks: Iterable[Peak]) -> None:
    """Writes peaks, best first, in the format that `read` reads."""
    os.makedirs(os.path.dirname(file_path), exist_ok=True)
    with write_aside(file_path) as aside, open(aside, "w", encoding="utf-8", newline="\n") as file:
        file.write("# " + " ".join(_COLUMNS.values()) + "\n")
        for peak in peaks:
            file.write(" ".join(f"{value:.10g}" for value in dataclasses.astuple(peak)) + "\n")
