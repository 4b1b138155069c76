"""The TIC as MAST serves it, by astroquery, with every answer kept in a file."""

import contextlib
import os
import pathlib
import random
import sqlite3
import time
import warnings
from urllib.parse import urlsplit

from astronet.base.files import make_directory
from astronet.base.script import ScriptError
from astronet.data.catalog.stars.star import TIC_COLUMNS, CatalogUnreachableError, make_star

_SERVICE = "Mast.Catalogs.Filtered.Tic"
_IDS_PER_QUERY = 500
_LOCK_SECONDS = 60
_MAX_ANSWER_BYTES = 10**8  # 500 stars have half a megabyte
_MAX_TIME_LIMITS = 5  # of a server's silence, until an answer is whole


def default_cache_path():
    """tic.sqlite in astronet's part of the user's cache directory, $XDG_CACHE_HOME or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(root, "astronet", "tic.sqlite")


class MastCatalog:
    """Stars from the cache, and those that it lacks from MAST.

    Args:
      cache_path: file of the answers, default_cache_path() when None. Any number of processes may share it.
      time_limit: seconds that a server may stay silent, or go on answering that it is still at work.
      waits: seconds to wait after each attempt that failed, spread at random by half to either side; one attempt more
        than there are waits.
    """

    def __init__(self, cache_path=None, time_limit=60.0, waits=(1, 2, 4, 8)):
        self._cache = _Cache(cache_path or default_cache_path())
        self._time_limit, self._waits = time_limit, waits
        self._client = self._failure = None
        self.name = f"mast (answers in {self._cache.path})"

    def stars(self, tic_ids):
        """Stars by TIC ID.

        Raises:
          CatalogUnreachableError: MAST did not answer. It is not asked again by this object, for a batch that fails
            would take all its attempts; stars of the cache are still answered.
        """
        tic_ids = list(dict.fromkeys(tic_ids))
        found, absent = self._cache.get(tic_ids)
        unknown = [tic_id for tic_id in tic_ids if tic_id not in found and tic_id not in absent]
        for start in range(0, len(unknown), _IDS_PER_QUERY):
            some = unknown[start : start + _IDS_PER_QUERY]
            rows = self._ask(some, found)
            self._cache.put(rows, set(some) - set(rows))
            found.update({tic_id: make_star(values) for tic_id, values in rows.items()})
        return found

    def _ask(self, tic_ids, found):
        """{TIC ID: values of TIC_COLUMNS} of one query, in as many attempts as it takes."""
        from astroquery.exceptions import RemoteServiceError

        if self._client is None:
            self._client = _make_client(self._time_limit)
        for wait in (*self._waits, None):
            if self._failure:
                break
            try:
                return self._query(tic_ids)
            # An answer that is not what astroquery expects makes it stumble in any of these ways.
            except (OSError, ValueError, LookupError, TypeError, AttributeError, RemoteServiceError) as error:
                if wait is None:
                    self._failure = self._tell(error)
                else:
                    time.sleep(wait * random.uniform(0.5, 1.5))
        raise CatalogUnreachableError(self._failure, found)

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
            f"no answer from the TIC at {host} ({_reason(error)}): try again later (what has come is kept in "
            f"{self._cache.path}), or give --star_catalog=local:PATH"
        )


def _make_client(time_limit):
    """An astroquery client that does not wait for ever, as its own do for a server that has gone silent."""
    from astroquery.mast import MastClass

    from astronet.base import http_limits

    client = MastClass()
    url = client._portal_api_connection.MAST_REQUEST_URL
    limits = {"max_bytes": _MAX_ANSWER_BYTES, "max_seconds": _MAX_TIME_LIMITS * time_limit}
    http_limits.limit(client._session, url, read_seconds=time_limit, **limits)
    client._portal_api_connection.TIMEOUT = time_limit  # for a server that answers EXECUTING again and again
    return client


def _reason(error):
    """Few words where requests has many."""
    import requests

    from astronet.base import http_limits

    if isinstance(error, http_limits.LimitError):
        return str(error)
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return "no answer in time"
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return "its answer is not whole"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"{type(error).__name__}: {error}"


class _Cache:
    """A growing extract of the TIC: a table `tic` as in --star_catalog=local:PATH, and the IDs that the TIC lacks."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        make_directory(pathlib.Path(self.path).parent)
        with self._connect() as connection:
            columns = " REAL, ".join(TIC_COLUMNS)
            connection.execute(f"CREATE TABLE IF NOT EXISTS tic (id INTEGER PRIMARY KEY, {columns} REAL)")
            connection.execute("CREATE TABLE IF NOT EXISTS absent (id INTEGER PRIMARY KEY)")

    @contextlib.contextmanager
    def _connect(self):
        """A connection for one transaction: none is left open while the network is waited for."""
        try:
            connection = sqlite3.connect(self.path, timeout=_LOCK_SECONDS)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise ScriptError(
                f"cannot use {self.path} for answers of MAST ({error}): remove it, or give "
                "--star_catalog=mast:OTHER_PATH"
            ) from error

    def get(self, tic_ids):
        """({TIC ID: Star}, set of IDs that the TIC does not have) of those whose answer is kept."""
        found, absent = {}, set()
        with self._connect() as connection:
            for start in range(0, len(tic_ids), _IDS_PER_QUERY):
                some = tic_ids[start : start + _IDS_PER_QUERY]
                among = f"WHERE id IN ({', '.join('?' * len(some))})"
                for tic_id, *values in connection.execute(
                    f"SELECT id, {', '.join(TIC_COLUMNS)} FROM tic {among}", some
                ):
                    found[tic_id] = make_star(values)
                absent.update(row[0] for row in connection.execute(f"SELECT id FROM absent {among}", some))
        return found, absent

    def put(self, rows, absent):
        with self._connect() as connection:
            marks = ", ".join("?" * (1 + len(TIC_COLUMNS)))
            connection.executemany(
                f"INSERT OR REPLACE INTO tic VALUES ({marks})", [(tic_id, *values) for tic_id, values in rows.items()]
            )
            connection.executemany("INSERT OR REPLACE INTO absent VALUES (?)", [(tic_id,) for tic_id in absent])
