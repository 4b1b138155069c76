"""Runs parts of a computation in threads, on all cores."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_MOST = 8  # with more threads, the parts in Python (not in NumPy) only wait for each other


def parallel_map(work: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Returns [work(part) for part in parts], computed in several threads if there are several parts and cores.

    In each call, the linear algebra library uses one thread.

    >>> parallel_map(len, ["a", "bc", ""])
    [1, 2, 0]
    """
    number = min(_cores(), _MOST, len(parts))
    if number < 2:
        return list(map(work, parts))
    with _one_blas_thread(), ThreadPoolExecutor(number) as executor:
        return list(executor.map(work, parts))


def _cores():
    """Returns the number of cores that this process may use."""
    with contextlib.suppress(AttributeError):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Limits the linear algebra library to one thread for each call in the block."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.lru_cache(1)
def _controller():
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
