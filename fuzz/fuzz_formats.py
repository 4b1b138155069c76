"""The formats for fuzz.py: a small file of each kind, how the package reads it, and an independent check."""

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
      name: name in the table of results.
      path: path that mutants are written to. The package may recognize the format by the name.
      content: the undamaged file.
      mutations: functions from a random generator to the content of a mutant; one is drawn for each mutant.
      read: function from a path to what the package reads from the file.
      refusals: the errors by which the package may refuse a mutant.
      check: function of the path and of what the package has read; raises AssertionError if the two disagree.
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
    """Makes the file of each format in a separate directory. Returns a dict of Format by name."""
    formats = {}
    for module in (fuzz_light_curves, fuzz_records, fuzz_tables, fuzz_models):
        for name, build in module.BUILDERS.items():
            format_directory = os.path.join(directory, name)
            os.makedirs(format_directory, exist_ok=True)
            formats[name] = Format(name, **build(format_directory))
    return formats
