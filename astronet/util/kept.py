"""Results of a long run that are kept on disk until it is finished, so that a run that was killed can be resumed."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from typing import Any, Callable

from astronet.util.files import INCOMPLETE, write_aside


def beside(path):
    """The directory of the results that are to become the file `path`."""
    return f"{path}{INCOMPLETE}results"


@dataclasses.dataclass(frozen=True)
class Kept:
    """A picklable function that calls `work` for tasks whose result is not in `directory` yet, and keeps it there.

    Attributes:
      work: function of one task; task and result are what JSON can hold.
      directory: created here, in one that is there; `discard` removes it.
      context: what else decides the results (settings, version): those of another context are not taken.
    """

    work: Callable
    directory: str
    context: Any = None

    def __post_init__(self):
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.directory)

    def __call__(self, task):
        path = self._path(task)
        with contextlib.suppress(FileNotFoundError, ValueError, RecursionError):  # absent, or damaged
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        result = self.work(task)
        with write_aside(path) as aside, open(aside, "w", encoding="utf-8") as file:
            json.dump(result, file)
        return result

    def has(self, task):
        """Whether an earlier run left this task's result."""
        return os.path.exists(self._path(task))

    def discard(self):
        """Removes what was kept, once the run's own output is written."""
        shutil.rmtree(self.directory)

    def _path(self, task):
        content = json.dumps([self.context, task], sort_keys=True).encode()
        return os.path.join(self.directory, hashlib.sha256(content).hexdigest()[:32] + ".json")
