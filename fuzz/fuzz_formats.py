"""What fuzz.py mutates: a small file of each kind, how the package reads it, and what an independent reader finds."""

import dataclasses
import os
from typing import Callable

import fuzz_light_curves
import fuzz_models
import fuzz_records
import fuzz_tables


@dataclasses.dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
      name: as the table of results has it.
      path: where mutants are written; the package may know it by this name.
      content: the whole file, unharmed.
      mutations: functions rng -> content of a mutant, of which one is drawn.
      read: function path -> what the package makes of the file.
      refusals: the errors by which the package may refuse it.
      check: function (path, what was read) that raises an AssertionError where that is not what the file holds.
    """

    name: str
    path: str
    content: bytes
    mutations: tuple
    read: Callable
    refusals: tuple
    check: Callable

    def mutant(self, rng):
        return self.mutations[rng.integers(len(self.mutations))](rng)


def make(directory):
    """Makes the files, in a directory of their own each; returns a dict of Format by name."""
    formats = {}
    for module in (fuzz_light_curves, fuzz_records, fuzz_tables, fuzz_models):
        for name, build in module.BUILDERS.items():
            own = os.path.join(directory, name)
            os.makedirs(own, exist_ok=True)
            formats[name] = Format(name, **build(own))
    return formats
