"""Gets files and answers from an HTTP server: resumes and checks downloads, retries, and limits the request rate."""

import contextlib
import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Optional, TypeVar, Union
from urllib.parse import urlsplit

import requests
import urllib3

from astronet.base import http_limits, version
from astronet.base.partial_file import PartialFile

_LOG = logging.getLogger(__name__)

Task = TypeVar("Task")
Result = TypeVar("Result")

_CHUNK_BYTES = 1 << 15  # a broken transfer loses at most this
_LONGEST_BACKOFF_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 300  # if a server asks for a longer pause, the run ends
_FAILURES_IN_A_ROW = 10  # after so many failures in a row, the server is considered down
_NOT_THERE = (404, 410)
_PASSING = (408, 425, 429)  # these and 5xx are temporary: the server may answer later


class DownloadError(Exception):
    """A file or an answer could not be downloaded; the message says why."""


class AbsentError(DownloadError):
    """The server has no such file."""


class ServerDownError(Exception):
    """The server does not work, so no more requests are made. The message names it."""


class BadAnswerError(Exception):
    """An answer or a file is not the requested one. Raised in `parse` and `check`; the request is repeated."""


class StoppedError(Exception):
    """stop() was called."""


class _TryAgainError(Exception):
    """An attempt failed for a reason that may be temporary.

    Attributes:
      at_once: whether the next attempt can start immediately.
      unreachable: whether no connection could be made.
    """

    def __init__(self, message: str, at_once: bool = False, unreachable: bool = False) -> None:
        super().__init__(message)
        self.at_once = at_once
        self.unreachable = unreachable


