"""The examples in docstrings give what they say."""

import doctest
import importlib
import io
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("light_curve_util", "astronet")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text() and "third_party" not in path.parts
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_a_module_give_what_they_say(module):
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(importlib.import_module(module)):
        runner.run(test, out=report.write)
    assert not runner.failures, report.getvalue()


def test_modules_with_examples_are_found():
    assert {"light_curve_util.time_systems", "astronet.data.catalog.stars"} <= set(MODULES)
