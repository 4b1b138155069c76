"""The types of flags, and the checks of paths, of every script: a wrong argument is told before any work is done.

A type is a function of the text after a flag that returns the value, or raises argparse.ArgumentTypeError with what is
wrong and what to give; argparse puts the name of the flag before it. Paths that cannot be read or written are returned
as RefusedPath, which script.run() tells as it does what else is wrong with files (exit code 1).

>>> seed("7")
7
>>> number(above=0, unit="days")("-3")
Traceback (most recent call last):
    ...
argparse.ArgumentTypeError: '-3' is not a number above 0 (days)
"""

import argparse
import dataclasses
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Optional, TypeVar, Union

from astronet.base.script import RefusedPath, ScriptError
from astronet.base.terminal import printable
from light_curve_util.numerals import parse_float

MAX_SEED = 2**31 - 1  # of NumPy, TensorFlow and scikit-learn the least
MAX_WHOLE = 2**31 - 1
MAX_ID = 2**63 - 1  # of a TIC ID or row_id: records hold 64-bit integers
MAX_SHARDS = 99_999  # names of record files have five digits
MAX_BATCH_SIZE = 65_536
MAX_PROCESSES = 4096
MAX_MODELS = 1000
MAX_RESAMPLES = 100_000  # of a bootstrap
MAX_SECTOR = 9999
IMAGE_SUFFIXES = ("png", "pdf", "svg", "jpg", "jpeg", "tif", "tiff", "webp", "eps", "ps")
_LONGEST_SUFFIX = 100  # characters; file names have 255 bytes
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")

Path = Union[str, "os.PathLike[str]"]
Paths = Union[None, Path, Iterable[Path]]
Settings = TypeVar("Settings")
Value = TypeVar("Value")


def from_flags(kind: type[Settings], flags: argparse.Namespace, **values: Any) -> Settings:
    """Returns a dataclass instance whose fields hold the values of the flags of the same names.

    `main` makes such objects of its flags; library functions take them, not the flags. Lists become tuples, which no
    one changes. A field without a flag keeps its default; one that has no default either is a TypeError.

    Args:
      kind: dataclass.
      flags: what parse_args returned.
      **values: values of the fields that are not flags.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Sequence:
    ...     num_frames: int
    ...     seed: int
    >>> from_flags(Sequence, argparse.Namespace(num_frames=20, output_dir="cube"), seed=1)
    Sequence(num_frames=20, seed=1)
    """
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    of_flags = {name: value for name, value in vars(flags).items() if name in names}
    tuples = {name: tuple(value) for name, value in of_flags.items() if isinstance(value, list)}
    return kind(**{**of_flags, **tuples, **values})


def shown_as(metavar: str) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """Returns a decorator of types: --help has this word for their values."""

    def decorate(parse: Callable[[str], Value]) -> Callable[[str], Value]:
        vars(parse)["metavar"] = metavar
        return parse

    return decorate


def whole_number(least: int = 0, most: int = MAX_WHOLE, unit: str = "") -> Callable[[str], int]:
    """Returns the type of a flag that takes a whole number from `least` to `most`.

    Args:
      least, most: limits, both allowed.
      unit: what is counted, for the message.
    """
    of_unit = f" ({unit})" if unit else ""
    wanted = f" of at least {least}" if most in (MAX_WHOLE, MAX_ID) else f" from {least} to {most}"
    if least == -MAX_ID:
        wanted = ""

    @shown_as("N")
    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()) or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{printable(text)}' is not an integer{wanted}{of_unit}")
        if int(text) > most:
            raise argparse.ArgumentTypeError(f"'{text}' is too large: give at most {most}{of_unit}")
        return int(text)

    return parse


def number(
    least: Optional[float] = None,
    most: Optional[float] = None,
    above: Optional[float] = None,
    unit: str = "",
    advice: str = "",
) -> Callable[[str], float]:
    """Returns the type of a flag that takes a finite number.

    Args:
      least, most: limits, both allowed; None: none.
      above: limit that is not allowed itself; None: none.
      unit: of the number, for the message.
      advice: what else to say, such as an example.
    """
    limits = [f"{word} {limit:g}" for word, limit in (("at least", least), ("above", above)) if limit is not None]
    limits += [f"at most {most:g}"] if most is not None else []
    if least is not None and most is not None:
        limits = [f"from {least:g} to {most:g}"]
    wanted = f"a number {' and '.join(limits)}" if limits else "a finite number"
    wanted += (f" ({unit})" if unit else "") + (f": {advice}" if advice else "")

    @shown_as(unit.upper() or "NUMBER")
    def parse(text: str) -> float:
        try:
            value = parse_float(text)
        except ValueError:
            value = math.nan
        is_within = (least is None or value >= least) and (above is None or value > above)
        if not math.isfinite(value) or not is_within or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"'{printable(text)}' is not {wanted}")
        return value

    return parse


