"""The catalogue: TEV tables, star parameters and transit searches joined, and no row lost without a word."""

import csv
import math
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from astronet.base import locks
from astronet.data import make_catalog, make_empty_catalog
from astronet.data.catalog import tev
from astronet.data.records.columns import CATALOG_COLUMNS

BLS_HEADER = (
    "# BLS_Npointsintransit_1_0 BLS_Period_1_0 BLS_Tc_1_0 BLS_Qtran_1_0 BLS_Depth_1_0 BLS_SN_1_0"
    " BLS_SignaltoPinknoise_1_0 BLS_Qingress_1_0 BLS_OOTmag_1_0 BLS_Unused_1_0"
)


def peak(period=2.5, pink=15.0, points=40, signal_to_noise=20.0, magnitude=10.0):
    return f"{points} {period} 1326.25 0.05 0.0125 {signal_to_noise} {pink} 0.21 {magnitude} nan"


def write_bls(root, tic_id, *peaks, header=BLS_HEADER, sector=1, camera=3, ccd=2):
    path = root / "qlp" / f"sector-{sector}" / "ffi" / f"cam{camera}" / f"ccd{ccd}" / "BLS" / f"{tic_id}.blsanal"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *peaks]) + "\n")


def write_tev(root, *rows, name="sector-1.csv"):
    defaults = {"src": "t", "toi_id": ".01", "Disposition": "PC", "Sectors": 1, "RA": 10, "Dec": -5, "Tmag": 9.5}
    tev.write(root / name, [{**defaults, **row} for row in rows])


def write_tic(root, *rows):
    connection = sqlite3.connect(root / "tic.sqlite")
    with connection:
        connection.execute(
            "CREATE TABLE tic (id INTEGER PRIMARY KEY, ra, dec, tmag, rad, mass, teff, logg, gaia_rad, gaia_teff)"
        )
        connection.executemany("INSERT INTO tic VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def run(root, *flags, inputs=("sector-1.csv",)):
    base = [f"--base_dir={root}", f"--qlp_data_dir={root}/qlp", "--num_worker_processes=1"]
    return make_catalog.main(["--input", *inputs, *base, *flags])


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def reasons(root):
    return {row["tic_id"]: row["reason"] for row in read(root / "tces_dropped.csv")}


def warnings(root):
    return [(row["tic_id"], row["warning"]) for row in read(root / "tces_warnings.csv")]


def test_search_and_star_parameters_replace_those_of_the_table(tmp_path):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1, "Period": 99, "Duration": 1, "Transit Depth": 5})
    write_tic(tmp_path, (7, 20.5, -30.5, 9.0, 1.0, 0.9, 5000, 4.4, 1.1, None))
    write_bls(tmp_path, 7, peak(), peak(period=99))
    assert run(tmp_path) == 0
    (row,) = read(tmp_path / "tces.csv")
    assert list(row) == list(CATALOG_COLUMNS)
    assert row["toi_id"] == ".01" and row["Disposition"] == "PC"
    assert (row["camera"], row["ccd"], row["Sectors"]) == ("3", "2", "1")
    values = {
        "RA": 20.5,
        "Dec": -30.5,
        "Tmag": 9.0,
        "star_mass": 0.9,
        "logg": 4.4,
        "star_rad": 1.1,
        "teff": 5000,  # Gaia's where there is one
        "Epoc": 1326.25,
        "Period": 2.5,
        "Duration": 0.05 * 2.5 * 24,
        "Transit_Depth": 12500,
        "SN": 15,
        "Qingress": 0.21,
    }
    assert {name: float(row[name]) for name in values} == pytest.approx(values)


def test_each_tce_of_a_star_gets_its_own_peak(tmp_path):
    write_tev(tmp_path, {"tic_id": 7, "Period": 4.1}, {"tic_id": 7, "toi_id": ".02", "Period": 2.49})
    write_bls(tmp_path, 7, peak(period=2.5), peak(period=4.11))
    assert run(tmp_path) == 0
    assert [(row["toi_id"], row["Period"]) for row in read(tmp_path / "tces.csv")] == [(".01", "4.11"), (".02", "2.5")]


