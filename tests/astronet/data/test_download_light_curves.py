"""Downloads from a real HTTP server on loopback, which has MAST's two interfaces and every trouble of a network."""

import contextlib
import csv
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from astropy.io import fits

from astronet.base import http_limits, locks
from astronet.data import download_light_curves, make_empty_catalog
from light_curve_util import tess_io

_NUM_CADENCES = 4000  # makes files of several of the downloader's chunks


class Mast(http.server.ThreadingHTTPServer):
    """Serves `files` by URI and looks them up among `observations`.

    Attributes:
      files: {URI: bytes}.
      observations: rows that a look-up may answer with.
      troubles: {URI, "look-up" or "any": list of what goes wrong with the next requests for it}; see _Handler.
      log: (time, URI or "look-up", headers or query) of each request.
      stalled: set when a transfer has stalled.
      released: ends all stalls.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.observations, self.troubles, self.log = {}, [], {}, []
        self.stalled, self.released = threading.Event(), threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def trouble(self, key):
        waiting = self.troubles.get("any") or self.troubles.get(key, [])
        return waiting.pop(0) if waiting else None

    def asked_for(self, uri):
        """The headers of the requests for a file."""
        return [headers for _, key, headers in self.log if key == uri]

    def handle_error(self, request, client_address):
        """A client that went away is nothing to tell of."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """A trouble is a status, (status, headers), bytes to serve in place of the file, or one of

    half: half of the body, then the connection closes; stall: half of the body, then silence;
    hang up: no answer; no ranges: all of the file whatever is asked for; other etag: a range of another file;
    drip, drip head: byte after byte of the file, or of its headers; endless: chunks without an end.
    """

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        query = json.loads(form["request"][0])
        assert self.path == "/api/v0/invoke" and query["service"] == "Mast.Caom.Filtered"
        self.server.log.append((time.monotonic(), "look-up", query))
        filters = {one["paramName"]: one["values"] for one in query["params"]["filters"]}
        rows = [row for row in self.server.observations if all(str(row[key]) in filters[key] for key in filters)]
        trouble = self.server.trouble("look-up")
        answer = {"status": "COMPLETE", "msg": "", "data": rows}
        self._answer(trouble, trouble if isinstance(trouble, bytes) else json.dumps(answer).encode())

    def do_GET(self):
        parts = urlsplit(self.path)
        assert parts.path == "/api/v0.1/Download/file/"
        uri = parse_qs(parts.query)["uri"][0]
        self.server.log.append((time.monotonic(), uri, dict(self.headers)))
        trouble = self.server.trouble(uri)
        if uri not in self.server.files:
            trouble = trouble or 404
        self._answer(trouble, trouble if isinstance(trouble, bytes) else self.server.files.get(uri))

    def _answer(self, trouble, body):
        if trouble == "hang up":
            self.close_connection = True
            return
        if trouble in ("drip", "drip head", "endless"):
            self._go_on(trouble)
            return
        if isinstance(trouble, tuple) and trouble[0] == "length":
            self._head(200, {"Content-Length": trouble[1], "Connection": "close"})
            self.wfile.write(body)
            return
        if isinstance(trouble, (int, tuple)):
            status, headers = trouble if isinstance(trouble, tuple) else (trouble, {})
            self._head(status, {**headers, "Content-Length": 0})
            return
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and trouble != "no ranges" and (self.headers.get("If-Range") == etag or trouble == "other etag"):
            first = int(asked[1])
            extent = f"bytes {first}-{len(body) - 1}/{len(body)}"
            self._head(206, {"Content-Length": len(body) - first, "Content-Range": extent, "ETag": etag})
            body = body[first:]
        else:
            self._head(200, {"Content-Length": len(body), "ETag": etag})
        if trouble in ("half", "stall"):
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)
        if trouble == "stall":
            self.server.stalled.set()
            self.server.released.wait(60)

    def _go_on(self, trouble):
        """Answers without end, in one of three ways."""
        self.close_connection = True
        if trouble == "drip":
            self._head(200, {"Content-Length": 10**6})
        elif trouble == "endless":
            self._head(200, {"Transfer-Encoding": "chunked"})
        piece = {"drip": b"x", "drip head": b"H", "endless": b"10000\r\n" + bytes(1 << 16) + b"\r\n"}[trouble]
        with contextlib.suppress(OSError):
            while not self.server.released.is_set():
                self.wfile.write(piece)
                if trouble != "endless":
                    self.server.released.wait(0.05)

    def _head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()


@pytest.fixture
def mast(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Mast()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def light_curve(tic_id, sector, columns=("TIME", "SAP_FLUX", "KSPSAP_FLUX"), seed=0):
    """A FITS light curve as bytes."""
    random = np.random.default_rng(seed)
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, "D", array=random.random(_NUM_CADENCES)) for name in columns], name="LIGHTCURVE"
    )
    primary = fits.PrimaryHDU()
    primary.header["TICID"] = tic_id
    primary.header["SECTOR"] = sector
    file = io.BytesIO()
    fits.HDUList([primary, table]).writeto(file)
    return file.getvalue()


def qlp_name(tic_id, sector):
    return f"hlsp_qlp_tess_ffi_s{sector:04}-{tic_id:016}_tess_v01_llc.fits"


def add_qlp(mast, tic_id, sector=1):
    """Serves a QLP light curve and returns its URI."""
    digits = f"{tic_id:016}"
    directory = f"mast:HLSP/qlp/s{sector:04}/{digits[:4]}/{digits[4:8]}/{digits[8:12]}/{digits[12:]}"
    uri = f"{directory}/{qlp_name(tic_id, sector)}"
    mast.files[uri] = light_curve(tic_id, sector)
    return uri


def add_observation(mast, tic_id, sector, uri, product="SPOC", body=None):
    collection = "TESS" if product == "SPOC" else "HLSP"
    row = {"obs_collection": collection, "provenance_name": product, "target_name": str(tic_id)}
    mast.observations.append({**row, "sequence_number": sector, "dataURL": uri})
    if uri:
        mast.files[uri] = light_curve(tic_id, sector) if body is None else body


def spoc_uri(tic_id, sector, end="0120-s_lc.fits"):
    return f"mast:TESS/product/tess2018206045859-s{sector:04}-{tic_id:016}-{end}"


def write_catalogue(path, *stars_and_sectors):
    lines = [f"{tic_id},{sector}" for tic_id, sector in stars_and_sectors]
    path.write_text("\n".join(["tic_id,Sectors", *lines, ""]))
    return path


def arguments(mast_url, tmp_path, product="qlp", **flags):
    defaults = {"requests_per_second": 1000, "backoff": 0.01, "read_timeout": 20}
    return [
        f"--catalog={tmp_path / 'tces.csv'}",
        f"--product={product}",
        f"--output_dir={tmp_path / 'out'}",
        f"--mast_url={mast_url}",
        *(f"--{name}={value}" for name, value in {**defaults, **flags}.items()),
    ]


def run(mast, tmp_path, product="qlp", **flags):
    return download_light_curves.main(arguments(mast.url, tmp_path, product, **flags))


def listed(tmp_path):
    with open(tmp_path / "out" / "not_downloaded.csv", newline="") as file:
        return list(csv.DictReader(file))


def files_below(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


# --- what is fetched, and where it goes ---


def test_a_file_for_each_star_and_sector_and_nothing_twice(mast, tmp_path, capsys):
    uris = {key: add_qlp(mast, *key) for key in [(441420236, 1), (441420236, 27), (11, 1)]}
    header = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors"
    rows = ["0,441420236,.01,PC,1,2,3,400,1", "1,441420236,.02,PC,1,5,3,400,1", "2,441420236,.01,PC,1,2,3,400,27"]
    (tmp_path / "tces.csv").write_text("\r".join([header, *rows, "3,11,.01,J,1,2,3,400,1"]))
    assert run(mast, tmp_path) == 0
    for (tic_id, sector), uri in uris.items():
        path = tmp_path / "out" / f"sector-{sector}" / qlp_name(tic_id, sector)
        assert path.read_bytes() == mast.files[uri]
    assert len(files_below(tmp_path / "out")) == 3 + 1 and listed(tmp_path) == []
    assert sorted(key for _, key, _ in mast.log) == sorted(uris.values())
    assert mast.log[0][2]["User-Agent"].startswith("astronet-triage/")
    assert "3 downloaded" in capsys.readouterr().out

    assert run(mast, tmp_path) == 0  # what is there is not asked for again
    assert len(mast.log) == 3
    assert "0 downloaded (0.0 MB), 3 already there" in capsys.readouterr().out


def test_spoc_names_are_looked_up_and_two_minutes_taken(mast, tmp_path):
    stars = [(tic_id, 1) for tic_id in range(1000, 1130)]
    for tic_id, sector in stars[:2]:
        add_observation(mast, tic_id, sector, spoc_uri(tic_id, sector, "0120-a_fast-lc.fits"))
        add_observation(mast, tic_id, sector, spoc_uri(tic_id, sector))
        add_observation(mast, tic_id, sector, f"mast:TESS/product/tess-s0001-s0001-{tic_id:016}-00106_dvt.fits")
        add_observation(mast, tic_id, sector, None)
    add_observation(mast, 1002, 2, spoc_uri(1002, 2))  # of another sector than the catalogue's
    write_catalogue(tmp_path / "tces.csv", *stars)
    assert run(mast, tmp_path, "spoc") == 0
    names = [spoc_uri(*key).rpartition("/")[2] for key in stars[:2]]
    assert files_below(tmp_path / "out" / "sector-1") == names
    assert tess_io.find(tmp_path / "out", 1001, 1) == str(tmp_path / "out" / "sector-1" / names[1])
    absent = listed(tmp_path)
    assert [int(row["tic_id"]) for row in absent] == [tic_id for tic_id, _ in stars[2:]]
    assert {row["reason"] for row in absent} == {"absent: MAST lists no light curve of SPOC"}
    queries = [query for _, key, query in mast.log if key == "look-up"]
    assert len(queries) == 2  # many stars a query

    mast.log.clear()
    assert run(mast, tmp_path, "spoc") == 0
    assert {key for _, key, _ in mast.log} == {"look-up"}  # for those that are not there


def test_tglc_goes_to_the_star_s_own_directory_in_its_last_version(mast, tmp_path):
    columns = ("time", "cal_psf_flux", "cal_aper_flux")
    for version in (1, 10, 2):
        name = f"hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v{version}_llc.fits"
        body = light_curve("389023759", 1, columns, seed=version)  # its TIC ID is text
        add_observation(mast, 389023759, 1, f"mast:HLSP/tglc/s0001/cam2-ccd1/{name}", "TGLC", body)
    write_catalogue(tmp_path / "tces.csv", (389023759, 1))
    assert run(mast, tmp_path, "tglc") == 0
    name = "hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v10_llc.fits"
    assert files_below(tmp_path / "out") == ["not_downloaded.csv", f"sector-1/389023759/{name}"]
    mast.log.clear()
    assert run(mast, tmp_path, "tglc") == 0
    assert mast.log == []


@pytest.mark.parametrize(
    ("product", "star_and_sector", "path"),
    [
        ("SPOC", (441420236, 1), "spoc_2min/tess2018206045859-s0001-0000000441420236-0120-s_lc.fits.gz"),
        ("SPOC", (413248763, 8), "spoc_2min/tess2019032160000-s0008-0000000413248763-0136-s_lc.fits.gz"),
        (
            *("TGLC", (389023759, 1)),
            "tglc_ffi_30min/hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v1_llc.fits",
        ),
        (
            *("TGLC", (218795833, 34)),
            "tglc_ffi_30min/hlsp_tglc_tess_ffi_gaiaid-5707485527450614656-s0034-cam2-ccd3_tess_v2_llc.fits",
        ),
    ],
)
def test_real_files_pass_the_check(product, star_and_sector, path, shared, mast, tmp_path):
    path = shared / "data" / "other" / "light_curves" / path
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    add_observation(mast, *star_and_sector, f"mast:TESS/product/{path.name.removesuffix('.gz')}", product, body)
    write_catalogue(tmp_path / "tces.csv", star_and_sector)
    assert run(mast, tmp_path, product.lower(), retries=0) == 0
    assert listed(tmp_path) == []
    (fetched,) = (tmp_path / "out").rglob("*.fits")
    assert fetched.read_bytes() == body


@pytest.mark.parametrize(
    "uri",
    [
        "mast:TESS/product/../../../../{name}/../../evil-s_lc.fits",
        "/etc/tess2018206045859-s0001-0000000000000011-0120-s_lc.fits/..",
        "mast:TESS/product/..\\tess2018206045859-s0001-0000000000000011-0120-s_lc.fits",
        "mast:TESS/product/tess2018206045859-s0001-0000000000000012-0120-s_lc.fits",  # another star's
        "mast:TESS/product/tess2018206045859-s0001-0000000000000011-0120-s_lc.fits\n",
    ],
)
def test_names_that_a_light_curve_of_the_star_does_not_have_are_not_written(uri, mast, tmp_path):
    add_observation(mast, 11, 1, uri)
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    assert run(mast, tmp_path, "spoc") == 0
    assert files_below(tmp_path) == ["out/not_downloaded.csv", "tces.csv"]
    assert [key for _, key, _ in mast.log] == ["look-up"]


def test_a_table_of_make_empty_catalog_will_do(mast, tmp_path):
    (tmp_path / "sector-4-all.txt").write_text("11\n12\n")
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", "sector-4-all.txt"]) == 0
    (tmp_path / "sector-4-all.csv").rename(tmp_path / "tces.csv")
    for tic_id in (11, 12):
        add_qlp(mast, tic_id, 4)
    assert run(mast, tmp_path) == 0
    assert files_below(tmp_path / "out" / "sector-4") == [qlp_name(11, 4), qlp_name(12, 4)]


# --- troubles that pass ---


@pytest.mark.parametrize(
    "trouble",
    [
        "half",
        "stall",
        "hang up",
        503,
        429,
        500,
        (503, {"Retry-After": "nonsense"}),
        (503, {"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}),
        b"<!DOCTYPE html><html>The archive is being maintained.</html>",
        b"",
        light_curve(12, 1),
        light_curve(11, 2),
        light_curve(11, 1, columns=("TIME", "RATE")),
        light_curve(11, 1, columns=("SAP_FLUX",)),
        light_curve(11, 1)[: 8 * 2880],
    ],
    ids=lambda trouble: str(trouble)[:40] if not isinstance(trouble, bytes) else f"{len(trouble)} bytes",
)
def test_a_trouble_that_passes(trouble, mast, tmp_path):
    uri = add_qlp(mast, 11)
    mast.troubles[uri] = [trouble]
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    assert run(mast, tmp_path, read_timeout=0.5 if trouble == "stall" else 20) == 0
    assert files_below(tmp_path / "out") == ["not_downloaded.csv", f"sector-1/{qlp_name(11, 1)}"]
    assert (tmp_path / "out" / "sector-1" / qlp_name(11, 1)).read_bytes() == mast.files[uri]
    first, second = mast.asked_for(uri)
    assert "Range" not in first
    if trouble in ("half", "stall"):  # goes on where it was
        assert 0 < int(second["Range"][len("bytes=") : -1]) <= len(mast.files[uri]) // 2
        assert second["If-Range"].startswith('"')
    else:
        assert "Range" not in second


@pytest.mark.parametrize("trouble", ["no ranges", "other etag", 416])
def test_a_file_that_cannot_be_continued_is_begun_again(trouble, mast, tmp_path):
    uri = add_qlp(mast, 11)
    mast.troubles[uri] = ["half", trouble]
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    if trouble == "other etag":
        mast.files[uri], old = light_curve(11, 1, seed=1), mast.files[uri]
        mast.troubles[uri] = ["half"]
        assert run(mast, tmp_path, retries=0) == 1
        mast.files[uri], mast.troubles[uri] = old, [trouble]
    assert run(mast, tmp_path) == 0
    assert (tmp_path / "out" / "sector-1" / qlp_name(11, 1)).read_bytes() == mast.files[uri]
    assert "Range" in mast.asked_for(uri)[1]
    assert files_below(tmp_path / "out") == ["not_downloaded.csv", f"sector-1/{qlp_name(11, 1)}"]


def test_a_file_that_changed_at_the_server_is_begun_again(mast, tmp_path):
    uri = add_qlp(mast, 11)
    mast.troubles[uri] = ["half"]
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    assert run(mast, tmp_path, retries=0) == 1
    partial = files_below(tmp_path / "out" / "sector-1")
    assert partial and not any(name.endswith(".fits") for name in partial)  # which no reader takes for a light curve
    mast.files[uri] = light_curve(11, 1, seed=1)
    assert run(mast, tmp_path) == 0
    assert (tmp_path / "out" / "sector-1" / qlp_name(11, 1)).read_bytes() == mast.files[uri]


def test_troubles_of_the_look_up(mast, tmp_path):
    add_observation(mast, 11, 1, spoc_uri(11, 1))
    busy, failed = ({"status": status, "msg": "no database", "data": []} for status in ("EXECUTING", "ERROR"))
    answers = (failed, {"status": "COMPLETE"}, {"status": "COMPLETE", "data": [None]}, busy)
    mast.troubles["look-up"] = [503, b"<html>", b"[]", *(json.dumps(answer).encode() for answer in answers)]
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    assert run(mast, tmp_path, "spoc", retries=6) == 0
    assert files_below(tmp_path / "out" / "sector-1") == [spoc_uri(11, 1).rpartition("/")[2]]
    assert len(mast.log) == 8 + 1

    write_catalogue(tmp_path / "tces.csv", (11, 1), (12, 1))
    mast.troubles["look-up"] = [json.dumps(failed).encode()] * 2
    assert run(mast, tmp_path, "spoc", retries=1) == 1
    (row,) = listed(tmp_path)
    assert (row["tic_id"], row["sector"], row["product"]) == ("12", "1", "spoc")
    assert row["reason"].startswith("failed:") and "no database" in row["reason"]


def test_nobody_asks_while_the_server_wants_a_pause(mast, tmp_path):
    stars = [(1, 1), (2, 1)]
    for key in stars:
        add_qlp(mast, *key)
    mast.troubles["any"] = [(503, {"Retry-After": "1"})]
    write_catalogue(tmp_path / "tces.csv", *stars)
    assert run(mast, tmp_path, num_parallel=2, requests_per_second=1.5) == 0
    first, second, _ = (moment for moment, _, _ in mast.log)
    assert second - first >= 1  # of whichever thread: without the pause, the other would have asked after 0.67 s


def test_a_pause_that_is_too_long_ends_the_run(mast, tmp_path, capsys):
    mast.troubles[add_qlp(mast, 1)] = [(429, {"Retry-After": "7200"})]
    add_qlp(mast, 2)
    write_catalogue(tmp_path / "tces.csv", (1, 1), (2, 1))
    assert run(mast, tmp_path, num_parallel=1) == 1
    assert len(mast.log) == 1
    err = capsys.readouterr().err
    assert f"127.0.0.1:{mast.server_port} answers 429" in err and "7200 s" in err
    assert [row["tic_id"] for row in listed(tmp_path)] == ["1", "2"]


def test_no_more_requests_a_second_than_agreed(mast, tmp_path):
    stars = [(tic_id, 1) for tic_id in range(1, 9)]
    for key in stars:
        add_qlp(mast, *key)
    write_catalogue(tmp_path / "tces.csv", *stars)
    begin = time.monotonic()
    assert run(mast, tmp_path, num_parallel=8, requests_per_second=10) == 0
    assert mast.log[-1][0] - begin >= 7 * 0.1


# --- troubles that stay ---


def test_what_is_not_there_and_what_fails_is_listed_and_the_rest_fetched(mast, tmp_path, capsys):
    good, forbidden, broken, foreign = (add_qlp(mast, tic_id) for tic_id in (1, 3, 4, 5))
    mast.troubles = {forbidden: [403], broken: [503] * 3, foreign: [light_curve(77, 1)] * 3}
    write_catalogue(tmp_path / "tces.csv", (2, 1), (1, 1), (3, 1), (4, 1), (5, 1))
    assert run(mast, tmp_path, retries=2) == 1
    assert files_below(tmp_path / "out") == ["not_downloaded.csv", f"sector-1/{qlp_name(1, 1)}"]
    reasons = {row["tic_id"]: row["reason"] for row in listed(tmp_path)}
    assert list(reasons) == ["2", "3", "4", "5"]
    assert reasons["2"].startswith("absent: ") and "404" in reasons["2"]
    assert reasons["3"].startswith("failed: ") and "403" in reasons["3"]
    assert "503 Service Unavailable (3 tries)" in reasons["4"]
    assert "of TIC 77, not of TIC 5" in reasons["5"]
    assert [len(mast.asked_for(uri)) for uri in (good, forbidden, broken, foreign)] == [1, 1, 3, 3]
    assert "1 downloaded" in capsys.readouterr().out

    assert run(mast, tmp_path) == 0  # the troubles are over; that TIC 2 has no light curve is no failure
    assert [row["tic_id"] for row in listed(tmp_path)] == ["2"]


def test_where_nothing_is_there_the_address_may_be_wrong(mast, tmp_path, capsys):
    write_catalogue(tmp_path / "tces.csv", (1, 1), (2, 1))
    assert run(mast, tmp_path) == 0
    out, err = capsys.readouterr()
    assert "2 not at MAST, 0 failed" in out
    assert f"no light curve is at {mast.url}" in err and "--mast_url" in err


def test_a_damaged_file_is_fetched_again(mast, tmp_path, capsys):
    uri = add_qlp(mast, 11)
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    path = tmp_path / "out" / "sector-1" / qlp_name(11, 1)
    path.parent.mkdir(parents=True)
    path.write_bytes(mast.files[uri][: 8 * 2880])
    assert run(mast, tmp_path) == 0
    assert path.read_bytes() == mast.files[uri]
    assert path.name in capsys.readouterr().err


@pytest.mark.parametrize("product", ["qlp", "spoc"])
def test_a_network_that_is_down_ends_the_run_soon(product, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    write_catalogue(tmp_path / "tces.csv", *((tic_id, 1) for tic_id in range(1, 501)))
    begin = time.monotonic()
    assert download_light_curves.main(arguments(url, tmp_path, product, backoff=0.05)) == 1
    assert time.monotonic() - begin < 10
    err = capsys.readouterr().err
    assert f"cannot reach {url[len('http://') :]}" in err and "refused" in err
    assert len(err.splitlines()) == 1
    assert len(listed(tmp_path)) == 500
    assert len({row["tic_id"] for row in listed(tmp_path)}) == 500


def test_a_server_that_fails_everything_is_given_up(mast, tmp_path, capsys):
    stars = [(tic_id, 1) for tic_id in range(1, 41)]
    for key in stars:
        mast.troubles[add_qlp(mast, *key)] = [500] * 9
    write_catalogue(tmp_path / "tces.csv", *stars)
    assert run(mast, tmp_path, retries=1) == 1
    assert len(mast.log) <= 2 * (10 + 3)  # the tenth failure ends what the other three threads do
    assert "failed 10 requests in a row" in capsys.readouterr().err
    assert len(listed(tmp_path)) == 40


@pytest.mark.parametrize("trouble", ["drip", "drip head"])
def test_a_transfer_that_never_ends_is_given_up_after_its_time(trouble, mast, tmp_path):
    mast.troubles[add_qlp(mast, 1)] = [trouble] * 9
    add_qlp(mast, 2)
    write_catalogue(tmp_path / "tces.csv", (1, 1), (2, 1))
    begin = time.monotonic()
    assert run(mast, tmp_path, num_parallel=1, file_timeout=0.4) == 1
    assert time.monotonic() - begin < 10
    (row,) = listed(tmp_path)
    assert row["tic_id"] == "1" and row["reason"].startswith("failed: ") and "0.4 s" in row["reason"]


@pytest.mark.parametrize("trouble", ["endless", ("length", 10**12)])
def test_a_file_that_is_too_long_is_not_written_to_its_end(trouble, mast, tmp_path):
    mast.troubles[add_qlp(mast, 1)] = [trouble] * 9
    add_qlp(mast, 2)
    write_catalogue(tmp_path / "tces.csv", (1, 1), (2, 1))
    assert run(mast, tmp_path, num_parallel=1, max_file_megabytes=1) == 1
    (row,) = listed(tmp_path)
    assert row["tic_id"] == "1" and "longer than 1 MB" in row["reason"]
    assert files_below(tmp_path / "out") == ["not_downloaded.csv", f"sector-1/{qlp_name(2, 1)}"]


@pytest.mark.parametrize("length", ["abc", "-5", "", "\u0661"])
def test_a_length_that_is_none_is_not_believed(length, mast, tmp_path):
    uri = add_qlp(mast, 1)
    mast.troubles[uri] = [("length", length.encode().decode("latin-1"))]
    write_catalogue(tmp_path / "tces.csv", (1, 1))
    assert run(mast, tmp_path) == 0
    assert (tmp_path / "out" / "sector-1" / qlp_name(1, 1)).read_bytes() == mast.files[uri]
    assert len(mast.asked_for(uri)) == 1


@pytest.mark.parametrize("product", ["qlp", "spoc"])
def test_a_redirect_to_another_host_is_not_followed(product, mast, tmp_path):
    write_catalogue(tmp_path / "tces.csv", (1, 1))
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        there = f"http://127.0.0.1:{other.getsockname()[1]}/x\x1b[31m.fits"
        mast.troubles["any"] = [(302, {"Location": there})] * 9
        add_qlp(mast, 1)
        assert run(mast, tmp_path, product) == 1
        with pytest.raises(BlockingIOError):  # nobody has called
            other.accept()
    (row,) = listed(tmp_path)
    assert "127.0.0.1 redirects to another host" in row["reason"] and "\x1b" not in row["reason"]


def test_a_redirect_within_the_host_is_followed(mast, tmp_path):
    uri, other = add_qlp(mast, 1), add_qlp(mast, 1, 2)
    mast.files[other] = mast.files[uri]
    mast.troubles[uri] = [(302, {"Location": f"/api/v0.1/Download/file/?uri={other}"})]
    write_catalogue(tmp_path / "tces.csv", (1, 1))
    assert run(mast, tmp_path) == 0
    assert len(mast.log) == 2


@pytest.mark.parametrize(
    ("url", "is_followed"),
    [
        ("https://archive.stsci.edu/x", True),
        ("https://MAST.stsci.edu:443/x", True),
        ("http://mast.stsci.edu/x", False),
        ("https://archive.stsci.edu:8443/x", False),
        ("https://mast.stsci.edu.example.org/x", False),
        ("https://mast.stsci.edu@example.org/x", False),
        ("https://evilstsci.edu/x", False),
        ("https://mast.stsci.edu:port/x", False),
        ("https://[::1]/x", False),
        ("file:///etc/passwd", False),
    ],
)
def test_hosts_of_mast_may_send_us_on_to_each_other(url, is_followed):
    assert http_limits.is_same_site("https://mast.stsci.edu", url) == is_followed


def test_two_runs_do_not_write_to_one_directory(mast, tmp_path, capsys):
    add_qlp(mast, 1)
    write_catalogue(tmp_path / "tces.csv", (1, 1))
    with locks.exclusive(tmp_path / "out"):
        assert run(mast, tmp_path) == 1
    assert f"out is in use: process {os.getpid()}" in capsys.readouterr().err
    assert run(mast, tmp_path) == 0


def test_the_list_of_an_earlier_run_is_not_overwritten_by_its_own_repetition(mast, tmp_path, capsys):
    add_qlp(mast, 1)
    write_catalogue(tmp_path / "tces.csv", (1, 1))
    flags = arguments(mast.url, tmp_path)
    (tmp_path / "out").mkdir()
    catalog = write_catalogue(tmp_path / "out" / "not_downloaded.csv", (1, 1))
    before = catalog.read_bytes()
    assert download_light_curves.main([*flags, f"--catalog={catalog}"]) == 1
    assert "--output_dir (not_downloaded.csv) would overwrite" in capsys.readouterr().err
    assert catalog.read_bytes() == before and mast.log == []


# --- runs that are ended ---


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_goes_on_where_it_was(ended_by, mast, tmp_path):
    done, begun = add_qlp(mast, 1), add_qlp(mast, 2)
    mast.troubles[begun] = ["stall"]
    write_catalogue(tmp_path / "tces.csv", (1, 1), (2, 1))
    directory = tmp_path / "out" / "sector-1"
    command = [
        sys.executable,
        download_light_curves.__file__,
        *arguments(mast.url, tmp_path, num_parallel=1, read_timeout=60),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert mast.stalled.wait(20)
        deadline = time.monotonic() + 20
        while not (received := sum(path.stat().st_size for path in directory.glob("*part"))):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)
        received = sum(path.stat().st_size for path in directory.glob("*part"))
        begin = time.monotonic()
        process.send_signal(ended_by)
        _, err = process.communicate(timeout=20)
    assert (directory / qlp_name(1, 1)).exists() and not (directory / qlp_name(2, 1)).exists()
    if ended_by == signal.SIGINT:
        assert time.monotonic() - begin < 15  # not when the stall is over, or has been noticed
        assert process.returncode == 130
        assert "Traceback" not in err and "interrupted" in err
        assert [row["tic_id"] for row in listed(tmp_path)] == ["2"]

    assert run(mast, tmp_path) == 0
    assert (directory / qlp_name(2, 1)).read_bytes() == mast.files[begun]
    assert [headers.get("Range") for headers in mast.asked_for(begun)] == [None, f"bytes={received}-"]
    assert len(mast.asked_for(done)) == 1
    assert files_below(directory) == [qlp_name(1, 1), qlp_name(2, 1)] and listed(tmp_path) == []


# --- bad input ---


def test_bad_rows_are_named_and_stop_nothing(mast, tmp_path, capsys):
    add_qlp(mast, 11)
    rows = ["11,1", "eleven,1", "12,", "13,1.5", "-4,2", "nan,1", "11,1,9", "11.0,1", "1e99,1"]
    (tmp_path / "tces.csv").write_bytes("\r\n".join(["\ufefftic id,sectors", *rows]).encode())
    assert run(mast, tmp_path) == 0
    assert [(row["tic_id"], row["sector"]) for row in listed(tmp_path)] == [
        *(("eleven", "1"), ("12", ""), ("13", "1.5"), ("-4", "2"), ("nan", "1"), ("11", "1"), ("1e99", "1"))
    ]
    assert all(row["reason"].startswith("invalid: row ") for row in listed(tmp_path))
    err = capsys.readouterr().err
    assert "row 2: tic_id 'eleven' is no TIC ID" in err
    assert "row 3: no Sectors" in err and "row 7: 3 fields" in err
    assert len(mast.log) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("star,Sectors\n11,1\n", "no column tic_id"),
        ("tic_id,Sectors\nx,1\n", "names no light curve"),
        ("", "no column"),
    ],
)
def test_a_catalogue_that_is_of_no_use(content, message, mast, tmp_path, capsys):
    (tmp_path / "tces.csv").write_text(content)
    assert run(mast, tmp_path) == 1
    err = capsys.readouterr().err
    assert message in err and "tces.csv" in err
    assert mast.log == [] and not (tmp_path / "out").exists()


def test_flags_that_no_run_can_have(mast, tmp_path, capsys):
    write_catalogue(tmp_path / "tces.csv", (11, 1))
    for flag in (
        {"num_parallel": 9},
        {"requests_per_second": 0},
        {"retries": -1},
        {"read_timeout": "nan"},
        {"file_timeout": 1e300},
    ):
        with pytest.raises(SystemExit):
            run(mast, tmp_path, **flag)
        assert next(iter(flag)) in capsys.readouterr().err
    assert download_light_curves.main(arguments("ftp://mast", tmp_path)) == 1
    assert "ftp://mast" in capsys.readouterr().err