positive_integer = whole_number(1)
seed = whole_number(0, MAX_SEED)
batch_size = whole_number(1, MAX_BATCH_SIZE)
num_processes = whole_number(1, MAX_PROCESSES)
num_threads = whole_number(0, MAX_PROCESSES)
num_models = whole_number(1, MAX_MODELS)
num_resamples = whole_number(1, MAX_RESAMPLES)
num_shards = whole_number(1, MAX_SHARDS)
_sector, _positive_sector = whole_number(0, MAX_SECTOR), whole_number(1, MAX_SECTOR)
_tic_id = whole_number(1, MAX_ID)
row_id = whole_number(-MAX_ID, MAX_ID, "such as 12, of the column row_id")
finite_number = number()
positive_number = number(above=0)
probability = shown_as("P")(number(0, 1, advice="a probability, such as 0.5"))
positive_fraction = shown_as("FRACTION")(number(above=0, most=1, advice="a fraction, such as 0.9 for 90 %"))
recall = shown_as("FRACTION")(number(0.01, 1, advice="a fraction, such as 0.95 to find 95 %"))


@shown_as("TIC_ID")
def tic_id(text: str) -> int:
    """The type of a flag that takes a TIC ID, as tables write it.

    >>> tic_id("TIC 402026209"), tic_id("402026209")
    (402026209, 402026209)
    """
    return _tic_id(re.sub(r"(?i)^\s*TIC[ _-]?(?=\d)", "", text))


@shown_as("SECTOR")
def sector(text: str) -> int:
    """The type of a flag that takes the number of a sector, 0 for unknown.

    >>> sector("S0002"), sector("sector-2"), sector("2")
    (2, 2, 2)
    """
    return _sector(_without_sector_prefix(text))


@shown_as("SECTOR")
def positive_sector(text: str) -> int:
    """The type of a flag that takes the number of a sector."""
    return _positive_sector(_without_sector_prefix(text))


def _without_sector_prefix(text: str) -> str:
    return re.sub(r"(?i)^\s*(sector|s)[ _-]?(?=\d)", "", text)


@shown_as("SUFFIX")
def suffix(text: str) -> str:
    """The type of a flag whose text becomes part of a file's name."""
    if _NOT_IN_NAMES.search(text) or ".." in text or len(text) > _LONGEST_SUFFIX:
        raise argparse.ArgumentTypeError(
            f"'{printable(text)[:_LONGEST_SUFFIX]}' cannot be part of a file's name: give at most {_LONGEST_SUFFIX} "
            "letters, digits, '-', '_' and single dots; another flag chooses the directory"
        )
    return text


@shown_as("FILE")
def input_file(text: str) -> str:
    """The type of a flag that names a file to read; a pipe such as <(cat FILE) is one, too."""
    _require_name(text, "file")
    if os.path.isdir(text):
        return _refused(text, f"{text} is a directory: give a file")
    return text if os.path.exists(text) else _refused(text, f"there is no file {text}")


@shown_as("DIR")
def input_directory(text: str) -> str:
    """The type of a flag that names a directory to read."""
    _require_name(text, "directory")
    if os.path.isdir(text):
        return text
    problem = f"{text} is a file: give a directory" if os.path.exists(text) else f"there is no directory {text}"
    return _refused(text, problem)


@shown_as("FILE")
def output_file(text: str) -> str:
    """The type of a flag that names a file to write, in a directory that exists."""
    _require_name(text, "file")
    if os.path.isdir(text) or text.endswith(("/", os.sep)):
        return _refused(text, f"{text} is a directory: give the name of a file")
    directory = os.path.dirname(text) or "."
    placed = _with_place(text, directory)
    if isinstance(placed, RefusedPath) or os.path.isdir(directory):
        return placed
    return _refused(text, f"there is no directory {directory}: make it first (mkdir -p), or choose another")


@shown_as("DIR")
def output_directory(text: str) -> str:
    """The type of a flag that names a directory to write to, which need not exist."""
    _require_name(text, "directory")
    return _with_place(text, text)


