"""Runs tasks in worker processes, through the interface of concurrent.futures.

open_executor() chooses the Executor: processes on this machine, or a Dask cluster.
"""

import argparse
import atexit
import collections
import contextlib
import ctypes
import functools
import itertools
import multiprocessing
import multiprocessing.connection
import multiprocessing.reduction
import os
import pickle
import queue
import signal
import threading
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Optional, TypeVar

from astronet.base import arguments, messages
from astronet.base import dask_cluster as dask_cluster
from astronet.base.script import Parser, ScriptError, rare_garbage_collections
from astronet.base.terminal import safe_streams

Task = TypeVar("Task")
Result = TypeVar("Result")

_ATTEMPTS = 2
_MOST_BY_DEFAULT = 8  # processes: others often use a machine with more cores, too
_LISTEN_SECONDS = 1.0  # the main thread checks for signals this often
_SECONDS_TO_END = 10  # time for a process without tasks to end
_PR_SET_PDEATHSIG = 1  # from Linux's prctl.h
# Each of many processes gets one thread for NumPy, as in Dask: more threads than cores mostly wait for each other.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")


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
        help="how many processes work side by side; 1: work in this process. The default is the number of cores that "
        f"this process may use, at most {_MOST_BY_DEFAULT}",
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
    """Returns how many processes work side by side where no flag says so: one for each core, 8 at most.

    The environment variable PYTHON_CPU_COUNT, which Python 3.13 reads, too, says how many cores there are to use.
    """
    told = os.environ.get("PYTHON_CPU_COUNT", "")
    if told.isdecimal() and int(told):
        return min(int(told), _MOST_BY_DEFAULT)
    can_tell = hasattr(os, "sched_getaffinity")  # not on macOS
    return min(len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1, _MOST_BY_DEFAULT)


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
        opened = Processes(num_processes) if num_processes and num_processes > 1 else InThisProcess()
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


class WorkerDiedError(BrokenExecutor):
    """A process ended before its task was done. Other processes and later tasks are not affected."""


class Processes(Executor):
    """An Executor of processes that get one task at a time. If a process dies, only its task fails.

    Another process takes its place. (With a ProcessPoolExecutor, all tasks fail if one process dies. With pebble 5.2,
    they do if the process had no task, for example while it started.) Processes are started when there is work. All are
    killed if the `with` block ends by an exception. They end by themselves if this process ends, even if it is killed.

    Args:
      num_processes: greatest number of processes.
    """

    def __init__(self, num_processes: int) -> None:
        self._num_processes = num_processes
        self._calls: queue.SimpleQueue[Any] = queue.SimpleQueue()  # (future, call), or None to end a thread
        self._threads: list[threading.Thread] = []  # one for each process
        self._num_idle = threading.Semaphore(0)
        self._lock = threading.Lock()  # held while a process is started, and while all are killed
        self._processes: set[BaseProcess] = set()
        self._is_killed = False
        self.max_pending = dask_cluster.PENDING_PER_WORKER * num_processes

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._calls.put((future, functools.partial(fn, *args, **kwargs)))
        if not self._num_idle.acquire(blocking=False) and len(self._threads) < self._num_processes:
            self._threads.append(threading.Thread(target=self._look_after_one, daemon=True))
            self._threads[-1].start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._calls.get_nowait()[0].cancel()
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill(self) -> None:
        """Kills all processes. Their tasks and all waiting tasks fail."""
        with self._lock:
            self._is_killed = True
            for process in self._processes:
                process.kill()

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc_value: Optional[BaseException],
        exc_traceback: Optional[TracebackType],
    ) -> None:
        if exc_type is not None:
            self.kill()
        self.shutdown(cancel_futures=exc_type is not None)

    def _look_after_one(self) -> None:
        process: Optional[BaseProcess] = None
        while (item := self._calls.get()) is not None:
            future, call = item
            if future.set_running_or_notify_cancel():
                try:
                    if process is None:
                        process, connection = self._start()
                    result, error = _ask(connection, process, call)
                except WorkerDiedError as died:
                    result, error, process = None, died, None
                except Exception as unsendable:  # the call cannot be pickled, or no process could be started
                    result, error = None, unsendable
                future.set_exception(error) if error else future.set_result(result)
            self._num_idle.release()
        if process is not None:
            connection.close()
            process.join(_SECONDS_TO_END)
            process.kill()  # no effect if it has ended; else it is waiting for a thread that a task has started
            process.join()

    def _start(self) -> tuple[BaseProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, messages.LOG.getEffectiveLevel()), daemon=True)
        with self._lock:
            if self._is_killed:
                raise WorkerDiedError("the worker processes were stopped")
            with _environment_with(_ONE_THREAD):
                process.start()
            self._processes.add(process)
        theirs.close()
        return process, ours


@contextlib.contextmanager
def _environment_with(defaults: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables that are not set, for the processes that the block starts."""
    added = defaults.keys() - os.environ.keys()
    os.environ.update({name: defaults[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _ask(connection: Connection, process: BaseProcess, call: Callable[[], Any]) -> tuple[Any, Optional[BaseException]]:
    """Makes a call in another process. Returns (result, None), or (None, the error that the call raised)."""
    try:
        connection.send(call)
        result, error, trace = connection.recv()
    except (EOFError, ConnectionError):
        process.join()
        raise WorkerDiedError(f"a worker process ended with exit code {process.exitcode}") from None
    if error is not None:
        error.__cause__ = RuntimeError(f"in a worker process:\n{trace}")
    return result, error


def _serve(connection: Connection, level: int) -> None:
    """The main function of a worker process: makes the calls that it receives, until the connection is closed.

    Args:
      connection: pipe to the parent.
      level: the process shows what is logged at this level or above.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Control-C reaches all processes of a terminal; the parent handles it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with (
        safe_streams(),
        messages.shown(level),
        contextlib.suppress(EOFError, ConnectionError),
        rare_garbage_collections(),
    ):
        while True:
            pickled = connection.recv_bytes()
            try:
                answer = _pickled((pickle.loads(pickled)(), None, None))
            except Exception as error:
                answer = _answer_of(error)
            connection.send_bytes(answer)


def _pickled(answer: Any) -> Any:
    return multiprocessing.reduction.ForkingPickler.dumps(answer)


def _answer_of(error: Exception) -> Any:
    try:
        return _pickled((None, error, traceback.format_exc()))
    except Exception:
        return _pickled((None, RuntimeError(repr(error)), traceback.format_exc()))


def _end_with_parent() -> None:
    """Ends this process when its parent has ended. On Linux, this works even if it hangs in C and holds the GIL."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)
