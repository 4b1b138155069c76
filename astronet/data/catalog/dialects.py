"""The columns of public tables of TCEs: what each source calls them, and in which units and time system it has them.

A source is known by the names of its columns. Its rows come out as those of a catalog: under the catalog's names, with
durations in hours, depths in ppm and positions in degrees. Epochs stay as they are; which time system they are in is
told beside them, for light_curve_util.time_systems to convert. docs/data.md has the same as a table.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Optional, Union

from astronet.base.script import ScriptError
from astronet.base.tables import Table
from astronet.data.catalog.tic_ids import parse_sectors
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
from light_curve_util.numerals import parse_float
from light_curve_util.time_systems import TimeSystem

INTEGERS = names_of(int)
TEXTS = (SOURCE, *names_of(str))
FLOATS = names_of(float)

Convert = Callable[[str], str]


def plain(name: str) -> str:
    """A column's name without what its spellings differ in: capitals, blanks and underscores."""
    return name.strip().lower().replace(" ", "").replace("_", "")


CANONICAL = {plain(name): name for name in INTEGERS + TEXTS + FLOATS}
_COMPLETE = {TIC_ID, SECTOR, EPOCH, PERIOD, DURATION}  # what only a catalog has all of, under these names


def _scaled(factor: float) -> Convert:
    return lambda text: _calculated(text, lambda value: value * factor)


def _calculated(text: str, function: Callable[[float], float]) -> str:
    try:
        return repr(function(parse_float(text)))
    except (ValueError, OverflowError):
        return text  # empty, or text that whoever reads the column tells


def _ppm_of_mmag(text: str) -> str:
    return _calculated(text, lambda mmag: 1e6 * (1 - 10 ** (-mmag / 2500)))


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
            DEPTH: ("depth(ppm)", From("depth(mmag)", _ppm_of_mmag)),
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
                *(From(name, _ppm_of_mmag) for name in ("depthmmag", "depth(mmag)")),
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

# Spellings of columns in tables of no source that is known (QLP's lists on MAST, papers, astropy tables): a name, and
# the unit behind it, which durations and depths must have.
_WORDS = {
    TIC_ID: ("tic", "ticid", "tid"),
    TOI_ID: ("toi", "toiid", "ctoi", "planetno", "planetnumber", "tceplntnum"),
    DISPOSITION: ("disposition", "disp", "tfopwgdisposition", "tfopwgdisp", "label"),
    RA: ("ra", "raj2000", "rightascension"),
    DEC: ("dec", "decj2000", "dej2000", "declination"),
    TMAG: ("tmag", "tessmag", "sttmag"),
    EPOCH: ("epoc", "epoch", "t0", "tc", "time0", "transitepoch", "midtime", "transitmidpoint"),
    PERIOD: ("period", "per", "orbitalperiod", "orbper"),
    DURATION: ("duration", "dur", "t14", "transitduration", "trandur"),
    DEPTH: ("transitdepth", "depth", "trandep"),
    SECTOR: ("sectors", "sector"),
    SN: ("sn", "snr", "s/n", "mes", "signaltonoise", "signal-to-noise"),
}
_UNITS = "btjd|bjd(?:tdb)?|bkjd|days?|d|hours?|hrs?|h|minutes?|min|ppm|ppt|mmag|mag|deg"
_UNIT_AT_END = re.compile(rf"(?:[\s_]+[(\[]?|[(\[])({_UNITS})[)\]]?$")
_IN_UNIT: dict[str, dict[str, Optional[Convert]]] = {
    PERIOD: {"d": None, "day": None, "h": _scaled(1 / 24), "hour": _scaled(1 / 24), "hr": _scaled(1 / 24)},
    DURATION: {
        **dict.fromkeys(("h", "hr", "hour"), None),
        **dict.fromkeys(("d", "day"), _scaled(24.0)),
        **dict.fromkeys(("min", "minute"), _scaled(1 / 60)),
        "s": _scaled(1 / 3600),
    },
    DEPTH: {
        **dict.fromkeys(("ppm", "1e-6"), None),
        **dict.fromkeys(("ppt", "0.001"), _scaled(1e3)),
        **dict.fromkeys(("%", "percent"), _scaled(1e4)),
        **dict.fromkeys(("fraction", "dimensionless"), _scaled(1e6)),
        "mmag": _ppm_of_mmag,
        "mag": lambda text: _ppm_of_mmag(_scaled(1e3)(text)),
    },
    RA: {"deg": None, "degree": None, "hourangle": _scaled(15.0), "rad": _scaled(57.29577951308232)},
    DEC: {"deg": None, "degree": None, "rad": _scaled(57.29577951308232)},
}
_NEEDS_UNIT = (DURATION, DEPTH)


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
    """

    title: str
    columns: tuple[str, ...]
    epoch: Optional[TimeSystem]
    dispositions: Mapping[str, str]
    searched: tuple[int, ...]
    notes: tuple[str, ...]
    _table: Table
    _picks: Optional[tuple]  # for each column, the (index, conversion) that it may come from; None: cells as they are
    _flag: Optional[tuple[int, int, str]] = (
        None  # index of a column, that of the cell to change where it is 1, its text
    )

    def rows(self) -> Iterator[list[str]]:
        """Yields the cells of each row; those of a row of the wrong width are not converted."""
        if self._picks is None:
            yield from self._table.rows()
            return
        width = len(self._table.columns)
        for row in self._table.rows():
            if len(row) < width or any(row[width:]):
                of_row = [row[index] if (index := picks[0][0]) < len(row) else "" for picks in self._picks]
                yield _Misshapen(of_row, len(row))
                continue
            cells = [_first(row, picks) for picks in self._picks]
            if self._flag and row[self._flag[0]] in ("1", "1.0"):
                cells[self._flag[1]] = self._flag[2]
            yield cells

    def num_fields(self) -> int:
        """Number of the table's own columns."""
        return len(self._table.columns)