@pytest.mark.parametrize(
    "weak, reason",
    [
        ({"pink": 9.0}, "signal to pink noise"),
        ({"pink": math.nan}, "signal to pink noise"),
        ({"points": 5}, "5 points in transit"),
        ({"signal_to_noise": 5.0, "magnitude": 11.9}, "not above 5 at magnitude"),
        ({"signal_to_noise": 8.9, "magnitude": 12.0}, "not above 9 at magnitude"),
    ],
)
def test_what_is_no_tce_is_dropped_with_the_reason(weak, reason, tmp_path):
    write_tev(tmp_path, {"tic_id": 7}, {"tic_id": 8})
    write_bls(tmp_path, 7, peak(**weak))
    write_bls(tmp_path, 8, peak(signal_to_noise=5.1, magnitude=11.9))
    assert run(tmp_path) == 0
    assert [row["tic_id"] for row in read(tmp_path / "tces.csv")] == ["8"]
    assert reason in reasons(tmp_path)["7"]


def test_faint_stars_are_dropped_aloud_and_kept_on_demand(tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7, "Tmag": 12.5}, {"tic_id": 8, "Tmag": 12.0})
    for tic_id in (7, 8):
        write_bls(tmp_path, tic_id, peak())
    assert run(tmp_path) == 0
    assert reasons(tmp_path) == {"7": "Tmag 12.500 is fainter than 12.0 (--max_tmag)"}
    assert "1 TCE dropped" in capsys.readouterr().out
    assert run(tmp_path, "--max_tmag=13") == 0
    assert [row["row_id"] for row in read(tmp_path / "tces.csv")] == ["0", "1"]
    assert reasons(tmp_path) == {}


def test_without_a_search_the_table_has_to_do(tmp_path):
    event = {"Epoc": 1326.5, "Period": 3.5, "Duration": 2.25, "Transit Depth": 900}
    write_tev(tmp_path, {"tic_id": 7, **event}, {"tic_id": 8, "Period": 3})
    assert run(tmp_path) == 0
    (row,) = read(tmp_path / "tces.csv")
    assert [row[name] for name in ("Epoc", "Period", "Duration", "Transit_Depth")] == ["1326.5", "3.5", "2.25", "900"]
    assert (row["SN"], row["Qingress"]) == ("", "")
    assert "no .blsanal file" in reasons(tmp_path)["8"] and "Epoc, Duration" in reasons(tmp_path)["8"]


def test_bad_rows_and_files_cost_only_themselves(tmp_path):
    write_tev(
        tmp_path,
        {"tic_id": "x1"},
        {"tic_id": 2, "Sectors": ""},
        {"tic_id": 3, "Period": "long"},
        *({"tic_id": tic_id} for tic_id in (4, 5, 6, 7, 8)),
    )
    with open(tmp_path / "sector-1.csv", "a") as file:
        file.write("t,9,.01\n")
    write_tic(tmp_path, (8, None, None, None, None, None, None, None, None, None))
    write_bls(tmp_path, 4, header="")
    write_bls(tmp_path, 5, peak(), header=BLS_HEADER.replace("BLS_Qtran_1_0", "BLS_Other"))
    write_bls(tmp_path, 6, "1 2 three")
    for tic_id in (3, 7, 8):
        write_bls(tmp_path, tic_id, peak())
    assert run(tmp_path) == 0
    assert [row["tic_id"] for row in read(tmp_path / "tces.csv")] == ["7", "8"]
    messages = reasons(tmp_path)
    for tic_id, reason in {
        "x1": "tic_id 'x1' is no TIC ID",
        "2": "no Sectors",
        "3": "text 'long' in numeric column Period",
        "4": "4.blsanal: no header line",
        "5": "no column BLS_Qtran_1_0",
        "6": "6.blsanal: peak 1 is not a row of",
        "9": "3 fields where the header has 17",
    }.items():
        assert reason in messages[tic_id]
    assert ("7", f"not in {tmp_path}/tic.sqlite: its star parameters stay empty") in warnings(tmp_path)


def test_any_spelling_order_and_line_end_of_the_table(tmp_path):
    text = "\ufeffSectors,transit_depth,Disposition,toi_id, Duration ,Epoc,Period,tic_id\r1,900,EB,0.01,2,1326,3,7\r"
    (tmp_path / "sector-1.csv").write_bytes(text.encode())
    assert run(tmp_path) == 0
    (row,) = read(tmp_path / "tces.csv")
    assert (row["tic_id"], row["Transit_Depth"], row["Duration"], row["toi_id"]) == ("7", "900", "2", "0.01")


