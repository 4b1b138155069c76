"""Public tables of TCEs as they are, by the scripts: a TCE gives the same record, whatever table tells of it."""

import csv
import hashlib
import json
import os
import shutil
import threading

import numpy as np
import pytest
from astropy.table import Table

from astronet import plot_tces
from astronet.base.script import ScriptError
from astronet.data import generate_input_records, make_catalog, make_empty_catalog
from astronet.data.catalog import mast_downloads, tev
from astronet.data.records import tf_example, tfrecord

SECTOR_STARTS = {1: 1325.5, 2: 1354.5}  # BTJD
T0, PERIOD, HOURS, PPM = 1327.0, 2.0, 4.0, 10_000.0
MMAG = -2500 * np.log10(1 - PPM / 1e6)
HEADER = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors\n"


@pytest.fixture(scope="module")
def tess(tmp_path_factory):
    """A directory of light curves of TIC 7 in sectors 1 and 2 and of TIC 8 in sector 1, with the same transits."""
    directory = tmp_path_factory.mktemp("tess")
    for tic_id, sector in ((7, 1), (7, 2), (8, 1)):
        time = SECTOR_STARTS[sector] + np.arange(0, 26, 0.02)
        flux = 1 - PPM / 1e6 * (np.abs((time - T0 + PERIOD / 2) % PERIOD - PERIOD / 2) < HOURS / 48)
        flux += np.random.default_rng(tic_id + sector).normal(0, 1e-4, len(time))
        path = directory / f"sector-{sector}" / f"{tic_id}.csv"
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, np.column_stack([time, flux]), "%.10f", ",", header="time,flux", comments="")
    return directory


@pytest.fixture
def generate(tess, tmp_path):
    """Function (table, *flags) -> exit code; the table is a path, or text."""

    def generate(table, *flags, out="records"):
        if isinstance(table, str):
            table = write(tmp_path / "tces.csv", table)
        flags = [f"--input_tce_csv_file={table}", f"--tess_data_dir={tess}", f"--output_dir={tmp_path}/{out}", *flags]
        return generate_input_records.main([*flags, "--num_train_shards=1", "--num_worker_processes=0"])

    return generate


def write(path, text):
    path.write_text(text)
    return path


def held(directory, names=("Epoc", "Period", "Duration", "Transit_Depth")):
    """Dict of (TIC ID, sector) to (values of some columns, global view) of each record."""
    found = {}
    for path in tfrecord.expand(f"{directory}/*-of-*"):
        for example in map(tf_example.from_serialized, tfrecord.read(path)):
            key = tf_example.value(example, "tic_id"), tf_example.value(example, "Sectors")
            assert key not in found
            found[key] = (
                [tf_example.value(example, name) for name in names],
                tf_example.series(example, "global_view"),
            )
    return found


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def reasons(directory):
    return {row["row_id"]: row["reason"] for row in rows(directory / "skipped.csv")}


EXOFOP = "TIC ID,TOI,TESS Disposition,TFOPWG Disposition,TESS Mag,RA,Dec,Epoch (BJD),Epoch (BJD) err,Period (days),"
EXOFOP += "Period (days) err,Duration (hours),Depth (mmag),Depth (ppm),Planet SNR,Stellar Radius (R_Sun),Sectors\n"


def exofop(tic_id=7, toi="101.01", own="PC", group="KP", sectors="1,2", period=PERIOD, ppm=PPM):
    star = f"{tic_id},{toi},{own},{group},10.5,21:14:56.88,-55:52:18.71"
    event = f"{T0 + 2457000},1e-4,{period},1e-6,{HOURS},{MMAG},{ppm},50"
    return f'{star},{event},1.1,"{sectors}"\n'


