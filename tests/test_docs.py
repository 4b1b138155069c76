"""What the pages name is there: files, anchors, modules. A page that has gone stale fails here."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "benchmarks").glob("*.md"))
PAGES += sorted((ROOT / "astronet/pretrained").glob("*/README.md"))
FENCE = re.compile(r"^ *```({?[\w-]*}?)\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Paths of the repository's own folders, with a suffix of what is kept in it, or of a folder.
OWN = r"(?:astronet|light_curve_util|third_party|tests|docs|benchmarks|tools|fuzz|requirements|\.ci)/"
KEPT = re.compile(rf"(?<![\w./-])({OWN}[\w./-]*(?:\.(?:py|sh|md|cc|h|txt|toml)\b|/(?=`)))")
MADE = re.compile(r"^astronet/(?:tess|plots|tfrecord\w*|model\w*)/|^astronet/data/sector")  # what walkthroughs write

BRITISH = re.compile(
    r"catalogue|licence|labelled|modelled|colour|neighbour|behaviour|\bcentre|normalis|organis", re.IGNORECASE
)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_every_path_that_a_page_names_exists(page):
    named = {path for path in KEPT.findall(page.read_text(encoding="utf-8")) if not MADE.match(path)}
    assert not sorted(path for path in named if not (ROOT / path).exists())


@pages
def test_every_link_inside_the_repository_leads_to_a_file_and_its_heading(page):
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pages
def test_every_module_that_a_page_imports_exists(page):
    for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
        if language != "python":
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("astronet", "light_curve_util"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name) or importlib.util.find_spec(f"{node.module}.{alias.name}")


@pages
def test_spelling_is_american(page):
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    assert not BRITISH.findall(text)


def test_contributing_names_what_is_in_the_file_that_it_names():
    """Each "`name` in `path`" and "`NAME` of `path`" of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)` (?:in|of)\s+`([\w/]+\.py)`", text)
    assert len(named) >= 5
    for name, path in named:
        assert re.search(rf"^(def |class )?{name}\b", (ROOT / path).read_text(), flags=re.MULTILINE), (name, path)


def test_the_staircase_of_contributing_has_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = [path.parent for path in (ROOT / "astronet").glob("*/__init__.py")]
    rooms += [path.parent for path in (ROOT / "astronet/data").glob("*/__init__.py")]
    inside = {room.relative_to(ROOT / "astronet").as_posix() for room in rooms} - {"data"}
    assert not sorted(room for room in inside if f" {room}/ " not in text)


def test_what_is_listed_as_slow_exists():
    text = (ROOT / "tests/conftest.py").read_text()
    listed = re.findall(
        r'^    "(tests/[^"]+)"', re.search(r"^SLOW = \((.*?)^\)", text, re.M | re.S).group(1), flags=re.M
    )
    assert len(listed) > 5
    for entry in listed:
        path, _, name = entry.partition("::")
        assert (ROOT / path).is_file(), entry
        assert not name or f"def {name}(" in (ROOT / path).read_text(), entry
