"""Recognizes the source of a table of TCEs and the meaning of its columns, and converts its rows to a catalog's."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from astronet.base.script import ScriptError
from astronet.base.tables import Table
from astronet.data.catalog import spellings
from astronet.data.catalog.dialects import CANONICAL, DISPOSITIONS, FLOATS, OPTIONAL, SOURCES, From
from astronet.data.catalog.spellings import Convert, plain
from astronet.data.catalog.tic_ids import parse_sectors, parse_tic_id
from astronet.data.records.columns import DEPTH, DISPOSITION, DURATION, EPOCH, PERIOD, SECTOR, TIC_ID
from light_curve_util import time_systems
from light_curve_util.numerals import mixed_decimals, parse_float, with_decimal_point
from light_curve_util.time_systems import TimeSystem

_COMPLETE = {TIC_ID, SECTOR, EPOCH, PERIOD, DURATION}  # only a catalog has all of these column names


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the rows of a table are converted to rows of a catalog.

    Attributes:
      title: kind of table, for messages; "" for a catalog or TEV table.
      columns: names of the cells in rows().
      epoch: time system of the source or in the column's name; None if only the values tell.
      dispositions: dict of a disposition in capitals to its class in training.
      searched: sectors in the preamble, for a table without a column of sectors.
      notes: messages about the table.
      unused: dict of a catalog's column to the reason why a similar column of the table is not used.
      is_epoch_single: whether the file stores epochs in single precision.
    """

    title: str
    columns: tuple[str, ...]
    epoch: Optional[TimeSystem]
    dispositions: Mapping[str, str]
    searched: tuple[int, ...]
    notes: tuple[str, ...]
    _table: Table
    _picks: Optional[tuple]  # for each column, the (index, conversion) that it may come from; None: cells as they are
    _flag: Optional[tuple[int, int, str]] = None  # index of a column, of the cell to change where it is 1, its text
    unused: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_epoch_single: bool = False
    _rivals: tuple["_Rival", ...] = ()
    _decimal_commas: tuple[int, ...] = ()  # the columns that may have some

    def rows(self) -> Iterator[list[str]]:
        """Yields the cells of each row. The cells of a row with a wrong number of fields are not converted."""
        if self._picks is None:
            yield from self._table.rows()
            return
        width = len(self._table.columns)
        for row in self._table.rows():
            if len(row) < width or any(row[width:]):
                of_row = [row[index] if (index := picks[0][0]) < len(row) else "" for picks in self._picks]
                yield _Faulty(of_row, _misshapen(len(row), width))
                continue
            cells = [_first(row, picks) for picks in self._picks]
            if problem := self._contradiction(row, cells):
                cells = _Faulty(cells, problem)
            if self._flag and row[self._flag[0]] in ("1", "1.0"):
                cells[self._flag[1]] = self._flag[2]
            yield cells

    def lacks(self, missing: Sequence[str]) -> str:
        """Returns why no column of the table can be used for a missing one; "" if none is similar."""
        messages = [self.unused[column] for column in missing if column in self.unused]
        messages += self._table.unread
        if sum(bool(re.fullmatch(r"[+-]?\d+(\.\d*)?", name)) for name in self._table.columns) > 1:
            messages.append("its first line has numbers, as if there were no header")
        return "".join(f"{text}; " for text in messages)

    def problem(self, row: list) -> str:
        """Returns a message if a row of rows() as a whole is not valid; else ""."""
        if isinstance(row, _Faulty):
            return row.problem
        width = len(self.columns)
        return _misshapen(len(row), width) if len(row) < width or any(row[width:]) else ""

    def _contradiction(self, row, cells):
        """Returns a message if two columns of a row with the same meaning contradict each other; else ""."""
        if self._decimal_commas and (problem := mixed_decimals([cells[i] for i in self._decimal_commas], row)):
            return problem
        of_name = dict(zip(self.columns, cells)) if self._rivals else {}
        return next(filter(None, (rival.problem(row, of_name, self.epoch) for rival in self._rivals)), "")


class _Faulty(list):
    """The cells of a row that cannot be used, as far as they exist, and the reason."""

    def __init__(self, cells, problem):
        super().__init__(cells)
        self.problem = problem


def _misshapen(num_fields, width):
    return f"{num_fields} fields where the header has {width}"


def _first(row, picks):
    for index, convert in picks:
        if row[index]:
            return convert(row[index]) if convert else row[index]
    return ""


def recognize(table: Table) -> Reading:
    """Returns the Reading of a table.

    Raises:
      ScriptError: a column occurs twice, or has a unit that cannot be converted.
    """
    names = [plain(name) for name in table.columns]
    if {CANONICAL.get(name) for name in names} >= _COMPLETE:
        return _of_names(table, names)
    for source in SOURCES:
        if source.signature <= set(names):
            return _of_source(table, source, names)
    return _of_names(table, names)


def _of_source(table, source, names):
    picks = {}
    for column, places in source.columns.items():
        places = [place if isinstance(place, From) else From(place) for place in places]
        picks_of_column = tuple((names.index(place.name), place.convert) for place in places if place.name in names)
        if picks_of_column:
            picks[column] = picks_of_column
            _refuse_twice(table.path, column, [name for name in names if name == names[picks_of_column[0][0]]])
    searched = _searched(table.preamble) if source.searched else ()
    mapping = {**DISPOSITIONS, **source.dispositions}
    notes = (f"read as {source.title}",)
    flag = None
    if source.flag and source.flag[0] in names and DISPOSITION in picks:
        flag = names.index(source.flag[0]), list(picks).index(DISPOSITION), source.flag[1]
    columns, places = tuple(picks), tuple(picks.values())
    epochs = {table.columns[index] for index, _ in picks.get(EPOCH, ())}
    return Reading(
        *(source.title, columns, source.epoch, mapping, searched, notes, table, places, flag),
        is_epoch_single=bool(epochs & table.single_precision),
    )