def test_workers_change_nothing(tmp_path):
    rows = [{"tic_id": tic_id, "Period": 1 + tic_id, "Epoc": 1326, "Duration": 1} for tic_id in range(450)]
    write_tev(tmp_path, *rows)
    write_tic(tmp_path, *((tic_id, tic_id / 2, -tic_id / 9, 10, 1, 1, 5000, 4, None, None) for tic_id in range(450)))
    for tic_id in range(0, 450, 20):
        write_bls(tmp_path, tic_id, peak(pink=5 if tic_id % 40 else 12))
    assert run(tmp_path) == 0
    assert run(tmp_path, "--num_worker_processes=20", "--out_name=twenty.csv") == 0
    assert (tmp_path / "tces.csv").read_bytes() == (tmp_path / "twenty.csv").read_bytes()
    assert (tmp_path / "tces_dropped.csv").read_bytes() == (tmp_path / "twenty_dropped.csv").read_bytes()


def test_the_catalog_goes_where_output_dir_says_and_the_tables_are_read_where_base_dir_says(tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1326, "Period": 9, "Duration": 1})
    write_tic(tmp_path, (7, 20.5, -30.5, 9.0, 1.0, 0.9, 5000, 4.4, 1.1, None))
    assert run(tmp_path, f"--output_dir={tmp_path}/new/out", "--out_name=c.csv") == 0
    assert f"1 TCE in {tmp_path}/new/out/c.csv" in capsys.readouterr().out
    assert [row["Tmag"] for row in read(tmp_path / "new/out/c.csv")] == ["9"]
    assert not (tmp_path / "c.csv").exists() and not (tmp_path / "tces.csv").exists()


def test_a_run_that_was_killed_is_resumed(tmp_path):
    rows = [{"tic_id": tic_id, "Period": 1 + tic_id / 7, "Epoc": 1326, "Duration": 1} for tic_id in range(1, 1000)]
    write_tev(tmp_path, *rows)
    for tic_id in range(1, 1000, 2):
        write_bls(tmp_path, tic_id, peak(pink=5 if tic_id % 5 == 0 else 12))
    assert run(tmp_path, "--out_name=undisturbed.csv") == 0
    last = tmp_path / "qlp/sector-1/ffi/cam3/ccd2/BLS/999.blsanal"
    content = last.read_text()
    last.unlink()
    os.mkfifo(last)  # reading it hangs, as a dead file server does

    command = [sys.executable, make_catalog.__file__, "--input=sector-1.csv", f"--base_dir={tmp_path}"]
    process = subprocess.Popen([*command, f"--qlp_data_dir={tmp_path}/qlp"], stdout=subprocess.DEVNULL)
    kept = tmp_path / "tces.csv.incomplete-results"
    while process.poll() is None and len(list(kept.glob("*.json"))) < 4:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not (tmp_path / "tces.csv").exists() and len(list(kept.glob("*.json"))) == 4

    last.unlink()
    last.write_text(content)
    done = subprocess.run([*command, f"--qlp_data_dir={tmp_path}/qlp"], stdout=subprocess.PIPE, text=True, check=True)
    assert "resuming: 800 of 999 rows" in done.stdout
    for name in ("", "_dropped", "_warnings"):
        resumed, undisturbed = (tmp_path / f"{out}{name}.csv" for out in ("tces", "undisturbed"))
        assert resumed.read_bytes() == undisturbed.read_bytes()
    assert not kept.exists()


def test_camera_and_ccd_of_the_star_and_of_its_search(tmp_path):
    event = {"Epoc": 1330, "Period": 2, "Duration": 1}
    on_3_4 = {"RA": 34.917997, "Dec": -61.636028}  # TIC 302924377, sector 1, in the published catalogue
    nowhere = {"RA": 120.0, "Dec": 60.0}
    write_tev(
        tmp_path,
        {"tic_id": 1, **event, **on_3_4},
        {"tic_id": 2, **event, **nowhere},
        {"tic_id": 3, **event, **on_3_4},
        {"tic_id": 4, **event, "RA": "", "Dec": ""},
        {"tic_id": 5, **event, **on_3_4, "Sectors": 99999},
        {"tic_id": 6, **on_3_4},
    )
    write_bls(tmp_path, 3, peak(), camera=2, ccd=1)
    write_bls(tmp_path, 6, peak(), camera=3, ccd=4)
    assert run(tmp_path) == 0
    rows = read(tmp_path / "tces.csv")
    assert [row["camera"] + row["ccd"] for row in rows] == ["34", "00", "21", "00", "00", "34"]
    messages = dict(warnings(tmp_path))
    assert sorted(messages) == ["3", "4", "5"]
    assert "lies on camera 3 ccd 4, its .blsanal file in cam2/ccd1" in messages["3"]
    assert "coordinates" in messages["4"] and "sector 99999" in messages["5"]


