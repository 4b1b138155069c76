"""Files and answers from one HTTP server. test_download_light_curves.py has all the troubles that a server can make."""

import http.server
import json
import threading
import time

import pytest

from astronet.base import downloads
from astronet.base.downloads import AbsentError, BadAnswerError, DownloadError, ServerDownError, StoppedError

CONTENT = bytes(range(256)) * 400  # several chunks


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next status of `statuses`, or 200 when there is none left."""

    statuses, requests = [], []

    def log_message(self, *_):
        pass

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(json.dumps({"form": form}).encode())

    def do_GET(self):
        self._answer(CONTENT)

    def _answer(self, body):
        self.requests.append((self.path, self.headers.get("Range")))
        status = self.statuses.pop(0) if self.statuses else 200
        body = body if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"one"')
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Handler.statuses, Handler.requests = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def server_of(url, **options):
    return downloads.Server(url, **{"requests_per_second": 1000, "backoff_seconds": 0.01, **options})


def accept(path):
    """Accepts any file."""


def test_a_file_appears_when_it_is_whole_and_checked(url, tmp_path):
    seen = []

    def check(path):
        with open(path, "rb") as file:
            seen.append(file.read() == CONTENT)
        assert list(tmp_path.glob("*.fits")) == []

    assert server_of(url).fetch("/a.fits?x=1", str(tmp_path / "a.fits"), check) == len(CONTENT)
    assert seen == [True] and (tmp_path / "a.fits").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"] and Handler.requests == [("/a.fits?x=1", None)]


def test_a_file_that_fails_its_check_is_asked_for_again_and_then_given_up(url, tmp_path):
    def check(path):
        raise BadAnswerError("not what was asked for")

    with pytest.raises(DownloadError, match=r"not what was asked for \(3 tries\)"):
        server_of(url, retries=2).fetch("/a", str(tmp_path / "a"), check)
    assert len(Handler.requests) == 3 and not list(tmp_path.iterdir())


def test_passing_troubles_are_tried_again_and_an_absent_file_is_not(url, tmp_path):
    Handler.statuses = [503, 429, 500]
    assert server_of(url).fetch("/a", str(tmp_path / "a"), accept) == len(CONTENT)
    assert len(Handler.requests) == 4
    Handler.statuses = [404]
    with pytest.raises(AbsentError, match="404"):
        server_of(url).fetch("/b", str(tmp_path / "b"), accept)
    assert len(Handler.requests) == 5


def test_an_answer_is_parsed_and_asked_for_again_where_that_fails(url):
    answers = []

    def parse(answer):
        answers.append(answer["form"])
        if len(answers) == 1:
            raise BadAnswerError("busy")
        return len(answers)

    assert server_of(url).ask("/query", {"star": "77"}, parse) == 2
    assert answers == ["star=77"] * 2


def test_requests_keep_their_distance_over_all_threads(url, tmp_path):
    server = server_of(url, requests_per_second=20)
    begin = time.monotonic()
    done = downloads.in_threads(lambda i: server.fetch("/a", str(tmp_path / str(i)), accept), list(range(6)), 6)
    assert sorted(task for task, _ in done) == list(range(6))
    assert time.monotonic() - begin > 5 / 20


def test_a_server_that_cannot_be_reached_stops_all(tmp_path):
    server = server_of("http://127.0.0.1:9", retries=1, connect_seconds=1)
    with pytest.raises(ServerDownError, match="cannot reach 127.0.0.1:9"):
        server.fetch("/a", str(tmp_path / "a"), accept)
    with pytest.raises(StoppedError):
        server.sleep(10)


def test_errors_of_work_in_threads_are_raised_here():
    def work(number):
        if number == 2:
            raise DownloadError("two")
        return number

    with pytest.raises(DownloadError, match="two"):
        list(downloads.in_threads(work, [2], 3))
    assert sorted(downloads.in_threads(work, [0, 1, 3], 2)) == [(0, 0), (1, 1), (3, 3)]


@pytest.mark.parametrize("address", ["ftp://mast.stsci.edu", "mast.stsci.edu", "https://"])
def test_what_is_no_server_is_refused(address):
    with pytest.raises(ValueError, match="http or https"):
        downloads.Server(address)
