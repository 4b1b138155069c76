"""Whatever happens to a run, it or the next one ends with the records of an undisturbed run. None of this is timed."""

import contextlib
import csv
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest

from astronet.base import locks
from astronet.base.script import ScriptError
from astronet.data import generate_input_records
from astronet.data.records import record_set

NUM_STARS = 24
NUM_SHARDS = 4
COLUMNS = ("row_id", "tic_id", "toi_id", "Disposition", "Epoc", "Period", "Duration", "Transit_Depth", "Sectors")
FLAGS = ["--make_test_set", f"--num_train_shards={NUM_SHARDS}", "--num_worker_processes=2"]
LIMIT = "--tce_time_limit=1"


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """What the output directory of an undisturbed run holds."""
    directory = tmp_path_factory.mktemp("undisturbed")
    _make_survey(directory)
    assert _generate(directory, "--num_worker_processes=0") == 0
    return contents(directory)


@pytest.fixture
def survey(tmp_path):
    """A directory with tces.csv and the light curves of its stars, 1 to NUM_STARS, in tess/sector-1."""
    _make_survey(tmp_path)
    return tmp_path


def _make_survey(directory):
    (directory / "tess" / "sector-1").mkdir(parents=True)
    for tic_id in range(1, NUM_STARS + 1):
        write_light_curve(directory, tic_id)
    with open(directory / "tces.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([i, i, "?.01", "PC", 1325.6, 1.7, 3.6, 5000, 1] for i in range(1, NUM_STARS + 1))


def light_curve(directory, tic_id):
    return directory / "tess" / "sector-1" / f"{tic_id}.h5"


def write_light_curve(directory, tic_id):
    """Always the same light curve of this star, of the same age."""
    time_days = 1325.3 + np.arange(960) / 48
    dip = np.abs(np.mod(time_days - 1325.6 + 0.85, 1.7) - 0.85) < 0.075
    path = light_curve(directory, tic_id)
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"] = time_days
        file["LightCurve/QFLAG"] = np.zeros(960, int)
        noise = np.random.default_rng(tic_id).normal(0, 3e-4, 960)
        file["LightCurve/AperturePhotometry/Aperture_002/KSPMagnitude"] = 10.5 + 5e-3 * dip + noise
        file["LightCurve/AperturePhotometry"].attrs["bestap"] = 2
    os.utime(path, (1e9, 1e9))


def make_hang(directory, tic_id):
    """A light curve that opening it never comes back from, until somebody opens it for writing."""
    light_curve(directory, tic_id).unlink()
    os.mkfifo(light_curve(directory, tic_id))


def release(pipe):
    """Lets what hangs at a pipe that make_hang() made read an empty file."""
    with contextlib.suppress(OSError):  # at this moment, nothing does
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))


def _arguments(directory, *flags):
    files = [f"--input_tce_csv_file={directory}/tces.csv", f"--tess_data_dir={directory}/tess"]
    return [*files, f"--output_dir={directory}/out", *FLAGS, *flags]


def _generate(directory, *flags):
    return generate_input_records.main(_arguments(directory, *flags))


