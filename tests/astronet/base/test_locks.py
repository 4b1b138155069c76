import argparse
import errno
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from astronet import plot_roc
from astronet.base import locks
from astronet.base.script import ScriptError

HOLD = """
import sys
from astronet import plot_roc
from astronet.base import locks
with locks.exclusive(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock on tmp_path / "records"."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "records")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_refused_and_told_who_writes_and_what_to_do(tmp_path, holder):
    with pytest.raises(ScriptError) as refused, locks.exclusive(tmp_path / "records"):
        pass
    message = str(refused.value)
    assert message.startswith(f"{tmp_path}/records is in use: process {holder.pid} on {socket.gethostname()}, since ")
    assert f"-c {tmp_path}/records" in message and "Wait until it has ended" in message


def test_a_lock_that_a_killed_run_left_does_not_block(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert os.listdir(tmp_path / "records") == [locks.NAME]
    with locks.exclusive(tmp_path / "records"):
        assert json.loads((tmp_path / "records" / locks.NAME).read_text())["pid"] == os.getpid()
    assert os.listdir(tmp_path / "records") == []


def test_a_file_of_the_users_under_the_name_of_a_lock_is_not_overwritten(tmp_path):
    for take, name in ((locks.exclusive, locks.NAME), (locks.exclusive_file, ".tces.csv.lock")):
        path = tmp_path / name
        path.write_text("tic_id,Sectors\n7,1\n")
        with pytest.raises(ScriptError, match=f"{name} is not a lock file"), take(tmp_path / name[1:-5]):
            pass
        assert path.read_text() == "tic_id,Sectors\n7,1\n"


@pytest.mark.parametrize("left", ["", '{"ho', '{"host": "a", "pid"', "\0" * 100])
def test_a_lock_that_a_full_disk_or_a_loss_of_power_cut_off_does_not_block(tmp_path, left):
    (tmp_path / locks.NAME).write_text(left)
    with locks.exclusive(tmp_path):
        assert json.loads((tmp_path / locks.NAME).read_text())["pid"] == os.getpid()
    assert os.listdir(tmp_path) == []


def test_two_files_of_a_directory_have_a_lock_each(tmp_path):
    (tmp_path / "new").mkdir()
    with locks.exclusive_file(tmp_path / "new" / "a.csv"), locks.exclusive_file(tmp_path / "new" / "b.csv"):
        with pytest.raises(ScriptError, match="a.csv is in use"), locks.exclusive_file(tmp_path / "new" / "a.csv"):
            pass
        (tmp_path / "new" / "a.csv").touch()
    assert os.listdir(tmp_path / "new") == ["a.csv"]


def test_a_directory_that_the_holder_removes_does_not_confuse_the_next_run(tmp_path):
    with locks.exclusive(tmp_path / "kept"):
        os.remove(tmp_path / "kept" / locks.NAME)
        os.rmdir(tmp_path / "kept")
        another = locks.exclusive(tmp_path / "kept")  # of a new directory
        another.__enter__()
    with pytest.raises(ScriptError, match="kept is in use"), locks.exclusive(tmp_path / "kept"):
        pass
    another.__exit__(None, None, None)
    assert os.listdir(tmp_path / "kept") == []


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch, caplog):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)  # as Lustre without its option `flock` does
    with locks.exclusive(tmp_path / "records"):
        assert "make sure that no other run writes there" in caplog.text
    assert os.listdir(tmp_path / "records") == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "\\u001b[2J", "host": 1, "since": 2, "command": "x"}'])
def test_what_a_lock_file_holds_is_not_trusted(tmp_path, content):
    with locks.exclusive(tmp_path):
        (tmp_path / locks.NAME).write_text(content)
        with pytest.raises(ScriptError, match="in use: (another process|process \\?\\[2J on 1)"):
            with locks.exclusive(tmp_path):
                pass


def test_work_that_fails_leaves_no_empty_directory(tmp_path):
    def fail(flags):
        assert os.listdir(flags.output_dir) == [locks.NAME]
        raise ScriptError("no such light curve")

    flags = argparse.Namespace(output_dir=str(tmp_path / "new" / "er"), report=None)
    with pytest.raises(ScriptError, match="no such light curve"):
        locks.holding(fail, "output_dir", "report")(flags)
    assert os.listdir(tmp_path) == []


WRITE = """
import sys
from pathlib import Path
from astronet.base import files, locks
directory = Path(sys.argv[1])
with locks.exclusive(directory):
    (directory / "sector-1").mkdir()
    with files.write_aside(directory / "flares.csv") as table, files.write_aside(directory / "sector-1/7.h5") as curve:
        Path(table).write_text("half a li")
        Path(curve).touch()
        with files.directory_aside(directory) as aside:
            Path(aside, "1").mkdir()
            print("writing", flush=True)
            sys.stdin.read()