EVENT = f"{PERIOD},{HOURS},{PPM}"
SOURCES = {
    "the ExoFOP TOI table": EXOFOP + exofop(),
    "the ExoFOP CTOI table": (
        "TIC ID,CTOI,User Disposition,TFOPWG Disposition,Transit Epoch (BJD),Period (days),Depth mmag,Depth ppm,"
        f'Duration (hrs),Notes\n7,7.01,PC,,{T0 + 2457000},{PERIOD},{MMAG},,{HOURS},"a dip, of course"\n'
    ),
    "the NASA Exoplanet Archive's TOI table": (
        "# This file was produced by the NASA Exoplanet Archive\n#\n# COLUMN toi: number\n"
        "toi,tid,tfopwg_disp,rastr,ra,decstr,dec,pl_tranmid,pl_orbper,pl_trandurh,pl_trandep,st_tmag\n"
        f"101.01,7,PC,21h14m,318.7,-55d52m,-55.9,{T0 + 2457000},{EVENT},10.5\n"
    ),
    "a KOI table of the NASA Exoplanet Archive": (
        "kepid,kepoi_name,koi_disposition,koi_fpflag_nt,koi_time0bk,koi_period,koi_duration,koi_depth,koi_model_snr\n"
        f"7,K00007.01,CONFIRMED,0,{T0 + 2167},{EVENT},50\n"
    ),
    "a TCE table of Kepler": (
        "kepid,tce_plnt_num,tce_time0bk,tce_period,tce_duration,tce_depth,av_training_set\n"
        f"7,1,{T0 + 2167},{EVENT},PC\n"
    ),
    "TCE statistics of SPOC or TESS-SPOC": (
        "#Mission = TESS\n#Sectors = s0001-s0002\n#\ntceid,ticid,planetNumber,orbitalPeriodDays,transitDurationHours,"
        f"transitDepthPpm,orbitalPeriodDays_err,transitEpochBtjd,mes\n00000000007-01,7,1,{EVENT},-1,{T0},50\n"
    ),
    "TCE statistics of SPOC or TESS-SPOC, since 2021": (
        "#Sectors = s0001-s0002\nticid,tce_plnt_num,tce_time0bt,tce_period,tce_duration,tce_depth,tce_model_snr\n"
        f"7,1,{T0},{EVENT},50\n"
    ),
    "a TOI list of TEV": (
        "# TOI list\nTIC,Full TOI ID,TOI Disposition,Orbital Epoch Value,Orbital Period (days) Value,"
        "Transit Duration (hours) Value,Transit Depth Value,Sectors\n"
        f"7,101.01,PC,{T0},{EVENT},1 2\n"
    ),
    "": (
        "TICID;period_days;T0_BJD;duration (d);depth_mmag;sector\n"
        f"7;2,0;{T0 + 2457000};{HOURS / 24};{MMAG};s0001-s0002\n"
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_gives_the_records_of_a_catalog(source, generate, tmp_path, capsys):
    same = f"7,.01,PC,{T0},{PERIOD},{HOURS},{PPM}"
    assert generate(HEADER + f"0,{same},1\n1,{same},2\n", "--make_test_set", out="catalog") == 0
    capsys.readouterr()
    assert generate(SOURCES[source], "--make_test_set") == 0
    assert f"read as {source.partition(',')[0]}" in capsys.readouterr().err or not source
    found, expected = held(tmp_path / "records"), held(tmp_path / "catalog")
    assert found.keys() == expected.keys() == {(7, 1), (7, 2)}
    for key, (values, view) in expected.items():
        np.testing.assert_allclose(found[key][0], values, rtol=1e-6)
        np.testing.assert_allclose(found[key][1], view, atol=1e-4)


@pytest.mark.parametrize("name", ["tces.ecsv", "tces.fits", "tces.xml"])
def test_astropy_tables_with_their_units(name, generate, tmp_path):
    table = Table({"TIC": [7], "t0": [T0 + 2457000], "Period": [PERIOD], "Duration": [HOURS / 24], "Sectors": ["1"]})
    table["Transit_Depth"] = [MMAG]
    table["Duration"].unit, table["Transit_Depth"].unit = "d", "mmag"
    table.write(tmp_path / name, format={"xml": "votable"}.get(name[-3:]))
    assert generate(tmp_path / name, "--make_test_set") == 0
    ((values, _),) = held(tmp_path / "records").values()
    np.testing.assert_allclose(values, [T0, PERIOD, HOURS / 24, PPM], rtol=1e-6)


def test_a_unit_that_is_not_known_is_an_error_that_names_the_column(generate, tmp_path, capsys):
    table = Table({"tic_id": [7], "Epoc": [T0], "Period": [PERIOD], "Duration": [HOURS], "Sectors": [1]})
    table["Duration"].unit = "kg"
    table.write(tmp_path / "tces.ecsv")
    assert generate(tmp_path / "tces.ecsv", "--make_test_set") == 1
    assert "column Duration cannot be used: its unit 'kg' is not known" in capsys.readouterr().err


def test_sexagesimal_positions_become_degrees(generate, tmp_path):
    assert generate(EXOFOP + exofop(sectors="1"), "--make_test_set") == 0
    ((values, _),) = held(tmp_path / "records", ("RA", "Dec", "Tmag", "SN", "star_rad", "Epoc Err")).values()
    np.testing.assert_allclose(values, [318.737, -55.871864, 10.5, 50, 1.1, 1e-4], rtol=1e-6)


def test_a_list_of_sectors_is_a_row_for_each_whose_light_curve_is_there(generate, tmp_path):
    assert generate(EXOFOP + exofop(sectors="1,2,28") + exofop(8, sectors="2 27"), "--make_test_set") == 0
    assert held(tmp_path / "records").keys() == {(7, 1), (7, 2)}
    assert reasons(tmp_path / "records") == {
        "1": "missing: no light curve of TIC 8 in sectors 2, 27: fetch one, or give another data directory"
    }


def test_stitched_sectors_are_folded_into_one_record_that_names_them(generate, tess, tmp_path):
    assert generate(EXOFOP + exofop(sectors="1,2,28") + exofop(8, sectors="1"), "--make_test_set", "--stitch") == 0
    found = held(tmp_path / "records", ("Stitched_Sectors",))
    assert {key: values for key, (values, _) in found.items()} == {(7, 1): ["1,2"], (8, 1): ["1"]}
    joined = {"time": [], "flux": []}
    for sector in (1, 2):
        part = np.genfromtxt(tess / f"sector-{sector}" / "7.csv", delimiter=",", names=True)
        joined["time"].append(part["time"])
        joined["flux"].append(part["flux"] / np.median(part["flux"]))
    (tmp_path / "joined" / "sector-1").mkdir(parents=True)
    Table({name: np.concatenate(parts) for name, parts in joined.items()}).write(tmp_path / "joined/sector-1/7.csv")
    flags = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--output_dir={tmp_path}/one", "--make_test_set"]
    assert generate_input_records.main([*flags, f"--tess_data_dir={tmp_path}/joined", "--num_worker_processes=0"]) == 0
    view = held(tmp_path / "one")[7, 1][1]
    np.testing.assert_allclose(
        found[7, 1][1], view, atol=0.02
    )  # whose outliers are those of one light curve, not of two


def test_a_stitched_sector_that_cannot_be_read_is_left_out_and_told(tess, tmp_path):
    shutil.copytree(tess, tmp_path / "tess")
    (tmp_path / "tess" / "sector-3").mkdir()
    (tmp_path / "tess" / "sector-3" / "7.csv").write_text("time,flux\n")
    table = write(tmp_path / "tces.csv", EXOFOP + exofop(sectors="1,2,3") + exofop(7, 102.01, sectors="3"))
    flags = [f"--input_tce_csv_file={table}", f"--tess_data_dir={tmp_path}/tess", f"--output_dir={tmp_path}/records"]
    assert generate_input_records.main([*flags, "--make_test_set", "--stitch", "--num_worker_processes=0"]) == 0
    assert held(tmp_path / "records", ("Stitched_Sectors",))[7, 1][0] == ["1,2"]
    warnings = [row["warning"] for row in rows(tmp_path / "records" / "warnings.csv")]
    assert any(text.startswith("sector 3 is left out: ") and "7.csv" in text for text in warnings)
    assert list(reasons(tmp_path / "records")) == ["1"]


def test_a_position_that_is_damaged_is_not_taken_for_sexagesimal(generate, tmp_path):
    table = EXOFOP + exofop(sectors="1").replace("21:14:56.88", "2 1.5")
    assert generate(table, "--make_test_set") == 1
    assert reasons(tmp_path / "records") == {"0": "invalid: text '2 1.5' in numeric column RA"}


def test_the_search_joins_the_sectors_of_a_star_too(tess, tmp_path):
    assert make_empty_catalog.main([f"--tess_data_dir={tess}", f"--output_dir={tmp_path}"]) == 0
    tables = ["sector-1-all.csv", "sector-2-all.csv"]
    flags = [f"--base_dir={tmp_path}", f"--tess_data_dir={tess}", "--bls=compute", "--stitch", "--qlp_data_dir=none"]
    assert make_catalog.main(["--input", *tables, *flags]) == 0
    found = {row["tic_id"]: (row["Sectors"], float(row["Period"])) for row in rows(tmp_path / "tces.csv")}
    assert found == {"7": ("1,2", pytest.approx(PERIOD, rel=1e-3)), "8": ("1", pytest.approx(PERIOD, rel=1e-3))}
    (dropped,) = rows(tmp_path / "tces_dropped.csv")
    assert dropped["reason"] == "its light curve is joined to that of row_id 0 (--stitch)"
    flags = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={tess}", f"--output_dir={tmp_path}/records"]
    assert generate_input_records.main([*flags, "--make_test_set", "--stitch", "--num_worker_processes=0"]) == 0
    assert held(tmp_path / "records", ("Stitched_Sectors",))[7, 1][0] == ["1,2"]


TRAINED = {"KP": "PC", "CP": "PC", "APC": "PC", "pc": "PC", "FP": "EB", "FA": "J", "V": "J", "NTP": "J", "O": "O"}


def test_dispositions_are_mapped_for_training_and_kept_as_they_are_for_prediction(generate, tmp_path):
    table = EXOFOP + "".join(
        exofop(7 if i % 2 else 8, i, own="O", group=text, sectors="1", period=PERIOD + i * 1e-6)
        for i, text in enumerate([*TRAINED, "", "perhaps"])
    )

    def dispositions(directory):
        examples = (
            tf_example.from_serialized(record)
            for path in tfrecord.expand(f"{directory}/*-of-*")
            for record in tfrecord.read(path)
        )
        return {tf_example.value(e, "toi_id"): tf_example.value(e, "Disposition") for e in examples}

    assert generate(table) == 0
    expected = {str(i): label for i, label in enumerate([*TRAINED.values(), "O"])}  # without TFOPWG's, TESS's
    assert dispositions(tmp_path / "records") == expected
    assert "unknown disposition 'perhaps'" in reasons(tmp_path / "records")["10"]
    assert generate(table, "--make_test_set", out="new") == 0
    kept = ["J" if text == "V" else text for text in (*TRAINED, "O", "perhaps")]  # as ever, V and IS are J in records
    assert dispositions(tmp_path / "new") == {str(i): text for i, text in enumerate(kept)}


def test_a_koi_that_is_not_transit_like_is_junk_and_another_false_positive_a_binary(generate, tmp_path):
    header = "kepid,kepoi_name,koi_disposition,koi_fpflag_nt,koi_period,koi_time0bk,koi_duration,koi_depth\n"
    kois = [f"7,K{flag},FALSE POSITIVE,{flag},{PERIOD},{T0 + 2167},{HOURS},{PPM + flag}\n" for flag in (0, 1)]
    assert generate(header + "".join(kois)) == 0
    manifest = json.loads((tmp_path / "records/records.json").read_text())
    assert manifest["dispositions"] == {"EB": 2, "J": 2}  # in each of two sectors


IDS = {
    "1.5": "is no whole number",
    "True": "is no TIC ID",
    "3.06716e+08": "has lost digits, in a spreadsheet perhaps",
    "inf": "is no TIC ID",
    "WASP-18 b": "is no TIC ID",
    "TIC 123.01": "a planet candidate's, perhaps",
}


def test_what_is_no_tic_id_is_refused_with_the_reason(generate, tmp_path):
    event = f".01,PC,{T0},{PERIOD},{HOURS},{PPM},1"
    good = ["7", "TIC 7", "7.0", "0000000008"]
    table = HEADER + "".join(f"{i},{text},{event}{i}\n" for i, text in enumerate([*IDS, *good]))
    assert generate(table.replace(",1" + "0\n", ",1\n"), "--make_test_set") in (0, 1)
    messages = reasons(tmp_path / "records")
    for i, (text, reason) in enumerate(IDS.items()):
        assert messages[str(i)].startswith(f"invalid: tic_id '{text}' {reason}") or reason in messages[str(i)]
    for i in range(len(IDS), len(IDS) + len(good)):
        assert messages[str(i)].startswith("missing: no light curve of TIC ")


BAD_ROW = "0,1.5,.01,perhaps,,0,sixty,?,1-x\n"


def test_all_problems_of_a_row_are_told_at_once_by_both_scripts(generate, tmp_path):
    assert generate(HEADER + BAD_ROW) == 1
    messages = reasons(tmp_path / "records")["0"]
    common = [
        "tic_id '1.5' is no whole number",
        "text 'sixty' in numeric column Duration",
        "text '?' in numeric column Transit_Depth",
        "'1-x' is no sector",
    ]
    for problem in (*common, "no Epoc", "Period is 0, and must be positive", "unknown disposition 'perhaps'"):
        assert problem in messages, problem
    assert make_catalog.main(["--input=tces.csv", f"--base_dir={tmp_path}", "--out_name=new.csv"]) == 1
    (dropped,) = rows(tmp_path / "new_dropped.csv")
    assert all(problem in dropped["reason"] for problem in common)


def test_a_depth_or_a_signal_to_noise_of_zero_is_not_measured(generate, tmp_path):
    header = HEADER.replace("Sectors", "Sectors,SN")
    event = f".01,,{T0},{PERIOD},{HOURS}"
    assert generate(header + f"0,7,{event},0,1,0\n1,8,{event},-5,1,-1\n", "--make_test_set") == 0
    found = held(tmp_path / "records", ("Transit_Depth", "SN"))
    assert found.keys() == {(7, 1), (8, 1)}
    assert all(np.isnan(values).all() for values, _ in found.values())


def test_only_what_predicting_needs_is_required(generate, tmp_path, capsys):
    table = f"tic_id,Epoc,Period,Duration\n7,{T0},{PERIOD},{HOURS}\n8,{T0},{PERIOD},{HOURS}\n"
    assert generate(table, "--make_test_set") == 0
    found = held(tmp_path / "records", ("row_id", "toi_id", "Disposition"))
    assert {key: values for key, (values, _) in found.items()} == {
        (7, 1): [0, "", ""],
        (7, 2): [0, "", ""],
        (8, 1): [1, "", ""],
    }
    assert generate(table) == 1
    assert "has no column Disposition" in capsys.readouterr().err


def test_a_list_without_durations_names_each_row_and_a_search_measures_them(generate, tess, tmp_path, capsys):
    header = "TIC,Full TOI ID,Group Disposition,Epoch Value,Orbital Period Value,Sectors\n"
    table = f"# TOI list\n{header}7,1.01,KP,{T0},{PERIOD},1\n"
    assert generate(table, "--make_test_set") == 1
    assert reasons(tmp_path / "records") == {"0": "incomplete: no Duration: the table has no such column"}
    flags = [f"--base_dir={tmp_path}", f"--tess_data_dir={tess}", "--bls=compute", "--qlp_data_dir=none"]
    assert make_catalog.main(["--input=tces.csv", "--out_name=found.csv", *flags]) == 0
    (row,) = rows(tmp_path / "found.csv")
    assert (row["toi_id"], float(row["Duration"])) == ("1.01", pytest.approx(HOURS, rel=0.2))


def test_make_catalog_keeps_what_a_public_table_knows(tmp_path, capsys):
    write(tmp_path / "exofop.csv", EXOFOP + exofop(sectors="1,2"))
    assert make_catalog.main(["--input=exofop.csv", f"--base_dir={tmp_path}", "--qlp_data_dir=none"]) == 0
    found = rows(tmp_path / "tces.csv")
    assert [(row["row_id"], row["Sectors"], row["Epoc"], row["SN"]) for row in found] == [
        ("0", "1", "1327", "50"),
        ("1", "2", "1327", "50"),
    ]
    assert {(row["star_rad"], round(float(row["RA"]), 3), row["Transit_Depth"]) for row in found} == {
        ("1.1", 318.737, "10000")
    }
    assert "read as the ExoFOP TOI table" in capsys.readouterr().err


def test_a_catalog_that_would_overwrite_its_input_is_refused(tmp_path, capsys):
    tev.write(tmp_path / "tces.csv", [{"tic_id": 7, "Sectors": 1}])
    before = (tmp_path / "tces.csv").read_bytes()
    os.symlink(tmp_path / "tces.csv", tmp_path / "link.csv")
    for name, out in (("tces.csv", "tces.csv"), ("link.csv", "tces.csv"), ("tces.csv", "link.csv")):
        assert make_catalog.main([f"--input={name}", f"--base_dir={tmp_path}", f"--out_name={out}"]) == 1
        assert "--out_name would overwrite" in capsys.readouterr().err
    os.rename(tmp_path / "tces.csv", tmp_path / "new_dropped.csv")
    assert make_catalog.main(["--input=new_dropped.csv", f"--base_dir={tmp_path}", "--out_name=new.csv"]) == 1
    assert (tmp_path / "new_dropped.csv").read_bytes() == before


def test_the_star_catalog_that_auto_has_found_is_not_overwritten(tmp_path, capsys):
    tev.write(tmp_path / "tces.csv", [{"tic_id": 7, "Sectors": 1}])
    stars = write(tmp_path / "tic.csv", "id,ra,dec,tmag,rad,mass,teff,logg\n7,1,2,10,1,1,5000,4\n")
    before = stars.read_bytes()
    os.rename(stars, tmp_path / "tic.fits")  # what a file is, its content tells
    for out in ("tic.fits", f"../{tmp_path.name}/tic.fits"):
        assert make_catalog.main(["--input=tces.csv", f"--base_dir={tmp_path}", f"--out_name={out}"]) == 1
        assert "--out_name would overwrite" in (told := capsys.readouterr().err) and "--star_catalog=auto reads" in told
    assert (tmp_path / "tic.fits").read_bytes() == before


def test_a_table_of_tces_is_not_taken_for_the_star_catalog_for_its_name(tmp_path, capsys):
    tev.write(tmp_path / "tic.csv", [{"tic_id": 7, "Sectors": 1, "Epoc": 1327.5, "Period": 2, "Duration": 3}])
    assert make_catalog.main(["--input=tic.csv", f"--base_dir={tmp_path}"]) == 0
    assert "no star catalog" in capsys.readouterr().out
    os.link(tmp_path / "tic.csv", tmp_path / "sector-1.csv")
    os.rename(tmp_path / "tic.csv", tmp_path / "moved.csv")
    write(tmp_path / "tic.csv", "tic_id,Sectors\n7,1\n")
    assert make_catalog.main(["--input=sector-1.csv", f"--base_dir={tmp_path}"]) == 1
    assert "as the star catalog because of its name" in capsys.readouterr().err


def test_records_do_not_overwrite_their_table(generate, tmp_path, capsys):
    (tmp_path / "records").mkdir()
    table = write(tmp_path / "records" / "skipped.csv", HEADER + f"0,7,.01,,{T0},{PERIOD},{HOURS},{PPM},1\n")
    before = table.read_bytes()
    assert generate(table, "--make_test_set") == 1
    assert "would overwrite" in capsys.readouterr().err and table.read_bytes() == before


@pytest.mark.parametrize("name", ["incomplete-records/tces.csv", "train-00000-of-00008", "test-00000-of-00001"])
@pytest.mark.parametrize("linked", [False, True])
def test_records_do_not_remove_a_table_in_the_place_of_records(generate, tmp_path, capsys, name, linked):
    table = tmp_path / "records" / name
    table.parent.mkdir(parents=True)
    write(table, HEADER + f"0,7,.01,,{T0},{PERIOD},{HOURS},{PPM},1\n")
    before = table.read_bytes()
    if linked:
        (tmp_path / "link.csv").symlink_to(table)
    assert generate(tmp_path / "link.csv" if linked else table, "--make_test_set") == 1
    assert "would remove or overwrite" in capsys.readouterr().err and table.read_bytes() == before


def test_records_do_not_remove_light_curves_in_the_place_of_unfinished_records(generate, tmp_path, capsys):
    (tmp_path / "records" / "incomplete-records" / "sector-1").mkdir(parents=True)
    table = HEADER + f"0,7,.01,,{T0},{PERIOD},{HOURS},{PPM},1\n"
    assert generate(table, f"--tess_data_dir={tmp_path}/records/incomplete-records") == 1
    assert "which --tess_data_dir reads" in capsys.readouterr().err
    assert (tmp_path / "records" / "incomplete-records" / "sector-1").is_dir()


@pytest.mark.parametrize("kind", ["file", "link", "broken link"])
def test_unfinished_records_need_a_directory_which_is_said_before_any_work(generate, tmp_path, capsys, kind):
    (tmp_path / "records").mkdir()
    staging = tmp_path / "records" / "incomplete-records"
    if kind == "file":
        write(staging, "notes")
    else:
        staging.symlink_to(tmp_path if kind == "link" else tmp_path / "nowhere")
    assert generate(HEADER + f"0,7,.01,,{T0},{PERIOD},{HOURS},{PPM},1\n", "--make_test_set") == 1
    assert f"{staging} is a file or a link" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "records").iterdir()] == ["incomplete-records"]


