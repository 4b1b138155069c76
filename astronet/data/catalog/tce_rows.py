"""Converts rows of text of a table of TCEs to typed columns, and checks each row."""

import collections
import dataclasses
import re
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, Optional

import numpy as np

from astronet.data.catalog import positions, table_readings, tic_ids
from astronet.data.catalog.dialects import DISPOSITIONS, FLOATS, INTEGERS, OPTIONAL
from astronet.data.catalog.tce_values import longer_than_period
from astronet.data.records.columns import (
    CAMERA,
    CCD,
    DEC,
    DEPTH,
    DISPOSITION,
    DURATION,
    EPOCH,
    PERIOD,
    RA,
    ROW_ID,
    SECTOR,
    SN,
    STITCHED_SECTORS,
    TIC_ID,
    TOI_ID,
)
from light_curve_util import time_systems
from light_curve_util.numerals import is_empty, parse_float

_NEVER_EMPTY = (ROW_ID, TIC_ID, SECTOR, EPOCH, PERIOD, DURATION)
_POSITIVE = (SN, DEPTH, PERIOD, DURATION)  # values of 0 or less mean "not measured"
_KINDS = ("invalid", "incomplete", "missing")  # kinds of problems; a row gets the first of its kinds
_LEARNED = tuple(dict.fromkeys(DISPOSITIONS.values()))

# Function from a TIC ID and the sectors in its row, () for none, to the sectors to fold.
ChooseSectors = Callable[[int, tuple[int, ...]], tuple[int, ...]]


class Skip(NamedTuple):
    """A row without a record. The word before the colon in `reason` is the kind of the reason."""

    row_id: object
    tic_id: object
    sector: object
    reason: str


@dataclasses.dataclass(frozen=True)
class Request:
    """How to read a table.

    Attributes:
      needed: columns in which a row must have a value.
      required: further columns that the table must have.
      only: columns to read; None means all.
      for_training: whether dispositions are converted to those of training. Rows with other dispositions are skipped.
      choose_sectors: function that chooses the sectors of a row with no sector or several; None uses the row's sectors.
        Each sector gives one row.
      stitch: whether all sectors of a row give one row, with the column STITCHED_SECTORS.
    """

    needed: tuple[str, ...] = _NEVER_EMPTY
    required: tuple[str, ...] = ()
    only: Optional[tuple[str, ...]] = None
    for_training: bool = False
    choose_sectors: Optional[ChooseSectors] = None
    stitch: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """Some rows of a table, including rows that cannot be used.

    Attributes:
      columns: dict of column name to array. [num_rows]
      reasons: why each row cannot be used; "" if it can. [num_rows]
      texts: the texts of row_id, tic_id and Sectors in the table, by name. [num_rows]
      numbers: index of each row in the table. A row with several sectors gives several rows with the same index.
      warnings: dict of position to a warning about a row.
      not_known: dict of an optional column to a message about cells that are not numbers.
    """

    columns: dict[str, np.ndarray]
    reasons: list[str]
    texts: dict[str, list[str]]
    numbers: list[int]
    warnings: dict[int, str] = dataclasses.field(default_factory=dict)
    not_known: dict[str, str] = dataclasses.field(default_factory=dict)

    def skips(self) -> list[Skip]:
        """Returns the Skip of each row that cannot be used."""
        cells = zip(self.texts[ROW_ID], self.texts[TIC_ID], self.texts[SECTOR], self.reasons)
        return [Skip(row_id, tic_id, sector, reason) for row_id, tic_id, sector, reason in cells if reason]


class _Problems:
    """The problems of the rows of a part."""

    def __init__(self):
        self._of = collections.defaultdict(list)
        self.not_known: dict[str, str] = {}  # column -> message

    def note(self, where, kind, tell):
        """Adds the problem tell(i) to each row i for which `where` is true."""
        for i in np.flatnonzero(where):
            self.add(i, kind, tell(i))

    def add(self, i, kind, text):
        self._of[int(i)].append((kind, text))

    def reasons(self, num_rows):
        reasons = [""] * num_rows
        for i, problems_of_row in self._of.items():
            kind = min((kind for kind, _ in problems_of_row), key=_KINDS.index)
            reasons[i] = f"{kind}: " + "; ".join(text for _, text in problems_of_row)
        return reasons


