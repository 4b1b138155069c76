"""Cost against the number of TCEs: wall time, CPU time, memory and traffic of records and of predictions.

Each number of TCEs takes those of a simulated survey (or of --survey_dir) again and again: generate_input_records.py
makes records of them, and batch_predict.py predicts these by pretrained:triage, by itself and (up to
--max_on_cluster) by Dask's workers on this machine, which tells what of it stays with the parent. Each measurement is
added to scaling.csv as soon as it is made; scaling.png and the estimate for a cluster are of all that is in there,
whichever run has added it.
"""

import csv
import dataclasses
import os
import sys
import tempfile

import child
import numpy as np
import records

from astronet import batch_predict
from astronet.base.arguments import positive_integer
from astronet.base.files import make_directory
from astronet.base.script import Parser, run
from astronet.figures.style import BLUE, ORANGE

_RECORDS, _PREDICT, _ON_CLUSTER = "generate_input_records.py", "batch_predict.py", "batch_predict.py --cluster=local"
_COLORS = {_RECORDS: BLUE, _PREDICT: ORANGE}
_COLUMNS = ("script", "num_tces", *(field.name for field in dataclasses.fields(child.FamilyCost)))


def _predict(tfrecord_dir, *flags):
    where = [f"--tfrecord_dir={tfrecord_dir}", f"--output_dir={tfrecord_dir}"]
    return child.run_family(batch_predict.__file__, "--model_dir=pretrained:triage", *where, *flags)


def _measure(survey_dir, rows, number, flags, add):
    """Calls add(script, number, child.FamilyCost) for each script."""
    with tempfile.TemporaryDirectory(dir=flags.output_dir) as directory:
        catalogue = os.path.join(directory, "tces.csv")
        records.write_catalogue(catalogue, rows, number)
        made = os.path.join(directory, "records")
        workers = flags.num_worker_processes
        cost = records.generate(catalogue, survey_dir, made, workers, "--make_test_set", "--config_name=triage")
        add(_RECORDS, number, cost)
        if number <= flags.max_predicted:
            add(_PREDICT, number, _predict(made))
        if number <= flags.max_on_cluster:
            add(_ON_CLUSTER, number, _predict(made, "--cluster=local"))


def _read(path):
    """Dict of script to its measurements, arrays by column, in the order of the number of TCEs."""
    with open(path, newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["num_tces"]))
    of_script = {name: [row for row in rows if row["script"] == name] for name in (_RECORDS, _PREDICT, _ON_CLUSTER)}
    return {
        name: {column: np.array([float(row[column]) for row in own]) for column in _COLUMNS[1:]}
        for name, own in of_script.items()
        if own
    }


def _print_table(measured):
    print("                                           ms of CPU a TCE    peak MB      kB a TCE")
    print("script                               TCEs   wall s    CPU s    all parent parent workers  read written")
    for name, of in measured.items():
        for number, wall, cpu, parent_cpu, parent, workers, read, written in zip(*of.values()):
            print(
                f"{name:32} {number:8.0f} {wall:8.1f} {cpu:8.1f} {cpu / number * 1e3:6.2f} "
                f"{parent_cpu / number * 1e3:6.3f} {parent:6.0f} {workers:7.0f} {read / number / 1e3:5.1f} "
                f"{written / number / 1e3:7.1f}"
            )


def _slope(numbers, seconds):
    return np.polyfit(np.log(numbers), np.log(seconds), 1)[0]


