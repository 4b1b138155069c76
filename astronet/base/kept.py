"""Keeps the results of a long run on disk until the run is finished, so that a killed run can be resumed."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from typing import Any, Callable, Optional

from astronet.base import fingerprint, json_files
from astronet.base.files import INCOMPLETE


def beside(path: str) -> str:
    """Returns the directory for the results that are combined into the file `path`."""
    return f"{path}{INCOMPLETE}results"


def discard(directory: str) -> None:
    """Removes the kept results in a directory. Call it when the run's output is written."""
    shutil.rmtree(directory)


@dataclasses.dataclass(frozen=True)
class Kept:
    """A picklable function of a task. It calls `work` unless the task's result is in `directory`, and keeps the result.

    Attributes:
      work: function of a task. Tasks and results must be of types that JSON can hold.
      directory: directory of the results. It is created; its parent must exist. discard() removes it.
      context: everything else that decides the results (settings, version). A result from another context is not used.
      inputs: picklable function from a task to the files that its result depends on. If one of them has changed in size
        or modification time, the result is not used. None means no files.
    """

    work: Callable[[Any], Any]
    directory: str
    context: Any = None
    inputs: Optional[Callable[[Any], Iterable[str]]] = None

    def __post_init__(self) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.directory)

    def __call__(self, task: Any) -> Any:
        stamp = self._stamp(task)  # before the work: if a file changes during the work, the next run reads it again
        kept = self._read(task, stamp)
        if kept:
            return kept["result"]
        result = self.work(task)
        json_files.write(self._path(task), {"files": stamp, "result": result}, indent=None, keeps_nan=True)
        return result

    def has(self, task: Any) -> bool:
        """Returns whether the result of a task is kept, and its files have not changed."""
        return os.path.exists(self._path(task)) and self._read(task, self._stamp(task)) is not None

    def _read(self, task: Any, stamp: Any) -> Optional[dict[str, Any]]:
        """Returns what is kept of a task; None if it is absent or damaged, or a file has changed."""
        kept = json_files.read_or_nothing(self._path(task))
        return kept if "result" in kept and kept.get("files") == stamp else None

    def _stamp(self, task: Any) -> Optional[list[list[Any]]]:
        return None if self.inputs is None else [fingerprint.stamp(path) for path in self.inputs(task)]

    def _path(self, task: Any) -> str:
        content = json.dumps([self.context, task], sort_keys=True).encode()
        return os.path.join(self.directory, hashlib.sha256(content).hexdigest()[:32] + ".json")
