"""Times generate_input_records.py against bare h5py reads of the datasets that it needs, in CPU time of all processes.

Each run is of a catalogue of so many TCEs, which repeat those of a simulated survey (or of --survey_dir). The bare
reads open each file with h5py, read its three datasets (BJD, QFLAG and the best aperture's magnitudes) and do nothing
else; they run before and after, in as many processes. Start-up is the CPU time of a run of ten TCEs.
"""

import argparse
import csv
import itertools
import os
import resource
import statistics
import sys
import tempfile

import child
import h5py

from astronet.base.workers import Processes
from astronet.data import generate_input_records, simulate_survey
from astronet.data.catalog import tce_table
from astronet.data.simulation import photometry
from light_curve_util import tess_io

_APERTURE = photometry.BEST_APERTURE
_MAX_BARE = 5000  # light curves that are read bare


def cpu_seconds(of):
    usage = resource.getrusage(of)
    return usage.ru_utime + usage.ru_stime


def bare_read(path):
    with h5py.File(path, "r") as file:
        for name in ("BJD", "QFLAG", f"AperturePhotometry/Aperture_{_APERTURE:03d}/KSPMagnitude"):
            file[f"LightCurve/{name}"][:]


def seconds_a_bare_read(paths):
    """CPU seconds a light curve."""
    start = cpu_seconds(resource.RUSAGE_SELF)
    for path in paths:
        bare_read(path)
    return (cpu_seconds(resource.RUSAGE_SELF) - start) / len(paths)


def seconds_a_bare_read_by(num_processes, paths):
    """The same, of so many processes that read at the same time, as workers do."""
    with Processes(num_processes) as pool:
        found = [pool.submit(seconds_a_bare_read, paths) for _ in range(num_processes)]
        return statistics.mean(each.result() for each in found)


def add_flags(parser, num_stars):
    """Adds the flags that say which light curves to take, and how many processes."""
    parser.add_argument("--survey_dir", help="output of simulate_survey.py; simulated anew by default")
    parser.add_argument("--num_stars", type=int, default=num_stars, help="stars to simulate")
    parser.add_argument("--num_worker_processes", type=int, default=os.cpu_count())


def survey(flags, directory):
    """Directory and catalogue rows of the survey that the flags of add_flags name, or have made in `directory`."""
    survey_dir = flags.survey_dir or os.path.join(directory, "survey")
    if not flags.survey_dir:
        workers = f"--num_worker_processes={flags.num_worker_processes}"
        simulate_survey.main([f"--output_dir={survey_dir}", f"--num_stars={flags.num_stars}", workers])
    with open(os.path.join(survey_dir, "tces.csv"), newline="") as file:
        return survey_dir, list(csv.DictReader(file))


def write_catalogue(path, rows, num_tces):
    """Writes the rows again and again; the epoch tells one repetition from the next."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for i, row in enumerate(itertools.islice(itertools.cycle(rows), num_tces)):
            writer.writerow({**row, "row_id": i, "Epoc": float(row["Epoc"]) + 1e-7 * (i // len(rows))})


def generate(catalogue, survey_dir, output_dir, num_workers, *flags):
    """Runs the script; returns the child.FamilyCost."""
    where = [f"--input_tce_csv_file={catalogue}", f"--tess_data_dir={survey_dir}/tess", f"--output_dir={output_dir}"]
    workers = f"--num_worker_processes={num_workers}"
    return child.run_family(generate_input_records.__file__, *where, workers, *flags)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    add_flags(parser, num_stars=1000)
    parser.add_argument("--num_tces", type=int, nargs="+", default=[1000, 10000])
    flags = parser.parse_args(argv)

    with tempfile.TemporaryDirectory() as directory:
        survey_dir, rows = survey(flags, directory)
        table, _ = tce_table.read(os.path.join(survey_dir, "tces.csv"))
        paths = [
            tess_io.find(os.path.join(survey_dir, "tess"), *row)
            for row in zip(table.tic_id, table.Sectors, table.camera, table.ccd)
        ]
        print(f"{os.cpu_count()} cores, {flags.num_worker_processes} worker processes; {len(set(paths))} light curves")
        print("    TCEs  wall s   CPU s  start-up   bare ms  ms a TCE  ratio  ratio without  peak MB of the parent,")
        print("                                 s                                  start-up  all workers")
        for number in flags.num_tces:
            own = os.path.join(directory, "tces.csv")
            repeated = list(itertools.islice(itertools.cycle(paths), min(number, _MAX_BARE)))
            num_workers = flags.num_worker_processes
            write_catalogue(own, rows, 10)
            start_up = generate(own, survey_dir, os.path.join(directory, f"ten-{number}"), num_workers).cpu
            write_catalogue(own, rows, number)
            before = seconds_a_bare_read_by(num_workers, repeated)
            cost = generate(own, survey_dir, os.path.join(directory, f"{number}"), num_workers)
            bare = (before + seconds_a_bare_read_by(num_workers, repeated)) / 2
            net = (cost.cpu - start_up) / number
            print(
                f"{number:8d} {cost.wall:7.1f} {cost.cpu:7.1f} {start_up:9.2f} {bare * 1e3:9.3f} {net * 1e3:9.3f}"
                f" {cost.cpu / number / bare:6.2f} {net / bare:14.2f} {cost.parent_megabytes:8.0f}"
                f" {cost.workers_megabytes:6.0f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
