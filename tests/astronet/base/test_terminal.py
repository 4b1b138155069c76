"""What scripts print, where they are stopped, and what becomes of their work when nobody can read it."""

import io
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from astronet import plot_roc
from astronet.base.script import Parser, ScriptError, run, tell_problems
from astronet.base.terminal import SafeStream, printable
from astronet.data import generate_input_records

ROOT = Path(__file__).parents[3]
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31mTIC\u202e 1\x00\x7f"


@pytest.fixture
def script(tmp_path):
    """Function (body of work(flags)) that writes a script; returns its command."""

    def script(body):
        path = tmp_path / "script.py"
        path.write_text(
            "import os, sys, threading, time, warnings\n"
            "from astronet.base.script import Parser, ScriptError, run\n"
            f"def work(flags):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
            "sys.exit(run(work, Parser().parse_args(), 'go on so'))\n"
        )
        return [sys.executable, str(path)]

    return script


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def test_control_characters_of_others_are_printed_as_escapes(capsys):
    def work(flags):
        print(f"found {HOSTILE}")
        raise ScriptError(f"{HOSTILE} is no TIC ID")

    assert run(work, Parser().parse_args([])) == 1
    for told in capsys.readouterr():
        assert r"\x1b]0;title\x07\x1b[2J\x9b31mTIC\u202e 1\x00\x7f" in told
        assert not set(told) & set("\x1b\x07\x9b\x00\x7f\u202e")


def test_an_error_is_one_line_whatever_a_strangers_text_holds(capsys):
    def work(flags):
        raise ScriptError("unknown feature evil\nerror: all is well\tor\r\nnot")

    assert run(work, Parser().parse_args([])) == 1
    assert tell_problems(["TIC 7\nis gone"]) == 1
    with pytest.raises(SystemExit):
        plot_roc.main(["true_vs_pred.csv", "--no\nsuch"])
    one, two, three = capsys.readouterr().err.splitlines()
    assert one == r"error: unknown feature evil\nerror: all is well\tor\r\nnot" and two == r"error: TIC 7\nis gone"
    assert r"unknown argument --no\nsuch" in three


def test_flags_and_tables_of_others_are_told_as_escapes(tmp_path, capsys):
    with pytest.raises(SystemExit):
        plot_roc.main([f"--{HOSTILE}"])
    table, name = tmp_path / "tces.csv", HOSTILE.replace("\0", "")
    table.write_text(f"{name},tic_id\n1,{name}\n", encoding="utf-8")
    flags = [f"--tess_data_dir={tmp_path}", f"--output_dir={tmp_path}/records"]
    assert generate_input_records.main([f"--input_tce_csv_file={table}", *flags]) == 1
    printed = capsys.readouterr().err
    assert printed.count("error: ") == 2 and not set(printed) & set("\x1b\x07\x9b\x7f\u202e")


def test_text_of_ours_is_printed_as_it_is(capsys):
    def work(flags):
        print("TCE\t1\nλ Å 北")
        sys.stderr.write("\r 50%|#####     |")
        sys.stderr.write("\rgone\rTIC 1\n")

    assert run(work, Parser().parse_args([])) == 0
    assert capsys.readouterr() == ("TCE\t1\nλ Å 北\n", "\r 50%|#####     |\rgone\\rTIC 1\n")


def test_one_line_stays_one_line():
    assert printable("a\nb\tc\r\x85\ud800") == r"a\nb\tc\r\x85\ud800"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16-le"])
def test_every_encoding_can_be_printed_to(encoding):
    buffer = io.BytesIO()
    wrapper = io.TextIOWrapper(buffer, encoding=encoding)
    stream = SafeStream(wrapper)
    stream.write("λ Å")
    stream.flush()
    assert buffer.getvalue().decode(encoding).endswith(("λ Å", "\\u03bb Å", r"\u03bb \xc5")) and stream.error is None


WORK = """
    print("λ" * 100_000, flush=True)
    print("told", file=sys.stderr, flush=True)
    open("done", "w").close()
    print("the end")
"""


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        ("| head -c 1", 0),
        ("> /dev/full", 1),
        ("2> /dev/full", 0),
        ("> /dev/full 2> /dev/full", 1),
        (">&- 2>&-", 0),
    ],
)
def test_output_that_nobody_takes_does_not_undo_the_work(script, tmp_path, redirection, code):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    command = f"set -o pipefail; {' '.join(script(WORK))} {redirection}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True)
    messages = done.stderr.decode()
    assert done.returncode == code, messages
    assert (tmp_path / "done").exists() and "Traceback" not in messages and "Exception ignored" not in messages
    if redirection == "> /dev/full":
        assert "error: cannot write text to standard output" in messages


def test_an_ascii_terminal_does_not_undo_the_work(script, tmp_path):
    locale = environment(LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    done = subprocess.run(script(WORK), cwd=tmp_path, env=locale, capture_output=True)
    assert done.returncode == 0 and done.stdout.endswith(b"\\u03bb\nthe end\n") and (tmp_path / "done").exists()


@pytest.mark.parametrize("flag", ["--help", "--no_such_flag"])
def test_help_and_errors_of_flags_survive_a_closed_pipe(flag, tmp_path):
    command = f"set -o pipefail; {sys.executable} {ROOT}/astronet/plot_roc.py {flag} 2>&1 | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment())
    assert done.returncode == (0 if flag == "--help" else 2) and done.stderr == ""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "body",
    [
        "print('begun', flush=True); time.sleep(60)",
        "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\nprint('begun', flush=True)\n"
        "time.sleep(60)",
        # A script within a script leaves it to the outer one to tell.
        "def inner(flags):\n    print('begun', flush=True)\n    time.sleep(60)\nreturn run(inner, flags)",
    ],
    ids=["alone", "with a thread", "within another"],
)
def test_an_interrupt_is_told_in_a_line(script, signum, body):
    with subprocess.Popen(script(body), **PIPES, env=environment()) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signum)
        _, messages = process.communicate(timeout=30)
    assert (process.returncode, messages) == (130, "\nstopped: go on so\n")


def test_an_interrupt_while_a_script_is_importing_is_told_in_a_line(tmp_path):
    (tmp_path / "google_crc32c.py").write_text("raise KeyboardInterrupt")
    command = [sys.executable, f"{ROOT}/astronet/train.py"]
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = subprocess.run(command, env=environment(PYTHONPATH=path), capture_output=True, text=True)
    assert done.returncode in (130, -signal.SIGINT) and done.stderr == "\nstopped before the work began\n"


def test_a_program_that_imports_the_package_keeps_its_tracebacks(tmp_path):
    (tmp_path / "program.py").write_text("import astronet\nraise KeyboardInterrupt")
    done = subprocess.run([sys.executable, tmp_path / "program.py"], env=environment(), capture_output=True, text=True)
    assert "Traceback" in done.stderr


def test_members_in_training_are_stopped_in_a_line(tmp_path, write_tces):
    """Threads that are in TensorFlow cannot be stopped, and would have ended the process by an abort."""
    records = write_tces(tmp_path / "train-0")
    flags = ["--model=AstroFCModel", "--config_name=yu2019", f"--train_files={records}", f"--eval_files={records}"]
    command = [sys.executable, f"{ROOT}/astronet/train.py", *flags, f"--model_dir={tmp_path}/m", "--num_models=2"]
    with subprocess.Popen(command, **PIPES, env=environment()) as process:
        assert any("step      0" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 130 and messages.count("\n") == 2
    assert messages.endswith("stopped: the same command, given again, goes on from the last checkpoint\n")
