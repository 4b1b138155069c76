"""One model trained by several processes, as docs/cluster.md has it. None of this is timed."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from astronet import batch_predict, train
from astronet.estimator import checkpoints

STEPS = 500


@pytest.fixture
def start(tmp_path, write_tces):
    """Function (job) that starts its process, with `log`, the path of what it prints."""
    write_tces(tmp_path / "train", num_tces=48)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        jobs = {job: [f"127.0.0.1:{s.getsockname()[1]}"] for job, s in zip(("chief", "worker", "ps"), sockets)}
    with contextlib.ExitStack() as stack:

        def start(job):
            config = {"cluster": jobs, "task": {"type": job, "index": 0}}
            environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
            path = tmp_path / f"{job}.log"
            log = stack.enter_context(open(path, "w"))
            command = [sys.executable, train.__file__, *_flags(tmp_path)]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            process.log = path
            return process

        yield start


def _flags(directory):
    config_json = '--config_json={"hparams": {"batch_size": 8, "learning_rate": 0.01}}'
    files = [f"--train_files={directory}/train", f"--eval_files={directory}/train", f"--model_dir={directory}/model"]
    return ["--model=AstroModel", "--config_name=yu2019", config_json, *files, f"--train_steps={STEPS}"]


def _wait_for(process, text):
    end = time.monotonic() + 120
    while text not in process.log.read_text():
        assert process.poll() is None and time.monotonic() < end, process.log.read_text()
        time.sleep(0.02)


def test_a_chief_and_a_worker_train_one_model(tmp_path, start, monkeypatch):
    parameters, chief = start("ps"), start("chief")
    _wait_for(chief, f"step      0/{STEPS}  validation loss ")
    chief.send_signal(signal.SIGSTOP)  # so that there is work left for the worker
    worker = start("worker")
    assert worker.wait() == 0, worker.log.read_text()
    chief.send_signal(signal.SIGCONT)
    assert chief.wait() == 0, chief.log.read_text()
    [line] = [line for line in worker.log.read_text().splitlines() if line.startswith("this worker took ")]
    assert STEPS // 10 < int(line.split()[3]) < STEPS + 2
    assert parameters.poll() is None

    assert checkpoints.last_step(tmp_path / "model") >= STEPS
    monkeypatch.chdir(tmp_path)
    assert batch_predict.main(["--model_dir=model", "--tfrecord_dir=.", "--pattern=train"]) == 0
    means = np.array([float(line.split()[1]) for line in (tmp_path / "prediction.txt").read_text().splitlines()])
    is_positive = np.isin(np.arange(48) % 6, (0, 2))  # PC and EB, of DISPOSITIONS
    assert means[is_positive].min() > 0.5 > means[~is_positive].max()


@pytest.mark.parametrize(
    "config, more, message",
    [
        ("{", [], "not as docs/cluster.md has it"),
        ('{"cluster": {"chief": ["a:1"], "evaluator": ["b:1"]}, "task": {"type": "chief"}}', [], "no other"),
        ('{"cluster": {"chief": ["a:1"], "ps": ["b:1"]}, "task": {"type": "evaluator"}}', [], "of a evaluator"),
        ('{"cluster": {"chief": ["a:1"], "ps": ["b:1"]}, "task": {"type": "chief"}}', ["--num_models=2"], "one model"),
        (
            '{"cluster": {"chief": ["a:1"], "ps": ["b:1"]}, "task": {"type": "chief"}}',
            ['--config_json={"hparams": {"early_stop_patience": 3}}'],
            "set it to null",
        ),
    ],
)
def test_what_cannot_be_trained_together_is_refused(tmp_path, write_tces, monkeypatch, capsys, config, more, message):
    write_tces(tmp_path / "train")
    monkeypatch.setenv("TF_CONFIG", config)
    assert train.main([*_flags(tmp_path), *more]) == 1
    assert message in capsys.readouterr().err
