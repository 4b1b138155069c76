"""Results of a long run that are kept on disk until it is finished, so that a run that was killed can be resumed."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from typing import Any, Callable, Optional

from astronet.base import fingerprint, json_files
from astronet.base.files import INCOMPLETE, write_aside


def beside(path: str) -> str:
    """The directory of the results that are to become the file `path`."""
    return f"{path}{INCOMPLETE}results"


@dataclasses.dataclass(frozen=True)
class Kept:
    """A picklable function that calls `work` for tasks whose result is not in `directory` yet, and keeps it there.

    Attributes:
      work: function of one task; task and result are what JSON can hold.
      directory: created here, in one that is there; `discard` removes it.
      context: what else decides the results (settings, version): those of another context are not taken.
      inputs: picklable function of one task, the files that its result is made from; a result is not taken where one of
        them has changed since, in size or time of change. None: there are no files, or context has their content.
    """

    work: Callable[[Any], Any]
    directory: str
    context: Any = None
    inputs: Optional[Callable[[Any], Iterable[str]]] = None

    def __post_init__(self) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.directory)

    def __call__(self, task: Any) -> Any:
        stamp = self._stamp(task)  # before the work, so that a file which changes meanwhile is read again
        kept = self._read(task, stamp)
        if kept:
            return kept["result"]
        result = self.work(task)
        with write_aside(self._path(task)) as aside, open(aside, "w", encoding="utf-8") as file:
            json.dump({"files": stamp, "result": result}, file)
        return result

    def has(self, task: Any) -> bool:
        """Whether an earlier run left this task's result, and its files are as they were."""
        return os.path.exists(self._path(task)) and self._read(task, self._stamp(task)) is not None

    def _read(self, task: Any, stamp: Any) -> Optional[dict[str, Any]]:
        """What is kept of a task, a dictionary; None where it is absent, damaged, or of other files."""
        kept = json_files.read_or_nothing(self._path(task))
        return kept if "result" in kept and kept.get("files") == stamp else None

    def _stamp(self, task: Any) -> Optional[list[list[Any]]]:
        return None if self.inputs is None else [fingerprint.stamp(path) for path in self.inputs(task)]

    def discard(self) -> None:
        """Removes what was kept, once the run's own output is written."""
        shutil.rmtree(self.directory)

    def _path(self, task: Any) -> str:
        content = json.dumps([self.context, task], sort_keys=True).encode()
        return os.path.join(self.directory, hashlib.sha256(content).hexdigest()[:32] + ".json")
