"""Dispositions of today: which row of a catalog is which signal of a later table."""

import csv
import os

import pytest

from astronet.data import relabel
from astronet.data.catalog.same_signal import Ephemeris, match

CATALOG = (
    "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors\n"
    "1,11,.01,PC,1326.10,2.7000,2.4,1000,1\n"  # half the period of the binary in the table of binaries
    "2,12,.01,PC,1327.00,4.0010,3.0,1500,1\n"  # a confirmed planet
    "3,13,.01,J,1328.00,0.5000,2.0,9000,1\n"  # a contact binary: J by the triage's rule
    "4,14,.01,PC,1329.00,3.3000,2.0,900,1\n"  # TFOPWG has a planet of another period there
    "5,15,.01,EB,1330.00,6.0000,3.0,90000,1\n"  # in no table
    "6,16,.01,PC,1331.00,5.0000,2.0,800,1\n"  # TFOPWG says PC, the binaries' table has it
    "7,12,.02,PC,1329.05,4.0010,3.0,700,1\n"  # the planet's period at another phase
)
TOIS = (
    "TIC ID,TOI,TFOPWG Disposition,TESS Disposition,Epoch (BJD),Epoch (BJD) err,Period (days),Period (days) err,"
    "Duration (hours),Depth (ppm),Sectors\n"
    '12,101.01,CP,PC,2459003.001,0.001,4.0,0.000001,3,1500,"1,27"\n'
    "14,102.01,KP,PC,2459000.123,0.001,7.7,0.000001,3,1500,1\n"
    "16,103.01,PC,PC,2458331.0,0.001,5.0,0.000001,2,800,1\n"
)
BINARIES = "TIC|BJD0|Per|e_Per\n11|1331.5|5.4001|0.00001\n13|1328.0|0.5|0.00001\n16|1331.0|5.0|0.00001\n"


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def tables(tmp_path):
    for name, text in (("tces.csv", CATALOG), ("tois.csv", TOIS), ("ebs.txt", BINARIES)):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(directory, *more):
    out = directory / "today.csv"
    names = [f"--catalog={directory}/tces.csv", "--tables", f"{directory}/tois.csv", "--eb_tables"]
    assert relabel.main([*names, f"{directory}/ebs.txt", f"--output={out}", *more]) == 0
    return {row["row_id"]: row for row in read(out)}


def test_each_row_gets_the_disposition_of_its_own_signal(tables):
    rows = run(tables)
    today = {row_id: row["Disposition_today"] for row_id, row in rows.items()}
    assert today == {"1": "EB", "2": "CP", "3": "EB", "4": "", "5": "", "6": "EB", "7": ""}
    assert (rows["1"]["Disposition_today_ratio"], rows["1"]["Disposition_today_source"]) == ("1/2", "ebs.txt")
    assert rows["2"]["Disposition_today_source"] == "tois.csv: 101.01"
    assert {row["Disposition"] for row in rows.values()} == {"PC", "J", "EB"}  # untouched
    changed = {row["row_id"] for row in read(tables / "today_changes.csv")}
    assert changed == {"1", "6"}  # CP is a PC in training; the contact binary stays J


def test_another_signal_of_the_star_is_listed_with_both_periods(tables):
    run(tables)
    reasons = {row["row_id"]: row["reason"] for row in read(tables / "today_not_matched.csv")}
    assert set(reasons) == {"4", "7"}
    assert "7.7 d, the TCE 3.3 d" in reasons["4"]
    assert "another phase" in reasons["7"]


def test_replace_changes_what_networks_are_trained_with(tables):
    rows = run(tables, "--replace")
    assert {row_id: row["Disposition"] for row_id, row in rows.items()} == {
        **dict.fromkeys("16", "EB"),
        **dict.fromkeys("247", "PC"),
        "3": "J",
        "5": "EB",
    }
    assert rows["1"]["Disposition_before"] == "PC"


def test_a_catalog_is_not_relabeled_twice(tables, capsys):
    run(tables)
    flags = [f"--catalog={tables}/today.csv", "--tables", f"{tables}/tois.csv", f"--output={tables}/again.csv"]
    assert relabel.main(flags) == 1
    assert "has a column Disposition_today already" in capsys.readouterr().err


def test_an_input_is_not_overwritten(tables, capsys):
    flags = [f"--catalog={tables}/tces.csv", "--tables", f"{tables}/tois.csv", f"--output={tables}/tces.csv"]
    assert relabel.main(flags) == 1
    assert "would overwrite" in capsys.readouterr().err


def test_a_table_of_cds_is_read_by_its_readme(tables, capsys):
    (tables / "ebs.dat").write_text("0000000011|1331.5000|5.4001000\n")
    (tables / "ReadMe").write_text(
        "J/X/1/2   A table\n\nByte-by-byte Description of file: ebs.dat\n"
        + "-" * 80
        + "\n   Bytes Format Units   Label  Explanations\n"
        + "-" * 80
        + "\n   1- 10 I10    ---     TIC    Star\n  12- 20 F9.4   d       BJD0   Time; BJD0-2457000\n"
        "  22- 30 F9.7   d       Per    Period\n" + "-" * 80 + "\n\nRemarks follow.\n"
    )
    flags = [f"--catalog={tables}/tces.csv", "--eb_tables", f"{tables}/ebs.dat", f"--output={tables}/today.csv"]
    assert relabel.main(flags) == 1
    assert "--readme" in capsys.readouterr().err
    assert relabel.main([*flags, f"--readme={tables}/ReadMe"]) == 0
    assert read(tables / "today.csv")[0]["Disposition_today"] == "EB"


def test_the_phase_is_told_only_where_the_ephemeris_is_precise_enough():
    tce = Ephemeris(4.001, 1327.0, 0.125)
    assert match(tce, Ephemeris(4.0, 2327.0, 0.125, 1e-6, 1e-3)).is_same_event
    assert not match(tce, Ephemeris(4.0, 2329.0, 0.125, 1e-6, 1e-3)).is_same_event
    assert match(tce, Ephemeris(4.0, 2329.0, 0.125, 0.01, 1e-3)).is_same_event is None
    assert match(tce, Ephemeris(4.3, 2329.0, 0.125, 0.01, 1e-3)) is None


def test_the_published_catalog_with_todays_tables(tmp_path, shared):
    tces = f"{shared}/data/other/tess_tces"
    out = tmp_path / "today.csv"
    flags = [
        f"--catalog={shared}/data/tess_triage/tces.csv",
        f"--tables={tces}/20230112_exofop_tess_tois.csv",
        f"--eb_tables={tces}/prsa2022_tess_ebs.dat.gz",
        f"--readme={tces}/prsa2022_ReadMe",
        f"--output={out}",
    ]
    assert relabel.main(flags) == 0
    rows = [row for row in read(out) if row["Disposition"] == "PC"]
    counts = {name: sum(row["Disposition_today"] == name for row in rows) for name in ("FP", "CP", "KP")}
    assert 70 <= counts["FP"] <= 90 and 55 <= counts["CP"] <= 70 and 60 <= counts["KP"] <= 75
    assert os.path.getsize(tmp_path / "today_changes.csv") > 1000