def _of_names(table, names):
    """Returns the Reading of a catalog, or of a table with similar columns."""
    columns = [CANONICAL.get(name, original) for name, original in zip(names, table.columns)]
    for column in columns:
        _refuse_twice(table.path, column, [name for name in columns if name == column and name])
    columns, conversions, rivals, unused = _by_words(table, columns)
    epoch, is_epoch_single = None, False
    if EPOCH in columns:
        original = table.columns[columns.index(EPOCH)]
        epoch = time_systems.named(original) or time_systems.named(table.units.get(original, ""))
        is_epoch_single = original in table.single_precision
    commas = table.delimiter in (";", "\t")
    numeric = tuple(i for i, column in enumerate(columns) if column in FLOATS + OPTIONAL) if commas else ()
    conversions.update({i: _decimal_comma(conversions.get(i)) for i in numeric})
    picks = None
    if conversions or rivals:
        picks = tuple(((index, conversions.get(index)),) for index in range(len(columns)))
    notes = _notes(table.columns, columns, unused)
    return Reading(
        *("", tuple(columns), epoch, DISPOSITIONS, _searched(table.preamble), notes, table, picks, None, unused),
        *(is_epoch_single, tuple(rivals), numeric),
    )


def _by_words(table, columns):
    """Finds the columns with usual names, in a table of an unknown source.

    Returns:
      Names of the columns; dict of index to conversion; list of _Rival; dict of a catalog's column to the reason why a
      similar column is not used.
    """
    columns, conversions, rivals = list(columns), {}, []
    unused: dict[str, str] = {}
    in_catalog = set(CANONICAL.values())
    for index, original in enumerate(table.columns):
        unit = table.units.get(original, "")
        if columns[index] in in_catalog:
            convert, problem = spellings.in_unit(columns[index], unit)
            if problem:
                raise ScriptError(f"{table.path}: column {original} cannot be used: {problem}")
            conversions[index] = convert
    for column in spellings.WORDS:
        for index, original in enumerate(table.columns):
            meant = None if columns[index] in in_catalog else spellings.meaning(original, table.units.get(original, ""))
            if meant is None or meant.column != column:
                continue
            if column in columns:
                if column in _COMPARED and not meant.problem:
                    rivals.append(_Rival(column, table.columns[columns.index(column)], original, index, meant.convert))
            elif meant.problem:
                unused.setdefault(column, f"column {original} is not used: {meant.problem}")
            else:
                columns[index], conversions[index] = column, meant.convert
    unused = {column: text for column, text in unused.items() if column not in columns}
    return columns, {index: convert for index, convert in conversions.items() if convert}, rivals, unused


def _notes(originals, columns, unused):
    renamed = [f"{old} as {new}" for old, new in zip(originals, columns) if plain(old) != plain(new)]
    return (*([f"read {', '.join(renamed)}"] if renamed else []), *unused.values())


_COMPARED = (TIC_ID, EPOCH, PERIOD, DURATION, DEPTH)  # two columns with one of these meanings must agree
_SAME_FRACTION = 0.01  # relative difference by which they may be rounded
_SAME_EPOCH_DAYS = 0.05


@dataclasses.dataclass(frozen=True)
class _Rival:
    """A second column with the same meaning as one that is read. Rows in which they differ are not used."""

    column: str
    original: str
    name: str
    index: int
    convert: Optional[Convert]

    def problem(self, row, of_name, epoch):
        """Returns a message if the two cells of a row differ; "" if they agree or one of them is empty."""
        first, second = of_name[self.column], row[self.index]
        try:
            if self.column == TIC_ID:
                differ = parse_tic_id(first) != parse_tic_id(second)
            elif self.column == EPOCH:
                differ = self._epochs_differ(parse_float(first), parse_float(second), of_name, epoch)
            else:
                values = parse_float(first), parse_float(self.convert(second) if self.convert else second)
                differ = abs(values[0] - values[1]) > _SAME_FRACTION * max(map(abs, values))
        except ValueError:
            return ""
        if not differ:
            return ""
        return f"columns {self.original} ({first}) and {self.name} ({row[self.index]}) differ: remove the wrong one"

    def _epochs_differ(self, first, second, of_name, epoch):
        days = float(time_systems.to_btjd([second], time_systems.named(self.name)).btjd[0])
        days -= float(time_systems.to_btjd([first], epoch).btjd[0])
        try:  # the mid-times of two different transits are both right: whole periods apart is no difference
            period = parse_float(of_name.get(PERIOD, ""))
            days -= period * round(days / period)
        except (ValueError, ZeroDivisionError, OverflowError):
            pass
        return abs(days) > _SAME_EPOCH_DAYS


def _decimal_comma(convert):
    def converted(text):
        text = with_decimal_point(text)
        return convert(text) if convert else text

    return converted


def _refuse_twice(path, column, names):
    if len(names) > 1:
        raise ScriptError(f"{path} has more than one column {column}: keep one of each")


def _searched(preamble):
    """Returns the sectors in a line such as `Sectors = s0001-s0001` of the preamble."""
    for line in preamble:
        match = re.match(r"Sectors?\s*[=:]\s*(.+)", line, re.IGNORECASE)
        if match:
            try:
                return parse_sectors(match[1].strip())
            except ValueError:
                return ()
    return ()
