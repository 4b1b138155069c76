"""TEV tables from lists of TIC IDs."""

import csv

import pytest

from astronet.data import make_empty_catalog


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_list(directory, name, *lines):
    (directory / name).write_text("\n".join(lines) + "\n")


def test_one_table_a_sector_whatever_the_directory_is_called(tmp_path):
    lists = tmp_path / "sector-99-lists"  # the sector is in the file's name, not in this one
    lists.mkdir()
    write_list(lists, "sector-4-bad.txt", "11", "12")
    write_list(lists, "sector-12.txt", "21")
    write_list(lists, "sector-4-good.txt", "13", "", "11")
    inputs = ["sector-4-bad.txt", "sector-12.txt", "sector-4-good.txt"]
    save_dir = tmp_path / "out" / "tables"
    flags = [f"--base_dir={lists}", "--input", *inputs, f"--output_dir={save_dir}"]
    assert make_empty_catalog.main(flags) == 0
    assert sorted(path.name for path in save_dir.iterdir()) == [
        "sector-12-all.csv",
        "sector-4-all.csv",
        "sector-4-all_dropped.csv",
    ]
    assert (save_dir / "sector-12-all.csv").read_text() == (
        "src,tic_id,toi_id,Disposition,RA,Dec,Tmag,Tmag Err,Epoc,Epoc Err,Period,Period Err,Duration,Duration Err,"
        "Transit Depth,Transit Depth Err,Sectors\n"
        "qlp,21,.01,J,,,,,,,,,,,,,12\n"
    )
    rows = read(save_dir / "sector-4-all.csv")
    assert [row["tic_id"] for row in rows] == ["11", "12", "13"]
    assert {row["Sectors"] for row in rows} == {"4"}


def test_repeated_and_unreadable_lines_are_listed(tmp_path, capsys):
    write_list(tmp_path, "sector-4-x.txt", "11", "eleven", "11", "-3")
    write_list(tmp_path, "sector-4-y.txt", "12", "11")
    flags = [f"--base_dir={tmp_path}", "--input", "sector-4-x.txt", "sector-4-y.txt"]
    assert make_empty_catalog.main(flags) == 0
    assert (tmp_path / "sector-4-all_dropped.csv").read_text().splitlines() == [
        "file,line,text,reason",
        "sector-4-x.txt,2,eleven,not a TIC ID",
        "sector-4-x.txt,3,11,the same as line 1",
        "sector-4-x.txt,4,-3,not a TIC ID",
        "sector-4-y.txt,,11,is in sector-4-x.txt too",
    ]
    assert "2 stars" in (out := capsys.readouterr().out) and "4 lines left out" in out
    write_list(tmp_path, "sector-4-x.txt", "11")
    assert make_empty_catalog.main(flags[:-1]) == 0
    assert not (tmp_path / "sector-4-all_dropped.csv").exists()


def test_workers_change_nothing(tmp_path):
    names = [f"sector-{number % 3 + 1}-part{number}.txt" for number in range(6)]
    for number, name in enumerate(names):
        write_list(tmp_path, name, *map(str, range(number * 10, number * 10 + 25)))
    flags = [f"--base_dir={tmp_path}", "--input", *names]
    for workers in (1, 20):
        save_dir = f"--output_dir={tmp_path}/{workers}"
        assert make_empty_catalog.main([*flags, save_dir, f"--num_worker_processes={workers}"]) == 0
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "20" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["stars.txt", "sector-x-bad.txt", "sector-4-bad.csv"])
def test_a_name_without_a_sector(name, tmp_path, capsys):
    write_list(tmp_path, name, "11")
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", name]) == 1
    err = capsys.readouterr().err
    assert name in err and "sector-X-anything.txt" in err


def test_a_list_that_is_not_there(tmp_path, capsys):
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", "sector-4-bad.txt"]) == 1
    assert "sector-4-bad.txt" in capsys.readouterr().err


def test_every_star_with_a_light_curve(tmp_path, capsys):
    for name in (
        "sector-1/7.h5",
        "sector-1/hlsp_qlp_tess_ffi_s0001-0000000000000006_tess_v01_llc.fits",
        "sector-1/hlsp_qlp_tess_ffi_s0001-0000000000000007_tess_v01_llc.fits",
        "sector-2/cam1/ccd3/8.h5",
        "sector-2/9/lightcurve.csv",
        "tess2018234235059-s0002-0000000000000010-0121-s_lc.fits.gz",
        "sector-2/notes.txt",
        "elsewhere/11.h5",
    ):
        path = tmp_path / "tess" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    flags = [f"--tess_data_dir={tmp_path}/tess", f"--output_dir={tmp_path}"]
    assert make_empty_catalog.main(flags) == 0
    tables = {sector: [row["tic_id"] for row in read(tmp_path / f"sector-{sector}-all.csv")] for sector in (1, 2)}
    assert tables == {1: ["6", "7"], 2: ["8", "9", "10"]}
    assert make_empty_catalog.main([f"--tess_data_dir={tmp_path}/tess/elsewhere/no", f"--output_dir={tmp_path}"]) == 1
    assert "there is no directory" in capsys.readouterr().err