def _start(directory, *flags, **options):
    command = [sys.executable, generate_input_records.__file__, *_arguments(directory, *flags)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def contents(directory):
    """All that a run has left, but for where it was."""
    found = {path.name: path.read_bytes() for path in (directory / "out").iterdir()}
    manifest = json.loads(found.pop("records.json"))
    del manifest["catalogue"]["path"]
    return {**found, "records.json": manifest}


def reasons(directory):
    with open(directory / "out" / "skipped.csv", newline="") as file:
        return {int(row["row_id"]): row["reason"] for row in csv.DictReader(file)}


def wait_until(condition):
    """Returns what condition() does once that is true. The limit is for a test that would otherwise hang."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, "this should have happened long ago"
        time.sleep(0.01)
    return found


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        own = [int(child) for child in file.read().split()]
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    for thread in threads:
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            own += [int(child) for child in file.read().split()]
    return set(own)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def staged_shards(directory):
    staging = directory / "out" / "incomplete-records"
    return [path for path in staging.glob("test-*.json") if ".incomplete-" not in path.name]


@pytest.fixture
def stuck(survey):
    """A run that hangs in the last shard, when all others are made."""
    make_hang(survey, NUM_STARS)
    process = _start(survey, "--num_worker_processes=2", "--tce_time_limit=0")
    wait_until(lambda: len(staged_shards(survey)) == NUM_SHARDS - 1)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("moment", [0, 0.3, 0.6])
def test_a_worker_that_is_killed_costs_nothing(survey, undisturbed, moment):
    def kill_one():
        wait_until(multiprocessing.active_children)
        time.sleep(moment)
        for process in multiprocessing.active_children()[:1]:
            process.kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    assert _generate(survey, "--num_worker_processes=2") == 0
    killer.join()
    assert contents(survey) == undisturbed


@pytest.mark.parametrize("number", [1, 2])
def test_a_tce_that_memory_is_not_enough_for_is_skipped(survey, undisturbed, number):
    with h5py.File(light_curve(survey, 5), "r+") as file:
        for name in ("BJD", "QFLAG", "AperturePhotometry/Aperture_002/KSPMagnitude"):
            del file["LightCurve"][name]  # of the new datasets no chunk is stored: a small file of nine million zeros
            file["LightCurve"].create_dataset(name, shape=(9_000_000,), chunks=(1024,), dtype=float)

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (560 << 20, 560 << 20))

    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # each of its threads would claim memory
    process = _start(survey, f"--num_worker_processes={number}", preexec_fn=limit, env=environment)
    _, skips = process.communicate()
    assert process.returncode == 0, skips
    assert list(reasons(survey)) == [5] and reasons(survey)[5].startswith("killed: ")
    write_light_curve(survey, 5)
    assert _generate(survey) == 0
    assert contents(survey) == undisturbed


def test_a_tce_that_hangs_is_skipped_and_tried_again_by_the_next_run(survey, undisturbed, capfd):
    for tic_id in (2, 3, 20):
        make_hang(survey, tic_id)
    assert _generate(survey, LIMIT) == 0
    assert list(reasons(survey)) == [2, 3, 20]
    assert all(reason.startswith("time limit: ") for reason in reasons(survey).values())
    for tic_id in (2, 3, 20):
        write_light_curve(survey, tic_id)
    capfd.readouterr()
    assert _generate(survey, LIMIT) == 0
    assert f"2 of {NUM_SHARDS} shards are up to date" in capfd.readouterr().out
    assert contents(survey) == undisturbed


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_the_run_after_one_that_was_stopped_goes_on(survey, undisturbed, stuck, capfd, signum, code):
    workers = children(stuck.pid)
    assert len(workers) >= 2
    stuck.send_signal(signum)
    _, skip_reasons = stuck.communicate()
    assert stuck.returncode == code
    assert signum == signal.SIGKILL or "stopped: the same command" in skip_reasons
    assert "Traceback" not in skip_reasons
    wait_until(lambda: not any(map(is_running, workers)))
    there = {path.name for path in (survey / "out").iterdir()}
    assert there == {"incomplete-records", *([locks.NAME] if signum == signal.SIGKILL else [])}

    write_light_curve(survey, NUM_STARS)
    assert _generate(survey) == 0
    assert f"{NUM_SHARDS - 1} of {NUM_SHARDS} shards are up to date" in capfd.readouterr().out
    assert contents(survey) == undisturbed


def test_data_that_go_away_are_an_error_and_not_skips(survey, undisturbed, stuck):
    (survey / "tess").rename(survey / "elsewhere")
    wait_until(lambda: release(survey / "elsewhere" / "sector-1" / f"{NUM_STARS}.h5") or stuck.poll() is not None)
    _, messages = stuck.communicate()
    assert stuck.returncode == 1
    assert "error: no directory" in messages and "same command again" in messages

    (survey / "elsewhere").rename(survey / "tess")
    write_light_curve(survey, NUM_STARS)
    assert _generate(survey) == 0
    assert contents(survey) == undisturbed


def limit_files(num_bytes):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, num_bytes))


@pytest.mark.parametrize("number", [0, 2])
def test_a_file_that_cannot_be_written_is_an_error(survey, undisturbed, number):
    process = _start(survey, f"--num_worker_processes={number}", preexec_fn=limit_files(5000))
    _, messages = process.communicate()
    assert process.returncode == 1
    assert "make room there, and run the same command again" in messages and "Traceback" not in messages
    assert _generate(survey) == 0
    assert contents(survey) == undisturbed


def test_a_full_disk_is_an_error_and_when_there_is_room_the_run_goes_on(survey, undisturbed):
    out = survey / "out"
    out.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", out], capture_output=True)
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here: a limit on files has to do")
    try:
        _, messages = (process := _start(survey, "--num_worker_processes=2")).communicate()
        assert process.returncode == 1
        assert "No space left on device: make room there" in messages and "Traceback" not in messages
        subprocess.run(["mount", "-o", "remount,size=4m", out], check=True)
        assert _generate(survey) == 0
        assert contents(survey) == undisturbed
    finally:
        subprocess.run(["umount", out], check=True)


def test_a_rerun_makes_what_is_not_whole_or_has_changed_and_nothing_else(survey, undisturbed, capfd):
    def run():
        assert _generate(survey, "--num_worker_processes=0") == 0
        made = {path.name for path in (survey / "out").glob("test-*") if path.stat().st_mtime_ns != 10**18}
        for path in (survey / "out").glob("test-*"):
            os.utime(path, ns=(10**18, 10**18))
        kept = NUM_SHARDS - len(made)
        printed = capfd.readouterr().out
        assert (f"{kept} of {NUM_SHARDS} shards are up to date" in printed) == bool(kept)
        return sorted(made)

    names = [f"test-{i:05d}-of-{NUM_SHARDS:05d}" for i in range(NUM_SHARDS)]
    assert run() == names
    assert run() == []

    (survey / "out" / names[0]).unlink()
    damaged = bytearray((survey / "out" / names[2]).read_bytes())
    damaged[100] ^= 1
    (survey / "out" / names[2]).write_bytes(damaged)
    assert run() == [names[0], names[2]]
    os.utime(light_curve(survey, NUM_STARS))
    assert run() == [names[3]]
    light_curve(survey, 1).rename(survey / "1.h5")
    assert run() == [names[0]] and list(reasons(survey)) == [1]
    assert run() == [] and list(reasons(survey)) == [1]
    (survey / "1.h5").rename(light_curve(survey, 1))
    (survey / "out" / "shards.json").write_text("damaged")
    os.utime(light_curve(survey, NUM_STARS), (1e9, 1e9))
    assert run() == names
    assert contents(survey) == undisturbed

    assert _generate(survey, "--num_worker_processes=0", "--config_name=yu2019") == 0
    assert "up to date" not in capfd.readouterr().out


def test_a_run_beside_another_one_in_the_same_directory_is_refused(survey, undisturbed, capfd):
    assert _generate(survey) == 0
    with locks.exclusive(survey / "out"):
        assert _generate(survey, "--seed=7") == 1
    assert f"{survey}/out is in use: process {os.getpid()} on " in capfd.readouterr().err
    assert contents(survey) == undisturbed


def test_shards_of_another_run_are_not_published(survey, undisturbed, tmp_path):
    """On a file system without locks, say."""
    assert _generate(survey) == 0
    names = [path.name for path in (survey / "out").glob("*-of-*")]
    staging = record_set.staging_directory(survey / "out")
    others = {}
    for name in names:
        shutil.copy(survey / "out" / name, staging)
        others[name] = os.path.join(staging, name), record_set.Entry("", "", "sha256 of another file", {"PC": 1}, [])
    with pytest.raises(ScriptError, match="was changed meanwhile, perhaps by another run"):
        record_set.publish(survey / "out", others)
    shutil.rmtree(staging)
    assert contents(survey) == undisturbed
