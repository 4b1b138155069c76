"""The one reader of tables: however a table is stored, the same columns and cells come out, read and hashed once."""

import bz2
import gzip
import hashlib
import lzma
import os
import threading

import numpy as np
import pytest
from astropy.table import Table as AstropyTable
from astropy.time import Time

from astronet.base.script import ScriptError
from astronet.base.tables import open_table

COLUMNS = ["tic_id", "Epoc", "note"]
ROWS = [["231663901", "1326.904104", "deep, V-shaped"], ["7", "", "Mañana"]]
CSV = 'tic_id,Epoc,note\n231663901,1326.904104,"deep, V-shaped"\n7,,Mañana\n'


def read(path):
    with open_table(path) as table:
        return table.columns, list(table.rows())


def write(path, content, encoding="utf-8"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace("\n", "\r"),
        CSV.replace("\n", "\r\n"),
        "\ufeff" + CSV,
        CSV.encode("utf-16"),
        CSV.encode("utf-16-le"),
        CSV.encode("utf-16-be"),
        gzip.compress(CSV.encode(), mtime=0),
        bz2.compress(CSV.encode()),
        lzma.compress(CSV.encode()),
        "# made by hand\n#\n" + CSV + "# the end\n",
        "\n,,\n" + CSV + "\n,,\n",
        "sep=;\n" + "tic_id;Epoc;note\n231663901;1326.904104;deep, V-shaped\n7;;Mañana\n",
        "tic_id;Epoc;note\n231663901;1326.904104;deep, V-shaped\n7;;Mañana\n",
        "tic_id\tEpoc\tnote\n231663901\t1326.904104\tdeep, V-shaped\n7\t\tMañana\n",
        "tic_id|Epoc|note\n231663901|1326.904104|deep, V-shaped\n7||Mañana\n",
        "| tic_id | Epoc | note |\n|---|---|---|\n| 231663901 | 1326.904104 | deep, V-shaped |\n|7||Mañana|\n",
        "#tic_id,Epoc,note\n" + CSV.partition("\n")[2],
        "# about\ntic_id\tEpoc\tnote\n\td\t\n------\t----\t---\n231663901\t1326.904104\tdeep, V-shaped\n7\t\tMañana\n",
    ],
)
def test_text_tables_of_every_kind(content, tmp_path):
    assert read(write(tmp_path / "t", content)) == (COLUMNS, ROWS)


def test_columns_apart_by_blanks_and_a_header_of_several_words(tmp_path):
    assert read(write(tmp_path / "t", "# tic_id  sector\n 7   1\n 8  12\n")) == (
        ["tic_id", "sector"],
        [["7", "1"], ["8", "12"]],
    )
    assert read(write(tmp_path / "t", "TIC ID\n7\n8\n")) == (["TIC ID"], [["7"], ["8"]])


def test_a_preamble_is_kept_for_those_who_look_for_the_sector(tmp_path):
    path = write(tmp_path / "t", "#Mission = TESS\n#Sectors = s0001-s0001\n#\nticid,mes\n7,9.5\n")
    with open_table(path) as table:
        assert table.preamble == ["Mission = TESS", "Sectors = s0001-s0001", ""]
        assert (table.columns, list(table.rows())) == (["ticid", "mes"], [["7", "9.5"]])


@pytest.fixture
def astropy_table():
    masked = np.ma.array([1326.904104, 0.1 + 0.2, 5.0], mask=[False, False, True])
    table = AstropyTable({"tic_id": np.array([231663901, 7, 2**53 - 1]), "Epoc": masked, "note": ["a", "b c", ""]})
    table["Epoc"].unit = "d"
    return table


