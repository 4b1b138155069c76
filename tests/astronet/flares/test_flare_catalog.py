"""What strangers give as a catalog of flares, or as a table of stars."""

import csv
import gzip
import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astronet.base.script import ScriptError
from astronet.flares import catalog, generate_flare_records, stars

GOOD = "tic_id,sector,peak_time,duration\n1001,1,1326.5,0.01\n1003,1,1327.5,0.02\n"
EXPECTED = [(1001, 1, 1326.5, 0.01), (1003, 1, 1327.5, 0.02)]


def read(path):
    flares = catalog.read(path).flares
    return [tuple(row) for row in flares[["tic_id", "sector", "peak_time", "duration"]].itertuples(index=False)]


def written(tmp_path, text, encoding="utf-8"):
    (tmp_path / "flares.csv").write_text(text, encoding=encoding)
    return tmp_path / "flares.csv"


# A table in the form of that of Guenther et al. 2020: fixed columns, described byte by byte.
MACHINE_READABLE = """\
Title: A made catalog of flares
Authors: Nobody N.
Table: Individual flares
================================================================================
Byte-by-byte Description of file: made_mrt.txt
--------------------------------------------------------------------------------
   Bytes Format Units Label  Explanations
--------------------------------------------------------------------------------
   1-  9 I9     ---       TESS        TESS input catalog identifier
  11- 11 I1     ---       sector      TESS Sector
  13- 26 F14.6  d         tpeak       Peak time, Barycentric Julian Date
  28- 34 F7.5   d         FWHM        Full-width at half-maximum
  36- 44 E9.3   10-7J     Ebol        ?="" Bolometric energy
--------------------------------------------------------------------------------
     1001 1 2458326.500000 0.01000 1.000E+32
     1003 1 2458327.500000 0.02000
     1001 1 2458326.500005 0.01000 2.000E+32
"""


def test_machine_readable_tables_of_journals_are_catalogs(tmp_path):
    read_catalog = catalog.read(written(tmp_path, MACHINE_READABLE))
    flares = read_catalog.flares
    assert flares[["tic_id", "sector"]].to_numpy().tolist() == [[1001, 1], [1003, 1]]
    np.testing.assert_allclose(flares.peak_time, [1326.5, 1327.5], rtol=0, atol=1e-6)
    np.testing.assert_allclose(flares.duration, [0.01, 0.02])
    (skip,) = read_catalog.skips
    assert skip.row == 3 and "it is the flare of row 1" in skip.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_catalogs_of_any_encoding_and_separator_are_read(tmp_path, encoding):
    for separator in ",;\t":
        assert read(written(tmp_path, GOOD.replace(",", separator), encoding)) == EXPECTED
    (tmp_path / "flares.csv.gz").write_bytes(gzip.compress(GOOD.encode(encoding)))
    assert read(tmp_path / "flares.csv.gz") == EXPECTED


def test_astropy_tables_are_catalogs(tmp_path):
    table = Table(rows=EXPECTED, names=("TIC", "sector", "tpeak", "FWHM"))
    for name, kind in (("flares.fits", "fits"), ("flares.ecsv", "ascii.ecsv"), ("flares.xml", "votable")):
        table.write(tmp_path / name, format=kind)
        assert read(tmp_path / name) == EXPECTED


BAD_ROWS = {
    "1001,1,nan,0.01": "there is no peak_time",
    "1001,1,soon,0.01": "peak_time is 'soon', no finite number",
    "1001,1,inf,0.01": "peak_time is 'inf', no finite number",
    "1001,1,1326.5,long": "duration is 'long', no finite number",
    "1001,1,1326.5": "it has 3 cells, the header has 4",
    "1001,1,1326.5,0.01,7": "it has 5 cells, the header has 4",
    ",,days,days": "is no TIC ID",
    "1.001e+03,1,1326.5,0.01": "has lost digits",
    "1001.5,1,1326.5,0.01": "is no whole number",
    "WASP-18 b,1,1326.5,0.01": "is no TIC ID",
    "1001,one,1326.5,0.01": "is no sector",
    "1001,1 2,1326.5,0.01": "the one in which the flare was seen is needed",
    "1001,1,1500.5,0.01": "is not in sector 1",
    "1001,1,1.3e14,0.01": "divide by 86400 if it is in seconds",
}


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_a_row_that_cannot_be_used_is_listed_and_costs_no_other(tmp_path, bad):
    found = catalog.read(written(tmp_path, GOOD + bad + "\n"))
    assert len(found.flares) == 2
    (skip,) = found.skips
    assert skip.row == 3 and BAD_ROWS[bad] in skip.reason


