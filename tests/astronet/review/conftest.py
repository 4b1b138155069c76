"""A simulated survey, its records, and reports of them; a headless Chromium that keeps count of what it asks for."""

import contextlib
import json
import os
import shutil
import time

import pytest

from astronet import report
from astronet.data import generate_input_records
from astronet.data.records import tf_example, tfrecord
from astronet.data.simulation import survey

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ),
    *("--disable-component-update", "--disable-sync", "--window-size=1440,1000"),
)
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="session")
def sky(tmp_path_factory):
    """Directory with tces.csv, tess/ and records/ of 20 simulated stars."""
    directory = tmp_path_factory.mktemp("sky")
    survey.simulate(survey.SurveyChoice(str(directory), num_stars=20, seed=3))
    flags = ["--config_name=triage", "--make_test_set", "--num_train_shards=1"]
    paths = [f"--input_tce_csv_file={directory}/tces.csv", f"--tess_data_dir={directory}/tess"]
    assert generate_input_records.main([*flags, *paths, f"--output_dir={directory}/records"]) == 0
    return directory


@pytest.fixture(scope="session")
def make_report(sky):
    """Function (output_dir, *flags, records=None) -> exit code of report.py for the simulated survey."""

    def make(output_dir, *flags, records=None):
        inputs = [
            f"--records={records or sky / 'records'}",
            f"--tess_data_dir={sky}/tess",
            f"--output_dir={output_dir}",
        ]
        is_told = any(flag.startswith(("--blind", "--model_dir")) for flag in flags)
        models = [] if is_told else ["--model_dir=pretrained:triage"]
        return report.main([*inputs, *models, *flags])

    return make


@pytest.fixture(scope="session")
def folder(tmp_path_factory, make_report):
    """A report of the simulated survey; not to be changed."""
    directory = tmp_path_factory.mktemp("report")
    assert make_report(directory) == 0
    return directory


@pytest.fixture(scope="session")
def write_records(sky):
    """Function (directory, change) -> directory of records, each of them as change(number, example) leaves it."""

    def write(directory, change):
        directory.mkdir()
        shutil.copy(sky / "records" / "records.json", directory)
        examples = [
            tf_example.from_serialized(serialized)
            for path in tfrecord.expand([str(sky / "records" / "test-*")])
            for serialized in tfrecord.read(path)
        ]
        for number, example in enumerate(examples):
            change(number, example)
        tfrecord.write_shard(directory / "test-00000-of-00001", [example.SerializeToString() for example in examples])
        return directory

    return write


@pytest.fixture(scope="session")
def hostile_folder(tmp_path_factory, make_report, write_records):
    """A report whose title, toi_id and disposition are somebody's markup."""

    def change(number, example):
        example.features.feature["toi_id"].bytes_list.value[:] = [HOSTILE.encode()]
        example.features.feature["Disposition"].bytes_list.value[:] = [b"</script><script>document.title=2</script>"]

    directory = tmp_path_factory.mktemp("hostile")
    records = write_records(directory / "records", change)
    assert make_report(directory / "report", f"--title=</title>{HOSTILE}<!--", records=records) == 0
    return directory / "report"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A selenium driver of a headless Chromium with a fresh profile; skips where there is none.

    With ASTRONET_REQUIRE_BROWSER, as CI has it, these tests fail instead.
    """
    path, driver_path = next(filter(None, map(shutil.which, CHROMIUM)), None), shutil.which("chromedriver")
    with contextlib.ExitStack() as stack:
        try:
            from selenium import webdriver
            from selenium.webdriver.chrome.service import Service

            if not path or not driver_path:
                raise ImportError("no chromium and chromedriver on the PATH")
        except ImportError as error:
            if os.environ.get("ASTRONET_REQUIRE_BROWSER"):
                pytest.fail(f"ASTRONET_REQUIRE_BROWSER is set: {error}")
            pytest.skip(f"{error}: install chromium, chromedriver and selenium")
        options = webdriver.ChromeOptions()
        options.binary_location = path
        for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
            options.add_argument(flag)
        options.unhandled_prompt_behavior = "accept"
        options.page_load_strategy = "none"  # the page itself says when it is ready
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(driver_path))
        stack.callback(driver.quit)
        driver.set_script_timeout(20)
        yield driver


class Page:
    """A report that is open in the browser, and what its user does."""

    visits = 0  # of all pages: the address has its number, so that no page is taken for the one before

    def __init__(self, driver):
        self.driver = driver

    def run(self, script, *arguments):
        """What a piece of JavaScript returns; App is the page's own object."""
        return self.driver.execute_script(f"const App = window.astronetReport; {script}", *arguments)

    def wait(self, condition, seconds=15):
        """Waits until an expression of JavaScript is true; returns its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(f"return {condition}")):
            assert time.monotonic() < end, f"never: {condition}"
            time.sleep(0.02)
        return value

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def click(self, selector):
        self.driver.find_element("css selector", selector).click()

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def begin(self, name="AB", blind=False):
        """Begins to label as somebody."""
        if not self.run("return document.getElementById('dialog').open"):
            self.click("#who")
        self.run("document.getElementById('reviewer-name').value = arguments[0]", name)
        if (
            self.run("const box = document.getElementById('reviewer-blind'); return box.isConnected && box.checked")
            != blind
        ):
            self.click("#reviewer-blind")
        self.click("#reviewer-begin")

    def open_panel(self):
        """Opens the panel of the selected row, and waits until it is drawn; returns the row."""
        from selenium.webdriver.common.keys import Keys

        self.keys(Keys.ENTER)
        return int(self.wait("document.getElementById('panel').dataset.row"))

    def go(self, url, hash=""):
        """Opens a report, and waits until it is there."""
        self.url = url
        Page.visits += 1
        self.driver.get(f"{url}?{Page.visits}{hash}")
        is_there = "document.documentElement.dataset.ready || document.querySelector('#warning:not([hidden])')"
        self.wait(f"location.search === '?{Page.visits}' && ({is_there})", seconds=60)

    def reload(self):
        self.go(self.url, self.run("return location.hash"))

    def errors(self):
        """Messages of the console since the last call; Chromium tells of the warning before a page is left, too."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in messages if "'beforeunload'" not in message]

    def requests(self):
        """URLs that the browser has asked for since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture
def visit(chromium):
    """Function (folder, hash="", keep=False) -> Page, opened for the first time unless `keep`.

    No test may leave an error in the console, nor have asked for anything but files.
    """
    page = Page(chromium)

    def visit(folder, hash="", keep=False):
        url = (folder / "index.html").as_uri()
        page.go(url, hash)
        if not keep:
            page.run("localStorage.clear()")
            page.errors(), page.requests()
            page.go(url, hash)
        return page

    yield visit
    page.run("if (App && App.data) App.labels.markExported()")  # so that nothing asks whether to leave
    assert page.errors() == []
    requested = page.requests()
    assert requested and all(url.startswith(("file:", "blob:", "data:")) for url in requested)
