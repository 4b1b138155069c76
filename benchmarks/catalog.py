"""Rows per second of make_catalog with a local star catalogue, against bare reads of the same .blsanal files.

The rows are drawn over the sky, a .blsanal file each, and a TIC extract in SQLite. Both begin from the same files, in
one process.
"""

import os
import sqlite3
import sys
import tempfile
import time

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.data.catalog import blsanal, build, events, tev


def _write_survey(directory, num_rows, seed):
    """A TEV table, TIC extract and .blsanal files; returns the paths of the last."""
    random = np.random.default_rng(seed)
    ra, dec = random.uniform(0, 360, num_rows), np.degrees(np.arcsin(random.uniform(-1, 0, num_rows)))
    rows, stars, paths = [], [], []
    for tic_id in range(1, num_rows + 1):
        rows.append({"src": "t", "tic_id": tic_id, "toi_id": ".01", "Disposition": "J", "Sectors": 1 + tic_id % 5})
        stars.append((tic_id, ra[tic_id - 1], dec[tic_id - 1], 10.0, 1.0, 1.0, 5800.0, 4.4))
        paths.append(blsanal.path(os.path.join(directory, "qlp-data"), 1 + tic_id % 5, 1, 1, tic_id))
        blsanal.write(paths[-1], [blsanal.Peak(1326.0, 2.5, 0.05, 0.01, 0.2, 15.0, 20.0, 40, 10.0)] * 3)
    tev.write(os.path.join(directory, "table.csv"), rows)
    connection = sqlite3.connect(os.path.join(directory, "tic.sqlite"))
    with connection:
        connection.execute("CREATE TABLE tic (id INTEGER PRIMARY KEY, ra, dec, tmag, rad, mass, teff, logg)")
        connection.executemany("INSERT INTO tic VALUES (?, ?, ?, ?, ?, ?, ?, ?)", stars)
    connection.close()
    return paths


def _read(paths):
    for path in paths:
        with open(path, "rb") as file:
            file.read()


def _seconds(work, *args, **kwargs):
    """(wall, CPU) seconds of a call; CPU of this process alone."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(*args, **kwargs)
    return time.perf_counter() - wall, time.process_time() - cpu


def _measure(flags):
    with tempfile.TemporaryDirectory() as directory:
        paths = _write_survey(directory, flags.num_rows, flags.seed)
        searches = events.Searches(os.path.join(directory, "qlp-data"))
        catalog = "local:" + os.path.join(directory, "tic.sqlite")
        out_path = os.path.join(directory, "tces.csv")
        choice = build.CatalogChoice([os.path.join(directory, "table.csv")], out_path, catalog, searches)
        for repeat in range(flags.repeats):
            _, reads = _seconds(_read, paths)
            wall, cpu = _seconds(build.build, choice)
            print(
                f"run {repeat + 1}: make_catalog {flags.num_rows / wall:.0f} rows/s, {flags.num_rows / cpu:.0f} per "
                f"CPU second; bare reads {flags.num_rows / reads:.0f} per CPU second: {cpu / reads:.1f} x"
            )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_rows", type=positive_integer, default=20000)
    parser.add_argument("--repeats", type=positive_integer, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
