"""Runs tasks on a Dask cluster, as an Executor: on workers on this machine, or on the workers of a scheduler."""

import concurrent.futures
import contextlib
import functools
import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any, Optional, TextIO, TypeVar

from astronet.base import messages, version
from astronet.base.script import ScriptError

_LOG = logging.getLogger(__name__)

Result = TypeVar("Result")

LOCAL = "local"
PENDING_PER_WORKER = 4  # tasks submitted ahead for each worker: no worker waits, and memory stays limited
_SECONDS_BETWEEN_LOOKS = 1
_DASKS_SHARE = 0.9  # Dask's time limit as a fraction of ours, so that its more precise message comes first
# Control-C reaches all processes of a terminal. The script handles it, and ends its workers.
_IGNORE_CONTROL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


class WorkersDiedError(BrokenExecutor):
    """Dask gave up a task because several workers died at it. Other tasks are not affected."""


@contextlib.contextmanager
def connect(address: str, num_workers: Optional[int] = None) -> Iterator["_DaskExecutor"]:
    """Yields an Executor that runs tasks on the workers of a Dask cluster, one task at a time on each worker.

    At the end of the block, unfinished tasks are given up, and the processes that work on them are ended (Dask starts
    new ones).

    Args:
      address: address of the scheduler, such as tcp://host:8786; or LOCAL, which starts workers on this machine.
      num_workers: number of workers for LOCAL; None means one for each core.

    Raises:
      ScriptError: Dask is not installed; or the scheduler or a worker cannot be reached, or has another version of this
        package, of Dask or of Python.
    """
    try:
        import dask.system
        import dask.utils
        import distributed
    except ImportError as error:
        raise ScriptError(
            "--cluster needs Dask, which is not installed here: pip install '.[cluster]', or work without --cluster"
        ) from error
    # If the scheduler goes away, Dask logs tracebacks; here an error message reports that.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    # The environment variable DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT changes this.
    patience = dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))
    with contextlib.ExitStack() as stack:
        if address == LOCAL:
            num_workers = num_workers or dask.system.CPU_COUNT
            cluster = distributed.LocalCluster(
                n_workers=num_workers,
                threads_per_worker=1,
                memory_limit=distributed.system.MEMORY_LIMIT // num_workers,
                dashboard_address=None,
                preload=[_IGNORE_CONTROL_C],
            )
            address = stack.enter_context(cluster).scheduler_address
        client = _connected(address, patience)
        stack.enter_context(client)
        try:
            _within(patience, functools.partial(client.wait_for_workers, 1, timeout=_DASKS_SHARE * patience), address)
        except distributed.TimeoutError as error:
            raise ScriptError(
                f"the scheduler at {address} has had no worker for {patience:g} s: start some (dask worker {address} "
                "--nworkers 8 --nthreads 1)"
            ) from error
        _within(patience, functools.partial(_check, client, address), address)
        executor = _DaskExecutor(client, address)
        stack.callback(executor.shutdown, wait=False)
        yield executor


def _connected(address: str, patience: float) -> Any:
    """Returns a distributed.Client that is connected to the scheduler at an address, within `patience` seconds."""
    import distributed

    try:
        connect = functools.partial(distributed.Client, address, timeout=_DASKS_SHARE * patience)
        return _within(patience, connect, address)
    except ScriptError:
        raise
    except Exception as error:  # a program that is not a scheduler may answer anything
        reason = str(error) or type(error).__name__
        if address.startswith("tls://"):
            reason += "; tls:// needs certificates: see docs/cluster.md"
        raise ScriptError(
            f"--cluster={address}: no Dask scheduler answers there within {patience:g} s ({reason}): start one "
            "(dask scheduler), or correct the address"
        ) from error


def _within(seconds: float, function: Callable[[], Result], address: str) -> Result:
    """Returns function(), or raises an error after some seconds. Raises what function() raises.

    Without this limit, Dask waits forever for a program that accepts a connection and then says nothing. The function
    runs in a daemon thread, which does not keep the process from ending.

    Raises:
      ScriptError: the function took longer.
    """
    outcome: Future[Result] = Future()

    def call() -> None:
        try:
            outcome.set_result(function())
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    try:
        return outcome.result(seconds)
    except concurrent.futures.TimeoutError:
        if outcome.done():  # function() itself raised a TimeoutError
            raise
        raise ScriptError(
            f"--cluster={address}: something accepts connections there, but does not answer as a Dask scheduler within "
            f"{seconds:g} s: start a scheduler (dask scheduler), or correct the address (port 8787 is its dashboard)"
        ) from None


def tell(line: str, file: Optional[TextIO] = None) -> None:
    """Prints a line for the user, also from a worker of a cluster. Lines of several threads are not mixed."""
    # In a worker, Dask's print() sends the line to the user's terminal.
    distributed = sys.modules.get("distributed")
    (distributed.print if distributed else print)(f"{line}\n", end="", file=file, flush=True)


def tell_error(line: str) -> None:
    """Prints a line to stderr, as tell() does to stdout."""
    tell(line, file=sys.stderr)


def _tell_nothing(line: str) -> None:
    """Takes a line as tell() does, and drops it."""


