"""Fixtures that all tests share. Tests that use ../shared are marked `shared` and skip where it is absent."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

# Tests run side by side, one process for each core: more threads of linear algebra than one would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The same examples in every run, however slow the machine or the sanitizers are.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

# Whoever starts the tests in the background has them ignore Control-C, and the scripts that they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("ASTRONET_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared():
    """The folder of published records and outputs, or a skip where this machine has none."""
    if not (SHARED / "golden").is_dir():
        pytest.skip("no ../shared on this machine")
    return SHARED


@pytest.fixture(scope="session")
def published_readme():
    """The README of AstroNet-Triage, whose commands must run; empty where there is no ../shared."""
    path = SHARED / "seeds/000_astronet_triage_readme.txt"
    return path.read_text() if path.exists() else ""


@pytest.fixture
def run_documented(tmp_path):
    """Function (text of a page, {what it says: what to run instead}) -> stdout of its commands, run in tmp_path."""

    def run_documented(text, replacements):
        script = "\n".join(["set -e", *re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)])
        for long, short in replacements.items():
            assert long in script
            script = script.replace(long, short)
        script = script.replace("python astronet/", f"python {ROOT}/astronet/")
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run_documented


def pytest_collection_modifyitems(items):
    """The longest tests come first, so that what is left at the end can be shared out evenly."""
    items.sort(key=lambda item: "test_walkthrough" not in item.nodeid)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Where ../shared is present, a test that uses it must run: its skip is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and "shared" in getattr(item, "fixturenames", ()) and SHARED.is_dir():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} uses ../shared, which is present, and skipped all the same"