def typed_part(
    reading: table_readings.Reading, request: Request, texts: Sequence[str], rows: Sequence[list[str]], first: int
) -> Part:
    """Returns the Part of some rows. The first of them is row `first` of the table."""
    problems, width = _Problems(), len(reading.columns)
    faults = [reading.problem(row) for row in rows]
    misshapen = np.array([bool(fault) for fault in faults])
    problems.note(misshapen, "invalid", faults.__getitem__)
    # A row with too few fields keeps its cells, so that its Skip can name the star.
    cells = dict(zip(reading.columns, map(list, zip(*((row + [""] * width)[:width] for row in rows)))))
    typed = {}
    for name in cells if request.only is None else filter(cells.__contains__, request.only):
        typed[name] = _typed(name, cells[name], problems, texts, ~misshapen)
    if EPOCH in typed:
        _check_digits(cells[EPOCH], reading.is_epoch_single, problems, ~misshapen)
    _complete(typed, reading, request, len(rows), first)
    _check_values(typed, cells, request, problems, ~misshapen, reading.dispositions)
    sectors = _sectors(cells.get(SECTOR), reading.searched, problems, ~misshapen, len(rows))
    identity = {name: cells.get(name, [""] * len(rows)) for name in (ROW_ID, TIC_ID, SECTOR)}
    if ROW_ID not in cells:
        identity[ROW_ID] = [str(first + i) for i in range(len(rows))]
    return _expanded(typed, identity, sectors, request, problems, first)


def _complete(typed, reading, request, num_rows, first):
    """Adds optional columns that the table lacks, and converts dispositions."""
    absent = {
        ROW_ID: np.arange(first, first + num_rows),
        TOI_ID: np.full(num_rows, "", object),
        DISPOSITION: np.full(num_rows, "", object),
        **{name: np.full(num_rows, np.nan) for name in (EPOCH, PERIOD, DURATION, DEPTH)},
    }
    for name, values in absent.items():
        if request.only is None or name in request.only:
            typed.setdefault(name, values)
    for name in _POSITIVE:
        if name in typed:
            with np.errstate(invalid="ignore"):
                typed[name] = np.where(typed[name] <= 0, np.nan, typed[name])
    if request.for_training:
        known = reading.dispositions
        typed[DISPOSITION] = np.array([known.get(text.upper(), text) for text in typed[DISPOSITION]], object)


def _check_values(typed, cells, request, problems, shaped, dispositions):
    """Adds problems for missing values, and for values that no TCE can have."""
    for name in request.needed:
        if name == SECTOR or name not in typed:
            continue
        of_name = cells.get(name)
        lacking = shaped & _is_nan(typed[name])
        if of_name is None:
            problems.note(lacking, "incomplete", lambda i, name=name: f"no {name}: the table has no such column")
            continue
        for i in np.flatnonzero(lacking):
            if is_empty(of_name[i]):
                problems.add(i, "incomplete", f"no {name}")
            elif name in _POSITIVE and _number(of_name[i]) <= 0:
                problems.add(i, "invalid", f"{name} is {_number(of_name[i]):g}, and must be positive")
    if DURATION in request.needed:
        problems.note(
            shaped & (typed[DURATION] > 24 * typed[PERIOD]),
            "invalid",
            lambda i: longer_than_period(typed[DURATION][i], typed[PERIOD][i]),
        )
    if request.for_training:
        unknown = shaped & ~np.isin(typed[DISPOSITION].astype(str), _LEARNED)
        known = ", ".join(dispositions)
        problems.note(
            unknown,
            "invalid",
            lambda i: f"unknown disposition {typed['Disposition'][i]!r}, not one of {known}",
        )


def _is_nan(values):
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)


def _typed(name, cells, problems, texts, shaped):
    """Converts a column to its type (float for integers with gaps). Cells that do not fit are added to `problems`."""
    if name in texts:
        return _interned(cells)
    if name == TIC_ID:
        return _tic_column(cells, problems, shaped)
    if name == SECTOR:
        return np.zeros(len(cells), np.int64)  # see _sectors
    values, is_text = _numbers(cells)
    if name in (RA, DEC) and is_text.any():
        for i in np.flatnonzero(is_text):
            if (read := positions.degrees(name, cells[i])) is not None:
                values[i], is_text[i] = read, False
    if name in OPTIONAL:
        for i in np.flatnonzero(shaped & is_text)[:1]:
            problems.not_known.setdefault(name, f"{name} {cells[i]!r} is no number: such errors count as not known")
        return values
    if name not in INTEGERS + FLOATS:
        return _interned(cells) if is_text.any() else values
    problems.note(
        shaped & is_text, "invalid", lambda i: f"text {cells[i]!r} in numeric column {name}{_advice(cells[i])}"
    )
    infinite = np.isinf(values)
    if name in (RA, DEC):
        for i in np.flatnonzero(shaped & (np.abs(values) > 90) & ~infinite):
            if problem := positions.problem(name, values[i]):
                problems.add(i, "invalid", f"{name} {problem}")
    problems.note(shaped & infinite, "invalid", lambda i: f"{cells[i]} in column {name} is not finite")
    if name in INTEGERS:
        with np.errstate(invalid="ignore"):
            wrong = ~(np.isnan(values) | infinite | ((values % 1 == 0) & (values >= 0) & (values <= tic_ids.LARGEST)))
        problems.note(
            shaped & wrong, "invalid", lambda i: f"{cells[i]} in column {name} is not a whole number of 0 to 2^53 - 1"
        )
        wrong |= infinite
        values = np.where(wrong, 0, values)
    return np.nan_to_num(values) if name in (CAMERA, CCD) else values


