"""The documentation site leaves out no page and no command."""

import json
import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parents[1]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
MODULES = {target.partition(":")[0] for target in SCRIPTS.values()}


def test_the_index_lists_every_page_once():
    listed = re.findall(r"^- \[[^\]]*\]\(([^)]+)\)", (ROOT / "docs/index.md").read_text(), re.MULTILINE)
    pages = {(ROOT / "docs" / link).resolve() for link in listed}
    assert len(pages) == len(listed)
    folders = [ROOT / "docs", ROOT / "docs/notebooks", ROOT / "benchmarks", ROOT]
    there = {path for folder in folders for kind in ("*.md", "*.ipynb") for path in folder.glob(kind)}
    there |= set((ROOT / "astronet/pretrained").glob("*/README.md"))
    assert pages == there - {ROOT / "docs/index.md"}


def test_the_reference_has_every_command_once():
    text = (ROOT / "docs/commands.md").read_text()
    listed = re.findall(r"^(astronet[\w.]+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(MODULES)


def test_the_readme_has_every_command_in_its_table():
    text = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("\n## ")[0]
    paths = {f"{module.replace('.', '/')}.py" for module in MODULES}
    assert not sorted(path for path in paths if f"`{path}`" not in text)


def test_the_flags_of_every_command_are_found(monkeypatch):
    """By the extension that writes them into the reference; a script with another kind of parser would have none."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(ROOT / "docs/_extensions"))
    import commands

    assert commands.command_names().keys() == MODULES
    for module in sorted(MODULES):
        parser = commands.parser_of(module)
        assert parser.description, module
        assert any(action.dest != "help" for action in parser._actions), module


def test_a_page_whose_commands_are_marked_as_bash_is_run_by_a_test():
    """A page with other commands has plain blocks, so that nobody takes them for tested ones."""
    marked = {page.name for page in (ROOT / "docs").glob("*.md") if "```bash\n" in page.read_text()}
    tests = [ROOT / "tests/test_walkthrough.py", *(ROOT / "tests").glob("astronet/*/test_walkthrough.py")]
    run = set(re.findall(r'"docs/(\w+\.md)"', "".join(path.read_text() for path in tests)))
    assert marked and not marked - run


@pytest.mark.parametrize("path", sorted((ROOT / "docs/notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_without_their_outputs(path):
    """They are executed when the site is built; what a session leaves in them would only grow the repository."""
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)