class Server:
    """An HTTP server that several threads can use together.

    A request is repeated if it fails for a reason that may be temporary: no connection, a transfer that breaks off or
    stalls, status 429 or 5xx, or a wrong answer. The wait doubles with each attempt. If the server says how long to
    wait (Retry-After), no thread makes a request during that time. The server counts as down if no attempt can
    connect, or if 10 requests in a row have failed. Answers that are too long or take too long, and redirects to other
    hosts, are not repeated.

    (urllib3.Retry is not enough: it does not handle transfers that break off or wrong answers, and each thread waits by
    itself.)
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
        """Sets the parameters; makes no connection yet.

        Args:
          url: http or https URL of the server; paths are relative to it.
          requests_per_second: greatest rate of requests of all threads together.
          retries: number of repetitions of a failed request.
          backoff_seconds: wait before the first repetition.
          connect_seconds: time limit for a connection.
          read_seconds: time limit for the next bytes.
          max_bytes: greatest length of an answer.
          max_seconds: time limit for a request with all its repetitions.

        Raises:
          ValueError: the URL is not an http or https URL.
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
        """Makes all threads stop soon. Parts of files that they have downloaded stay for the next run."""
        self._stopped.set()

    def sleep(self, seconds: float) -> None:
        """Waits. Raises StoppedError if stop() is called during that time."""
        if self._stopped.wait(seconds):
            raise StoppedError

    def ask(self, path: str, form: Mapping[str, Any], parse: Callable[[Any], Result]) -> Result:
        """Posts a form and returns parse(the JSON of the answer).

        Args:
          path: path, relative to the server's URL.
          form: dict of the form's fields.
          parse: function of the JSON. It raises BadAnswerError if the answer is wrong.

        Raises:
          DownloadError: all attempts failed.
          ServerDownError: the server is down.
          StoppedError: stop() was called.
        """

        def attempt(session: requests.Session) -> Result:
            _LOG.debug("ask %s%s", self._url, path)
            with session.post(self._url + path, data=form, timeout=self._timeout()) as response:
                self._check_status(response)
                try:
                    answer = response.json()
                except ValueError as error:
                    raise BadAnswerError("the answer is no JSON") from error
            return parse(answer)

        return self._try(attempt)

    def fetch(self, path: str, out_path: str, check: Callable[[str], None]) -> int:
        """Downloads a file. The file gets its name when it is complete and checked.

        Until then, its part is kept beside it. A later call continues the download if the server has an ETag or a date
        to verify that its file is still the same.

        Args:
          path: path with query, relative to the server's URL.
          out_path: path of the file to write. Its directory must exist.
          check: function of the path of the complete file. It raises BadAnswerError if the file is wrong.

        Returns:
          The number of bytes that were transferred.

        Raises:
          AbsentError: the server has no such file.
          DownloadError: all attempts failed.
          ServerDownError: the server is down.
          StoppedError: stop() was called.
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
        """Returns the error to raise: `error`, or ServerDownError after too many failures in a row."""
        with self._lock:
            self._failures_in_a_row += 1
            if self._failures_in_a_row < _FAILURES_IN_A_ROW:
                return error
        return self._down(f"{self.host} failed {_FAILURES_IN_A_ROW} requests in a row, the last one with: {error}")

    def _down(self, message: str) -> ServerDownError:
        """Stops all threads, and returns a ServerDownError."""
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
        # Deliberately not seeded: clients that failed together must not try again together. No output depends on it.
        self.sleep(seconds * random.uniform(0.5, 1.5))

    def _session(self) -> requests.Session:
        """Returns the session of this thread, because threads must not share sessions."""
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = requests.Session()
            # "identity": ranges and lengths must refer to the file, not to a compressed form of it.
            headers = {"User-Agent": f"astronet-triage/{version.VERSION}", "Accept-Encoding": "identity"}
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
            raise _TryAgainError(status, at_once=pause > 0)  # _wait_turn() waits for the pause
        if response.status_code not in (200, 206):
            raise DownloadError(status)

    def _transfer(self, session: requests.Session, url: str, partial: PartialFile, check: Callable[[str], None]) -> int:
        offset, headers = partial.offset_and_headers()
        _LOG.debug("fetch %s", url)
        with session.get(url, headers=headers, stream=True, timeout=self._timeout()) as response:
            if offset and (response.status_code == 416 or not partial.is_continued_by(response, offset)):
                partial.remove()
                raise _TryAgainError("the server's file is not the one that was begun", at_once=True)
            self._check_status(response)
            length = _length(response)
            if (
                response.status_code == 200
            ):  # the file has changed, or the server has no ranges: it sends the whole file
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
        """Returns a _TryAgainError with a short message for an exception of requests."""
        cause = error.args[0] if error.args else error
        cause = getattr(cause, "reason", cause)
        if isinstance(error, requests.ConnectTimeout):
            return _TryAgainError(f"no connection within {self._connect_seconds:g} s", unreachable=True)
        if isinstance(error, requests.ReadTimeout) or isinstance(cause, urllib3.exceptions.ReadTimeoutError):
            return _TryAgainError(f"nothing came for {self._read_seconds:g} s")
        # Without a connection, the cause is the server or the network, not the file.
        unreachable = isinstance(error, (requests.exceptions.ProxyError, requests.exceptions.SSLError)) or isinstance(
            cause, urllib3.exceptions.NewConnectionError
        )
        innermost = cause.args[-1] if isinstance(cause, urllib3.exceptions.ProtocolError) else cause
        return _TryAgainError(str(innermost).rpartition("new connection: ")[2], unreachable=unreachable)


def _length(response: requests.Response) -> Optional[int]:
    """Returns the length of an answer in its header; None if it is missing or invalid."""
    text = response.headers.get("Content-Length", "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _retry_after(response: Any) -> Optional[float]:
    """Returns how many seconds the server asks to wait, or None."""
    try:
        return urllib3.Retry().get_retry_after(response)
    except urllib3.exceptions.InvalidHeader:
        return None


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"


def in_threads(
    work: Callable[[Task], Result], tasks: Sequence[Task], num_threads: int
) -> Iterator[tuple[Task, Result]]:
    """Yields (task, work(task)) in the order in which they finish. Raises what work() raises.

    The threads are daemons, so an interrupted program does not wait for a server that stalls.
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
                except StoppedError:  # the caller of stop() reports the reason
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
