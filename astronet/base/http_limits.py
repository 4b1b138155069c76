"""Protects an HTTP session from redirects to other hosts, and from answers that are too long or take too long.

session = requests.Session()
http_limits.limit(session, "https://mast.stsci.edu", max_bytes=10**8, max_seconds=600)
"""

import contextlib
import functools
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Optional
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SITES = (".stsci.edu",)  # hosts of a site may redirect to each other: MAST's files are on several hosts
_CHUNK_BYTES = 1 << 15


class LimitError(requests.RequestException):
    """A server exceeded a limit; the message says which. Trying again does not help."""


class TooLongError(LimitError):
    """An answer is longer than allowed."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the answer is longer than {max_bytes / 1e6:g} MB")


def limit(
    session: requests.Session,
    url: str,
    *,
    max_bytes: int,
    max_seconds: float,
    read_seconds: float = 60.0,
) -> None:
    """Makes a session raise LimitError if its server exceeds a limit.

    Args:
      session: the session to change.
      url: URL of the server. Redirects to other hosts are refused, except between hosts of MAST by https.
      max_bytes: greatest length of an answer, uncompressed.
      max_seconds: longest time until an answer is complete.
      read_seconds: longest wait for the next bytes, for requests without a `timeout`.
    """
    adapter = _LimitedAdapter(url, max_bytes, max_seconds, read_seconds)
    for scheme in _DEFAULT_PORTS:
        session.mount(f"{scheme}://", adapter)


def is_same_site(url: str, other: str) -> bool:
    """Returns whether a server at `url` may redirect to the URL `other`.

    >>> is_same_site("https://mast.stsci.edu", "https://archive.stsci.edu/missions/x.fits")
    True
    >>> is_same_site("https://mast.stsci.edu", "https://mast.stsci.edu.example.org/x.fits")
    False
    """
    ours, theirs = urlsplit(url), urlsplit(other)
    if ours.scheme == "https" and theirs.scheme != "https":
        return False
    hosts = [(parts.hostname or "").lower().rstrip(".") for parts in (ours, theirs)]
    with contextlib.suppress(ValueError):  # the port is not a number
        if hosts[0] == hosts[1] and _port(theirs) in (_port(ours), _DEFAULT_PORTS["https"]):
            return True
        of_one_site = any(all(host.endswith(site) for host in hosts) for site in _SITES)
        return of_one_site and _port(theirs) == _DEFAULT_PORTS[theirs.scheme]
    return False


def _port(parts: SplitResult) -> int:
    return parts.port or _DEFAULT_PORTS[parts.scheme]


class _LimitedAdapter(HTTPAdapter):
    def __init__(self, url: str, max_bytes: int, max_seconds: float, read_seconds: float) -> None:
        self._url = url
        self._max_bytes, self._max_seconds, self._read_seconds = max_bytes, max_seconds, read_seconds
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _limit_heads(self.poolmanager, self._max_seconds)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        _limit_heads(manager, self._max_seconds)
        return manager

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, *args: Any, **kwargs: Any
    ) -> requests.Response:
        url = request.url or ""
        if not is_same_site(self._url, url):
            raise LimitError(
                f"{urlsplit(self._url).hostname} redirects to another host, {_shown(url)}: not followed",
                request=request,
            )
        return super().send(request, stream, timeout or self._read_seconds, *args, **kwargs)

    def build_response(self, request: requests.PreparedRequest, raw: Any) -> requests.Response:
        # requests reads all bodies through this method, and translates the errors that it raises.
        raw.stream = functools.partial(self._stream, raw, time.monotonic() + self._max_seconds)
        return super().build_response(request, raw)

    def _stream(
        self, raw: Any, deadline: float, amt: int = _CHUNK_BYTES, decode_content: Optional[bool] = None
    ) -> Iterator[bytes]:
        num_bytes = 0
        # read1() returns the bytes that have arrived; read() would wait for `amt` bytes.
        while chunk := raw.read1(amt, decode_content=decode_content):
            num_bytes += len(chunk)
            if num_bytes > self._max_bytes:
                raw.close()
                raise TooLongError(self._max_bytes)
            if time.monotonic() > deadline:
                raw.close()
                raise LimitError(f"the answer is not whole after {self._max_seconds:g} s")
            yield chunk


def _limit_heads(manager: Any, seconds: float) -> None:
    """Makes the connections of a urllib3.PoolManager end if the status and headers of an answer take too long."""

    def limited(pool_class: Any) -> type:
        class Connection(pool_class.ConnectionCls):  # type: ignore[misc]  # http or https, depending on the pool
            def getresponse(self, *args: Any, **kwargs: Any) -> Any:
                timer = threading.Timer(seconds, _shut, [self.sock])
                timer.daemon = True
                timer.start()
                try:
                    return super().getresponse(*args, **kwargs)
                finally:
                    timer.cancel()

        return type(pool_class.__name__, (pool_class,), {"ConnectionCls": Connection})

    schemes = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}
    manager.pool_classes_by_scheme = {scheme: limited(pool_class) for scheme, pool_class in schemes.items()}


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _shown(url: str) -> str:
    """Returns the host of an untrusted URL as text that is safe to print."""
    host = urlsplit(url).netloc.rpartition("@")[2] or url
    return "".join(character if character.isprintable() else "?" for character in host[:100])