@pytest.mark.parametrize(
    "name, form",
    [
        ("t.ecsv", "ascii.ecsv"),
        ("t.fits", "fits"),
        ("t.fits.gz", "fits"),
        ("t.xml", "votable"),
        ("t.tbl", "ascii.ipac"),
    ],
)
def test_astropy_tables(name, form, astropy_table, tmp_path):
    path = tmp_path / name
    astropy_table.write(path, format=form)
    with open_table(path) as table:
        assert table.columns == COLUMNS and table.units["Epoc"] == "d"
        rows = list(table.rows())
    assert rows == [
        ["231663901", "1326.904104", "a"],
        ["7", "0.30000000000000004", "b c"],
        ["9007199254740991", "", ""],
    ]


def test_a_column_of_times_is_julian_dates(tmp_path):
    AstropyTable({"t0": Time([2459036.904104], format="jd", scale="tdb")}).write(tmp_path / "t.ecsv")
    with open_table(tmp_path / "t.ecsv") as table:
        assert table.units == {"t0": "JD tdb"} and list(table.rows()) == [["2459036.904104"]]


def test_parquet_or_what_to_install_for_it(astropy_table, tmp_path):
    try:
        import pyarrow.parquet
    except ImportError:
        with pytest.raises(ScriptError, match="pip install pyarrow"):
            read(write(tmp_path / "t.parquet", b"PAR1" + bytes(40) + b"PAR1"))
        return
    columns = {name: astropy_table[name].tolist() for name in astropy_table.colnames}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")[1][0] == ["231663901", "1326.904104", "a"]
    single = pyarrow.table({"tic_id": pyarrow.array([231663901.0], pyarrow.float32())})
    pyarrow.parquet.write_table(single, tmp_path / "single.parquet")
    with pytest.raises(ScriptError, match="single precision"):
        read(tmp_path / "single.parquet")


def test_ids_of_single_precision_are_refused(tmp_path):
    AstropyTable({"TICID": np.array([306716001], np.float32)}).write(tmp_path / "t.fits")
    with pytest.raises(ScriptError, match="TICID is stored in single precision"):
        read(tmp_path / "t.fits")
    AstropyTable({"TICID": np.array([7], np.float32), "Tmag": np.array([10.1], np.float32)}).write(tmp_path / "u.fits")
    assert read(tmp_path / "u.fits")[1] == [["7.0", "10.1"]]


@pytest.mark.parametrize("content", [CSV.encode(), gzip.compress(CSV.encode(), mtime=0)])
def test_what_was_read_is_hashed_and_a_pipe_is_read_once(content, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=pipe.write_bytes, args=[content])
    thread.start()
    with open_table(pipe) as table:
        assert table.sha256 is None
        assert [list(table.rows()), list(table.rows())] == [ROWS, ROWS]  # the second time from what was kept
    thread.join()
    assert table.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_that_changes_between_two_readings_is_told(tmp_path):
    path = write(tmp_path / "t.csv", CSV)
    with open_table(path) as table:
        list(table.rows())
        write(path, CSV.replace("7", "8"))
        with pytest.raises(ScriptError, match="was changed while it was read"):
            list(table.rows())


@pytest.mark.parametrize(
    "content, message",
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"PK\x03\x04 and more", "a spreadsheet or a zip archive"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"<!DOCTYPE html><html>log in</html>", "a web page"),
        (b"a,b\n1,\x00\x01\x02\n", "no text"),
        (b'a,b\n1,"2\n', "no CSV file"),
        (gzip.compress(CSV.encode() * 99, mtime=0)[:-20], "cut off or damaged"),
        (gzip.compress(b"a,b\n1,2\n" + b"x" * (17 << 20), 1, mtime=0), "a line of more than 16 MiB"),
        (b"SIMPLE  =   T", "damaged FITS table"),
        (b"<?xml version='1.0'?><VOTABLE><RESOURCE>", "damaged VOTABLE table"),
    ],
)
def test_what_is_no_table_is_told_by_its_name(content, message, tmp_path):
    with pytest.raises(ScriptError, match=message) as error:
        read(write(tmp_path / "t.csv", content))
    assert "t.csv" in str(error.value)


def test_an_empty_file_has_no_columns(tmp_path):
    assert read(write(tmp_path / "t.csv", "")) == ([], [])
