"""Files and answers from one HTTP server: resumed, checked, retried, and never asked for faster than agreed."""

import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Optional, TypeVar, Union
from urllib.parse import urlsplit

import requests
import urllib3

import astronet
from astronet.base import http_limits
from astronet.base.partial_file import PartialFile

Task = TypeVar("Task")
Result = TypeVar("Result")

_CHUNK_BYTES = 1 << 15  # what a broken transfer loses at most
_LONGEST_BACKOFF_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 300  # a server that asks for a longer one is better asked another day
_FAILURES_IN_A_ROW = 10  # that is the server's trouble, not the files'
_NOT_THERE = (404, 410)
_PASSING = (408, 425, 429)  # and 5xx: the server may answer later


class DownloadError(Exception):
    """Something that could not be had; the message says why."""


class AbsentError(DownloadError):
    """The server has no such file."""


class ServerDownError(Exception):
    """The server gives nothing: there is no use in asking for more. The message names it."""


class BadAnswerError(Exception):
    """What came is not what was asked for. Raised by those who ask; the server is then asked again."""


class StoppedError(Exception):
    """stop() was called."""


class _TryAgainError(Exception):
    """A try that failed for a reason that may pass.

    Attributes:
      at_once: whether the next try need not wait.
      unreachable: whether there was no connection at all.
    """

    def __init__(self, message: str, at_once: bool = False, unreachable: bool = False) -> None:
        super().__init__(message)
        self.at_once = at_once
        self.unreachable = unreachable


