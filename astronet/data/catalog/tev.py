"""Tables of the TESS Exoplanet Vetter (TEV): one CSV per sector; dialects.py reads them."""

import csv

from astronet.base.files import write_aside

COLUMNS = (
    *("src", "tic_id", "toi_id", "Disposition", "RA", "Dec", "Tmag", "Tmag Err", "Epoc", "Epoc Err"),
    *("Period", "Period Err", "Duration", "Duration Err", "Transit Depth", "Transit Depth Err", "Sectors"),
)


def write(path, rows):
    """Writes rows, each a dict of some of COLUMNS, as a TEV table."""
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