@pytest.mark.parametrize(
    "name, shift", [("peak_time", 2457000), ("peak_time_bjd", 2457000), ("tpeak", 56999.5), ("peak_time", 0)]
)
def test_peak_times_in_other_systems_are_converted_and_told(tmp_path, name, shift):
    text = f"tic_id,sector,{name}\n1001,1,{1326.5 + shift}\n1003,1,{1327.5 + shift}\n"
    found = catalog.read(written(tmp_path, text))
    np.testing.assert_allclose(found.flares.peak_time, [1326.5, 1327.5], atol=1e-6)
    assert bool(found.notes) == bool(shift)


def test_durations_in_other_units_are_converted_or_refused(tmp_path):
    minutes = "tic_id,sector,peak_time,{}\n1001,1,1326.5,14.4\n"
    assert read(written(tmp_path, minutes.format("duration_minutes"))) == [(1001, 1, 1326.5, 0.01)]
    with pytest.raises(ScriptError, match="median of 14.4, too long for flares in days: name it duration_minutes"):
        read(written(tmp_path, minutes.format("duration")))


@pytest.mark.parametrize("separator", ";\t")
def test_decimal_commas_are_read_unless_a_point_is_in_doubt(tmp_path, separator):
    text = GOOD.replace(",", separator).replace(".", ",")
    assert read(written(tmp_path, text)) == EXPECTED
    doubtful = catalog.read(written(tmp_path, text + separator.join(("1001", "1", "1326,7", "1.234")) + "\n"))
    assert len(doubtful.flares) == 2
    assert [skip.reason for skip in doubtful.skips] == [
        "duration: 1.234 beside decimal commas is 1,234 or 1234: write it as one of them"
    ]


@pytest.mark.parametrize("duration", ["-1", "1e9", "6"])
def test_a_duration_that_no_flare_has_is_told_and_counts_as_not_known(tmp_path, duration):
    found = catalog.read(written(tmp_path, GOOD + f"1004,1,1327.9,{duration}\n"))
    assert np.isnan(found.flares.duration.to_numpy()).tolist() == [False, False, True]
    assert len(found.notes) == 1 and f"row 3: {float(duration):g} d" in found.notes[0]
    assert not catalog.read(written(tmp_path, GOOD + "1004,1,1327.9,0\n")).notes


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_table_is_called_empty(tmp_path, content):
    with pytest.raises(ScriptError, match="is empty: give a table with columns tic_id, sector, peak_time"):
        catalog.read(written(tmp_path, content))


def test_a_repeated_row_is_one_flare(tmp_path, simulated):
    lines = (simulated / "flares.csv").read_text().splitlines()
    repeated = written(tmp_path, "\n".join([lines[0], *(line for line in lines[1:] for _ in range(5))]))
    once = catalog.read(simulated / "flares.csv")
    found = catalog.read(repeated)
    assert found.flares.equals(once.flares) and len(found.skips) == 4 * len(once.flares)
    assert all("which is used" in skip.reason for skip in found.skips)


def test_of_rows_that_contradict_each_other_the_flare_counts(tmp_path):
    text = "tic_id,sector,peak_time,is_flare\n1001,1,1326.5,no\n1001,1,1326.5,1\n"
    found = catalog.read(written(tmp_path, text))
    assert found.flares.is_flare.tolist() == [True]
    assert found.skips[0].row == 1 and "contradicts the one of row 2" in found.skips[0].reason


def windows(directory):
    with open(directory / "windows.csv", newline="") as file:
        return list(csv.DictReader(file))


def make(tmp_path, simulated, table, *more):
    flags = [f"--flare_catalog={table}", f"--light_curves={simulated}/*100[1-4]-*.fits", f"--output_dir={tmp_path}/out"]
    return generate_flare_records.main([*flags, "--make_test_set", "--drop_quiet=0", *more])


