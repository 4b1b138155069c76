"""Wall and CPU time of triage.py on a simulated survey, and of the separate scripts that do the same, in turn.

By a search: make_empty_catalog.py, make_catalog.py --bls=compute, generate_input_records.py and batch_predict.py. By a
table: the last two. No plots are drawn. All are processes of their own, seconds are medians. The probabilities of both
are compared, and triage.py is given again, with nothing left to do.
"""

import csv
import os
import shutil
import sys
import tempfile

import child
import numpy as np

from astronet.base.arguments import num_processes, positive_integer
from astronet.base.script import Parser, run

_MODEL = "--model_dir=pretrained:triage"


def _separate(survey, out, table, workers):
    """Runs the separate scripts; returns (wall, CPU) seconds."""
    shutil.rmtree(out, ignore_errors=True)
    tess, costs = f"--tess_data_dir={survey}/tess", []
    if not table:
        costs.append(child.run("-m", "astronet.data.make_empty_catalog", tess, f"--save_dir={out}"))
        search = [f"--base_dir={out}", "--input", "sector-1-all.csv", "--out_name=tces.csv", "--bls=compute", tess]
        search += [f"--star_catalog=local:{survey}/tic.sqlite", "--max_tmag=99", f"--num_worker_processes={workers}"]
        costs.append(child.run("-m", "astronet.data.make_catalog", *search))
    records = [f"--input_tce_csv_file={table or f'{out}/tces.csv'}", tess, "--config_name=triage", "--make_test_set"]
    records += [f"--output_dir={out}/records", f"--num_worker_processes={workers}"]
    costs.append(child.run("-m", "astronet.data.generate_input_records", *records))
    predict = [_MODEL, f"--tfrecord_dir={out}/records", f"--output_dir={out}"]
    costs.append(child.run("-m", "astronet.batch_predict", *predict))
    return sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs)


def _triage(survey, out, table, workers, *more, is_new=True):
    """Runs triage.py; returns (wall, CPU) seconds."""
    if is_new:
        shutil.rmtree(out, ignore_errors=True)
    flags = [f"{survey}/tess", f"--output_dir={out}", f"--num_worker_processes={workers}", *more]
    cost = child.run("-m", "astronet.triage", *flags, *([f"--table={table}"] if table else []))
    return cost.wall, cost.cpu


def _probabilities(path, name, period):
    """Array of TIC ID, period and probability of each TCE, [num_tces, 3], in the order of the first two."""
    with open(path, newline="") as file:
        rows = [[float(row[column]) for column in ("tic_id", period, name)] for row in csv.DictReader(file)]
    return np.array(sorted(rows))


def _compare(survey, directory, table, flags):
    ours, theirs = os.path.join(directory, "triage"), os.path.join(directory, "separate")
    workers, costs = flags.num_worker_processes, {"triage.py": [], "separate scripts": []}
    print("by a table" if table else "by a search", flush=True)
    for _ in range(flags.rounds):
        costs["triage.py"].append(_triage(survey, ours, table, workers, "--plots=0"))
        costs["separate scripts"].append(_separate(survey, theirs, table, workers))
    medians = [np.median(of_one, axis=0) for of_one in costs.values()]
    for name, (wall, cpu) in zip([*costs, "ratio"], [*medians, medians[0] / medians[1]]):
        print(f"  {name:30s} {wall:7.2f} (wall) {cpu:7.2f} (CPU)", flush=True)
    again = _triage(survey, ours, table, workers, "--plots=0", is_new=False)
    print(f"  {'triage.py given again':30s} {again[0]:7.2f} (wall) {again[1]:7.2f} (CPU)", flush=True)
    found = _probabilities(f"{ours}/candidates.csv", "probability", "Period")
    expected = _probabilities(f"{theirs}/prediction.csv", "mean", "period")
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=1e-6)
    difference = np.abs(found[:, 2] - expected[:, 2]).max()
    print(f"  probabilities of {len(found)} TCEs differ by {difference:.1e} at most", flush=True)


def _measure(flags):
    print(
        f"{os.cpu_count()} cores; medians of {flags.rounds} runs each; {flags.num_worker_processes} worker process(es)"
    )
    with tempfile.TemporaryDirectory() as directory:
        survey = os.path.join(directory, "survey")
        simulated = [f"--output_dir={survey}", f"--num_stars={flags.num_stars}", "--sectors=1", "--seed=0"]
        child.run("-m", "astronet.data.simulate_survey", *simulated)
        _compare(survey, directory, f"{survey}/tces.csv", flags)
        _compare(survey, directory, None, flags)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_stars", type=positive_integer, default=500, help="stars of the survey, one sector")
    parser.add_argument("--rounds", type=positive_integer, default=2, help="how often to run each")
    parser.add_argument("--num_worker_processes", type=num_processes, default=1, help="1 works in the process itself")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