def test_empty_catalogue_is_filled_by_the_search(tmp_path):
    (tmp_path / "sector-4-bad.txt").write_text("7\n8\n")
    make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", "sector-4-bad.txt"])
    write_bls(tmp_path, 8, peak(), sector=4, camera=1, ccd=4)
    assert run(tmp_path, inputs=["sector-4-all.csv"]) == 0
    (row,) = read(tmp_path / "tces.csv")
    assert (row["tic_id"], row["Disposition"], row["Period"], row["camera"]) == ("8", "J", "2.5", "1")
    assert "no .blsanal file" in reasons(tmp_path)["7"]


def test_a_tic_extract_may_be_a_csv(tmp_path):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1, "Period": 2, "Duration": 1})
    (tmp_path / "tic.csv").write_text("ID,ra,dec,Tmag,rad,mass,Teff,logg\n7,1.5,2.5,9.25,,1.1,5800,4.4\n")
    assert run(tmp_path, f"--star_catalog=local:{tmp_path}/tic.csv") == 0
    (row,) = read(tmp_path / "tces.csv")
    assert (row["RA"], row["Tmag"], row["star_rad"], row["star_mass"]) == ("1.5", "9.25", "", "1.1")


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--star_catalog=gaia"], "--star_catalog=gaia: give auto, pdo, mast, mast:CACHE_PATH or local:PATH"),
        (["--star_catalog=pdo"], "needs MIT's packages tsig and qlp"),
        (["--star_catalog=local:nowhere.sqlite"], "no TIC extract nowhere.sqlite"),
        (["--out_name=no/where.csv"], "no/where.csv"),
    ],
)
def test_what_stops_everything_is_told_in_a_line(flags, message, tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1, "Period": 2, "Duration": 1})
    assert run(tmp_path, *flags) == 1
    err = capsys.readouterr().err
    assert message in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("content, message", [("", "has no column"), ("toi_id,Sectors\n.01,1\n", "tic_id")])
def test_a_table_without_needed_columns(content, message, tmp_path, capsys):
    (tmp_path / "sector-1.csv").write_text(content)
    assert run(tmp_path) == 1
    err = capsys.readouterr().err
    assert "sector-1.csv" in err and message in err


def test_a_table_that_is_not_there(tmp_path, capsys):
    assert run(tmp_path) == 1
    assert "sector-1.csv" in capsys.readouterr().err


def test_a_local_extract_that_is_none(tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7})
    (tmp_path / "tic.sqlite").write_text("not a database, just some text that is long enough to be looked at")
    assert run(tmp_path) == 1
    assert "tic.sqlite: not a TIC extract" in capsys.readouterr().err


OWN = {"Epoc": 1330.5, "Period": 2, "Duration": 3, "Transit Depth": 1000}


def test_epochs_in_other_time_systems_become_btjd_and_that_is_said_once(tmp_path, capsys):
    write_tev(
        tmp_path,
        *({"tic_id": i, **OWN, "Epoc": OWN["Epoc"] + zero} for i, zero in enumerate((0, 2457000, 57000 - 0.5), 1)),
        {"tic_id": 4, **OWN, "Epoc": 1.15e8},
        {"tic_id": 5},
    )
    write_bls(tmp_path, 5, peak().replace("1326.25", "2458326.25"))
    assert run(tmp_path) == 0
    assert [row["Epoc"] for row in read(tmp_path / "tces.csv")] == ["1330.5", "1330.5", "1330.5", "1326.25"]
    assert "seconds" in reasons(tmp_path)["4"]
    printed = capsys.readouterr().err
    assert printed.count("sector-1.csv: 1 of 4 epochs in BJD, converted to BTJD by subtracting 2457000") == 1
    assert printed.count("the .blsanal files: epoch in BJD") == 1
    assert [(tic_id, "MJD" in text) for tic_id, text in warnings(tmp_path)] == [("3", True)]


