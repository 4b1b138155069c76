"""A Dask cluster as an Executor: workers on this machine, or wherever those of a scheduler are."""

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

import astronet
from astronet.base.script import ScriptError

Result = TypeVar("Result")

LOCAL = "local"
PENDING_PER_WORKER = 4  # tasks that are submitted ahead, so that no worker waits and memory stays bounded
_SECONDS_BETWEEN_LOOKS = 1
_DASKS_SHARE = 0.9  # of the time that a scheduler has to answer: its own message comes first
# Control-C reaches every process of a terminal: the script decides, and ends its workers.
_IGNORE_CONTROL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


class WorkersDiedError(BrokenExecutor):
    """Dask has given a task up, for several workers died that had it. Other tasks are not affected."""


@contextlib.contextmanager
def connect(address: str, num_workers: Optional[int] = None) -> Iterator["_DaskExecutor"]:
    """Yields an Executor whose tasks are done by the workers of a Dask cluster, each of which does one at a time.

    What is not done when the block ends is given up, and processes that are at it are ended (their nannies start them
    anew).

    Args:
      address: of the scheduler, such as tcp://host:8786; or LOCAL, for workers of its own on this machine.
      num_workers: how many those of LOCAL are; None has one a core.

    Raises:
      ScriptError: Dask is not installed, scheduler or workers cannot be reached, or have another version of this
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
    # What it says, with tracebacks, about a scheduler that goes away is an error's business here.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    # DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT in the environment changes it, as everything that connects.
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
    """Returns a distributed.Client that the scheduler at an address has answered within `patience` seconds."""
    import distributed

    try:
        connect = functools.partial(distributed.Client, address, timeout=_DASKS_SHARE * patience)
        return _within(patience, connect, address)
    except ScriptError:
        raise
    except Exception as error:  # what is no scheduler may answer anything, which Dask takes for a message
        reason = str(error) or type(error).__name__
        if address.startswith("tls://"):
            reason += "; tls:// needs certificates: see docs/cluster.md"
        raise ScriptError(
            f"--cluster={address}: no Dask scheduler answers there within {patience:g} s ({reason}): start one "
            "(dask scheduler), or correct the address"
        ) from error


def _within(seconds: float, function: Callable[[], Result], address: str) -> Result:
    """Returns function(), for which the scheduler at an address has so many seconds.

    Dask waits without end for a program that accepts a connection and then says nothing. Its thread is a daemon, which
    keeps no process from ending.

    Raises:
      ScriptError: it took longer. What function() raises is raised here.
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
        if outcome.done():  # by a TimeoutError of its own
            raise
        raise ScriptError(
            f"--cluster={address}: something accepts connections there, but does not answer as a Dask scheduler within "
            f"{seconds:g} s: start a scheduler (dask scheduler), or correct the address (port 8787 is its dashboard)"
        ) from None


def tell(line: str, file: Optional[TextIO] = None) -> None:
    """Prints a line to the user, from wherever a task is done; in one piece, whatever other threads print."""
    # A worker of Dask has imported it: there, its print() reaches the user, and elsewhere it is the usual one.
    distributed = sys.modules.get("distributed")
    (distributed.print if distributed else print)(f"{line}\n", end="", file=file, flush=True)


def tell_error(line: str) -> None:
    """Prints a line to stderr as tell() does to stdout."""
    tell(line, file=sys.stderr)


def _environment() -> dict[str, str]:
    import distributed

    python = ".".join(map(str, sys.version_info[:2]))
    return {"astronet": astronet.__version__, "distributed": distributed.__version__, "Python": python}


def _problem(expected: Mapping[str, str], dask_worker: Any) -> str:
    """What keeps a worker from tasks, which would else fail on it in ways that are hard to understand; or "".

    Args:
      expected: what _environment() is where the tasks come from.
      dask_worker: distributed.Worker, in whose process this is.
    """
    problem = _difference(expected, _environment())
    if not problem and dask_worker.state.nthreads > 1:
        problem = f"{dask_worker.state.nthreads} threads: start more workers of one (--nworkers 8 --nthreads 1)"
    return problem and f"the worker {dask_worker.address} has {problem}"


def _difference(expected: Mapping[str, str], there: Mapping[str, str]) -> str:
    different = [name for name in expected if there[name] != expected[name]]
    if not different:
        return ""
    has = ", ".join(f"{name} {there[name]}" for name in different)
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
    """The ClientExecutor of a distributed.Client, with errors that those who know nothing of Dask understand."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._executor = client.get_executor(pure=False)
        self._expected = _environment()
        self._num_workers = len(client.nthreads())
        self._is_shut = threading.Event()
        threading.Thread(target=self._count_workers, daemon=True).start()

    @property
    def max_pending(self) -> int:
        """How many tasks to submit ahead, for as many workers as there are at this moment."""
        return PENDING_PER_WORKER * max(1, self._num_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        # Pickled here, for Dask would look for its own objects in the arguments, and send code of __main__ by value.
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
        """Keeps count of workers that come and go, and tells when all are gone."""
        while not self._is_shut.wait(_SECONDS_BETWEEN_LOOKS):
            before = self._num_workers
            try:
                self._num_workers = len(self._client.nthreads())
            except Exception:  # no connection: tasks tell of that
                return
            if before and not self._num_workers and not self._is_shut.is_set():
                print(f"\nno worker is left at {self._address}: waiting for others", file=sys.stderr, flush=True)


def _call(expected: Mapping[str, str], pickled: bytes) -> Any:
    """Worker: makes a call; ends the process once nobody waits for it any more, for it may be one of hours."""
    import distributed

    worker = distributed.get_worker()
    problem = _problem(expected, worker)
    if problem:  # a worker that came after _check()
        raise ScriptError(problem)
    # A worker is meant to be one core: so that TensorFlow, where it is not told otherwise, takes one.
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
