"""--cluster: the same results by Dask's workers as without, whatever happens to them. None of this is timed."""

import contextlib
import csv
import functools
import operator
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import astronet
from astronet import batch_predict, train
from astronet.base import workers
from astronet.base.script import ScriptError
from astronet.data import generate_input_records, make_catalog, simulate_survey

pytest.importorskip("distributed")

NUM_STARS = 12
CONNECT_TIMEOUT = "distributed.comm.timeouts.connect"


class Started:
    """`dask scheduler` and `dask worker` as a user starts them, in directories of their own."""

    def __init__(self, directory):
        self._directory, self._processes = directory, []
        self.scheduler = self._start("scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard")
        [self.address] = self.wait_for(self.scheduler, r"Scheduler at: *(tcp://\S+)")

    def _start(self, what, *flags):
        """A task that costs its worker is given up at the second try: by default, this takes five workers."""
        directory = self._directory / str(len(self._processes))
        directory.mkdir()
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *flags]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
        }
        with open(directory / "log", "w") as log:
            process = subprocess.Popen(
                command, cwd=directory, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        process.log = directory / "log"
        self._processes.append(process)
        return process

    def start_workers(self, *flags, number=1):
        started = self._start("worker", self.address, "--no-dashboard", f"--nworkers={number}", "--nthreads=1", *flags)
        self.wait_for(started, r"Registered to: *(tcp://\S+)", number)
        return started

    def wait_for(self, process, pattern, number=1):
        """What is first found in a process's log."""

        def found():
            assert process.poll() is None, process.log.read_text()
            found = re.findall(pattern, process.log.read_text())
            return found if len(found) >= number else None

        return wait_until(found)

    def workers(self):
        """The addresses of all workers that have been started."""
        logs = (process.log.read_text() for process in self._processes)
        return [address for log in logs for address in re.findall(r"Start worker at: *(tcp://\S+)", log)]

    def stop(self):
        for process in self._processes:  # each with those that it has started
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(condition):
    """Returns what condition() does once that is true. The limit is for a test that would otherwise hang."""
    end = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < end, "this should have happened long ago"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a scheduler with two workers."""
    started = Started(tmp_path_factory.mktemp("cluster"))
    try:
        started.start_workers(number=2)
        yield started.address
    finally:
        started.stop()


@pytest.fixture
def other(tmp_path):
    """A scheduler that a test may do anything to."""
    started = Started(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def impatience():
    import dask

    with dask.config.set({CONNECT_TIMEOUT: "2s"}):
        yield


def run_in_order(address, work, tasks):
    return list(workers.map_in_order(work, tasks, 2, cluster=address))


def test_tasks_and_their_errors_are_as_without_a_cluster(cluster):
    assert run_in_order(cluster, operator.neg, list(range(40))) == [-i for i in range(40)]
    process = functools.partial(subprocess.check_output, shell=True)  # whose parent is the worker
    assert len(set(run_in_order(cluster, process, ["sleep 0.2; echo $PPID"] * 8))) == 2
    with pytest.raises(ValueError, match="invalid literal"):
        run_in_order(cluster, int, ["1", "x"])
    with pytest.raises(ScriptError, match="killed 2 times at the same task"):
        run_in_order(cluster, signal.raise_signal, [0, signal.SIGKILL])
    assert run_in_order(cluster, operator.neg, [1, 2]) == [-1, -2]


@pytest.fixture
def survey(tmp_path):
    """A directory with tces.csv, and light curves of its stars in tess/sector-1."""
    directory = tmp_path / "survey"
    (directory / "tess" / "sector-1").mkdir(parents=True)
    for tic_id in range(NUM_STARS):
        _write_light_curve(directory, tic_id)
    with open(directory / "tces.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("row_id", "tic_id", "toi_id", "Disposition", "Epoc", "Period", "Duration", "Transit_Depth", "Sectors")
        )
        writer.writerows([i, i, "?.01", "PC", 1325.6, 1.7, 3.6, 5000, 1] for i in range(NUM_STARS))
    return directory


def _light_curve(directory, tic_id):
    return directory / "tess" / "sector-1" / f"{tic_id}.csv"


def _write_light_curve(directory, tic_id):
    """Always the same light curve of a star, of the same age."""
    path = _light_curve(directory, tic_id)
    time_days = 1325.3 + np.arange(960) / 48
    dip = np.abs(np.mod(time_days - 1325.6 + 0.85, 1.7) - 0.85) < 0.075
    flux = 1 - 5e-3 * dip + np.random.default_rng(tic_id).normal(0, 3e-4, 960)
    whole = path.with_name("whole")  # a worker opens what hangs, or the whole file, and nothing between
    np.savetxt(whole, np.stack([time_days, flux], axis=1), delimiter=",", header="time,flux", comments="")
    os.utime(whole, (1e9, 1e9))
    os.replace(whole, path)


def _make_hang(directory, tic_id):
    """A light curve that opening it never comes back from (while other threads go on, unlike with HDF5)."""
    _light_curve(directory, tic_id).unlink()
    os.mkfifo(_light_curve(directory, tic_id))


def _flags(*more, out="out"):
    files = ["--input_tce_csv_file=tces.csv", "--tess_data_dir=tess", f"--output_dir={out}"]
    return [*files, "--make_test_set", "--num_train_shards=4", "--tce_time_limit=0", *more]


@pytest.fixture
def start(survey):
    """Function (*flags) that starts the script in the directory of the survey, which is not that of the workers."""
    with contextlib.ExitStack() as stack:

        def start(*flags):
            command = [sys.executable, generate_input_records.__file__, *_flags(*flags)]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            run = subprocess.Popen(command, cwd=survey, text=True, start_new_session=True, **pipes)
            stack.callback(run.communicate)
            stack.callback(run.kill)
            return run

        yield start


def _records(survey, out="out"):
    return {path.name: path.read_bytes() for path in (survey / out).iterdir()}


@pytest.fixture
def undisturbed(survey, monkeypatch):
    """What an undisturbed run without a cluster makes; it leaves nothing else behind."""
    monkeypatch.chdir(survey)
    assert generate_input_records.main(_flags("--num_worker_processes=0", out="undisturbed")) == 0
    return _records(survey, "undisturbed")


def _stuck(survey):
    """The process that hangs in the last shard, once all others are made."""
    staging = survey / "out" / "incomplete-records"

    def found():
        made = [path for path in staging.glob("test-*.json") if ".incomplete-" not in path.name]
        at = [path for path in staging.glob("*.incomplete-*") if not path.name.startswith("test-")]
        return int(at[0].name.rpartition("-")[2]) if len(made) == 3 and len(at) == 1 else None

    return wait_until(found)


def _is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("where", ["local", "scheduler"])
def test_a_killed_worker_loses_nothing(start, survey, undisturbed, cluster, where):
    """Relative paths, and workers that are elsewhere."""
    flags = [f"--cluster={cluster if where == 'scheduler' else where}", "--num_worker_processes=2"]
    _make_hang(survey, NUM_STARS - 1)
    run = start(*flags)
    worker = _stuck(survey)
    _write_light_curve(survey, NUM_STARS - 1)
    os.kill(worker, signal.SIGKILL)
    messages = run.communicate()
    assert run.returncode == 0, messages
    assert _records(survey) == undisturbed


def test_a_scheduler_that_goes_away_is_an_error_and_a_rerun_goes_on(start, survey, undisturbed, other, capfd):
    other.start_workers()
    _make_hang(survey, NUM_STARS - 1)
    run = start(f"--cluster={other.address}")
    worker = _stuck(survey)
    other.scheduler.kill()
    messages = run.communicate()[1]
    assert run.returncode == 1 and f"error: the scheduler at {other.address} went away" in messages, messages
    assert "Traceback" not in messages, messages
    wait_until(lambda: not _is_running(worker))

    _write_light_curve(survey, NUM_STARS - 1)
    assert generate_input_records.main(_flags()) == 0
    assert "3 of 4 shards are up to date" in capfd.readouterr().out
    assert _records(survey) == undisturbed


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_what_a_stopped_run_had_at_work_ends(start, survey, undisturbed, cluster, capfd, signum):
    _make_hang(survey, NUM_STARS - 1)
    run = start(f"--cluster={cluster}")
    worker = _stuck(survey)
    run.send_signal(signum)
    messages = run.communicate()[1]
    assert run.returncode == (-9 if signum == signal.SIGKILL else 130), messages
    wait_until(lambda: not _is_running(worker))
    _write_light_curve(survey, NUM_STARS - 1)
    assert generate_input_records.main(_flags(f"--cluster={cluster}")) == 0
    assert "3 of 4 shards are up to date" in capfd.readouterr().out
    assert _records(survey) == undisturbed


def _weights(model_dir):
    from astronet.ops.tensorflow import tf

    reader = tf.train.load_checkpoint(str(model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_members_of_an_ensemble_are_those_trained_without_a_cluster(tmp_path, write_tces, cluster, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    write_tces("train")
    flags = ["--config_name=yu2019", "--train_files=train", "--eval_files=train", "--train_steps=3", "--num_models=2"]
    assert train.main([*flags, "--model=AstroModel", "--model_dir=alone"]) == 0
    assert train.main([*flags, "--model=AstroModel", "--model_dir=model", f"--cluster={cluster}"]) == 0
    printed = capfd.readouterr().out
    for member in "12":
        assert f"{tmp_path}/model/{member}: step      3/3 " in printed
        expected, found = _weights(tmp_path / "alone" / member), _weights(tmp_path / "model" / member)
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert train.main([*flags, "--model=AstroModel", "--model_dir=model", f"--cluster={cluster}"]) == 0
    assert "model/2 is finished" in capfd.readouterr().out


def test_predictions_are_those_without_a_cluster(tmp_path, ensemble_dir, write_tces, cluster, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfrecord").mkdir()
    paths = [tmp_path / "tfrecord" / f"test-{i:05d}-of-00004" for i in range(4)]
    for i, path in enumerate(paths):
        write_tces(path, num_tces=(30, 1, 9, 20)[i], seed=i)
    for path, end in zip(paths[1:3], (200, -10)):  # one without any record that can be read, one without its last
        path.write_bytes(path.read_bytes()[:end])
    flags = ["--average", "--tfrecord_dir=tfrecord", "--batch_size=8"]
    (tmp_path / "model").symlink_to(ensemble_dir)
    outputs = {}
    for suffix, more in {"alone": [], "cluster": [f"--cluster={cluster}"]}.items():
        assert batch_predict.main(["--model_dir=model", *flags, f"--suffix={suffix}", *more]) == 1
        printed = capfd.readouterr().err
        assert printed.count("error: ") == 2 and "00001-of-00004: cannot read record 0 " in printed
        outputs[suffix] = [Path(f"prediction_{suffix}{extension}").read_text() for extension in (".txt", ".csv")]
    assert outputs["cluster"] == outputs["alone"]
    assert outputs["alone"][0].count("\n") == 30 + 8 + 20


def test_a_cluster_that_cannot_be_used_is_an_error_that_says_why(other, tmp_path, impatience, monkeypatch, capsys):
    def error(address):
        with pytest.raises(ScriptError) as raised:
            run_in_order(address, operator.neg, [1])
        return str(raised.value)

    assert "no Dask scheduler answers there within 2 s" in error("tcp://127.0.0.1:1")
    assert "has had no worker for 2 s: start some (dask worker tcp://127.0.0.1:" in error(other.address)
    (tmp_path / "older.py").write_text("from astronet.base import version\nversion.VERSION = '0.0.1'\n")
    other.start_workers("--nthreads=2", f"--preload={tmp_path}/older.py")
    [worker] = other.workers()
    messages = error(other.address)
    assert (
        f"the worker {worker} has astronet 0.0.1, where astronet {astronet.__version__} is needed, as here" in messages
    )
    other.start_workers("--nthreads=2")
    assert re.search(r"the worker tcp://127.0.0.1:\d+ has 2 threads: start more workers of one", error(other.address))

    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install '.[cluster]'" in error(other.address)
    with pytest.raises(SystemExit):
        generate_input_records.main(_flags("--cluster=here"))
    assert "'here' is neither local nor an address such as tcp://host:8786" in capsys.readouterr().err


@pytest.mark.parametrize("answer", [b"", b"\0", b"HTTP/1.1 200 OK\r\n\r\n" * 40], ids=["silence", "a byte", "HTTP"])
def test_an_address_where_no_scheduler_answers_is_an_error_within_the_time_limit(answer):
    import dask

    accepted = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])
                accepted[-1].sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener, dask.config.set({CONNECT_TIMEOUT: "1s"}):
        threading.Thread(target=serve, daemon=True).start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(ScriptError, match=f"--cluster={address}: .* within 1 s"):
            run_in_order(address, operator.neg, [1])
        assert time.monotonic() - begin < 10
    for connection in accepted:
        connection.close()


def test_an_address_with_tls_needs_certificates():
    with pytest.raises(ScriptError, match="certificates"):
        run_in_order("tls://127.0.0.1:1", operator.neg, [1])


def test_a_simulated_survey_and_its_catalogue_are_those_without_a_cluster(tmp_path, cluster, monkeypatch):
    """By the command line, where a script is __main__, which is another one for each worker."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)

    def run(script, *flags):
        subprocess.run([sys.executable, script.__file__, *flags], cwd=tmp_path, check=True, capture_output=True)

    tables = [f"sector-{sector}-simulated.csv" for sector in (1, 2)]
    contents = {}
    for name, flags in {"alone": [], "cluster": [f"--cluster={cluster}"]}.items():
        run(simulate_survey, "--num_stars=2", "--sectors=1,2", f"--output_dir={name}", *flags)
        run(make_catalog, "--input", *tables, f"--base_dir={name}", "--out_name=again.csv", *flags)
        contents[name] = {
            str(path.relative_to(tmp_path / name)): path.read_bytes().replace(os.fsencode(tmp_path / name), b"")
            for path in (tmp_path / name).rglob("*.*")
            if path.suffix in (".csv", ".blsanal", ".h5")
        }
    assert contents["cluster"].keys() == contents["alone"].keys()
    assert len(contents["alone"]) > 10
    assert [path for path in contents["alone"] if contents["alone"][path] != contents["cluster"][path]] == []
