"""Wall and CPU time of triage.py on a simulated survey, and of the separate scripts that do the same, in turn.

By a search: make_empty_catalog.py, make_catalog.py --bls=compute, generate_input_records.py and batch_predict.py. By a
table: the last two. No plots are drawn, but for one run of triage.py that tells what 50 pages cost; and one that is
given again with nothing left to do. All are processes of their own. The probabilities of both are compared.
"""

import csv
import os
import shutil
import statistics
import sys
import tempfile

import child

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
    """Dictionary of (TIC ID, period) to the probability."""
    with open(path, newline="") as file:
        return {(row["tic_id"], f"{float(row[period]):.5g}"): float(row[name]) for row in csv.DictReader(file)}


def _compare(survey, directory, table, flags):
    ours, theirs = os.path.join(directory, "triage"), os.path.join(directory, "separate")
    pairs = []
    for _ in range(flags.rounds):
        pairs.append(
            (
                _triage(survey, ours, table, flags.num_worker_processes, "--plots=0"),
                _separate(survey, theirs, table, flags.num_worker_processes),
            )
        )
    (wall, cpu), (wall_separate, cpu_separate) = (
        tuple(statistics.median(values) for values in zip(*of_one)) for of_one in zip(*pairs)
    )
    again = _triage(survey, ours, table, flags.num_worker_processes, "--plots=0", is_new=False)
    drawn = _triage(survey, ours, table, flags.num_worker_processes, is_new=False)
    found = _probabilities(f"{ours}/candidates.csv", "probability", "Period")
    expected = _probabilities(f"{theirs}/prediction.csv", "mean", "period")
    assert found.keys() == expected.keys()
    largest = max(abs(found[key] - expected[key]) for key in found)
    print(f"{'by a table' if table else 'by a search'}, {len(found)} TCEs:")
    print(f"  triage.py         {wall:6.1f} s, {cpu:6.1f} s of CPU")
    print(f"  separate scripts  {wall_separate:6.1f} s, {cpu_separate:6.1f} s of CPU")
    print(f"  ratio             {wall / wall_separate:6.2f}    {cpu / cpu_separate:6.2f}")
    print(
        f"  given again       {again[0]:6.1f} s, {again[1]:6.1f} s of CPU; 50 plots {drawn[1] - again[1]:+.1f} s of CPU"
    )
    print(f"  probabilities differ by {largest:.1e} at most", flush=True)


def _measure(flags):
    print(
        f"{os.cpu_count()} cores; medians of {flags.rounds} runs each; {flags.num_worker_processes} worker process(es)"
    )
    with tempfile.TemporaryDirectory() as directory:
        survey = os.path.join(directory, "survey")
        simulated = [f"--output_dir={survey}", f"--num_stars={flags.num_stars}", "--sectors=1", "--seed=0"]
        child.run("-m", "astronet.data.simulate_survey", *simulated)
        _compare(survey, directory, None, flags)
        _compare(survey, directory, f"{survey}/tces.csv", flags)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_stars", type=positive_integer, default=500, help="stars of the survey, one sector")
    parser.add_argument("--rounds", type=positive_integer, default=2, help="how often to run each")
    parser.add_argument("--num_worker_processes", type=num_processes, default=1, help="1 works in the process itself")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
