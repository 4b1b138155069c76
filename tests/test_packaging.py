"""What the wheel installs: two top-level packages, and everything that they need."""

import fnmatch
import os
import re
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
setuptools = pytest.importorskip("setuptools")


def included():
    """The patterns of packages in pyproject.toml."""
    line = re.search(r"^include = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    return re.findall(r'"([^"]+)"', line.group(1))


def test_the_wheel_installs_no_top_level_package_that_belongs_to_others():
    packages = setuptools.find_packages(str(ROOT), include=included())
    assert {package.partition(".")[0] for package in packages} == {"astronet", "light_curve_util"}
    assert {"light_curve_util.third_party.kepler_spline", "light_curve_util.third_party.robust_mean"} <= set(packages)


def test_every_folder_with_python_files_is_a_package_of_the_wheel():
    packages = setuptools.find_packages(str(ROOT), include=included())
    folders = {path.parent for top in ("astronet", "light_curve_util") for path in (ROOT / top).rglob("*.py")}
    assert {".".join(folder.relative_to(ROOT).parts) for folder in folders} <= set(packages)


def test_third_party_is_one_folder_seen_from_two_places():
    link = ROOT / "light_curve_util/third_party"
    if not link.is_symlink():
        pytest.skip("a source archive has files in place of the link")
    assert os.path.samefile(link, ROOT / "third_party")
    assert not Path(os.readlink(link)).is_absolute()


def test_constraints_pin_every_dependency_and_name_no_local_path():
    lines = (ROOT / "requirements/constraints-3.11.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins)
    dependencies = re.search(
        r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), flags=re.M | re.S
    ).group(1)
    newer_pythons = re.sub(r".*python_version >= .*", "", dependencies)
    names = re.findall(r'^  "([\w-]+)', newer_pythons, flags=re.MULTILINE)
    assert len(names) > 10
    assert {name.replace("_", "-") for name in names} <= {line.partition("==")[0].replace("_", "-") for line in pins}


def test_the_changelog_and_the_citation_are_of_this_version():
    version = re.search(r'^VERSION = "(.*)"', (ROOT / "astronet/base/version.py").read_text(), flags=re.M).group(1)
    heading = re.search(r"^## (\S+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    citation = (ROOT / "CITATION.cff").read_text()
    assert heading.group(1) == version
    assert f"\nversion: {version}\n" in citation
    assert heading.group(2) == "unreleased" or f'date-released: "{heading.group(2)}"' in citation


def test_pip_says_in_a_line_which_pythons_are_supported():
    """pip compares its Python with this before it installs anything, and prints it as docs/install.md has it."""
    supported = SpecifierSet(re.search(r'^requires-python = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1])
    assert all(f"3.{minor}.0" in supported for minor in range(9, 14))
    assert "3.8.18" not in supported and "3.14.0" not in supported
    told = f"ERROR: Package 'astronet-triage' requires a different Python: 3.14.0 not in '{supported}'"
    assert told in (ROOT / "docs/install.md").read_text()


def test_every_file_of_the_report_is_part_of_the_wheel():
    line = re.search(r"^astronet = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    patterns = [pattern.split("/") for pattern in re.findall(r'"([^"]+)"', line.group(1))]
    for path in (ROOT / "astronet" / "review").rglob("*"):
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            parts = path.relative_to(ROOT / "astronet").parts
            assert any(
                len(parts) == len(pattern) and all(map(fnmatch.fnmatch, parts, pattern)) for pattern in patterns
            ), path
