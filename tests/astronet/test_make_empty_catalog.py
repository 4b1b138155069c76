"""TEV tables from lists of TIC IDs."""

import pytest

from astronet.data import make_empty_catalog, tev


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
    flags = [f"--base_dir={lists}", "--input", *inputs, f"--save_dir={save_dir}"]
    assert make_empty_catalog.main(flags) == 0
    assert sorted(path.name for path in save_dir.iterdir()) == ["sector-12-all.csv", "sector-4-all.csv"]
    assert (save_dir / "sector-12-all.csv").read_text() == (
        "src,tic_id,toi_id,Disposition,RA,Dec,Tmag,Tmag Err,Epoc,Epoc Err,Period,Period Err,Duration,Duration Err,"
        "Transit Depth,Transit Depth Err,Sectors\n"
        "qlp,21,.01,J,,,,,,,,,,,,,12\n"
    )
    rows = tev.read(save_dir / "sector-4-all.csv")
    assert [row["tic_id"] for row in rows] == ["11", "12", "13"]
    assert {row["Sectors"] for row in rows} == {"4"}


def test_repeated_and_unreadable_lines_are_told(tmp_path, capsys):
    write_list(tmp_path, "sector-4-x.txt", "11", "eleven", "11", "-3")
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", "sector-4-x.txt"]) == 0
    out, err = capsys.readouterr()
    assert "sector-4-x.txt line 2: 'eleven' is not a TIC ID" in err
    assert "line 4: '-3'" in err
    assert "1 stars" in out and "1 repeated" in out


@pytest.mark.parametrize("name", ["stars.txt", "sector-x-bad.txt", "sector-4-bad.csv"])
def test_a_name_without_a_sector(name, tmp_path, capsys):
    write_list(tmp_path, name, "11")
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", name]) == 1
    err = capsys.readouterr().err
    assert name in err and "sector-X-anything.txt" in err


def test_a_list_that_is_not_there(tmp_path, capsys):
    assert make_empty_catalog.main([f"--base_dir={tmp_path}", "--input", "sector-4-bad.txt"]) == 1
    assert "sector-4-bad.txt" in capsys.readouterr().err
