"""Makes one catalogue of the flares that are known in the light curves at hand, for generate_flare_records.py.

Two sources: Guenther et al. 2020 (2-minute targets of sectors 1 and 2), and the candidates in ultra-cool dwarfs that
the authors of github.com/ekaterinailin/TESS_UCD_flares looked at one by one (1: flare, -1: none, 0: unsure, left out).
A candidate is at the brightest cadence between its first and its last.
"""

import os
import sys

import numpy as np
import pandas as pd
from astropy.io import fits

from astronet.base.files import write_csv
from astronet.base.script import Parser, run
from astronet.flares import catalog

_LENGTH_WITHOUT_END = 10  # cadences of a candidate whose last cadence is not told
_SAME_DAYS = 0.02  # nearer than that, two rows are about one event


def _vetted(labels_dir, light_curves_dir):
    """The candidates of all light curves that are there."""
    vetted = pd.read_csv(os.path.join(labels_dir, "2019_07_FlareVet_SJS.cvs"), skipinitialspace=True)
    found = pd.read_csv(os.path.join(labels_dir, "2019_07_23_TESSUCDS_flares.csv"))
    found = found.rename(columns={"Campaign": "campaign", "TIC": "tic"}).drop_duplicates(["campaign", "tic", "cstart"])
    vetted = vetted.merge(found[["campaign", "tic", "cstart", "cstop"]], how="left", on=["campaign", "tic", "cstart"])
    for (sector, tic_id), rows in vetted[vetted.real != 0].groupby(["campaign", "tic"]):
        files = [name for name in os.listdir(light_curves_dir) if f"s{sector:04d}-{tic_id:016d}" in name]
        if not files:
            continue
        path = os.path.join(light_curves_dir, files[0])
        table = fits.getdata(path, "LIGHTCURVE")
        usable = np.isfinite(table["TIME"]) & np.isfinite(table["FLUX"])
        cadence, time, flux = (table[name][usable] for name in ("CADENCENO", "TIME", "FLUX"))
        for row in rows.itertuples():
            last = row.cstop if row.cstop > row.cstart else row.cstart + _LENGTH_WITHOUT_END
            inside = np.flatnonzero((cadence >= row.cstart) & (cadence <= last))
            if len(inside):
                peak = inside[np.argmax(flux[inside])]
                days = float(time[inside[-1]] - time[inside[0]]) / 3
                yield [tic_id, sector, f"{time[peak]:.6f}", f"{days:.6f}", int(row.real > 0), "vetted"]


def _make(flags):
    rows = list(_vetted(flags.ucd_labels, flags.ucd_light_curves))
    known = catalog.read(flags.gunther).flares
    for flare in known.itertuples():
        rows.append([flare.tic_id, flare.sector, f"{flare.peak_time:.6f}", f"{flare.duration:.6f}", 1, "gunther2020"])
    by_light_curve, kept = {}, []
    for row in sorted(rows, key=lambda row: row[-1]):  # gunther2020 goes first
        rows_there = by_light_curve.setdefault((row[0], row[1]), [])
        same = [other for other in rows_there if abs(float(row[2]) - float(other[2])) <= _SAME_DAYS]
        if row[-1] == "gunther2020" or not same:
            rows_there.append(row)
            kept.append(row)
        elif row[4]:
            nearest = min(same, key=lambda other: abs(float(row[2]) - float(other[2])))
            nearest[-1] = "both" if nearest[-1] != "vetted" else "vetted"
    write_csv(flags.output, ("tic_id", "sector", "peak_time", "duration", "is_flare", "source"), kept)
    print(f"{flags.output}: {len(kept)} rows, {sum(row[4] for row in kept)} of them flares")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--gunther", required=True, help="machine-readable table of Guenther et al. 2020")
    parser.add_argument("--ucd_labels", required=True, help="directory of the vetted candidates")
    parser.add_argument("--ucd_light_curves", required=True, help="directory of their light curves")
    parser.add_argument("--output", default="labels.csv", help="file to write")
    return run(_make, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
