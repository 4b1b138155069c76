"""Runs tasks in worker processes, through the interface of concurrent.futures.

open_executor() chooses the Executor: processes on this machine, or a Dask cluster.
"""

import argparse
import atexit
import collections
import contextlib
import functools
import itertools
import os
import pickle
import queue
import threading
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from typing import Any, Optional, TypeVar

from astronet.base import arguments, worker_processes
from astronet.base import dask_cluster as dask_cluster
from astronet.base.script import Parser, ScriptError

Task = TypeVar("Task")
Result = TypeVar("Result")

_ATTEMPTS = 2
_MOST_BY_DEFAULT = 8  # processes: others often use a machine with more cores, too
_LISTEN_SECONDS = 1.0  # the main thread checks for signals this often


def add_flags(parser: Parser, least: int = 1, with_cluster: bool = True) -> None:
    """Adds --num_worker_processes and --cluster, for open_executor() and map_in_order().

    Args:
      parser: Parser of a script.
      least: least number of processes that the script takes; 0 means the same as 1.
      with_cluster: whether the script can work on a cluster.
    """
    parser.machine.add_argument(
        "--num_worker_processes",
        type=arguments.whole_number(least, arguments.MAX_PROCESSES),
        default=default_num_processes(),
        help="how many processes work side by side; 1: work in this process. The default is the number of cores, "
        f"at most {_MOST_BY_DEFAULT}",
    )
    if with_cluster:
        add_cluster_flag(parser)


def add_cluster_flag(parser: Parser) -> None:
    """Adds --cluster, for open_executor()."""
    parser.machine.add_argument(
        "--cluster",
        type=_cluster,
        metavar="ADDRESS",
        help="work on a Dask cluster: the address of its scheduler (tcp://host:8786), or local for Dask workers on "
        "this machine (docs/cluster.md)",
    )


def default_num_processes() -> int:
    """Returns how many processes work side by side where no flag says so: one for each core, but from 2 to 8.

    With 2 or more, a file that kills or hangs its process costs no more than that. The environment variable
    PYTHON_CPU_COUNT, which Python 3.13 reads, too, says how many cores there are to use; 1 works in this process.
    """
    given = os.environ.get("PYTHON_CPU_COUNT", "")
    if given.isdecimal() and int(given):
        return min(int(given), _MOST_BY_DEFAULT)
    can_tell = hasattr(os, "sched_getaffinity")  # not on macOS
    num_cores = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return max(2, min(num_cores, _MOST_BY_DEFAULT))


def _cluster(text: str) -> str:
    if text == dask_cluster.LOCAL or "://" in text:
        return text
    raise argparse.ArgumentTypeError(f"'{text}' is neither local nor an address such as tcp://host:8786")


@contextlib.contextmanager
def open_executor(cluster: Optional[str], num_processes: Optional[int]) -> Iterator[Any]:
    """Yields the Executor that the flags ask for. Its attribute max_pending is the number of tasks to submit ahead.

    Args:
      cluster: value of --cluster; None works on this machine, without Dask.
      num_processes: number of processes; 1 or None works in this process. Ignored if `cluster` is the address of a
        scheduler.

    Raises:
      ScriptError: the cluster cannot be used.
    """
    opened: contextlib.AbstractContextManager[Any]
    if cluster:
        opened = dask_cluster.connect(cluster, num_processes)
    else:
        opened = worker_processes.Processes(num_processes) if num_processes and num_processes > 1 else InThisProcess()
    with opened as executor:
        yield executor


