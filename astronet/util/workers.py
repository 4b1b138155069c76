"""Work shared out to processes."""

import multiprocessing


def map_in_order(work, tasks, num_worker_processes):
    """Yields work(task) for each task, in the order of the tasks whatever the number of processes.

    Args:
      work: picklable function; new processes import its module, so it may not depend on what this process has set.
      tasks: list.
      num_worker_processes: with 1, or a single task, everything happens in this process.
    """
    num_workers = min(num_worker_processes, len(tasks))
    if num_workers <= 1:
        yield from map(work, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(num_workers) as pool:
        yield from pool.imap(work, tasks)
