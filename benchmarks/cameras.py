"""Compares camera and CCD of a catalogue with where tess-point puts its stars, and shows every star that is in doubt.

In doubt are stars that the catalogue counts to another CCD than the one on whose image tess-point sees them (the higher
camera, where two overlap). For each of them it prints where it falls on the catalogue's CCD, whose image is pixels 0 to
2047 both ways.
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd

from astronet.data.catalog import focal_plane


def on_image(model, ra, dec, sector):
    """Camera and CCD on whose image the stars are by tess-point's own limits. [n], [n]"""
    star, cameras, ccds, column, row = model.pixels(ra, dec, sector)
    inside = (column > -1) & (column < focal_plane.CCD_PIXELS) & (row > -1) & (row < focal_plane.CCD_PIXELS)
    camera, ccd = np.zeros((2, len(ra)), int)
    camera[star[inside]], ccd[star[inside]] = cameras[inside], ccds[inside]
    return camera, ccd


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", required=True, help="CSV with tic_id, RA, Dec, Sectors, camera, ccd")
    flags = parser.parse_args(argv)
    with open(flags.catalog, newline=None, encoding="utf-8-sig") as file:
        table = pd.read_csv(file)
    model = focal_plane.TessPoint()
    model.locate([0.0], [0.0], table["Sectors"][0])  # so that imports are not timed
    seconds, agree_on_image, agree = 0.0, 0, 0
    for sector, stars in table.groupby("Sectors"):
        ra, dec, known = stars["RA"].to_numpy(), stars["Dec"].to_numpy(), stars[["camera", "ccd"]].to_numpy()
        start = time.perf_counter()
        located = np.stack(model.locate(ra, dec, sector), axis=1)
        seconds += time.perf_counter() - start
        agree += (located == known).all(axis=1).sum()
        image = np.stack(on_image(model, ra, dec, sector), axis=1)
        doubtful = np.flatnonzero((image != known).any(axis=1))
        agree_on_image += len(stars) - len(doubtful)
        star, camera, ccd, column, row = model.pixels(ra[doubtful], dec[doubtful], sector)
        for i, index in enumerate(doubtful):
            here = (star == i) & (camera == known[index][0]) & (ccd == known[index][1])
            where = ", ".join(f"column {x:.1f}, row {y:.1f}" for x, y in zip(column[here], row[here])) or "far from it"
            name = f"TIC {stars['tic_id'].iloc[index]} sector {sector}"
            print(f"{name}: catalogue {known[index]}, {where}; on the image of {image[index]}")
    count, rate = len(table), len(table) / seconds
    print(f"by tess-point's images {agree_on_image} of {count} agree ({agree_on_image / count:.3%})")
    print(f"by detectors.locate {agree} of {count} agree ({agree / count:.3%}), {rate:.0f} stars a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
