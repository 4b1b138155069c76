"""Work shared out to processes."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from astronet.util.script import ScriptError


def map_in_order(work, tasks, num_worker_processes, tasks_at_a_time=1):
    """Yields work(task) for each task, in the order of the tasks whatever the number of processes.

    Args:
      work: picklable function; new processes import its module, so it may not depend on what this process has set.
      tasks: list.
      num_worker_processes: with 1, or a single task, everything happens in this process.
      tasks_at_a_time: how many tasks are sent to a process together.

    Raises:
      ScriptError: where a process was killed.
    """
    num_workers = min(num_worker_processes, len(tasks))
    if num_workers <= 1:
        yield from map(work, tasks)
        return
    try:
        with ProcessPoolExecutor(num_workers, multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(work, tasks, chunksize=tasks_at_a_time)
    except BrokenProcessPool as error:
        raise ScriptError(
            "a worker process was killed, perhaps for want of memory: try again with fewer --num_worker_processes"
        ) from error
