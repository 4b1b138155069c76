"""Two runs of generate_input_records.py in one directory, started at the same moment with two seeds, again and again.

Afterwards the directory must hold, to the byte, what one of them makes when it is alone; the other must be refused. The
survey is simulated.

    python benchmarks/two_runs.py --num_stars=300

Before there were locks, records of 1,596 distinct TCEs out of 1,904 were left, 72 of them in two splits, with exit code
0. With them, this prints (300 stars, 370 TCEs; two cores, shared with other work):

    12 of 12: one whole, the other refused
"""

import argparse
import collections
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from astronet.data import generate_input_records, simulate_survey

_SEEDS = (1, 2)


def command(survey, output_dir, seed):
    return [
        *(sys.executable, generate_input_records.__file__),
        *(f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess"),
        *(f"--output_dir={output_dir}", f"--seed={seed}", "--num_worker_processes=1"),
    ]


def contents(directory):
    """SHA-256 of each record file by its name; a file of any other kind counts by its name alone."""
    paths = sorted(path for path in Path(directory).iterdir() if path.name != "records.json")
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory" for path in paths
    }


def run_both(survey, output_dir, seeds):
    """Exit code and stderr of two runs that are started at the same moment."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command(survey, output_dir, seed), **pipes) for seed in seeds]
    told = [process.communicate()[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, told)]


def verdict(found, alone, results):
    """In words, what became of the directory and of the two runs."""
    whole = [seed for seed, expected in alone.items() if found == expected]
    if not whole:
        return "MIXED: the directory is not that of one run"
    codes = sorted(code for code, _ in results)
    refused = sum("is in use" in text for code, text in results if code)
    if codes == [0, 1] and refused == 1:
        return "one whole, the other refused"
    return "one after the other, whole" if codes == [0, 0] else f"WRONG: exit codes {codes}, {refused} refused"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num_stars", type=int, default=300, help="simulated")
    parser.add_argument("--num_starts", type=int, default=12, help="of two runs each")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        survey = os.path.join(directory, "survey")
        arguments = [f"--output_dir={survey}", f"--num_stars={flags.num_stars}", "--num_worker_processes=2"]
        assert simulate_survey.main(arguments) == 0
        alone = {}
        for seed in _SEEDS:
            subprocess.run(command(survey, f"{directory}/alone-{seed}", seed), check=True, capture_output=True)
            alone[seed] = contents(f"{directory}/alone-{seed}")
        verdicts = collections.Counter()
        for number in range(flags.num_starts):
            output_dir = f"{directory}/both-{number}"
            seeds = _SEEDS if number % 2 else _SEEDS[::-1]
            results = run_both(survey, output_dir, seeds)
            verdicts[verdict(contents(output_dir), alone, results)] += 1
        for words, count in verdicts.most_common():
            print(f"{count:3d} of {flags.num_starts}: {words}")
        return any(words.startswith(("MIXED", "WRONG")) for words in verdicts)


if __name__ == "__main__":
    sys.exit(main())
