"""Worker processes as an Executor: a process that dies costs its task alone, and all end with this process."""

import contextlib
import ctypes
import functools
import multiprocessing
import multiprocessing.connection
import multiprocessing.reduction
import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Optional

from astronet.base import dask_cluster, messages
from astronet.base.script import rare_garbage_collections
from astronet.base.terminal import safe_streams

_SECONDS_TO_END = 10  # time for a process without tasks to end
_PR_SET_PDEATHSIG = 1  # from Linux's prctl.h
# Each of many processes gets one thread for NumPy, as in Dask: more threads than cores mostly wait for each other.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")


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
