"""Parts of a work on all cores of the machine, in one process."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_MOST = 8  # more only wait for each other: the loops of NumPy run beside each other, all else of Python does not


def each(work: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Calls work(part) for each part, on several threads where there are several parts and cores; returns the results.

    Each call has one thread of the linear algebra library.
    """
    number = min(_cores(), _MOST, len(parts))
    if number < 2:
        return list(map(work, parts))
    with _one_thread_each(), ThreadPoolExecutor(number) as executor:
        return list(executor.map(work, parts))


def _cores():
    """How many cores this process may use."""
    with contextlib.suppress(AttributeError):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Has the linear algebra library use one thread for each call in the block, so that it starts none of its own."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.lru_cache(1)
def _controller():
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