def test_a_table_from_a_pipe_is_read_once_and_its_hash_is_recorded(generate, tmp_path):
    content = (HEADER + f"0,7,.01,,{T0},{PERIOD},{HOURS},{PPM},1\n").encode()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writer.start()
    assert generate(tmp_path / "pipe", "--make_test_set") == 0
    writer.join()
    manifest = json.loads((tmp_path / "records/records.json").read_text())
    assert manifest["catalogue"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_downloads_take_every_sector_of_a_public_table(tmp_path, capsys):
    table = EXOFOP + exofop(sectors="1,2,28") + exofop("7.5") + exofop(8, sectors="2 27")
    wanted, unusable = mast_downloads.read_catalog(write(tmp_path / "exofop.csv", table))
    assert wanted == [(7, 1), (7, 2), (7, 28), (8, 2), (8, 27)]
    assert [row.reason.partition(":")[2] for row in unusable] == [
        " row 2: tic_id '7.5' is no whole number: a planet candidate's, perhaps; give the TIC ID of its star"
    ]
    with pytest.raises(ScriptError, match="no column Sectors"):
        mast_downloads.read_catalog(write(tmp_path / "nasa.csv", SOURCES["the NASA Exoplanet Archive's TOI table"]))


def test_plots_of_a_public_table(tess, tmp_path):
    write(tmp_path / "exofop.csv", EXOFOP + exofop(sectors="1,2,28"))
    flags = [f"--input_tce_csv_file={tmp_path}/exofop.csv", f"--tess_data_dir={tess}", f"--output_dir={tmp_path}/plots"]
    assert plot_tces.main([*flags, "--config_name=yu2019"]) == 0
    assert len(list((tmp_path / "plots").glob("*.png"))) == 2


def test_the_public_cases(shared, tmp_path):
    tables = shared / "cases" / "tables"
    data = f"--tess_data_dir={shared}/data/other/light_curves/spoc_2min"

    def made(name, *flags):
        out = tmp_path / name
        flags = [f"--input_tce_csv_file={tables}/{name}", data, f"--output_dir={out}", "--make_test_set", *flags]
        if generate_input_records.main([*flags, "--num_train_shards=1", "--num_worker_processes=0"]):
            return [], reasons(out)
        return [*map(tf_example.from_serialized, tfrecord.read(out / "test-00000-of-00001"))], reasons(out)

    found, skip_reasons = made("spoc_tces_renamed_depth0.csv")
    assert len(found) == 18 and not skip_reasons
    assert np.isnan(tf_example.value(found[0], "Transit_Depth"))
    found, skip_reasons = made("tev_toi_list_12rows.csv")
    assert len(skip_reasons) == 7 and set(skip_reasons.values()) == {
        "incomplete: no Duration: the table has no such column"
    }
    found, skip_reasons = made("step1_renamed_only.csv", "--detrend=spline")
    assert skip_reasons == {"5": "invalid: Period is 0, and must be positive"} and len(found) == 5
    assert tf_example.value(found[2], "RA") == pytest.approx(353.5629, abs=1e-4)
