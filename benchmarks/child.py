"""Measures a process from its start to its end."""

import dataclasses
import os
import subprocess
import sys
import time


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a process took: wall and CPU time of all its threads (seconds), and its greatest resident memory (MB)."""

    wall: float
    cpu: float
    peak_megabytes: float


def run(*arguments):
    """Runs this Python with arguments, its output thrown away; returns the Cost.

    Raises:
      RuntimeError: where it fails.
    """
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with exit code {process.returncode}")
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Cost(wall, usage.ru_utime + usage.ru_stime, kilobytes / 1024)
