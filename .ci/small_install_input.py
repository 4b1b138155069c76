"""Writes a catalog of TCEs and their light curves, in the layout of MIT's pipeline, into the directory $1."""

import sys
from pathlib import Path

import h5py
import numpy as np

_SECTOR, _START, _DAYS, _CADENCE = 14, 1683.4, 26.8, 30 / 1440
_STARS = {1001: (3.1, 0.008), 1002: (1.7, 0.02), 1003: (5.3, 0.004)}  # TIC: period [days], depth
_DURATION_DAYS = 0.15
_HEADER = "row_id,tic_id,toi_id,Disposition,Tmag,Epoc,Period,Duration,Transit_Depth,Sectors,camera,ccd,SN"


def _write(path, period, depth, random):
    time = np.arange(_START, _START + _DAYS, _CADENCE)
    phase = (time - _START - 1 + period / 2) % period - period / 2
    flux = 1 - depth * (np.abs(phase) < _DURATION_DAYS / 2) + random.normal(0, 5e-4, len(time))
    with h5py.File(path, "w") as file:
        group = file.create_group("LightCurve")
        group["BJD"], group["QFLAG"] = time, np.zeros(len(time), int)
        apertures = group.create_group("AperturePhotometry")
        apertures.attrs["bestap"] = 0
        magnitudes = 10 - 2.5 * np.log10(flux)
        apertures["Aperture_000/KSPMagnitude"] = apertures["Aperture_000/RawMagnitude"] = magnitudes


def main():
    directory = Path(sys.argv[1])
    light_curves = directory / f"sector-{_SECTOR}"
    light_curves.mkdir(parents=True)
    random, rows = np.random.default_rng(0), [_HEADER]
    for number, (tic, (period, depth)) in enumerate(_STARS.items()):
        _write(light_curves / f"{tic}.h5", period, depth, random)
        columns = (_START + 1, period, 24 * _DURATION_DAYS, 1e6 * depth, _SECTOR, 1, 1, 30.0)
        rows.append(f"{number},{tic},0.01,PC,10.0," + ",".join(map(str, columns)))
    (directory / "tces.csv").write_text("\n".join(rows) + "\n")


main()