"""


@pytest.fixture
def killed(tmp_path):
    """What a process that was killed while it wrote has left in tmp_path / "out"; its host and process, as in names."""
    command = [sys.executable, "-c", WRITE, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        process.kill()
    return f"{socket.gethostname()}-{process.pid}"


def test_what_a_killed_run_left_unfinished_is_removed_by_the_next(tmp_path, killed, caplog):
    out = tmp_path / "out"
    unfinished = {f"{name}.incomplete-{killed}" for name in ("flares.csv", "")}
    assert {path.name for path in out.iterdir()} == {locks.NAME, "sector-1", *unfinished}
    resumed = {f"tces.csv.incomplete-{rest}" for rest in ("results", "part", "version")}
    others = {
        f"flares.csv.incomplete-elsewhere-{os.getpid()}",
        f"7.csv.incomplete-{socket.gethostname()}-{os.getpid()}",
    }
    mine = {"notes.incomplete-draft", f"a.incomplete-{killed}.txt"}
    for name in {*resumed, *others, *mine}:
        (out / name).touch()
    (out / f"link.incomplete-{killed}").symlink_to(out / "notes.incomplete-draft")
    with caplog.at_level("INFO", "astronet"), locks.exclusive(out):
        pass
    kept = {*resumed, *others, *mine, f"link.incomplete-{killed}", "sector-1"}
    assert {path.name for path in out.iterdir()} == kept and not list((out / "sector-1").iterdir())
    assert caplog.messages == [f"3 unfinished files of a killed run removed from {out}"]


def test_what_another_machine_left_is_removed_once_it_is_old(tmp_path):
    old, new = (tmp_path / f"flares.csv.incomplete-elsewhere-{pid}" for pid in (1, 2))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    with locks.exclusive(tmp_path):
        assert not old.exists() and new.exists()


def test_a_run_that_locks_a_file_removes_what_was_to_become_it_and_what_lies_beside_it(tmp_path, killed):
    out = tmp_path / "out"
    for name in ("tces.csv", "tces_dropped.csv", "other.csv"):
        (out / f"{name}.incomplete-{killed}").touch()
    with locks.exclusive_file(out / "tces.csv"):
        pass
    left = {path.name for path in out.iterdir()}
    assert f"other.csv.incomplete-{killed}" in left and f"flares.csv.incomplete-{killed}" in left
    assert not any(name.startswith("tces") for name in left)


def test_scripts_that_write_one_file_remove_what_a_killed_run_left_of_it(tmp_path, killed):
    truth = tmp_path / "true_vs_pred_x.txt"
    truth.write_text("1 0.9\n0 0.2\n1 0.7\n0 0.4\n")
    unfinished = tmp_path / f"roc.png.incomplete-{killed}"
    unfinished.touch()
    with locks.exclusive_file(tmp_path / "roc.png"):
        assert not unfinished.exists()
        assert plot_roc.main([str(truth), f"--output={tmp_path}/roc.png"]) == 1  # while another run writes it
    unfinished.touch()
    assert plot_roc.main([str(truth), f"--output={tmp_path}/roc.png"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out", "roc.png", truth.name}
