"""The benchmarks of the transit search run, on a few light curves."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from astronet.data.catalog import folding

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Function (name, *flags) -> exit code."""

    def run(name, *flags):
        monkeypatch.setattr(sys, "path", list(sys.path))
        return runpy.run_path(str(BENCHMARKS / f"{name}.py"))["main"](list(flags))

    return run


def test_searches_are_compared_on_the_same_light_curves(benchmark, tmp_path, capsys):
    cell = ["--signal_to_noise=20,30", "--periods=2,5", "--num_a_bin=1", "--num_quiet=1", "--seed=3"]
    assert benchmark("other_searches", *cell, "--searches=ours,astropy", f"--out={tmp_path}/rows.jsonl") == 0
    told = capsys.readouterr().out
    assert re.search(r"^ours +20 to 30 +1 +1 ", told, re.MULTILINE)
    assert "astropy   without a signal" in told
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["search"] for row in rows] == 2 * ["ours", "astropy"]


def test_several_sectors_are_searched_with_and_without_the_short_cut(benchmark, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(folding, "LEAST_BLOCKS", folding.LEAST_BLOCKS)
    flags = ["--num_sectors", "1", "--num_planets=1", "--planets_in=1", f"--figure={tmp_path}/cost.png"]
    assert benchmark("long_baselines", *flags) == 0
    told = capsys.readouterr().out
    assert re.search(r"^found [01] in the whole light curve, [01] in blocks$", told, re.MULTILINE)
    assert (tmp_path / "cost.png").stat().st_size > 1000
