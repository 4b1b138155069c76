"""What several modules need has one home: constants, colors, empty cells, JSON files, flags made to objects."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOMES = {
    "1.4826": "light_curve_util/constants.py",
    "2457000": "light_curve_util/constants.py",
    "2454833": "light_curve_util/constants.py",
    "86400": "light_curve_util/constants.py",
    "color": "astronet/figures/style.py",
    "n/a": "light_curve_util/numerals.py",
    "json.dump()": "astronet/base/json_files.py",
    "from_flags()": "astronet/base/arguments.py",
}


def kinds_in(tree):
    """The keys of HOMES that a module has, by its constants and calls; docstrings and messages do not count."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and f"{node.value:.10g}" in HOMES:
            yield f"{node.value:.10g}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch("#[0-9A-Fa-f]{6}", node.value):
                yield "color"
            if node.value == "n/a":
                yield node.value
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.dump":
            yield "json.dump()"
        if isinstance(node, ast.FunctionDef) and "from_flags" in node.name:
            yield "from_flags()"


@pytest.fixture(scope="module")
def found():
    files = [path for top in ("astronet", "light_curve_util") for path in sorted((ROOT / top).rglob("*.py"))]
    places = {kind: set() for kind in HOMES}
    for path in (path for path in files if "third_party" not in path.as_posix()):
        for kind in kinds_in(ast.parse(path.read_text())):
            places[kind].add(path.relative_to(ROOT).as_posix())
    return places


@pytest.mark.parametrize("kind", HOMES)
def test_it_stands_in_its_home_alone(found, kind):
    assert found[kind] == {HOMES[kind]}
