"""Measures a process from its start to its end."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time

_SECONDS_BETWEEN_LOOKS = 0.1


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
    _require_success(process, arguments)
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Cost(wall, usage.ru_utime + usage.ru_stime, kilobytes / 1024)


@dataclasses.dataclass(frozen=True)
class FamilyCost:
    """What a process (the parent) and the processes that it starts (the workers) took.

    Attributes:
      wall: seconds.
      cpu, parent_cpu: CPU seconds of all processes, and of the parent alone.
      parent_megabytes, workers_megabytes: the parent's peak memory, and the sum of the workers' peaks.
      read, written: bytes that all processes asked for and gave, from and to files (cached or not) and each other.
    """

    wall: float
    cpu: float
    parent_cpu: float
    parent_megabytes: float
    workers_megabytes: float
    read: int
    written: int


def run_family(*arguments):
    """Runs this Python with arguments, its standard output thrown away; Linux only, for it looks into /proc.

    Returns:
      FamilyCost. What happens in the last tenth of a second of a worker is not in its memory, reads and writes.

    Raises:
      RuntimeError: where it fails.
    """
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    seen = {}
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        _look(process.pid, seen)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    wall = time.perf_counter() - start
    # It has ended, and its times stay until it is waited for: its own, and those of the children that it waited for.
    with open(f"/proc/{process.pid}/stat") as file:
        times = [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in file.read().rpartition(")")[2].split()[11:15]]
    process.wait()
    _require_success(process, arguments)
    parent_megabytes, _, _ = seen[process.pid]
    megabytes, read, written = (sum(column) for column in zip(*seen.values()))
    return FamilyCost(wall, sum(times), sum(times[:2]), parent_megabytes, megabytes - parent_megabytes, read, written)


def _look(pid, seen):
    """Notes peak memory (MB), bytes read and bytes written so far of a process and its children, by process id."""
    with contextlib.suppress(OSError, KeyError, ValueError):  # it has just ended
        pids = [pid]
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                pids += map(int, file.read().split())
        for each in pids:
            memory, traffic = _fields(f"/proc/{each}/status"), _fields(f"/proc/{each}/io")
            seen[each] = int(memory["VmHWM"].split()[0]) / 1024, int(traffic["rchar"]), int(traffic["wchar"])


def _fields(path):
    with open(path) as file:
        return dict(line.split(":", 1) for line in file)


def _require_success(process, arguments):
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with exit code {process.returncode}")
