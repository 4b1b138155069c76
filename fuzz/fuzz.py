"""Feeds mutated files of every kind to the readers of the package, and counts the outcomes.

A reader must either read a mutant, with the same finite numbers as an independent reader, or refuse it with an error of
the package. Anything else is a finding: another exception, a wrong number, too much memory, a crash, a hang. A separate
process reads the mutants (fuzz_worker.py). If it dies or hangs, another one continues.

Mutant N of a seed is the same in every run: --first=N --num_mutants=1 --save_dir=DIR makes it again.
"""

import collections
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from astronet.base.arguments import positive_integer
from astronet.base.files import make_directory
from astronet.base.script import Parser, run

_WORKER = Path(__file__).with_name("fuzz_worker.py")
_START_SECONDS = 300  # to import TensorFlow and make the samples, on a busy machine
_OUTCOMES = ("read", "refused", "exception", "wrong", "memory", "crash", "hang")
_GOOD = ("read", "refused")


def _messages(process, first_seconds, seconds):
    """Yields the lines that a worker prints; None if it is silent for too long."""
    buffer, limit = b"", first_seconds
    while True:
        if not select.select([process.stdout], [], [], limit)[0]:
            yield None
            return
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        if not chunk:
            return
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            limit = seconds
            yield json.loads(line)


def _fuzz(first, end, command, seconds):
    """Yields (number, format, outcome, detail) of the mutants from first to end - 1. Replaces workers that die."""
    while first < end:
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [*command, f"--first={first}", f"--end={end}"], stdout=subprocess.PIPE, stderr=log, bufsize=0
            )
            begun, outcome = None, "crash"
            try:
                for message in _messages(process, _START_SECONDS, seconds):
                    if message is None:
                        outcome = "hang"
                    elif len(message) == 2:
                        begun = message
                    else:
                        yield message
                        first, begun = message[0] + 1, None
            finally:
                process.kill()
                code = process.wait()
                process.stdout.close()
            if begun is None and first < end:
                log.seek(0)
                raise RuntimeError(f"the worker gave up with exit code {code}:\n{log.read().decode(errors='replace')}")
            if begun is not None:
                died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                yield [*begun, outcome, f"no answer for {seconds} s" if outcome == "hang" else died]
                first = begun[0] + 1


def _print_table(counts):
    print(f"{'format':16s}{'mutants':>9s}" + "".join(f"{name:>11s}" for name in _OUTCOMES))
    for name in [*sorted(counts), "all"]:
        row = sum(counts.values(), collections.Counter()) if name == "all" else counts[name]
        print(f"{name:16s}{sum(row.values()):9d}" + "".join(f"{row[outcome]:11d}" for outcome in _OUTCOMES))


def _run(flags):
    counts, findings, start = collections.defaultdict(collections.Counter), 0, time.perf_counter()
    if flags.save_dir:
        make_directory(flags.save_dir)
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, str(flags.worker), f"--seed={flags.seed}", f"--memory_mb={flags.memory_mb}"]
        command += [f"--directory={directory}", *([f"--save_dir={flags.save_dir}"] if flags.save_dir else [])]
        command += [f"--formats={flags.formats}"] if flags.formats else []
        for number, name, outcome, detail in _fuzz(
            flags.first, flags.first + flags.num_mutants, command, flags.seconds
        ):
            counts[name][outcome] += 1
            if outcome not in _GOOD:
                findings += 1
                print(f"mutant {number} of seed {flags.seed}, {name}: {outcome}: {detail}")
    _print_table(counts)
    print(f"{findings} findings; {time.perf_counter() - start:.0f} s, one process of {os.cpu_count()} cores")
    return 1 if findings else 0


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_mutants", type=positive_integer, default=20000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--formats", help="names with commas; None: all")
    parser.add_argument("--seconds", type=float, default=30, help="a mutant that takes longer hangs")
    parser.add_argument("--memory_mb", type=positive_integer, default=1024, help="more that a mutant may take")
    parser.add_argument("--save_dir", help="directory that mutants are kept in, each by its number")
    parser.add_argument("--worker", default=_WORKER, help="the script that reads the mutants")
    return run(_run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
