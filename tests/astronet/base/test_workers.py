"""Work shared out to processes."""

import math
import operator
import os
import signal
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import pytest

from astronet.base import worker_processes
from astronet.base.script import ScriptError
from astronet.base.worker_processes import Processes
from astronet.base.workers import InThisProcess, in_order, map_in_order


@pytest.mark.parametrize("num_workers", [1, 3])
@pytest.mark.parametrize("tasks_at_a_time", [1, 4])
def test_results_come_in_the_order_of_the_tasks(num_workers, tasks_at_a_time):
    tasks = [0.3, 0.01, 0.02, *range(1, 20)]
    work = math.sqrt
    assert list(map_in_order(work, tasks, num_workers, tasks_at_a_time)) == list(map(work, tasks))
    assert list(map_in_order(work, [], num_workers)) == []


@pytest.mark.parametrize("executor", [InThisProcess, lambda: ThreadPoolExecutor(2), lambda: Processes(2)])
def test_tasks_are_drawn_as_there_is_room(executor):
    drawn = []

    def tasks():
        for i in range(20):
            drawn.append(i)
            yield i

    with executor() as pool:
        for i, result in enumerate(in_order(pool, operator.neg, tasks(), max_pending=5)):
            assert result == -i
            assert len(drawn) <= i + 5
    assert len(drawn) == 20


def test_a_task_that_kills_its_process_is_reported_and_no_other_is_lost():
    with pytest.raises(ScriptError, match="killed 2 times at the same task"):
        list(map_in_order(signal.raise_signal, [0, signal.SIGKILL], 2))
    with Processes(2) as pool:
        killed, others = pool.submit(signal.raise_signal, signal.SIGKILL), [pool.submit(abs, -i) for i in range(9)]
        assert [other.result() for other in others] == list(range(9))
        with pytest.raises(BrokenExecutor, match="exit code -9"):
            killed.result()
        assert pool.submit(abs, -1).result() == 1


def test_an_error_of_the_work_is_raised_here_and_tells_where_it_was():
    with pytest.raises(ValueError, match="invalid literal") as raised:
        list(map_in_order(int, ["1", "2", "x"], 2))
    assert "in a worker process" in str(raised.value.__cause__)


def test_what_cannot_be_pickled_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with Processes(1) as pool:
        with pytest.raises(TypeError, match="cannot pickle"):
            pool.submit(open, tmp_path / "file").result()
        with pytest.raises(AttributeError, match="pickle"):
            pool.submit(lambda: 1).result()
        assert pool.submit(abs, -1).result() == 1


def test_an_error_here_ends_processes_at_once():
    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        with Processes(2) as pool:
            pid = pool.submit(os.getpid).result()
            pool.submit(time.sleep, 600), pool.submit(time.sleep, 600)
            1 / 0  # noqa: B018
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert time.monotonic() - start < 300


def test_a_process_that_does_not_end_by_itself_is_ended(monkeypatch):
    monkeypatch.setattr(worker_processes, "_SECONDS_TO_END", 0.2)
    leave_a_thread = "import threading, time; threading.Thread(target=time.sleep, args=[600]).start()"
    begin = time.monotonic()
    assert list(map_in_order(exec, [leave_a_thread] * 2, 2)) == [None, None]
    assert time.monotonic() - begin < 60