def tellers(cluster: Optional[str]) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Returns functions that show lines of progress and of errors to the user, from wherever a task is done.

    Args:
      cluster: where the tasks are done, as --cluster has it.
    """
    if not cluster:
        return messages.LOG.info, messages.LOG.error
    return tell if messages.LOG.isEnabledFor(logging.INFO) else _tell_nothing, tell_error


def _environment() -> dict[str, str]:
    import distributed

    python = ".".join(map(str, sys.version_info[:2]))
    return {"astronet": version.VERSION, "distributed": distributed.__version__, "Python": python}


def _problem(expected: Mapping[str, str], dask_worker: Any) -> str:
    """Returns why a worker cannot do our tasks; "" if it can. Without this check, errors are hard to understand.

    Args:
      expected: _environment() of the process that submits the tasks.
      dask_worker: distributed.Worker of this process.
    """
    problem = _difference(expected, _environment())
    if not problem and dask_worker.state.nthreads > 1:
        problem = f"{dask_worker.state.nthreads} threads: start more workers of one (--nworkers 8 --nthreads 1)"
    return problem and f"the worker {dask_worker.address} has {problem}"


def _difference(expected: Mapping[str, str], actual: Mapping[str, str]) -> str:
    different = [name for name in expected if actual[name] != expected[name]]
    if not different:
        return ""
    has = ", ".join(f"{name} {actual[name]}" for name in different)
    needed = ", ".join(f"{name} {expected[name]}" for name in different)
    return f"{has}, where {needed} is needed, as here: install the same there, and start it again"


def _check(client: Any, address: str) -> None:
    expected = _environment()
    where = f"the scheduler {address}"
    try:
        problem = _difference(expected, client.run_on_scheduler(_environment))
        problems = [f"{where} has {problem}"] if problem else []
        for worker, answer in client.run(_problem, expected, on_error="return").items():
            where = f"the worker {worker}"
            if isinstance(answer, Exception):
                raise answer
            problems += [answer] if answer else []
    except ImportError as error:
        raise ScriptError(f"{where} cannot import what it needs ({error}): install astronet there, as here") from error
    if problems:
        raise ScriptError("; ".join(problems))


class _DaskExecutor(Executor):
    """The ClientExecutor of a distributed.Client, with error messages that need no knowledge of Dask."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._executor = client.get_executor(pure=False)
        self._expected = _environment()
        self._num_workers = len(client.nthreads())
        self._is_shut = threading.Event()
        threading.Thread(target=self._count_workers, daemon=True).start()

    @property
    def max_pending(self) -> int:
        """The number of tasks to submit ahead, for the current number of workers."""
        return PENDING_PER_WORKER * max(1, self._num_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        # Pickled here: Dask would search the arguments for its own objects, and would send code of __main__ by value.
        call = pickle.dumps(functools.partial(fn, *args, **kwargs))
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()
        inner = self._executor.submit(_call, self._expected, call)
        inner.add_done_callback(functools.partial(self._hand_on, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._is_shut.set()
        with contextlib.suppress(CancelledError, OSError):
            self._executor.shutdown(wait=wait and not cancel_futures)

    def _hand_on(self, outer: Future[Any], inner: Any) -> None:
        from distributed.scheduler import KilledWorker

        try:
            outer.set_result(inner.result())
        except CancelledError:
            outer.set_exception(
                ScriptError(
                    f"the scheduler at {self._address} went away, or its connection was lost: start it and its workers "
                    "again, and run the same command again"
                )
            )
        except KilledWorker as error:
            outer.set_exception(WorkersDiedError(str(error)))
        except Exception as error:
            outer.set_exception(error)

    def _count_workers(self) -> None:
        """Counts the workers regularly, and prints a message if none is left."""
        while not self._is_shut.wait(_SECONDS_BETWEEN_LOOKS):
            before = self._num_workers
            try:
                self._num_workers = len(self._client.nthreads())
            except Exception:  # no connection: the tasks report it
                return
            if before and not self._num_workers and not self._is_shut.is_set():
                _LOG.warning(f"no worker is left at {self._address}: waiting for new ones")


def _call(expected: Mapping[str, str], pickled: bytes) -> Any:
    """Makes a call, in a worker. Ends the process if the task is cancelled, because a call may take hours."""
    import distributed

    worker = distributed.get_worker()
    problem = _problem(expected, worker)
    if problem:  # the worker joined after _check()
        raise ScriptError(problem)
    # Each worker stands for one core, so TensorFlow gets one thread unless the environment says otherwise.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    is_done = threading.Event()
    watch = threading.Thread(target=_end_if_given_up, args=(worker, worker.get_current_task(), is_done), daemon=True)
    watch.start()
    try:
        return pickle.loads(pickled)()
    finally:
        is_done.set()


def _end_if_given_up(worker: Any, key: Any, is_done: threading.Event) -> None:
    from distributed.core import Status

    while not is_done.wait(_SECONDS_BETWEEN_LOOKS):
        task = worker.state.tasks.get(key)
        is_given_up = task is None or task.state == "cancelled"
        if is_given_up or worker.status in (Status.closing, Status.closed, Status.failed):
            os._exit(1)
