"""Star parameters from every backend: the same stars, bad files and bad networks told, good stars still answered."""

import dataclasses
import gzip
import http.server
import json
import math
import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from astronet.base.script import ScriptError
from astronet.data.catalog import stars as star_catalog
from astronet.data.catalog.stars import Star, local
from astronet.data.catalog.stars.mast import MastCatalog

NAN = math.nan
COLUMNS = ("ID", "ra", "dec", "Tmag", "rad", "mass", "Teff", "logg", "gaia_rad", "gaia_teff")
ROWS = (
    (7, 10.5, -20.25, 9.5, 1.0, 1.1, 5800.0, 4.4, 1.25, NAN),
    (10005000540, 359.0, 80.0, 12.5, NAN, NAN, NAN, NAN, NAN, 4000.0),
    (3, NAN, NAN, NAN, 1.5, NAN, 6000.0, NAN, NAN, NAN),
)
ROWS_OF_CSV = "".join(",".join("" if v != v else str(v) for v in row) + "\n" for row in ROWS).encode()
STARS = {
    7: Star(10.5, -20.25, 9.5, 1.25, 1.1, 5800.0, 4.4),  # the radius is Gaia's
    10005000540: Star(359.0, 80.0, 12.5, NAN, NAN, 4000.0, NAN),
    3: Star(rad=1.5, teff=6000.0),
}


def write_sqlite(path, rows=ROWS, key="INTEGER PRIMARY KEY"):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"CREATE TABLE tic (id {key}, {' REAL, '.join(COLUMNS[1:])} REAL)")
        cells = ([None if value != value else value for value in row] for row in rows)
        connection.executemany(f"INSERT INTO tic VALUES ({', '.join('?' * len(COLUMNS))})", cells)
    connection.close()


def write_csv(path, rows=ROWS, line_end="\n", start="", columns=COLUMNS):
    lines = [columns, *(["" if value != value else value for value in row] for row in rows)]
    path.write_bytes((start + line_end.join(",".join(map(str, line)) for line in lines) + line_end).encode())


def write_mac_csv(path):
    """CR line ends, byte-order mark, columns in capitals and another order, one too many."""
    columns = ("OBJTYPE", *(name.upper() for name in reversed(COLUMNS)))
    write_csv(path, [("STAR", *reversed(row)) for row in ROWS], "\r", "\ufeff", columns)


def write_fits(path):
    Table(rows=list(ROWS), names=COLUMNS).write(path)


def write_masked_fits(path):
    """Integers with a blank value, and units."""
    table = Table(rows=list(ROWS), names=COLUMNS, masked=True)
    table["Teff"] = MaskedColumn([5800, 0, 6000], mask=[False, True, False], unit="K")
    table["ra"].unit = "deg"
    table.write(path)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for tic_id, star in expected.items():
        np.testing.assert_allclose(dataclasses.astuple(found[tic_id]), dataclasses.astuple(star), rtol=1e-14)