class Server:
    """An HTTP server, asked by several threads together.

    A try that fails for a reason that may pass (no connection, a transfer that breaks off or stalls, 429, 5xx, an
    answer that is not what was asked for) is repeated after a wait that doubles from try to try. Where the server
    says how long to wait (Retry-After), nobody asks it anything for so long. It counts as down where a connection
    cannot be made by any try, or when 10 requests in a row have failed by all their tries. What goes beyond a limit of
    size or time, or redirects to another host, is not asked for again.

    (urllib3.Retry, which requests can be given, covers neither a transfer that breaks off in the middle nor what is not
    what was asked for, and has each thread wait for itself.)
    """

    def __init__(
        self,
        url: str,
        requests_per_second: float = 5.0,
        retries: int = 4,
        backoff_seconds: float = 1.0,
        connect_seconds: float = 10.0,
        read_seconds: float = 60.0,
        max_bytes: int = 10**9,
        max_seconds: float = 3600.0,
    ) -> None:
        """Notes what to ask and how; connects to nothing yet.

        Args:
          url: http or https URL that all paths are below.
          requests_per_second: of all threads together.
          retries: how often a failed try is repeated.
          backoff_seconds: wait before the first repetition.
          connect_seconds, read_seconds: limits on making a connection, and on waiting for the next bytes.
          max_bytes, max_seconds: limits on the length of an answer, and on the time of all its tries.

        Raises:
          ValueError: the URL is not of a server.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{url}' is no http or https URL")
        self.host = parts.netloc.rpartition("@")[2]
        self._url = url.rstrip("/")
        self._seconds_per_request = 1 / requests_per_second
        self._retries = retries
        self._backoff_seconds = backoff_seconds
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._next_turn = 0.0
        self._failures_in_a_row = 0
        self._stopped = threading.Event()
        self._of_thread = threading.local()

    def stop(self) -> None:
        """Ends what all threads are doing, soon; what they have of a file stays for the next run."""
        self._stopped.set()

    def sleep(self, seconds: float) -> None:
        """Waits; raises StoppedError where stop() is called meanwhile."""
        if self._stopped.wait(seconds):
            raise StoppedError

    def ask(self, path: str, form: Mapping[str, Any], parse: Callable[[Any], Result]) -> Result:
        """Posts a form and returns parse(the JSON of the answer).

        Args:
          path: below the server's URL.
          form: dict.
          parse: function of the JSON; raises BadAnswerError where that is no use.

        Raises:
          DownloadError, ServerDownError, StoppedError.
        """

        def attempt(session: requests.Session) -> Result:
            with session.post(self._url + path, data=form, timeout=self._timeout()) as response:
                self._check_status(response)
                try:
                    answer = response.json()
                except ValueError as error:
                    raise BadAnswerError("the answer is no JSON") from error
            return parse(answer)

        return self._try(attempt)

    def fetch(self, path: str, out_path: str, check: Callable[[str], None]) -> int:
        """Downloads a file, which takes its name once it is whole and checked.

        Until then it lies beside, and is continued by a later call if the server has an ETag or a date by which to
        tell that its file is still the same.

        Args:
          path: with its query, below the server's URL.
          out_path: file to write, in a directory that is there.
          check: function of the path of the whole file; raises BadAnswerError where it is not what was asked for.

        Returns:
          The number of bytes that were transferred.

        Raises:
          AbsentError, DownloadError, ServerDownError, StoppedError.
          OSError: the file cannot be written.
        """
        partial = PartialFile(out_path)

        def attempt(session: requests.Session) -> int:
            try:
                return self._transfer(session, self._url + path, partial, check)
            except http_limits.TooLongError:
                partial.remove()
                raise

        return self._try(attempt)

    def _try(self, attempt: Callable[[requests.Session], Result]) -> Result:
        begin = time.monotonic()
        for number in range(1 + self._retries):
            self._wait_turn()
            try:
                result = attempt(self._session())
            except AbsentError:
                self._failures_in_a_row = 0
                raise
            except DownloadError as error:
                raise self._count_failure(error) from None
            except http_limits.LimitError as error:
                raise self._count_failure(DownloadError(str(error))) from None
            except _TryAgainError as error:
                failure = error
            except BadAnswerError as error:
                failure = _TryAgainError(str(error))
            except requests.RequestException as error:
                failure = self._explain(error)
            else:
                self._failures_in_a_row = 0
                return result
            if time.monotonic() - begin > self._max_seconds:
                raise self._count_failure(DownloadError(f"{failure} ({_tries(number + 1)} in {self._max_seconds:g} s)"))
            if number < self._retries and not failure.at_once:
                self._back_off(number)
        if failure.unreachable:
            raise self._down(f"cannot reach {self.host}: {failure}")
        raise self._count_failure(DownloadError(f"{failure} ({_tries(1 + self._retries)})"))

    def _count_failure(self, error: DownloadError) -> Union[DownloadError, ServerDownError]:
        """The error to raise: `error`, or that the server is down."""
        with self._lock:
            self._failures_in_a_row += 1
            if self._failures_in_a_row < _FAILURES_IN_A_ROW:
                return error
        return self._down(f"{self.host} failed {_FAILURES_IN_A_ROW} requests in a row, the last one with: {error}")

    def _down(self, message: str) -> ServerDownError:
        """A ServerDownError, after which no thread asks for more."""
        self.stop()
        return ServerDownError(message)

    def _wait_turn(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                wait = self._next_turn - time.monotonic()
                if wait <= 0:
                    self._next_turn = time.monotonic() + self._seconds_per_request
                    return
            self._stopped.wait(wait)
        raise StoppedError

    def _back_off(self, number: int) -> None:
        seconds = min(self._backoff_seconds * 2**number, _LONGEST_BACKOFF_SECONDS)
        # Unseeded on purpose: those who failed together must not come back together. No output depends on it.
        self.sleep(seconds * random.uniform(0.5, 1.5))

    def _session(self) -> requests.Session:
        """This thread's own session, for sessions are not made to be shared."""
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = requests.Session()
            # Ranges and lengths are those of the file, not of a compressed form of it.
            headers = {"User-Agent": f"astronet-triage/{astronet.__version__}", "Accept-Encoding": "identity"}
            self._of_thread.session.headers.update(headers)
            http_limits.limit(
                self._of_thread.session, self._url, max_bytes=self._max_bytes, max_seconds=self._max_seconds
            )
        session: requests.Session = self._of_thread.session
        return session

    def _timeout(self) -> tuple[float, float]:
        return self._connect_seconds, self._read_seconds

    def _check_status(self, response: requests.Response) -> None:
        status = f"{response.status_code} {response.reason}"
        if response.status_code in _NOT_THERE:
            raise AbsentError(status)
        if response.status_code in _PASSING or response.status_code >= 500:
            pause = _retry_after(response)
            if pause is None:
                raise _TryAgainError(status)
            if pause > _LONGEST_PAUSE_SECONDS:
                raise self._down(f"{self.host} answers {status} and asks for a pause of {pause:.0f} s")
            with self._lock:
                self._next_turn = max(self._next_turn, time.monotonic() + pause)
            raise _TryAgainError(status, at_once=pause > 0)  # the next turn is the pause
        if response.status_code not in (200, 206):
            raise DownloadError(status)

    def _transfer(self, session: requests.Session, url: str, partial: PartialFile, check: Callable[[str], None]) -> int:
        offset, headers = partial.offset_and_headers()
        with session.get(url, headers=headers, stream=True, timeout=self._timeout()) as response:
            if offset and (response.status_code == 416 or not partial.is_continued_by(response, offset)):
                partial.remove()
                raise _TryAgainError("the server's file is not the one that was begun", at_once=True)
            self._check_status(response)
            length = _length(response)
            if response.status_code == 200:  # a changed file, or a server that knows no ranges: all of it comes
                offset = 0
            size = offset
            if offset + (length or 0) > self._max_bytes:
                raise http_limits.TooLongError(self._max_bytes)
            with partial.writing(response, offset) as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    if self._stopped.is_set():
                        raise StoppedError
                    size += file.write(chunk)
        if length is not None and size - offset != length:
            raise _TryAgainError(f"the transfer ended after {size - offset} of {length} bytes")
        try:
            check(partial.path)
        except BadAnswerError:
            partial.remove()
            raise
        partial.finish()
        return size - offset

    def _explain(self, error: requests.RequestException) -> _TryAgainError:
        """A _TryAgainError that says in a few words what a requests exception means."""
        cause = error.args[0] if error.args else error
        cause = getattr(cause, "reason", cause)
        if isinstance(error, requests.ConnectTimeout):
            return _TryAgainError(f"no connection within {self._connect_seconds:g} s", unreachable=True)
        if isinstance(error, requests.ReadTimeout) or isinstance(cause, urllib3.exceptions.ReadTimeoutError):
            return _TryAgainError(f"nothing came for {self._read_seconds:g} s")
        # Where not even a connection can be made, no file is at fault.
        unreachable = isinstance(error, (requests.exceptions.ProxyError, requests.exceptions.SSLError)) or isinstance(
            cause, urllib3.exceptions.NewConnectionError
        )
        innermost = cause.args[-1] if isinstance(cause, urllib3.exceptions.ProtocolError) else cause
        return _TryAgainError(str(innermost).rpartition("new connection: ")[2], unreachable=unreachable)