class _Misshapen(list):
    """The cells of a row that has too many or too few: what there is of its identity, for messages."""

    def __init__(self, cells, num_fields):
        super().__init__(cells)
        self.num_fields = num_fields


def misshapen_fields(row: list, width: int) -> int:
    """How many cells a row of Reading.rows() had, where that is not as many as the header has; else 0."""
    if isinstance(row, _Misshapen):
        return row.num_fields
    return len(row) if len(row) < width or any(row[width:]) else 0


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
    return Reading(source.title, columns, source.epoch, mapping, searched, notes, table, places, flag)


def _of_names(table, names):
    """A catalog, or a table of like columns."""
    columns = [CANONICAL.get(name, original) for name, original in zip(names, table.columns)]
    conversions = {}
    if not set(columns) >= _COMPLETE:
        columns, conversions = _by_words(columns, table.columns)
    for index, column in enumerate(columns):
        _refuse_twice(table.path, column, [name for name in columns if name == column and name])
        unit = table.units.get(table.columns[index], "")
        if unit and index not in conversions and column in _IN_UNIT:
            conversions[index] = _conversion(table.path, column, unit)
    epoch = None
    if EPOCH in columns:
        original = table.columns[columns.index(EPOCH)]
        epoch = time_systems.named(original) or time_systems.named(table.units.get(original, ""))
    conversions = {index: convert for index, convert in conversions.items() if convert}
    if table.delimiter in (";", "\t"):
        conversions.update(
            {i: _decimal_comma(conversions.get(i)) for i, column in enumerate(columns) if column in FLOATS}
        )
    picks = tuple(((index, conversions.get(index)),) for index in range(len(columns))) if conversions else None
    return Reading("", tuple(columns), epoch, DISPOSITIONS, _searched(table.preamble), (), table, picks)


def _by_words(columns, originals):
    """(names of the columns, dict of index to conversion) where those of a catalog are called as elsewhere."""
    columns, conversions = list(columns), {}
    for column, words in _WORDS.items():
        if column in columns:
            continue
        for index, original in enumerate(originals):
            bare = original.strip().lower()
            unit = _UNIT_AT_END.search(bare)
            word = plain(bare[: unit.start()] if unit and unit.start() else bare)
            unit = unit[1].rstrip("s") if unit and unit.start() else ""
            known = _IN_UNIT.get(column, {})
            if (
                word not in words
                or columns[index] in CANONICAL.values()
                or (column in _NEEDS_UNIT and unit not in known)
            ):
                continue
            columns[index] = column
            if known.get(unit):
                conversions[index] = known[unit]
            break
    return columns, conversions


def _conversion(path, column, unit):
    known = _IN_UNIT[column]
    word = unit.strip().lower()
    if word not in known:
        word = word.rstrip("s")
    if word not in known:
        raise ScriptError(
            f"{path}: column {column} is in {unit!r}, a unit that is not known here: convert it to one of "
            f"{', '.join(known)}"
        )
    return known[word]


def _decimal_comma(convert):
    def converted(text):
        text = re.sub(r"^([+-]?\d*),(\d+([eE][+-]?\d+)?)$", r"\1.\2", text)
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
