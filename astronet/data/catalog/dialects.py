"""The columns of public tables of TCEs: their names, units and time systems in each source.

A source is recognized by the names of its columns. Its rows are converted to rows of a catalog: with the catalog's
names, durations in hours, depths in ppm and positions in degrees. Epochs are not converted here, only their time system
is given; light_curve_util.time_systems converts them. docs/data.md shows the same as a table.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Optional, Union

from astronet.data.catalog.spellings import Convert, plain, ppm_of_mmag
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
from light_curve_util.time_systems import TimeSystem

INTEGERS = names_of(int)
TEXTS = (SOURCE, *names_of(str))
FLOATS = names_of(float)

OPTIONAL = (EPOCH_ERROR, PERIOD_ERROR)  # a cell of these without a number only means that the value is not known

CANONICAL = {plain(name): name for name in INTEGERS + TEXTS + FLOATS + OPTIONAL}


def _error(text: str) -> str:
    """Returns the text of a standard deviation; "" for -1, which SPOC writes if it has none."""
    return "" if text.startswith("-") else text


def _candidate(text: str) -> str:
    """Returns the number of a candidate of a star, such as 1 or 1.0, in the form of TEV: .01."""
    return f".{int(float(text)):02d}" if re.fullmatch(r"\d+(\.0*)?", text) else text


@dataclasses.dataclass(frozen=True)
class From:
    """The column of a source for a column of the catalog: its name, and the conversion of its text."""

    name: str
    convert: Optional[Convert] = None


@dataclasses.dataclass(frozen=True)
class Source:
    """A kind of public table.

    Attributes:
      title: name in messages.
      signature: plain names of columns; only this source has all of them.
      columns: dict of the catalog's column to the source's; of several, the first with a value is used.
      epoch: time system of epochs; None if only their values tell.
      dispositions: classes in training of dispositions, in addition to those that all sources have in common.
      searched: whether the preamble names the sectors that were searched.
      flag: (column, disposition): a row with 1 in this column gets this disposition.
    """

    title: str
    signature: frozenset
    columns: Mapping[str, Sequence[Union[str, From]]]
    epoch: Optional[TimeSystem] = None
    dispositions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    searched: bool = False
    flag: Optional[tuple[str, str]] = None


# Classes in training of dispositions: of TFOPWG and TEV, of the KOI tables, and of Kepler's autovetter.
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