def test_stars_with_a_flare_of_unknown_time_have_no_quiet_windows(tmp_path, simulated, capsys):
    table = written(tmp_path, (simulated / "flares.csv").read_text() + "1001,1,unknown,,,\n")
    assert make(tmp_path, simulated, table) == 0
    kinds = {row["tic_id"]: set() for row in windows(tmp_path / "out")}
    for row in windows(tmp_path / "out"):
        kinds[row["tic_id"]].add(row["kind"])
    assert "quiet" not in kinds.get("1001", ()) and "quiet" in kinds["1002"]
    assert "peak_time is 'unknown', no finite number" in (tmp_path / "out/skipped_flares.csv").read_text()
    assert "may be a flare in any of them" in (tmp_path / "out/skipped_windows.csv").read_text()
    assert "1 row of" in capsys.readouterr().err
    manifest = json.loads((tmp_path / "out/records.json").read_text())
    assert manifest["catalogue"]["num_skipped_rows"] == 1 and len(manifest["catalogue"]["sha256"]) == 64


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\0\0", b"tic_id,sector,peak_time\n", b"<html>", b"\xff\xfe\0"])
def test_what_is_no_catalog_says_so(tmp_path, simulated, capsys, content):
    (tmp_path / "flares.csv").write_bytes(content)
    assert make(tmp_path, simulated, tmp_path / "flares.csv") == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and "flares.csv" in printed and "Traceback" not in printed


@pytest.mark.parametrize("key, value", [("TICID", "none"), ("TEFF", "hot"), ("RADIUS", "large"), ("SECTOR", "one")])
def test_a_header_of_text_costs_no_other_light_curve(tmp_path, simulated, key, value):
    for path in sorted(simulated.glob("*100[12]-*.fits")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with fits.open(sorted(tmp_path.glob("*1001-*.fits"))[0], mode="update") as file:
        file[0].header[key] = value
    assert make(tmp_path, tmp_path, simulated / "flares.csv") == 0
    assert {row["tic_id"] for row in windows(tmp_path / "out")} == {"1001", "1002"}  # the file's name tells it as well


def test_star_tables_tell_rows_that_cannot_be_used(tmp_path, caplog):
    (tmp_path / "stars.csv").write_text("TIC;Teff;radius\n1;3000;0.3\nx;3000;0.3\n2;hot;0.3\n3;3000;-1\n4;;0.3\n")
    assert stars.read(tmp_path / "stars.csv") == {1: (3000.0, 0.3)}
    messages = caplog.text
    assert "row 2 left out: 'x' is no TIC ID" in messages and "row 3 left out: teff is 'hot'" in messages
    assert "row 4 left out: star_rad is -1, no star's" in messages and "row 5" not in messages
    (tmp_path / "stars.csv").write_text("tic_id,teff,star_rad\n1,,\n")
    with pytest.raises(ScriptError, match="has no row with tic_id, teff and star_rad"):
        stars.read(tmp_path / "stars.csv")


@pytest.mark.parametrize("kind", ["random bytes", "an image", "numbers of NumPy", "text, then bytes"])
def test_a_binary_file_is_refused_by_its_name_and_its_bytes_are_not_shown(tmp_path, capsys, kind):
    path, noise = tmp_path / "flares.csv", np.random.default_rng(0).bytes(5000)
    content = {
        "random bytes": noise,
        "an image": b"\x89PNG\r\n\x1a\n" + noise,
        "numbers of NumPy": b"\x93NUMPY\x01\x00v\x00" + np.linspace(1e-9, 1e9, 999).tobytes(),
        "text, then bytes": b"tic_id,sector,peak_time\n" + noise,
    }
    path.write_bytes(content[kind])
    flags = [f"--flare_catalog={path}", "--light_curves=x.fits", f"--output_dir={tmp_path}/out"]
    assert generate_flare_records.main(flags) == 1
    printed = capsys.readouterr().err
    assert printed == (
        f"error: {path} holds bytes that are no text: give a CSV file, or an ECSV, FITS, VOTable or Parquet table\n"
    )


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        ("tic_id,tic_id,sector,peak_time", "1,2,1,1326", "tic_id (column 1): 1, tic_id (column 2): 2"),
        ("TIC,sector,peak_time,tic_id", "7,1,1326,8", "tic_id (column 4): 8, TIC (column 1): 7"),
        ("tic_id,sector,peak_time,Sector", "7,1,1326,2", "sector (column 2): 1, Sector (column 4): 2"),
    ],
)
def test_two_columns_for_one_thing_are_refused_where_they_differ(tmp_path, header, cells, message):
    path = tmp_path / "flares.csv"
    path.write_text(f"{header}\n{cells}\n")
    with pytest.raises(ScriptError) as refused:
        catalog.read(path)
    assert message in str(refused.value) and str(refused.value).startswith(f"{path}, row 1: 2 columns are taken for ")


def test_two_columns_for_one_thing_that_agree_do_no_harm(tmp_path):
    path = tmp_path / "flares.csv"
    path.write_text("tic_id,TIC,sector,peak_time\n7,7,1,1326.5\n")
    assert catalog.read(path).flares.tic_id.tolist() == [7]