_ADVICE = (  # for text in a column of numbers
    (r"\d{4}-\d\d?-\d\d?.*|\d\d?[./]\d\d?[./]\d{2,4}.*", "a date: give days, BJD or BTJD"),
    (r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", "write it without the commas"),
    (r"[+-]?\d+,\d+", "write it with a decimal point"),
    (r"[+-]?\d+(\.\d*)?\s*[a-zA-Z%]+", "write the number alone, and its unit in the name of the column"),
    (r"[<>~]=?\s*[+-]?\d+(\.\d*)?", "write the number alone, or leave the cell empty"),
)


def _advice(cell):
    return next((f" ({advice})" for pattern, advice in _ADVICE if re.fullmatch(pattern, cell)), "")


def _check_digits(cells, is_single, problems, shaped):
    """Adds problems for epochs that were rounded by a spreadsheet or by single precision."""
    for i in np.flatnonzero(shaped):
        if (is_single or "e" in cells[i] or "E" in cells[i]) and (
            problem := time_systems.lost_digits(cells[i], is_single)
        ):
            problems.add(i, "invalid", f"Epoc {problem}")


def _numbers(cells):
    """Returns the values (NaN if missing), and which of the cells are text. [num_rows], [num_rows]"""
    values, is_text = np.empty(len(cells)), np.zeros(len(cells), bool)
    for i, cell in enumerate(cells):
        try:
            values[i] = parse_float(cell)
        except ValueError:
            values[i], is_text[i] = np.nan, not is_empty(cell)
    return values, is_text


def _number(cell):
    try:
        return parse_float(cell)
    except ValueError:
        return np.nan


def _tic_column(cells, problems, shaped):
    values, errors = np.full(len(cells), np.nan), {}
    for i, cell in enumerate(cells):
        if is_empty(cell):
            continue
        try:
            values[i] = tic_ids.parse_tic_id(cell)
        except ValueError as error:
            errors[i], values[i] = str(error), 0
    for i in filter(shaped.__getitem__, errors):
        problems.add(i, "invalid", f"tic_id {errors[i]}")
    return values


def _sectors(cells, searched, problems, shaped, num_rows):
    """Returns the sectors of each row, as tuples."""
    if cells is None:
        return [searched] * num_rows
    sectors_of_rows, errors = [], {}
    for i, cell in enumerate(cells):
        try:
            sectors_of_rows.append(tic_ids.parse_sectors(cell) or searched)
        except ValueError as error:
            sectors_of_rows.append(searched)
            errors[i] = str(error)
    for i in filter(shaped.__getitem__, errors):
        problems.add(i, "invalid", f"{errors[i]} in column Sectors")
    return sectors_of_rows


def _expanded(typed, texts, sectors, request, problems, first):
    """Returns a Part in which each row has one sector; with request.stitch, all its sectors in STITCHED_SECTORS."""
    num_rows = len(sectors)
    if SECTOR in request.needed:
        _choose(typed, sectors, request.choose_sectors, problems)
    reasons = problems.reasons(num_rows)
    typed = {name: _whole_numbers(name, values) for name, values in typed.items()}
    if request.stitch:
        typed[STITCHED_SECTORS] = np.array([*(",".join(map(str, listed)) for listed in sectors), None], object)[:-1]
    one = [bool(reason) or request.stitch for reason in reasons]
    sectors = [(listed[:1] if is_one else listed) or (0,) for listed, is_one in zip(sectors, one)]
    which = np.repeat(np.arange(num_rows), [len(listed) for listed in sectors])
    if len(which) > num_rows:
        typed = {name: values[which] for name, values in typed.items()}
        texts = {name: [values[i] for i in which] for name, values in texts.items()}
        reasons = [reasons[i] for i in which]
    if request.only is None or SECTOR in request.only:
        typed[SECTOR] = np.array([sector for listed in sectors for sector in listed], np.int64)
    return Part(typed, reasons, texts, (first + which).tolist(), not_known=problems.not_known)


def _choose(typed, sectors, choose, problems):
    """Reduces the sectors of each row to those to fold. A row without such a sector gets a problem."""
    for i, reason in enumerate(problems.reasons(len(sectors))):
        if choose and not reason and len(sectors[i]) != 1:
            chosen = choose(int(typed[TIC_ID][i]), sectors[i])
            if not chosen:
                where = f"sectors {', '.join(map(str, sectors[i]))}" if sectors[i] else "any sector"
                problem = f"no light curve of TIC {typed['tic_id'][i]:.0f} in {where}"
                problems.add(i, "missing", f"{problem}: fetch one, or give another data directory")
            sectors[i] = chosen or sectors[i]
        elif not choose and not sectors[i]:
            problems.add(i, "incomplete", "no Sectors")


def _whole_numbers(name, values):
    return np.nan_to_num(values).astype(np.int64) if name in INTEGERS and values.dtype.kind == "f" else values


def _interned(cells):
    """Returns texts with one copy in memory of each different text."""
    return np.array([*map(sys.intern, cells), None], object)[:-1]
