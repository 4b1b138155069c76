"""The columns of public tables of TCEs: what each source calls them, and in which units and time system it has them.

A source is known by the names of its columns. Its rows come out as those of a catalog: under the catalog's names, with
durations in hours, depths in ppm and positions in degrees. Epochs stay as they are; which time system they are in is
told beside them, for light_curve_util.time_systems to convert. docs/data.md has the same as a table.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional, Union

from astronet.base.script import ScriptError
from astronet.base.tables import Table
from astronet.data.catalog import spellings
from astronet.data.catalog.spellings import Convert, plain, ppm_of_mmag
from astronet.data.catalog.tic_ids import parse_sectors, parse_tic_id
from astronet.data.records.columns import (
    DEC,
    DEPTH,
    DISPOSITION,
    DURATION,
    EPOCH,
    EPOCH_ERROR,
    LOGG,
    PERIOD,
    PERIOD_ERROR,
    RA,
    SECTOR,
    SN,
    SOURCE,
    STAR_MASS,
    STAR_RADIUS,
    TEFF,
    TIC_ID,
    TMAG,
    TOI_ID,
    names_of,
)
from light_curve_util import time_systems
from light_curve_util.numerals import mixed_decimals, parse_float, with_decimal_point
from light_curve_util.time_systems import TimeSystem

INTEGERS = names_of(int)
TEXTS = (SOURCE, *names_of(str))
FLOATS = names_of(float)

OPTIONAL = (EPOCH_ERROR, PERIOD_ERROR)  # of no row that has no number there is more to say than that it is not known

CANONICAL = {plain(name): name for name in INTEGERS + TEXTS + FLOATS + OPTIONAL}
_COMPLETE = {TIC_ID, SECTOR, EPOCH, PERIOD, DURATION}  # what only a catalog has all of, under these names


def _error(text: str) -> str:
    """A standard deviation; SPOC has -1 where it has none."""
    return "" if text.startswith("-") else text


def _candidate(text: str) -> str:
    """The number of a candidate within its star, 1 or 1.0, as TEV writes it: .01."""
    return f".{int(float(text)):02d}" if re.fullmatch(r"\d+(\.0*)?", text) else text


@dataclasses.dataclass(frozen=True)
class From:
    """Where a column of the catalog is found: the source's name for it, and how its text becomes the catalog's."""

    name: str
    convert: Optional[Convert] = None


@dataclasses.dataclass(frozen=True)
class Source:
    """A kind of public table.

    Attributes:
      title: what it is called in messages.
      signature: plain names that only this source has all of.
      columns: dict of the catalog's column to where it is found: the first of several that has something counts.
      epoch: time system of its epochs; None where only their values tell.
      dispositions: what its dispositions are in training, beside those that are the same everywhere.
      searched: whether the preamble tells which sectors were searched.
      flag: (column, disposition): what a row is called in whose column there is a 1.
    """

    title: str
    signature: frozenset
    columns: Mapping[str, Sequence[Union[str, From]]]
    epoch: Optional[TimeSystem] = None
    dispositions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    searched: bool = False
    flag: Optional[tuple[str, str]] = None


# What dispositions are in training: those of TFOPWG and TEV, of the KOI tables, and of Kepler's autovetter.
DISPOSITIONS = {
    **{name: name for name in ("PC", "EB", "V", "IS", "J", "O")},
    **dict.fromkeys(("KP", "CP", "APC", "P", "CONFIRMED", "CANDIDATE", "VPC"), "PC"),
    **dict.fromkeys(("FP", "NEB", "BEB", "NPC", "SEB", "AFP", "FALSE POSITIVE"), "EB"),
    **dict.fromkeys(("FA", "NTP", "NOT TRANSIT-LIKE"), "J"),
    **dict.fromkeys(("SV", "VAR"), "V"),
}

_STAR = {RA: ("ra",), DEC: ("dec",)}
_EXOFOP_STAR = {
    **_STAR,
    TMAG: ("tessmag",),
    STAR_RADIUS: ("stellarradius(rsun)",),
    STAR_MASS: ("stellarmass(msun)",),
    TEFF: ("stellarefftemp(k)",),
    LOGG: ("stellarlog(g)(cm/s^2)",),
}
_ARCHIVE_STAR = {**_STAR, STAR_RADIUS: ("strad",), STAR_MASS: ("stmass",), TEFF: ("stteff",), LOGG: ("stlogg",)}

SOURCES = (
    Source(
        "the ExoFOP TOI table",
        frozenset({"ticid", "toi", "tfopwgdisposition", "period(days)"}),
        {
            TIC_ID: ("ticid",),
            TOI_ID: ("toi",),
            DISPOSITION: ("tfopwgdisposition", "tessdisposition"),
            EPOCH: ("epoch(bjd)",),
            PERIOD: ("period(days)",),
            DURATION: ("duration(hours)", "duration(hrs)"),
            DEPTH: ("depth(ppm)", From("depth(mmag)", ppm_of_mmag)),
            EPOCH_ERROR: ("epoch(bjd)err",),
            PERIOD_ERROR: ("period(days)err",),
            SECTOR: ("sectors",),
            SN: ("planetsnr",),
            **_EXOFOP_STAR,
        },
        time_systems.BJD,
    ),
    Source(
        "the ExoFOP CTOI table",
        frozenset({"ticid", "ctoi", "period(days)"}),
        {
            TIC_ID: ("ticid",),
            TOI_ID: ("ctoi",),
            DISPOSITION: ("tfopwgdisposition", "userdisposition"),
            EPOCH: ("transitepoch(bjd)", "midpoint(bjd)", "epoch(bjd)"),
            PERIOD: ("period(days)",),
            DURATION: ("duration(hrs)", "duration(hours)"),
            DEPTH: (
                "depthppm",
                "depth(ppm)",
                *(From(name, ppm_of_mmag) for name in ("depthmmag", "depth(mmag)")),
            ),
            EPOCH_ERROR: ("transitepoch(bjd)err", "midpoint(bjd)err"),
            PERIOD_ERROR: ("period(days)error", "period(days)err"),
            SECTOR: ("sectors",),
            **_EXOFOP_STAR,
        },
        time_systems.BJD,
    ),
    Source(
        "the NASA Exoplanet Archive's TOI table",
        frozenset({"tid", "pltranmid", "plorbper"}),
        {
            TIC_ID: ("tid",),
            TOI_ID: ("toi",),
            DISPOSITION: ("tfopwgdisp",),
            TMAG: ("sttmag",),
            EPOCH: ("pltranmid",),
            PERIOD: ("plorbper",),
            DURATION: ("pltrandurh",),
            DEPTH: ("pltrandep",),
            EPOCH_ERROR: ("pltranmiderr1",),
            PERIOD_ERROR: ("plorbpererr1",),
            SECTOR: ("sectors",),
            **_ARCHIVE_STAR,
        },
        time_systems.BJD,
    ),
    Source(
        "a KOI table of the NASA Exoplanet Archive",
        frozenset({"kepid", "koiperiod", "koitime0bk"}),
        {
            TIC_ID: ("kepid",),
            TOI_ID: ("kepoiname",),
            DISPOSITION: ("koidisposition", "koipdisposition"),
            EPOCH: ("koitime0bk",),
            PERIOD: ("koiperiod",),
            DURATION: ("koiduration",),
            DEPTH: ("koidepth",),
            EPOCH_ERROR: ("koitime0bkerr1",),
            PERIOD_ERROR: ("koiperioderr1",),
            SECTOR: ("sectors",),
            SN: ("koimodelsnr",),
            **_STAR,
            STAR_RADIUS: ("koisrad",),
            STAR_MASS: ("koismass",),
            TEFF: ("koisteff",),
            LOGG: ("koislogg",),
        },
        time_systems.BKJD,
        flag=("koifpflagnt", "NOT TRANSIT-LIKE"),
    ),
    Source(
        "a TCE table of Kepler",
        frozenset({"kepid", "tceperiod", "tcetime0bk"}),
        {
            TIC_ID: ("kepid",),
            TOI_ID: (From("tceplntnum", _candidate),),
            DISPOSITION: ("avtrainingset",),
            EPOCH: ("tcetime0bk",),
            PERIOD: ("tceperiod",),
            DURATION: ("tceduration",),
            DEPTH: ("tcedepth",),
            EPOCH_ERROR: ("tcetime0bkerr",),
            PERIOD_ERROR: ("tceperioderr",),
            SECTOR: ("sectors",),
            SN: ("tcemodelsnr", "tcemaxmultev"),
            **_STAR,
            STAR_RADIUS: ("tcesradius",),
            TEFF: ("tcesteff",),
            LOGG: ("tceslogg",),
        },
        time_systems.BKJD,
    ),
    Source(
        "TCE statistics of SPOC or TESS-SPOC",
        frozenset({"ticid", "orbitalperioddays", "transitepochbtjd"}),
        {
            TIC_ID: ("ticid",),
            TOI_ID: (From("planetnumber", _candidate),),
            EPOCH: ("transitepochbtjd",),
            PERIOD: ("orbitalperioddays",),
            DURATION: ("transitdurationhours",),
            DEPTH: ("transitdepthppm",),
            EPOCH_ERROR: (From("transitepochbtjderr", _error),),
            PERIOD_ERROR: (From("orbitalperioddayserr", _error),),
            SECTOR: ("sectors",),
            SN: ("mes",),
            STAR_RADIUS: ("starradiussolarradii",),
            TEFF: ("starteffkelvin",),
            LOGG: ("starloggcgs",),
        },
        time_systems.BTJD,
        searched=True,
    ),
    Source(
        "TCE statistics of SPOC or TESS-SPOC",
        frozenset({"ticid", "tceperiod", "tcetime0bt"}),
        {
            TIC_ID: ("ticid",),
            TOI_ID: (From("tceplntnum", _candidate),),
            EPOCH: ("tcetime0bt",),
            PERIOD: ("tceperiod",),
            DURATION: ("tceduration",),
            DEPTH: ("tcedepth",),
            EPOCH_ERROR: (From("tcetime0bterr", _error),),
            PERIOD_ERROR: (From("tceperioderr", _error),),
            SECTOR: ("sectors", "tcesectors"),
            SN: ("tcemaxmultev", "tcemodelsnr"),
            STAR_RADIUS: ("tcesradius",),
            TEFF: ("tcesteff",),
            LOGG: ("tceslogg",),
        },
        time_systems.BTJD,
        searched=True,
    ),
    Source(
        "a TOI list of TEV",
        frozenset({"tic", "fulltoiid"}),
        {
            TIC_ID: ("tic",),
            TOI_ID: ("fulltoiid",),
            DISPOSITION: ("groupdisposition", "toidisposition", "exofopdisposition"),
            RA: ("ticrightascension",),
            DEC: ("ticdeclination",),
            TMAG: ("tmagvalue",),
            EPOCH: ("epochvalue", "orbitalepochvalue"),
            PERIOD: ("orbitalperiodvalue", "orbitalperiod(days)value"),
            DURATION: ("transitduration(hours)value", "transitdurationvalue"),
            DEPTH: ("transitdepth(ppm)value", "transitdepthvalue"),
            EPOCH_ERROR: ("epocherror", "orbitalepocherror"),
            PERIOD_ERROR: ("orbitalperioderror", "orbitalperiod(days)error"),
            SECTOR: ("sectors",),
            SN: ("signal-to-noise",),
            STAR_RADIUS: ("starradiusvalue",),
            TEFF: ("effectivestellartemperature(k)value", "effectivetemperaturevalue"),
            LOGG: ("surfacegravityvalue",),
        },
        time_systems.BTJD,
        searched=True,
    ),
)


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a table is read as one of a catalog's.

    Attributes:
      title: what kind of table it is, for messages; "" for a catalog or TEV table.
      columns: names of the cells of rows().
      epoch: time system that the source or the column's name tells; None where only the values do.
      dispositions: dict of a disposition in capitals to what it is in training.
      searched: sectors that the preamble tells, for a table without a column of sectors.
      notes: what is to be said of the table.
      unused: dict of a column of the catalog to why the one that looks like it is not used.
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
        """Yields the cells of each row; those of a row of the wrong width are not converted."""
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
        """Returns why no column serves as one of those that are missing; "" where none looks like it."""
        told = [self.unused[column] for column in missing if column in self.unused]
        told += self._table.unread
        if sum(bool(re.fullmatch(r"[+-]?\d+(\.\d*)?", name)) for name in self._table.columns) > 1:
            told.append("its first line has numbers, as if there were no header")
        return "".join(f"{text}; " for text in told)

    def problem(self, row: list) -> str:
        """Returns what is wrong with a row of rows() as a whole; "" where nothing is."""
        if isinstance(row, _Faulty):
            return row.problem
        width = len(self.columns)
        return _misshapen(len(row), width) if len(row) < width or any(row[width:]) else ""

    def _contradiction(self, row, cells):
        """What is wrong with a row two columns of which say different things."""
        if self._decimal_commas and (problem := mixed_decimals([cells[i] for i in self._decimal_commas], row)):
            return problem
        of_name = dict(zip(self.columns, cells)) if self._rivals else {}
        return next(filter(None, (rival.problem(row, of_name, self.epoch) for rival in self._rivals)), "")


class _Faulty(list):
    """The cells of a row that is not to be used, as far as there are any, and the reason."""

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
    """Finds out how to read a table.

    Raises:
      ScriptError: a column is there twice, or has a unit that cannot be converted.
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
        there = tuple((names.index(place.name), place.convert) for place in places if place.name in names)
        if there:
            picks[column] = there
            _refuse_twice(table.path, column, [name for name in names if name == names[there[0][0]]])
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
    """A catalog, or a table of like columns."""
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
    """Finds the columns that are called as elsewhere.

    Returns:
      Names of the columns; dict of index to conversion; list of _Rival; dict of catalog column to why it is not used.
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
            found = None if columns[index] in in_catalog else spellings.meaning(original, table.units.get(original, ""))
            if found is None or found.column != column:
                continue
            if column in columns:
                if column in _COMPARED and not found.problem:
                    rivals.append(_Rival(column, table.columns[columns.index(column)], original, index, found.convert))
            elif found.problem:
                unused.setdefault(column, f"column {original} is not used: {found.problem}")
            else:
                columns[index], conversions[index] = column, found.convert
    unused = {column: text for column, text in unused.items() if column not in columns}
    return columns, {index: convert for index, convert in conversions.items() if convert}, rivals, unused


def _notes(originals, columns, unused):
    renamed = [f"{old} as {new}" for old, new in zip(originals, columns) if plain(old) != plain(new)]
    return (*([f"read {', '.join(renamed)}"] if renamed else []), *unused.values())


_COMPARED = (TIC_ID, EPOCH, PERIOD, DURATION, DEPTH)  # where two columns of a meaning must agree
_SAME_FRACTION = 0.01  # two columns of a meaning may be rounded
_SAME_EPOCH_DAYS = 0.05


@dataclasses.dataclass(frozen=True)
class _Rival:
    """A second column that means the same as one that is read: rows in which they differ are not used."""

    column: str
    original: str
    name: str
    index: int
    convert: Optional[Convert]

    def problem(self, row, of_name, epoch):
        """Returns what is wrong with a row; "" where one of the two cells tells nothing."""
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
        try:  # mid-times of two events are both right
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


def _refuse_twice(path, column, found):
    if len(found) > 1:
        raise ScriptError(f"{path} has more than one column {column}: keep one of each")


def _searched(preamble):
    """The sectors that a line such as `Sectors = s0001-s0001` tells."""
    for line in preamble:
        match = re.match(r"Sectors?\s*[=:]\s*(.+)", line, re.IGNORECASE)
        if match:
            try:
                return parse_sectors(match[1].strip())
            except ValueError:
                return ()
    return ()