def _draw(measured, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for name, color in _COLORS.items():
        if name not in measured:
            continue
        of = measured[name]
        numbers, seconds = of["num_tces"], of["cpu"]
        large = numbers >= 10_000
        slopes = f"slope {_slope(numbers, seconds):.2f}" if len(numbers) > 1 else "one point"
        if large.sum() > 1 and not large.all():
            slopes += f"; {_slope(numbers[large], seconds[large]):.2f} from 10,000 on"
        time.plot(numbers, seconds, "o-", color=color, label=f"{name}\n({slopes})")
        # Of a TCE when there are most of them, whatever their number.
        time.plot(numbers, seconds[-1] * numbers / numbers[-1], ":", color=color)
        memory.plot(numbers, of["parent_megabytes"], "o-", color=color, label=f"{name}, parent")
        if of["workers_megabytes"].any():
            memory.plot(numbers, of["workers_megabytes"], "s--", color=color, label=f"{name}, all workers")
    time.plot([], [], ":", color="0.4", label="slope 1")
    time.set(xscale="log", yscale="log", xlabel="TCEs", ylabel="CPU seconds, all processes")
    memory.set(xscale="log", xlabel="TCEs", ylabel="Peak memory (MB)")
    memory.set_ylim(0, 1.25 * memory.get_ylim()[1])
    for axes in (time, memory):
        axes.legend(frameon=False, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _estimate(measured, num_cores, num_tces):
    """Prints what many cores would do, by Amdahl's law: what the parent does, no worker shares.

    A TCE's cost is what one more takes, between the fewest and the most that were measured; start-up is what is left
    of the fewest.
    """
    print(f"\n{num_cores} cores, one script at a time, {num_tces} TCEs, on paper:")
    for name in (_RECORDS, _ON_CLUSTER):
        if name not in measured or len(measured[name]["num_tces"]) < 2:
            print(f"  {name}: measure two numbers of TCEs")
            continue
        of = measured[name]
        fewest, most = of["num_tces"][[0, -1]]
        each = {column: (values[-1] - values[0]) / (most - fewest) for column, values in of.items()}
        start_up = max(0, of["cpu"][0] - fewest * each["cpu"])
        serial, shared = each["parent_cpu"], each["cpu"] - each["parent_cpu"]
        seconds = serial + shared / num_cores
        hours = (start_up + num_tces * seconds) / 3600
        print(
            f"  {name}: {shared * 1e3:.2f} ms of the workers' CPU and {serial * 1e3:.3f} ms of the parent's a TCE, "
            f"start-up {start_up:.1f} s\n"
            f"    {1 / seconds:.0f} TCE/s, {each['cpu'] / seconds:.0f} x one core (the parent alone allows "
            f"{1 / serial:.0f} TCE/s, {each['cpu'] / serial:.0f} x); {hours:.2f} h\n"
            f"    reads {each['read'] / 1e3:.1f} kB and writes {each['written'] / 1e3:.1f} kB a TCE: "
            f"{each['read'] / seconds / 1e6:.0f} and {each['written'] / seconds / 1e6:.0f} MB/s of the file system"
        )


def _run(flags):
    make_directory(flags.output_dir)
    path = os.path.join(flags.output_dir, "scaling.csv")
    if not os.path.exists(path):
        with open(path, "w", newline="") as file:
            csv.writer(file).writerow(_COLUMNS)

    def add(script, number, cost):
        with open(path, "a", newline="") as file:
            csv.writer(file).writerow([script, number, *dataclasses.astuple(cost)])

    with tempfile.TemporaryDirectory(dir=flags.output_dir) as directory:
        survey_dir, rows = records.survey(flags, directory) if flags.num_tces else (None, [])
        for number in flags.num_tces:
            _measure(survey_dir, rows, number, flags, add)
    measured = _read(path)
    print(f"{os.cpu_count()} cores")
    _print_table(measured)
    _draw(measured, os.path.join(flags.output_dir, "scaling.png"))
    _estimate(measured, flags.num_cores, flags.num_estimated)
    return 0


def main(argv=None):
    parser = Parser(description=__doc__)
    records.add_flags(parser, num_stars=5000)
    numbers = [1000, 10_000, 100_000, 1_000_000]
    parser.add_argument(
        "--num_tces", type=positive_integer, nargs="*", default=numbers, help="numbers to measure; none only draws"
    )
    parser.add_argument("--max_predicted", type=int, default=1_000_000, help="predict numbers up to this one")
    parser.add_argument("--max_on_cluster", type=int, default=100_000, help="the same by Dask's workers")
    parser.add_argument("--output_dir", default="scaling", help="gets scaling.csv and scaling.png")
    parser.add_argument("--num_cores", type=positive_integer, default=100, help="of the cluster on paper")
    parser.add_argument("--num_estimated", type=positive_integer, default=1_000_000, help="TCEs for the cluster")
    return run(_run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
