"""What a script shows of what library code logs, and its progress bars.

Library code prints nothing. It logs to children of the logger "astronet":

    LOG = logging.getLogger(__name__)
    LOG.info("resuming: 12 of 40 rows are made")  # progress; stdout
    LOG.warning("warning: tces.csv: row 3 has no period")  # what the user has to know, even with --quiet; stderr
    LOG.debug("lock of out/ taken")  # with --verbose alone; stderr

script.run() shows these lines as they are. A program that calls the library decides for itself, by Python's logging.
"""

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Optional

LOG = logging.getLogger("astronet")
_SHOWN = (LOG, logging.getLogger("light_curve_util"))


class _Console(logging.Handler):
    """Writes lines to what stdout and stderr are at the time, without breaking a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stdout if logging.INFO <= record.levelno < logging.WARNING else sys.stderr
        try:
            with _without_bars(stream):
                stream.write(f"{self.format(record)}\n")
                stream.flush()
        except Exception:
            self.handleError(record)


def _without_bars(stream: Any) -> contextlib.AbstractContextManager[Any]:
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        return contextlib.nullcontext()
    without: contextlib.AbstractContextManager[Any] = tqdm.tqdm.external_write_mode(file=stream)
    return without


def level_of(quiet: bool, verbose: bool) -> int:
    """Returns the least level of logging that --quiet, --verbose, or neither shows."""
    return logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO


@contextlib.contextmanager
def shown(level: int) -> Iterator[None]:
    """Shows in the block what is logged at this level or above, and nothing else."""
    before = [(log, log.handlers, log.propagate, log.level) for log in _SHOWN]
    for log in _SHOWN:
        log.handlers, log.propagate = [_Console()], False
        log.setLevel(level)
    try:
        yield
    finally:
        for log, log.handlers, log.propagate, level_before in before:
            log.setLevel(level_before)


def bar(items: Optional[Iterable[Any]] = None, **settings: Any) -> Any:
    """Returns a progress bar of tqdm over `items`; it is shown on a terminal, where progress (INFO) is shown.

    Args:
      items: what to iterate over; None for a bar that is moved by its update().
      **settings: those of tqdm.
    """
    from tqdm import tqdm

    settings.setdefault("disable", None)
    if not LOG.isEnabledFor(logging.INFO):
        settings["disable"] = True
    return tqdm(items, **settings)