def map_in_order(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    num_worker_processes: int,
    tasks_at_a_time: int = 1,
    cluster: Optional[str] = None,
) -> Iterator[Result]:
    """Yields work(task) for each task, in the order of the tasks.

    >>> list(map_in_order(str.upper, ["a", "b"], num_worker_processes=1))
    ['A', 'B']

    Args:
      work: picklable function. New processes import its module, so it must not depend on values set in this process.
      tasks: list of tasks.
      num_worker_processes: number of processes; 1 works in this process, and so does a single task.
      tasks_at_a_time: number of tasks that are sent to a process together.
      cluster: a cluster to work on, as --cluster names it.

    Raises:
      ScriptError: a process died twice at the same task, or the cluster cannot be used.
    """
    num_workers = min(num_worker_processes, len(tasks))
    if not tasks or (num_workers <= 1 and not cluster):
        yield from map(work, tasks)
        return
    chunks = [tasks[start : start + tasks_at_a_time] for start in range(0, len(tasks), tasks_at_a_time)]
    with open_executor(cluster, num_workers) as executor:
        for results in in_order(executor, functools.partial(_work_on_all, work), chunks):
            yield from results


def _work_on_all(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    return list(map(work, tasks))


def in_order(
    executor: Any,
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    max_pending: Optional[int] = None,
    attempts: float = _ATTEMPTS,
) -> Iterator[Result]:
    """Yields work(task) for each task, in the order of the tasks. Raises what work() raises.

    Args:
      executor: concurrent.futures.Executor.
      work: picklable function. It may be called again with the same task.
      tasks: iterable of tasks. It is advanced only as tasks are submitted.
      max_pending: number of tasks to submit ahead; None uses the executor's max_pending.
      attempts: number of attempts at a task whose worker dies; math.inf never gives up.

    Raises:
      ScriptError: all attempts at a task have failed because its worker died.
    """
    tasks = iter(tasks)
    pending: collections.deque[tuple[Task, Future[Result]]] = collections.deque()
    while True:
        room = (max_pending or executor.max_pending) - len(pending)
        for task in itertools.islice(tasks, max(0, room)):
            pending.append((task, executor.submit(work, task)))
        if not pending:
            return
        task, future = pending.popleft()
        yield _result(executor, work, task, future, attempts)


def _result(
    executor: Executor, work: Callable[[Task], Result], task: Task, future: Future[Result], attempts: float
) -> Result:
    attempt = 1
    while True:
        try:
            # If another thread receives the signal of Control-C, the main thread notices only when it wakes.
            while not wait([future], timeout=_LISTEN_SECONDS).done:
                pass
            return future.result()
        except (BrokenExecutor, MemoryError) as error:
            # The frames of the traceback and the future refer to each other. Without this, the memory of the task would
            # stay allocated until the next garbage collection.
            traceback.clear_frames(error.__traceback__)
            if attempt >= attempts:
                raise ScriptError(
                    f"a worker process was killed {attempt} times at the same task, perhaps because memory ran out: "
                    "try again with fewer worker processes on a machine"
                ) from error
        attempt += 1
        future = executor.submit(work, task)


class OncePerProcess:
    """A picklable call that each process makes only once: later calls in the same run return the first result.

    Args:
      function: picklable function.
      *args: its arguments.
    """

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        # The run has a unique name, because workers of a cluster live longer than a run, and files may change.
        self._call = pickle.dumps((uuid.uuid4().hex, functools.partial(function, *args)))

    def __call__(self) -> Any:
        return _result_of(self._call)


@functools.lru_cache(maxsize=1)
def _result_of(call: bytes) -> Any:
    return pickle.loads(call)[1]()


atexit.register(_result_of.cache_clear)  # models must be deleted while TensorFlow is still loaded


class Threads(Executor):
    """An Executor of daemon threads: the process can end although they are still working.

    Args:
      num_threads: number of threads.
    """

    def __init__(self, num_threads: int) -> None:
        self.max_pending = num_threads
        self._calls: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(num_threads):
            threading.Thread(target=self._work, daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._calls.put((future, functools.partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            try:
                future.set_result(call())
            except Exception as error:
                future.set_exception(error)
        self._calls.put(None)  # for the next thread


class InThisProcess(Executor):
    """An Executor that does each task immediately, in submit()."""

    max_pending = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