@shown_as("IMAGE")
def image_file(text: str) -> str:
    """The type of a flag that names an image to write, whose suffix chooses the format."""
    if os.path.splitext(text)[1][1:].lower() not in IMAGE_SUFFIXES:
        raise argparse.ArgumentTypeError(
            f"'{printable(text)}' does not end as an image does: its name has to end in .png, or another of "
            f"{', '.join(IMAGE_SUFFIXES)}"
        )
    return output_file(text)


def refuse_overwriting_inputs(outputs: Mapping[str, Paths], inputs: Mapping[str, Paths]) -> None:
    """Refuses outputs that would overwrite an input, or each other; links are followed.

    Args:
      outputs: the files that will be written, by the flag that chooses them: a path, several, or None.
      inputs: the files that are read, likewise. A directory is no input of its own: give what is read in it.

    Raises:
      ScriptError: naming both flags and the path.
    """
    read = {key: flag for flag, paths in inputs.items() for path in _listed(paths) for key in _identities(path)}
    written: dict[object, str] = {}
    for flag, paths in outputs.items():
        for path in _listed(paths):
            keys = _identities(path)
            for key in keys:
                if key in read:
                    raise ScriptError(
                        f"{flag} would overwrite {printable(path)}, which {read[key]} reads: give another {flag}"
                    )
                if key in written:
                    raise ScriptError(f"{written[key]} and {flag} would both write {printable(path)}: give another")
            written.update(dict.fromkeys(keys, flag))


def refuse_overwriting_in(
    directory: Optional[str], names: Iterable[str], flag: str, inputs: Mapping[str, Paths]
) -> None:
    """Refuses, as refuse_overwriting_inputs() does, inputs that are files of these names in the directory of a flag."""
    if directory is not None:
        refuse_overwriting_inputs({flag: [os.path.join(directory, name) for name in names]}, inputs)


def refuse_overwriting_under(
    outputs: Mapping[str, Mapping[Path, Iterable[str]]], directories: Mapping[str, Optional[Path]]
) -> None:
    """Refuses outputs that are files of a directory whose files are read, unless an earlier run wrote them.

    Args:
      outputs: the CSV files that will be written, by the flag that chooses them: path to columns. A file that begins
        with these columns is taken for that of an earlier run.
      directories: the directories, by the flag that chooses them; None is none.

    Raises:
      ScriptError: naming both flags and the path.
    """
    read = {flag: os.path.realpath(directory) for flag, directory in directories.items() if directory is not None}
    for flag, columns_of in outputs.items():
        for path, columns in columns_of.items():
            real = os.path.realpath(path)
            for reading, directory in read.items():
                inside = os.path.commonpath([real, directory]) == directory
                if inside and os.path.isfile(real) and not is_of_earlier_run(real, columns):
                    raise ScriptError(
                        f"{flag} would overwrite {printable(path)}, which lies in the directory that {reading} reads: "
                        f"give another {flag}"
                    )


def is_of_earlier_run(path: Path, columns: Iterable[str]) -> bool:
    """Returns whether a file is a CSV file with these first columns, or is empty: then nothing is lost with it."""
    line = ",".join(columns).encode()
    with open(path, "rb") as file:
        beginning = file.read(len(line) + 1)
    return not beginning or beginning.rstrip(b"\r\n") == line


def _listed(paths: Paths) -> list[str]:
    if paths is None:
        return []
    return [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(path) for path in paths]


def _identities(path: str) -> set[object]:
    """Returns what all paths of one file have in common: the path without links, and the inode if the file exists."""
    real = os.path.realpath(path)
    try:
        status = os.stat(real)
    except (OSError, ValueError):
        return {real}
    is_device = not (os.path.isfile(real) or os.path.isdir(real))  # /dev/null and pipes keep nothing
    return set() if is_device else {real, (status.st_dev, status.st_ino)}


def _require_name(text: str, kind: str) -> None:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"it is empty: give a {kind}")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"'{printable(text)}' cannot be the name of a {kind}")


def _refused(text: str, why: str) -> str:
    refused = RefusedPath(text)
    refused.why = why
    return refused


def _with_place(text: str, directory: str) -> str:
    """Returns the path; refused if its directory cannot be made, or not be written to."""
    ancestor = os.path.abspath(directory)
    while not os.path.lexists(ancestor):
        ancestor = os.path.dirname(ancestor)
    cannot = f"cannot write to directory {directory}"
    if not os.path.isdir(ancestor):
        return _refused(text, f"{cannot}, because {ancestor} is not a directory: choose another")
    if not os.access(ancestor, os.W_OK | os.X_OK):
        return _refused(
            text, f"{cannot}, because the permissions of {ancestor} do not allow it: choose another or change them"
        )
    return text
