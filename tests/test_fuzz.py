"""fuzz/fuzz.py: some hundred mutants of every kind of file, and whether it notices what it is there for."""

import runpy
import textwrap
from pathlib import Path

import pytest

main = runpy.run_path(str(Path(__file__).parents[1] / "fuzz" / "fuzz.py"))["main"]


def test_mutants_are_read_or_refused(capsys):
    assert main(["--num_mutants=540", "--seed=11"]) == 0, capsys.readouterr().out
    assert "0 findings" in capsys.readouterr().out


@pytest.fixture
def worker(tmp_path):
    """Function (code) -> path of a worker that does this with each mutant: `number` is its number."""

    def write(code):
        path = tmp_path / "worker.py"
        path.write_text(
            textwrap.dedent(
                """
                import json, os, sys, time
                flags = dict(flag[2:].split("=") for flag in sys.argv[1:])
                def say(*message):
                    print(json.dumps(message), flush=True)
                for number in range(int(flags["first"]), int(flags["end"])):
                    say(number, "kind")
                """
            )
            + textwrap.indent(textwrap.dedent(code), "    ")
        )
        return f"--worker={path}"

    return write


def test_a_worker_that_dies_or_hangs_is_a_finding_and_another_goes_on(worker, capsys):
    code = """
        if number == 3:
            os.abort()
        if number == 5:
            time.sleep(600)
        if number == 7:
            sys.exit(4)
        say(number, "kind", "wrong" if number == 8 else "read", "told")
    """
    assert main([worker(code), "--num_mutants=10", "--seconds=2"]) == 1
    out = capsys.readouterr().out
    assert "mutant 3 of seed 0, kind: crash: SIGABRT" in out
    assert "mutant 5 of seed 0, kind: hang: no answer for 2.0 s" in out
    assert "mutant 7 of seed 0, kind: crash: exit code 4" in out
    assert "mutant 8 of seed 0, kind: wrong: told" in out
    assert [int(cell) for cell in out.split("\n")[-3].split()[1:]] == [10, 6, 0, 0, 1, 0, 2, 1]
    assert "4 findings" in out


def test_mutants_that_can_be_read_or_are_refused_are_no_finding(worker, capsys):
    assert main([worker('say(number, "kind", ["read", "refused"][number % 2], "")'), "--num_mutants=6"]) == 0
    assert "0 findings" in capsys.readouterr().out


def test_a_worker_that_cannot_begin_is_an_error(tmp_path):
    (tmp_path / "worker.py").write_text("raise SystemExit('no such module')")
    with pytest.raises(RuntimeError, match="no such module"):
        main([f"--worker={tmp_path}/worker.py", "--num_mutants=1"])