def _length(response: requests.Response) -> Optional[int]:
    """How many bytes a server says that its answer has; None where it says nothing, or nonsense."""
    text = response.headers.get("Content-Length", "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _retry_after(response: Any) -> Optional[float]:
    """Seconds the server asks to wait, or None."""
    try:
        return urllib3.Retry().get_retry_after(response)
    except urllib3.exceptions.InvalidHeader:
        return None


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"


def in_threads(
    work: Callable[[Task], Result], tasks: Sequence[Task], num_threads: int
) -> Iterator[tuple[Task, Result]]:
    """Yields (task, work(task)) as they get done; what work raises is raised here.

    The threads are daemons: a program that is interrupted need not wait for a server that stalls.
    """
    todo: queue.SimpleQueue[Task] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Task, Any, Optional[Exception]]] = queue.SimpleQueue()
    for task in tasks:
        todo.put(task)

    def serve() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                task = todo.get_nowait()
                try:
                    done.put((task, work(task), None))
                except StoppedError:  # who called stop() has the reason, and tells it
                    return
                except Exception as error:
                    done.put((task, None, error))

    for _ in range(min(num_threads, len(tasks))):
        threading.Thread(target=serve, daemon=True).start()
    for _ in tasks:
        task, result, error = done.get()
        if error:
            raise error
        yield task, result
