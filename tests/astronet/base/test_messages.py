"""What scripts show of what library code logs: as it is, only what matters with --quiet, more with --verbose."""

import ast
import io
import logging
import platform
import re
import sys
from pathlib import Path

import pytest

import astronet
from astronet import predict
from astronet.base import messages, workers
from astronet.base.script import Parser, ScriptError, run
from astronet.data import make_catalog, make_empty_catalog, simulate_survey
from astronet.data.records import tfrecord

LOG = logging.getLogger("astronet.somewhere")
VERSIONS = f"astronet {astronet.__version__}, Python {platform.python_version()}, {platform.platform()}"
ROOT = Path(__file__).parents[3]


def say(flags):
    LOG.debug("detail")
    LOG.info("progress")
    LOG.warning("warning: doubtful")
    print("result")


@pytest.mark.parametrize(
    ("flags", "out", "err"),
    [
        ([], "progress\nresult\n", "warning: doubtful\n"),
        (["--quiet"], "result\n", "warning: doubtful\n"),
        (["--verbose"], "progress\nresult\n", f"{VERSIONS}\ndetail\nwarning: doubtful\n"),
    ],
)
def test_results_go_to_stdout_whatever_else_is_shown(flags, out, err, capsys):
    assert run(say, Parser().parse_args(flags)) == 0
    assert capsys.readouterr() == (out, err)


def test_run_leaves_the_logging_of_a_program_as_it_was(capsys, caplog):
    before = messages.LOG.handlers[:], messages.LOG.level, messages.LOG.propagate
    assert run(lambda flags: run(say, flags), Parser().parse_args(["--quiet"])) == 0
    assert capsys.readouterr() == ("result\n", "warning: doubtful\n")
    assert (messages.LOG.handlers, messages.LOG.level, messages.LOG.propagate) == before
    with caplog.at_level(logging.INFO, "astronet"):
        say(None)
    assert caplog.messages == ["progress", "warning: doubtful"]


def test_only_verbose_shows_the_traceback_of_an_error(capsys):
    def fail(flags):
        raise ScriptError("tces.csv has no row")

    assert run(fail, Parser().parse_args([])) == 1
    assert capsys.readouterr().err == "error: tces.csv has no row\n"
    assert run(fail, Parser().parse_args(["--verbose"])) == 1
    printed = capsys.readouterr().err
    assert (
        printed.startswith(VERSIONS)
        and "Traceback" in printed
        and "in fail" in printed
        and printed.endswith("error: tces.csv has no row\n")
    )


def test_control_characters_of_a_file_are_shown_as_escapes(capsys):
    assert run(lambda flags: LOG.warning("a\x1b[2J"), Parser().parse_args([])) == 0
    assert capsys.readouterr().err == "a\\x1b[2J\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_are_shown_on_a_terminal_unless_quiet_and_lines_do_not_break_them(monkeypatch):
    def work(flags):
        for number in messages.bar(range(2), desc="rows", mininterval=0):
            LOG.info(f"row {number}")

    shown = {}
    for flag in ("--quiet", "--verbose"):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(sys, "stdout", terminal)
        assert run(work, Parser().parse_args([flag])) == 0
        shown[flag] = terminal.getvalue()
    assert shown["--quiet"] == ""
    # Before each line the bar is wiped out: the line begins at a carriage return.
    assert "rows" in shown["--verbose"] and "\rrow 0\n" in shown["--verbose"]


NOTE = "import logging; log = logging.getLogger('astronet.x'); log.info('here'); log.warning('warning: here')"


@pytest.mark.parametrize(("flags", "out"), [([], "here\n"), (["--quiet"], "")])
def test_worker_processes_show_the_same(flags, out, capfd):
    def work(flags):
        assert list(workers.map_in_order(exec, [NOTE, NOTE], 2)) == [None, None]

    assert run(work, Parser().parse_args(flags)) == 0
    printed = capfd.readouterr()
    assert printed.out == 2 * out and printed.err == 2 * "warning: here\n"


def test_quiet_scripts_print_results_and_what_is_left_out(tmp_path, capsys):
    flags = [f"--output_dir={tmp_path}", "--num_stars=6", "--sectors=1", "--quiet"]
    assert simulate_survey.main(flags) == 0
    assert capsys.readouterr().out.startswith("SIMULATED data, not observations: 6 stars")
    flags = ["--input", "sector-1-simulated.csv", f"--base_dir={tmp_path}"]
    assert make_catalog.main(flags) == 0
    assert "star parameters from" in capsys.readouterr().out
    assert make_catalog.main([*flags, "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and "star parameters" not in printed.out and f"in {tmp_path}/tces.csv" in printed.out
    (tmp_path / "sector-2-x.txt").write_text("12\nabc\n")
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", "sector-2-x.txt", "--quiet"]) == 0
    assert "1 line left out" in capsys.readouterr().out


def test_verbose_scripts_say_which_files_and_models_they_read(tmp_path, capsys):
    flags = [f"--output_dir={tmp_path}", "--num_stars=2", "--sectors=1", "--quiet"]
    assert simulate_survey.main(flags) == 0
    (path, *_) = (tmp_path / "tess/sector-1").glob("*.h5")
    flags = [f"--light_curve={path}", "--model_dir=pretrained:triage", "--period=3", "--duration_hours=3", "--t0=1326"]
    capsys.readouterr()
    assert predict.main([*flags, "--transit_depth=900", "--verbose"]) == 0
    printed = capsys.readouterr().err
    assert re.search(rf"{re.escape(str(path))}: KSPMagnitude of \d+ cadences\n", printed)
    assert "pretrained/triage/1/weights.npz\n" in printed and "10 networks by numpy\n" in printed
    assert predict.main([*flags, "--transit_depth=900", "--quiet"]) == 0
    assert "weights.npz" not in capsys.readouterr().err


def test_what_is_left_out_is_told_even_where_a_script_is_quiet(tmp_path, capsys):
    (tmp_path / "test-0").write_bytes(b"x")
    (tmp_path / "test-1").touch()
    assert run(lambda flags: tfrecord.expand(f"{tmp_path}/test-*") and None, Parser().parse_args(["--quiet"])) == 0
    assert "test-1: left out" in capsys.readouterr().err


def test_library_code_prints_nothing():
    """Only scripts print: modules with a main(), and base/script.py, which tells errors."""
    printing = []
    for path in sorted([*(ROOT / "astronet").rglob("*.py"), *(ROOT / "light_curve_util").rglob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        is_script = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if is_script or path.parts[-2:] == ("base", "script.py"):
            continue
        for node in ast.walk(tree):
            is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            if is_print and not any(keyword.arg == "file" for keyword in node.keywords):
                printing.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert printing == []