def write_view(path):
    """The columns of the TIC in two tables, which a view joins."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"CREATE TABLE stars (star INTEGER PRIMARY KEY, {', '.join(COLUMNS[1:8])})")
        connection.execute("CREATE TABLE gaia (star INTEGER PRIMARY KEY, gaia_rad, gaia_teff)")
        for row in ([None if value != value else value for value in row] for row in ROWS):
            connection.execute(f"INSERT INTO stars VALUES ({', '.join('?' * 8)})", row[:8])
            connection.execute("INSERT INTO gaia VALUES (?, ?, ?)", (row[0], *row[8:]))
        joined = "FROM stars LEFT JOIN gaia ON gaia.star = stars.star"
        connection.execute(f"CREATE VIEW tic AS SELECT stars.star AS id, {', '.join(COLUMNS[1:])} {joined}")
    connection.close()


def write_hours(path):
    table = Table(rows=list(ROWS), names=COLUMNS)
    table["ra"] /= 15
    table["ra"].unit = "hourangle"
    table.write(path)


WRITERS = {
    "view.sqlite": write_view,
    "tic.ecsv": lambda path: Table(rows=list(ROWS), names=COLUMNS).write(path),
    "tic.csv.gz": lambda path: path.write_bytes(gzip.compress(",".join(COLUMNS).encode() + b"\n" + ROWS_OF_CSV)),
    "tic.txt": lambda path: path.write_bytes(
        b"# made by hand\n" + "\t".join(COLUMNS).encode() + b"\n" + ROWS_OF_CSV.replace(b",", b"\t")
    ),
    "semicolons.csv": lambda path: path.write_bytes(
        ";".join(COLUMNS).encode() + b"\n" + ROWS_OF_CSV.replace(b",", b";").replace(b".", b",")
    ),
    "sexagesimal.csv": lambda path: path.write_bytes(
        ",".join(COLUMNS).encode() + b"\n" + ROWS_OF_CSV.replace(b"10.5,-20.25", b"00:42:00.0,-20d15m00s")
    ),
    "hours.ecsv": write_hours,
    "tic.sqlite": write_sqlite,
    "tic.db": lambda path: write_sqlite(path, key="TEXT"),
    "tic.csv": write_csv,
    "TIC.CSV": write_mac_csv,
    "tic.fits": write_fits,
    "tic.fits.gz": write_masked_fits,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_stars(name, tmp_path):
    WRITERS[name](tmp_path / name)
    catalog = star_catalog.open_catalog(f"local:{tmp_path}/{name}")
    assert name in catalog.name
    assert_same(catalog.stars([7, 10005000540, 3, 8, 7]), STARS)
    assert catalog.stars([]) == catalog.stars([99, 10**12]) == {}


@pytest.mark.parametrize("write", [write_sqlite, write_csv])
def test_more_stars_than_a_query_takes(write, tmp_path):
    path = tmp_path / ("tic.csv" if write is write_csv else "tic.sqlite")
    write(path, [(tic_id, tic_id / 10, *[1.0] * 8) for tic_id in range(2000)])
    stars = star_catalog.open_catalog(f"local:{path}").stars(range(1999, -1, -1))
    assert {tic_id: star.ra for tic_id, star in stars.items()} == {tic_id: tic_id / 10 for tic_id in range(2000)}


@pytest.mark.parametrize(("ra", "dec"), [(653.56, 1.0), (400.0, 1.0), (1.0, -142.06)])
@pytest.mark.parametrize("name", ["tic.csv", "tic.sqlite"])
def test_a_star_at_no_place_in_the_sky_is_told(name, ra, dec, tmp_path):
    rows = [(7, ra, dec, *ROWS[0][3:])]
    (write_sqlite if name.endswith("sqlite") else write_csv)(tmp_path / name, rows)
    with pytest.raises(ScriptError, match="TIC 7: .* in degrees.*correct it"):
        local.open_extract(tmp_path / name).stars([7])


@pytest.mark.parametrize("name", ["tic.db", "tic.csv"])
def test_a_star_that_is_listed_twice(name, tmp_path):
    path = tmp_path / name
    write = (lambda *args: write_sqlite(*args, key="INTEGER")) if name == "tic.db" else write_csv
    write(path, [*ROWS, ROWS[0]])  # the same again does no harm
    assert_same(star_catalog.open_catalog(f"local:{path}").stars([7]), {7: STARS[7]})
    path.unlink()
    write(path, [*ROWS, (7, *ROWS[1][1:])])
    with pytest.raises(ScriptError, match=f"{name} has several rows of TIC 7"):
        star_catalog.open_catalog(f"local:{path}").stars([7])


def cut(path, write):
    write(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])


BAD_FILES = {
    "empty.csv": (lambda path: path.write_text(""), "no column id, ra, dec"),
    "header.csv": (lambda path: path.write_text("id,ra,dec\n1,2,3\n"), "no column tmag, rad, mass, teff, logg"),
    "text.csv": (lambda path: write_csv(path, [("WASP-18 b", *ROWS[0][1:])]), "the id of row 1 is not a TIC ID"),
    "half_id.csv": (lambda path: write_csv(path, [("1.5", *ROWS[0][1:])]), "'1.5' is no whole number"),
    "true.csv": (lambda path: write_csv(path, [("True", *ROWS[0][1:])]), "'True' is no TIC ID"),
    "inf.csv": (lambda path: write_csv(path, [("inf", *ROWS[0][1:])]), "'inf' is no TIC ID"),
    "lost.csv": (lambda path: write_csv(path, [("3.06716e+08", *ROWS[0][1:])]), "has lost digits"),
    "bool.fits": (lambda path: Table(rows=[[True, *ROWS[0][1:]]], names=COLUMNS).write(path), "'True' is no TIC ID"),
    "nan.csv": (lambda path: write_csv(path, [ROWS[0], (NAN, *ROWS[0][1:])]), "the id of row 2 is not a TIC ID"),
    "half.csv": (lambda path: cut(path, write_csv), "row 1 has 9 fields where the header has 10"),
    "ragged.csv": (
        lambda path: write_csv(path, [ROWS[0], (*ROWS[0], 1)]),
        "row 2 has 11 fields where the header has 10",
    ),
    "latin.csv": (lambda path: path.write_bytes(b"id,ra\n\xff\xfe,1\n"), "no column dec"),
    "half.fits": (lambda path: cut(path, write_fits), "damaged FITS table"),
    "text.fits": (lambda path: path.write_text("id,ra\n" * 1000), "no column dec"),
    "names.fits": (lambda path: Table({"id": [1]}).write(path), "no column ra, dec"),
    "word.fits": (lambda path: Table(rows=[["x", *ROWS[0][1:]]], names=COLUMNS).write(path), "'x' is no TIC ID"),
    "empty.sqlite": (lambda path: path.write_bytes(b""), "has no table tic"),
    "text.sqlite": (lambda path: path.write_text("id,ra,dec\n" * 100), "not a TIC extract"),
    "half.sqlite": (lambda path: cut(path, lambda p: write_sqlite(p, ROWS[:1] * 999, "INTEGER")), "not a TIC extract"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_used_is_named(name, tmp_path):
    write, message = BAD_FILES[name]
    write(tmp_path / name)
    with pytest.raises(ScriptError, match=message) as error:
        star_catalog.open_catalog(f"local:{tmp_path}/{name}").stars([7])
    assert name in str(error.value)


def test_a_large_database_needs_an_index(tmp_path):
    path = tmp_path / "tic.sqlite"
    write_sqlite(path, ((tic_id, *ROWS[0][1:]) for tic_id in range(100_001)), key="INTEGER")
    with pytest.raises(ScriptError, match=r"no index.*CREATE INDEX tic_by_id ON tic \(id\)"):
        star_catalog.open_catalog(f"local:{path}")
    connection = sqlite3.connect(path)
    connection.execute("CREATE INDEX tic_by_id ON tic (id)")
    connection.close()
    assert_same(star_catalog.open_catalog(f"local:{path}").stars([7]), {7: STARS[7]})


def test_a_view_without_an_index_is_told_to_index_its_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_MAX_ROWS_WITHOUT_INDEX", 2)
    connection = sqlite3.connect(tmp_path / "tic.sqlite")
    with connection:
        connection.execute(f"CREATE TABLE stars ({', '.join(('id', *COLUMNS[1:8]))})")
        connection.executemany(f"INSERT INTO stars VALUES ({', '.join('?' * 8)})", [(i, *[1.0] * 7) for i in range(9)])
        connection.execute("CREATE VIEW tic AS SELECT a.* FROM stars AS a JOIN stars AS b ON a.id = b.id")
    connection.close()
    with pytest.raises(ScriptError, match="index the columns by which the view tic joins its tables"):
        star_catalog.open_catalog(f"local:{tmp_path}/tic.sqlite")


def test_a_database_that_is_written_to_is_locked_not_damaged(tmp_path, monkeypatch):
    write_sqlite(tmp_path / "tic.sqlite")
    writer = sqlite3.connect(tmp_path / "tic.sqlite", isolation_level=None)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, timeout=0, **kwargs))
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ScriptError, match="is locked by a program that writes to it") as error:
        star_catalog.open_catalog(f"local:{tmp_path}/tic.sqlite")
    assert "damaged" not in str(error.value)
    writer.execute("ROLLBACK")
    writer.close()
    assert_same(star_catalog.open_catalog(f"local:{tmp_path}/tic.sqlite").stars([3]), {3: STARS[3]})


def test_what_the_flag_means(tmp_path):
    assert star_catalog.resolve("auto", str(tmp_path)) == "none"
    assert star_catalog.open_catalog("none").stars([7]) == {}
    for name in ("tic.fits", "tic.csv", "tic.sqlite"):  # each wins over those before it
        (tmp_path / name).write_text("")
        assert star_catalog.resolve("auto", str(tmp_path)) == f"local:{tmp_path}/{name}"
    for flag in ("pdo", "mast", "mast:cache.sqlite", "local:a:b.csv"):
        assert star_catalog.resolve(flag, str(tmp_path)) == flag
    for flag in ("gaia", "local", "local:", "mast:", "pdo:x", ""):
        with pytest.raises(ScriptError, match="give auto, pdo, mast, mast:CACHE_PATH or local:PATH"):
            star_catalog.resolve(flag, str(tmp_path))


def test_pdo_without_its_packages():
    with pytest.raises(ScriptError, match="needs MIT's packages tsig and qlp"):
        star_catalog.open_catalog("pdo")


MAST_FIELDS = {"ID": "string", "ra": "float", "dec": "float", "Tmag": "float", "rad": "float", "mass": "float"}
MAST_FIELDS.update({"Teff": "float", "logg": "float", "objType": "string"})


class MastServer(http.server.ThreadingHTTPServer):
    """A small MAST on loopback, which speaks as the portal does with astroquery and fails as servers do.

    Answers from `stars`, {TIC ID: dict of MAST_FIELDS}.

    Each request for stars takes the next of `troubles`: an HTTP status, "stall" (no answer before the server closes),
    "cut" (half of the JSON), "executing" (ask again), "error" (MAST's own), "redirect" (to another host), or None.
    `asked` lists the IDs of each.
    """

    daemon_threads = True

    def __init__(self, stars):
        super().__init__(("127.0.0.1", 0), _MastHandler)
        self.stars, self.troubles, self.asked = stars, [], []
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class _MastHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/portal/Mashup/Mashup.asmx/columnsconfig":
            assert body == "colConfigId=Mast.Catalogs.Filtered.Tic"
            return self._send(json.dumps({"ID": {"text": "TIC ID"}}))
        assert self.path == "/api/v0/invoke"
        request = json.loads(urllib.parse.unquote(body.partition("request=")[2]))
        assert request["service"] == "Mast.Catalogs.Filtered.Tic" and request["format"] == "json"
        ((name, ids),) = [(entry["paramName"], entry["values"]) for entry in request["params"]["filters"]]
        assert name == "ID" and all(isinstance(value, str) for value in ids)
        self.server.asked.append([int(value) for value in ids])
        return self._answer(self.server.troubles.pop(0) if self.server.troubles else None, map(int, ids))

    def _answer(self, trouble, tic_ids):
        if trouble == "stall":
            return self.server.closing.wait()
        if trouble == "redirect":
            return self._send("", 302, Location="http://127.0.0.1:1/api")
        if trouble == "executing":
            return self._send(json.dumps({"status": "EXECUTING"}))
        if trouble == "error":
            return self._send(json.dumps({"status": "ERROR", "msg": "the database is away"}))
        rows = [
            dict.fromkeys(MAST_FIELDS) | {"ID": str(tic_id)} | self.server.stars[tic_id]
            for tic_id in tic_ids
            if tic_id in self.server.stars
        ]
        paging = {"page": 1, "pageSize": 50000, "pagesFiltered": 1, "rows": len(rows), "rowsTotal": len(rows)}
        fields = [{"name": name, "type": kind} for name, kind in MAST_FIELDS.items()]
        text = json.dumps({"status": "COMPLETE", "msg": "", "fields": fields, "data": rows, "paging": paging})
        if trouble == "cut":
            return self._send(text[: len(text) // 2])
        return self._send(text, status=trouble or 200)

    def _send(self, text, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


MAST_STARS = {
    7: {"ra": 10.5, "dec": -20.25, "Tmag": 9.5, "rad": 1.25, "mass": 1.1, "Teff": 5800, "logg": 4.4, "objType": "STAR"},
    10005000540: {"ra": 359.0, "dec": 80.0, "Tmag": 12.5, "Teff": 4000.0},
    3: {"rad": 1.5, "Teff": 6000.0},
}


@pytest.fixture
def mast(monkeypatch):
    """A MAST on loopback that astroquery takes for the true one."""
    from astroquery.mast.discovery_portal import PortalAPI

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with MastServer(dict(MAST_STARS)) as server:
        monkeypatch.setattr(PortalAPI, "MAST_REQUEST_URL", server.url + "/api/v0/invoke")
        monkeypatch.setattr(PortalAPI, "COLUMNS_CONFIG_URL", server.url + "/portal/Mashup/Mashup.asmx/columnsconfig")
        monkeypatch.setattr(PortalAPI, "_column_configs", {})
        yield server


def open_mast(tmp_path, waits=(0.01, 0.02), time_limit=5):
    return MastCatalog(tmp_path / "cache" / "tic.sqlite", time_limit, waits)


def test_mast_is_asked_once_for_each_star(mast, tmp_path):
    assert_same(open_mast(tmp_path).stars([7, 8, 10005000540, 3]), STARS)
    assert mast.asked == [[7, 8, 10005000540, 3]]
    again = open_mast(tmp_path)
    assert_same(again.stars([3, 8, 7]), {7: STARS[7], 3: STARS[3]})  # that there is no 8 is known, too
    assert again.stars([9]) == again.stars([9, 8]) == {}
    assert mast.asked[1:] == [[9]]


def test_many_stars_take_few_queries(mast, tmp_path):
    mast.stars.update({tic_id: {"ra": tic_id / 100} for tic_id in range(100, 1300)})
    stars = open_mast(tmp_path).stars(range(100, 1300))
    assert {tic_id: star.ra for tic_id, star in stars.items()} == {i: i / 100 for i in range(100, 1300)}
    assert [len(ids) for ids in mast.asked] == [500, 500, 200]


def test_the_cache_is_a_local_catalogue(mast, tmp_path):
    open_mast(tmp_path).stars([7, 8, 10005000540, 3])
    assert_same(star_catalog.open_catalog(f"local:{tmp_path}/cache/tic.sqlite").stars([3, 7, 8, 10005000540]), STARS)


@pytest.mark.parametrize("trouble", [503, 429, "cut", "stall", "executing", "error"])
def test_mast_is_asked_again(trouble, mast, tmp_path):
    mast.troubles = [trouble, trouble]
    catalog = open_mast(tmp_path, time_limit=0.5)
    assert_same(catalog.stars([7]), {7: STARS[7]})
    assert len(mast.asked) == 3


@pytest.mark.parametrize(
    "trouble, reason",
    [
        *((503, "HTTP 503"), ("cut", "not whole"), ("stall", "no answer in time"), ("error", "the database is away")),
        ("redirect", "redirects to another host"),
    ],
)
def test_a_mast_that_stays_away(trouble, reason, mast, tmp_path):
    catalog = open_mast(tmp_path, time_limit=0.3)
    catalog.stars([7])
    mast.troubles = [trouble] * 3
    with pytest.raises(star_catalog.CatalogUnreachableError, match=reason) as error:
        catalog.stars([3, 7])
    assert mast.url[7:] in str(error.value) and "--star_catalog=local:PATH" in str(error.value)
    assert_same(error.value.stars, {7: STARS[7]})
    assert len(mast.asked) == 4
    with pytest.raises(star_catalog.CatalogUnreachableError, match=reason) as error:  # without asking again
        catalog.stars([7, 10005000540])
    assert_same(error.value.stars, {7: STARS[7]})
    assert len(mast.asked) == 4
    assert_same(catalog.stars([7]), {7: STARS[7]})
    assert_same(open_mast(tmp_path).stars([3]), {3: STARS[3]})  # nothing of the failure is in the cache


def test_what_came_before_a_failure_is_answered_and_kept(mast, tmp_path):
    mast.stars.update({tic_id: {"ra": 1.0} for tic_id in range(100, 700)})
    mast.troubles = [None, 503, 503, 503]
    with pytest.raises(star_catalog.CatalogUnreachableError) as error:
        open_mast(tmp_path).stars(range(100, 700))
    assert set(error.value.stars) == set(range(100, 600))
    mast.asked.clear()
    assert len(open_mast(tmp_path).stars(range(100, 700))) == 600
    assert mast.asked == [list(range(600, 700))]


def test_no_connection(mast, tmp_path):
    open_mast(tmp_path).stars([7])
    mast.__exit__()
    start = time.monotonic()
    with pytest.raises(star_catalog.CatalogUnreachableError, match="no connection") as error:
        open_mast(tmp_path, waits=(0.2, 0.4)).stars([7, 3])
    assert 0.3 <= time.monotonic() - start < 5  # each wait is drawn from half to one and a half times its length
    assert_same(error.value.stars, {7: STARS[7]})


def test_many_share_a_cache(mast, tmp_path):
    mast.stars.update({tic_id: {"ra": 1.0} for tic_id in range(100, 160)})

    def work(first):
        return len(open_mast(tmp_path).stars(range(first, first + 20)))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, [*range(100, 141, 10)] * 4)) == [20] * 20


@pytest.mark.parametrize("content", [b"not a database" * 100, None])
def test_a_cache_that_cannot_be_used(content, tmp_path):
    path = tmp_path / "tic.sqlite"
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(ScriptError, match="tic.sqlite .*--star_catalog=mast:OTHER_PATH"):
        star_catalog.open_catalog(f"mast:{path}")


def test_the_script_as_a_user_runs_it(mast, tmp_path):
    """As a process of its own: the server that astroquery's configuration names, the cache in its usual place."""
    (tmp_path / "sector-1.csv").write_text(
        "tic_id,toi_id,Disposition,Epoc,Period,Duration,Sectors\n7,.01,PC,1326,3,2,1\n8,.01,J,1326,3,2,1\n"
    )
    (tmp_path / "astropy").mkdir()
    (tmp_path / "astropy" / "astroquery.cfg").write_text(f"[mast]\nserver = {mast.url}\n")
    command = [sys.executable, "-m", "astronet.data.make_catalog", "--input", "sector-1.csv", f"--base_dir={tmp_path}"]
    home = {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [*command, "--star_catalog=mast"], env={**os.environ, **home}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "7,.01,PC,10.5,-20.25,9.5,1326,3,2,,1," in (tmp_path / "tces.csv").read_text()
    assert "8,1,sector-1.csv,not in mast" in (tmp_path / "tces_warnings.csv").read_text()
    assert (tmp_path / "astronet" / "tic.sqlite").is_file() and mast.asked
