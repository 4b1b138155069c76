"""Tables for fuzz.py: .blsanal files, TEV tables and TCE tables, and checks of the numbers in their lines."""

import math
import os

from fuzz_mutations import mutated_bytes, mutated_table

from astronet.base.script import ScriptError
from astronet.data.catalog import blsanal, catalog_rows, dialects, tce_table, tev, tic_ids
from light_curve_util.numerals import is_empty

_AROUND = '" \t\v\f'  # a cell
_MAY_BE_ABSENT = ("row_id", "Transit_Depth")
_PEAKS = [blsanal.Peak(1354.5 + i, 2.5 + i, 0.05, 0.01, 0.2, 15.0 - i, 20.0, 40, 10.0) for i in range(3)]
_TEV = [
    {
        "src": "qlp",
        "tic_id": 77 + i,
        "toi_id": ".01",
        "Disposition": "PC",
        "RA": 12.5,
        "Dec": -60.25,
        "Tmag": 9.5,
        "Epoc": 1354.5,
        "Period": 2.5,
        "Duration": 3.25,
        "Transit Depth": 1000.0,
        "Sectors": 2,
    }
    for i in range(4)
]
_TCES = (
    "row_id,tic_id,toi_id,Disposition,RA,Dec,Tmag,Epoc,Period,Duration,Transit_Depth,Sectors,camera,ccd,star_rad,"
    "star_mass,teff,logg,SN,Qingress\n"
) + "".join(f"{i},{77 + i},.01,PC,12.5,-60.25,9.5,1354.5,2.5,3.25,1000,2,1,4,1,1,5800,4.4,12,0.2\n" for i in range(4))


def _format(path, content, separator, read, refusals, check):
    text = content.decode()
    return {
        "path": path,
        "content": content,
        "mutations": (
            lambda rng: mutated_bytes(rng, content),
            lambda rng: mutated_table(rng, text, separator).encode(),
            lambda rng: mutated_table(rng, text, separator).encode(),
        ),
        "read": read,
        "refusals": refusals,
        "check": check,
    }


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _blsanal(directory):
    path = os.path.join(directory, "77.blsanal")
    blsanal.write(path, _PEAKS)
    with open(path, "rb") as file:
        return _format(path, file.read(), " ", blsanal.read, (blsanal.BlsError,), _check_peaks)


def _check_peaks(path, peaks):
    with open(path, encoding="utf-8", errors="replace") as file:
        header, *rows = [line.split() for line in file.read().splitlines() if line.strip()]
    header = " ".join(header).lstrip("#").split()
    assert len(rows) == len(peaks)
    for cells, peak in zip(rows, peaks):
        columns = {name: header.index(column) for name, column in blsanal._COLUMNS.items()}
        for name, i in columns.items():
            assert _is_number(cells[i])
            held, read = float(cells[i]), getattr(peak, name)
            assert not math.isinf(read)
            assert held == read or math.isnan(held) and math.isnan(read)


def _tev(directory):
    path = os.path.join(directory, "sector-2.csv")
    tev.write(path, _TEV)
    with open(path, "rb") as file:
        return _format(path, file.read(), ",", lambda path: catalog_rows.read([path])[0], (ScriptError,), _check_tev)


def _check_tev(path, rows):
    assert all(isinstance(text, str) for row in rows for text in (*row.cells.values(), row.reason))


def _tces(directory):
    path = os.path.join(directory, "tces.csv")
    return _format(path, _TCES.encode(), ",", tce_table.read, (ScriptError,), _check_tces)


def _check_tces(path, read):
    """Checks that every number of a kept row equals that of its cell, and that no row of the file is lost."""
    table, skips = read
    numeric = [name for name in table.columns if table[name].dtype.kind in "if"]
    for name in numeric:
        assert not table[name].isin([math.inf, -math.inf]).any(), name
    for name in table.columns.intersection(dialects.INTEGERS):
        assert (table[name] >= 0).all(), name
    with open(path, encoding="utf-8-sig", errors="replace", newline=None) as file:
        header, *lines = [line.split(",") for line in file.read().split("\n") if line.strip(", \t")]
    columns = [dialects.CANONICAL.get(dialects.plain(name.strip(_AROUND)), name.strip(_AROUND)) for name in header]
    for row in table[numeric].to_dict("records"):
        assert any(_holds(dict(zip(columns, cells)), row) for cells in lines), row


def _holds(cells, row):
    """Returns whether a line has the numbers of a row. Columns that a table may lack are not checked."""
    try:
        present = {name: number for name, number in row.items() if name in cells or name not in _MAY_BE_ABSENT}
        return all(_same(name, cells[name].strip(_AROUND), number) for name, number in present.items())
    except (KeyError, ValueError):  # the row is of another line
        return False


def _same(name, text, number):
    if name == "Sectors":
        return number in tic_ids.parse_sectors(text)
    if name == "tic_id":
        return number == tic_ids.parse_tic_id(text)
    if name == "Epoc" and _is_number(text) and not abs(float(text)) < 7000:
        return True  # in another time system, and converted
    if math.isnan(number):  # values of 0 or less count as not measured
        return is_empty(text) or name in ("SN", "Transit_Depth") and float(text) <= 0
    return _is_number(text) and float(text) == number or number == 0 and is_empty(text)


BUILDERS = {"blsanal": _blsanal, "tev": _tev, "tces": _tces}
