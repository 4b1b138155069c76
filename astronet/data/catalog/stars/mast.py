"""Reads star parameters from the TIC at MAST, through astroquery. Every answer is kept in a cache file."""

import contextlib
import os
import pathlib
import random
import sqlite3
import time
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Optional
from urllib.parse import urlsplit

from astronet.base.files import make_directory
from astronet.base.script import ScriptError
from astronet.data.catalog.stars.star import TIC_COLUMNS, CatalogUnreachableError, Star, make_star

_SERVICE = "Mast.Catalogs.Filtered.Tic"
_IDS_PER_QUERY = 500
_LOCK_SECONDS = 60
_MAX_ANSWER_BYTES = 10**8  # 500 stars take half a megabyte
_MAX_TIME_LIMITS = 5  # a whole answer may take this many times the limit of a server's silence


def default_cache_path() -> str:
    """Returns the path of the cache: astronet/tic.sqlite in $XDG_CACHE_HOME, or in ~/.cache if that is not set."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(root, "astronet", "tic.sqlite")


class MastCatalog:
    """A star catalog that reads from the cache, and asks MAST for stars that the cache lacks.

    Args:
      cache_path: path of the cache file; None means default_cache_path(). Several processes may share the file.
      time_limit: longest time in seconds that the server may stay silent, or answer that it is still at work.
      waits: seconds to wait after each failed attempt, varied at random by up to half. The number of attempts is one
        more than the number of waits.
    """

    def __init__(
        self, cache_path: Optional[str] = None, time_limit: float = 60.0, waits: Sequence[float] = (1, 2, 4, 8)
    ) -> None:
        self._cache = _Cache(cache_path or default_cache_path())
        self._time_limit, self._waits = time_limit, waits
        self._client: Any = None  # astroquery's
        self._failure = ""  # why MAST does not answer
        self.name = f"mast (answers in {self._cache.path})"

    def stars(self, tic_ids: Iterable[int]) -> dict[int, Star]:
        """Returns {TIC ID: Star}.

        Raises:
          CatalogUnreachableError: MAST did not answer. This object then asks MAST no more, because every further batch
            would wait through all attempts; it still returns stars that are in the cache.
        """
        tic_ids = list(dict.fromkeys(tic_ids))
        star_of, absent = self._cache.get(tic_ids)
        unknown = [tic_id for tic_id in tic_ids if tic_id not in star_of and tic_id not in absent]
        for start in range(0, len(unknown), _IDS_PER_QUERY):
            some = unknown[start : start + _IDS_PER_QUERY]
            rows = self._ask(some, star_of)
            self._cache.put(rows, set(some) - set(rows))
            star_of.update({tic_id: make_star(values) for tic_id, values in rows.items()})
        return star_of

    def _ask(self, tic_ids, star_of):
        """Returns {TIC ID: values of TIC_COLUMNS} of one query; tries again if an attempt fails."""
        from astroquery.exceptions import RemoteServiceError

        if self._client is None:
            self._client = _make_client(self._time_limit)
        for wait in (*self._waits, None):
            if self._failure:
                break
            try:
                return self._query(tic_ids)
            # astroquery raises one of these if an answer is not in the form that it expects.
            except (OSError, ValueError, LookupError, TypeError, AttributeError, RemoteServiceError) as error:
                if wait is None:
                    self._failure = self._tell(error)
                else:
                    time.sleep(wait * random.uniform(0.5, 1.5))
        raise CatalogUnreachableError(self._failure, star_of)

    def _query(self, tic_ids):
        params = {"columns": "*", "filters": [{"paramName": "ID", "values": [str(tic_id) for tic_id in tic_ids]}]}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Query returned no results")
            table = self._client.service_request(_SERVICE, params)
        if len(table) == 0:
            return {}
        by_name = {name.lower(): table[name] for name in table.colnames}
        columns = zip(*(by_name[name].tolist() for name in TIC_COLUMNS))
        return dict(zip(map(int, by_name["id"]), columns))

    def _tell(self, error):
        host = urlsplit(self._client._portal_api_connection.MAST_REQUEST_URL).netloc
        return (
            f"no answer from the TIC at {host} ({_reason(error)}): try again later (the answers so far are kept in "
            f"{self._cache.path}), or give --star_catalog=local:PATH"
        )


def _make_client(time_limit):
    """Returns an astroquery client with time limits. Without them, astroquery waits forever for a silent server."""
    from astroquery.mast import MastClass

    from astronet.base import http_limits

    client = MastClass()
    url = client._portal_api_connection.MAST_REQUEST_URL
    limits = {"max_bytes": _MAX_ANSWER_BYTES, "max_seconds": _MAX_TIME_LIMITS * time_limit}
    http_limits.limit(client._session, url, read_seconds=time_limit, **limits)
    client._portal_api_connection.TIMEOUT = time_limit  # the limit for a server that keeps answering EXECUTING
    return client


def _reason(error):
    """Returns a short text for an error; the messages of requests are long."""
    import requests

    from astronet.base import http_limits

    if isinstance(error, http_limits.LimitError):
        return str(error)
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}" if error.response is not None else "no answer"
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return "no answer in time"
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return "its answer is not whole"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"{type(error).__name__}: {error}"


class _Cache:
    """The cache file: a table `tic` as in --star_catalog=local:PATH, and a table `absent` of IDs that the TIC lacks."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        make_directory(pathlib.Path(self.path).parent)
        with self._connect() as connection:
            columns = " REAL, ".join(TIC_COLUMNS)
            connection.execute(f"CREATE TABLE IF NOT EXISTS tic (id INTEGER PRIMARY KEY, {columns} REAL)")
            connection.execute("CREATE TABLE IF NOT EXISTS absent (id INTEGER PRIMARY KEY)")

    @contextlib.contextmanager
    def _connect(self):
        """Opens a connection for one transaction. No connection stays open while the program waits for the network."""
        try:
            connection = sqlite3.connect(self.path, timeout=_LOCK_SECONDS)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise ScriptError(
                f"cannot use {self.path} as the cache of MAST's answers ({error}): remove it, or give "
                "--star_catalog=mast:OTHER_PATH"
            ) from error

    def get(self, tic_ids):
        """Returns the cached answers: {TIC ID: Star}, and the set of IDs that the TIC lacks."""
        star_of: dict[int, Star] = {}
        absent: set[int] = set()
        with self._connect() as connection:
            for start in range(0, len(tic_ids), _IDS_PER_QUERY):
                some = tic_ids[start : start + _IDS_PER_QUERY]
                among = f"WHERE id IN ({', '.join('?' * len(some))})"
                for tic_id, *values in connection.execute(
                    f"SELECT id, {', '.join(TIC_COLUMNS)} FROM tic {among}", some
                ):
                    star_of[tic_id] = make_star(values)
                absent.update(row[0] for row in connection.execute(f"SELECT id FROM absent {among}", some))
        return star_of, absent

    def put(self, rows, absent):
        """Adds answers to the cache: {TIC ID: values of TIC_COLUMNS}, and IDs that the TIC lacks."""
        with self._connect() as connection:
            marks = ", ".join("?" * (1 + len(TIC_COLUMNS)))
            connection.executemany(
                f"INSERT OR REPLACE INTO tic VALUES ({marks})", [(tic_id, *values) for tic_id, values in rows.items()]
            )
            connection.executemany("INSERT OR REPLACE INTO absent VALUES (?)", [(tic_id,) for tic_id in absent])