def test_far_epochs_and_implausible_values_are_warned_of(tmp_path, capsys):
    far = {**OWN, "Epoc": OWN["Epoc"] + 600}
    write_tev(
        tmp_path,
        {"tic_id": 1, **far},
        {"tic_id": 2, **far, "Epoc Err": 1e-4, "Period Err": 1e-6},
        {"tic_id": 3, **OWN, "Duration": 0.01},
        {"tic_id": 4, **OWN, "Transit Depth": 3e6},
    )
    assert run(tmp_path) == 0
    messages = dict(warnings(tmp_path))
    assert sorted(messages) == ["1", "3", "4"]
    assert "periods" in messages["1"] and "cadence" in messages["3"] and "all the light" in messages["4"]


def test_column_in_another_unit_is_told_loudly(tmp_path, capsys):
    write_tev(tmp_path, *({"tic_id": i, **OWN, "Duration": 0.125} for i in range(1, 6)))
    assert run(tmp_path) == 0
    printed = capsys.readouterr().err
    assert printed.count("as if it were in days") == 1 and "sector-1.csv" in printed


@pytest.mark.parametrize("value", ["1326.25", "0.05", "2.5"])
def test_search_without_epoch_period_or_duration_is_no_event(value, tmp_path):
    write_tev(tmp_path, {"tic_id": 1}, {"tic_id": 2, **OWN}, {"tic_id": 3})
    damaged = peak().replace(f" {value} ", " nan ")
    write_bls(tmp_path, 1, damaged)
    write_bls(tmp_path, 2, damaged)
    write_bls(tmp_path, 3, peak())
    assert run(tmp_path) == 0
    assert [(row["tic_id"], row["Epoc"]) for row in read(tmp_path / "tces.csv")] == [("2", "1330.5"), ("3", "1326.25")]
    assert ".blsanal file has no" in reasons(tmp_path)["1"] and ".blsanal file has no" in dict(warnings(tmp_path))["2"]


def test_a_run_beside_another_one_that_writes_the_same_catalog_is_refused(tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1, "Period": 2, "Duration": 1})
    with locks.exclusive_file(tmp_path / "tces.csv"):
        assert run(tmp_path) == 1
    err = capsys.readouterr().err
    assert f"{tmp_path}/tces.csv is in use: process {os.getpid()} on " in err and "Errno" not in err
    assert run(tmp_path) == 0 and read(tmp_path / "tces.csv")


def test_the_old_name_of_a_flag_works_and_says_the_new_one(tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1330, "Period": 2, "Duration": 1})
    write_tic(tmp_path, (7, 10.0, -5.0, 9.0, 1.5, 1.1, 5900.0, 4.2, None, None))
    (tmp_path / "tic.sqlite").rename(tmp_path / "stars.sqlite")
    assert run(tmp_path, f"--catalog=local:{tmp_path}/stars.sqlite") == 0
    printed = capsys.readouterr()
    assert f"star parameters from local:{tmp_path}/stars.sqlite" in printed.out
    assert "--catalog is now called --star_catalog" in printed.err
    assert read(tmp_path / "tces.csv")[0]["star_rad"] == "1.5"


@pytest.mark.parametrize("kind", ["search", "light curve"])
@pytest.mark.parametrize("name", ["{}", "{}_dropped.csv"])
def test_a_catalog_does_not_overwrite_files_that_it_would_find_by_itself(kind, name, tmp_path, capsys):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1326, "Period": 2, "Duration": 1, "Transit Depth": 5})
    write_bls(tmp_path, 7, peak())
    (tmp_path / "tess" / "sector-1").mkdir(parents=True)
    found = tmp_path / ("qlp/sector-1/ffi/cam3/ccd2/BLS/7" if kind == "search" else "tess/sector-1/7.csv")
    there = found.with_name(name.format(found.stem) if "_" in name else found.name)
    there.write_text("time,flux\n1,1\n")
    flags = [f"--out_name={found}", f"--tess_data_dir={tmp_path}/tess"]
    assert run(tmp_path, *flags) == 1
    printed = capsys.readouterr().err
    assert "--out_name would overwrite" in printed and "_data_dir reads" in printed
    assert there.read_text() == "time,flux\n1,1\n"


def test_a_catalog_of_an_earlier_run_among_its_inputs_is_made_again(tmp_path):
    write_tev(tmp_path, {"tic_id": 7, "Epoc": 1326, "Period": 2, "Duration": 1, "Transit Depth": 5})
    flags = [f"--tess_data_dir={tmp_path}", f"--qlp_data_dir={tmp_path}"]
    assert run(tmp_path, *flags) == 0
    made = (tmp_path / "tces.csv").read_bytes()
    assert run(tmp_path, *flags) == 0 and (tmp_path / "tces.csv").read_bytes() == made
