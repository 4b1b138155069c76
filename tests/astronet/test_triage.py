"""One command: light curves in, ranked TCEs out; the same numbers as the separate scripts, and nothing done twice."""

import csv
import io
import os
import runpy
import shutil
import threading
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import astronet
from astronet import batch_predict, triage
from astronet.base.script import INTERRUPTED
from astronet.data import generate_input_records, make_catalog, make_empty_catalog, simulate_survey
from astronet.estimator import scoring
from astronet.figures import tce as plotting
from light_curve_util import tess_io

DOWNLOADS = Path(__file__).parent / "data" / "test_download_light_curves.py"


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={directory}", "--num_stars=8", "--sectors=1", "--seed=3"]) == 0
    return directory


@pytest.fixture(scope="module")
def searched(survey, tmp_path_factory):
    """The output directory of a triage of the survey's light curves without a table."""
    directory = tmp_path_factory.mktemp("searched") / "out"
    assert triage.main([f"{survey}/tess", f"--output_dir={directory}", "--plots=2"]) == 0
    return directory


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def changed_at(directory):
    """When each file of a directory was last changed, but the lists that are written anew by each run."""
    files = (path for path in Path(directory).rglob("*") if path.is_file() and not path.is_symlink())
    lists = ("skipped.csv", "warnings.csv", "records.json", "shards.json", "candidates.csv", "candidates.ecsv")
    return {path: path.stat().st_mtime_ns for path in files if path.name not in (*lists, "pages.json", ".lock")}


def test_probabilities_of_a_table_are_those_of_the_separate_scripts(survey, tmp_path, capsys):
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess", "--config_name=triage"]
    assert generate_input_records.main([*flags, f"--output_dir={tmp_path}/records", "--make_test_set"]) == 0
    models = "--model_dir=pretrained:triage"
    assert batch_predict.main([models, f"--tfrecord_dir={tmp_path}/records", f"--output_dir={tmp_path}"]) == 0
    expected = {row["row_id"]: row for row in read(tmp_path / "prediction.csv")}
    capsys.readouterr()
    out = tmp_path / "out"
    assert triage.main([f"{survey}/tess", f"--table={survey}/tces.csv", f"--output_dir={out}", "--plots=1"]) == 0
    printed = capsys.readouterr().out
    rows, catalog = read(out / "candidates.csv"), {row["row_id"]: row for row in read(survey / "tces.csv")}
    assert {row["row_id"] for row in rows} == set(expected) and len(rows) == len(expected)
    probabilities = [float(row["probability"]) for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)
    for row in rows:
        assert float(row["probability"]) == pytest.approx(float(expected[row["row_id"]]["mean"]), abs=1e-6)
        assert float(row["spread"]) == pytest.approx(float(expected[row["row_id"]]["standard_deviation"]), abs=1e-6)
        assert row["unlike_training"] == expected[row["row_id"]]["unlike_training"]
        for name in ("Epoc", "Period", "Duration", "Transit_Depth", "SN", "Tmag"):
            assert float(row[name]) == pytest.approx(float(catalog[row["row_id"]][name]), rel=1e-9)
        assert row["Disposition"] == catalog[row["row_id"]]["Disposition"]
        assert row["is_candidate"] == str(int(float(row["probability"]) >= float(row["threshold"])))
        assert os.path.samefile(row["light_curve"], tess_io.find(survey / "tess", int(row["tic_id"]), 1))
        assert row["model"] == "pretrained:triage" and len(row["model_sha256"]) == 64 and row["version"]
    assert f"{len(rows)} TCEs in 8 light curves" in printed and "probability of 0.5 or more" in printed
    in_ecsv = Table.read(out / "candidates.ecsv")
    assert in_ecsv["Duration"].unit == "h" and list(in_ecsv["tic_id"]) == [int(row["tic_id"]) for row in rows]
    assert np.allclose(in_ecsv["probability"], probabilities)
    assert [bool(row["plot"]) for row in rows] == [True] + [False] * (len(rows) - 1)
    assert matplotlib.image.imread(rows[0]["plot"])[..., :3].std() > 0.05


def test_a_search_finds_what_the_four_commands_find(survey, searched, tmp_path):
    stars = [f"--tess_data_dir={survey}/tess", f"--save_dir={tmp_path}"]
    assert make_empty_catalog.main(stars) == 0
    flags = [f"--base_dir={tmp_path}", "--input", "sector-1-all.csv", "--out_name=tces.csv", "--bls=compute"]
    flags += [f"--tess_data_dir={survey}/tess", f"--star_catalog=local:{survey}/tic.sqlite", "--max_tmag=99"]
    assert make_catalog.main(flags) == 0
    by_hand = {row["tic_id"]: row for row in read(tmp_path / "tces.csv")}
    rows, skipped = read(searched / "candidates.csv"), read(searched / "skipped.csv")
    assert {row["tic_id"] for row in rows} == set(by_hand)  # the TIC extract beside the light curves serves here, too
    for row in rows:
        for name in ("Period", "Epoc", "SN", "Tmag", "camera"):
            assert float(row[name]) == pytest.approx(float(by_hand[row["tic_id"]][name]))
        assert row["Disposition"] == ""
    assert len(rows) + len({row["tic_id"] for row in skipped}) == 8
    assert all(row["reason"].startswith("search: not a TCE: ") for row in skipped)
    assert [bool(row["plot"]) for row in rows][:3] == [True, True, False]


def test_given_again_nothing_is_done_twice(survey, searched, capsys):
    before, table = changed_at(searched), (searched / "candidates.csv").read_bytes()
    assert triage.main([f"{survey}/tess", f"--output_dir={searched}", "--plots=2"]) == 0
    out = capsys.readouterr().out
    assert "already has the TCEs of these light curves" in out and "shards are up to date" in out
    assert changed_at(searched) == before and (searched / "candidates.csv").read_bytes() == table
    assert triage.main([f"{survey}/tess", f"--output_dir={searched}", "--plots=1"]) == 0
    assert len(list((searched / "plots").glob("*.png"))) == 1  # what an earlier run drew beyond is removed
    assert triage.main([f"{survey}/tess", f"--output_dir={searched}", "--plots=2"]) == 0


def test_an_interrupted_run_goes_on(survey, tmp_path, monkeypatch, capsys):
    flags = [f"{survey}/tess", f"--output_dir={tmp_path}", "--plots=0"]

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scoring, "predict_files", interrupt)
        assert triage.main(flags) == INTERRUPTED
    assert "given again, goes on from here" in capsys.readouterr().err
    assert not (tmp_path / "candidates.csv").exists()
    before = changed_at(tmp_path)
    assert triage.main(flags) == 0
    assert before.items() <= changed_at(tmp_path).items() and read(tmp_path / "candidates.csv")


def test_pages_that_were_drawn_before_an_interruption_stay(survey, searched, tmp_path, monkeypatch):
    flags, draw = [f"{survey}/tess", f"--output_dir={tmp_path}", "--plots=3"], plotting.plot_tce
    shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "plots")

    def interrupted(path, *page):
        if len(list((tmp_path / "plots").glob("*.png"))) == 2:
            raise KeyboardInterrupt
        draw(path, *page)

    with monkeypatch.context() as patched:
        patched.setattr(plotting, "plot_tce", interrupted)
        assert triage.main(flags) == INTERRUPTED
    before = changed_at(tmp_path / "plots")
    assert len(before) == 2 and triage.main(flags) == 0
    assert before.items() < changed_at(tmp_path / "plots").items()
    (tmp_path / "keep.png").touch()
    (tmp_path / "plots/pages.json").write_text('{"../keep.png": "a"}')  # of a stranger
    assert triage.main(flags) == 0 and (tmp_path / "keep.png").exists()


def test_a_changed_light_curve_is_searched_and_scored_anew(survey, tmp_path):
    tess = shutil.copytree(survey / "tess", tmp_path / "tess")
    flags = [str(tess), f"--output_dir={tmp_path}/out", "--plots=0"]
    assert triage.main(flags) == 0
    first = read(tmp_path / "out/candidates.csv")
    os.remove(tess_io.find(tess, int(first[0]["tic_id"]), 1))
    assert triage.main(flags) == 0
    left = read(tmp_path / "out/candidates.csv")
    assert [row["tic_id"] for row in left] == [row["tic_id"] for row in first[1:]]
    probabilities = [[float(row["probability"]) for row in rows] for rows in (left, first[1:])]
    assert probabilities[0] == pytest.approx(probabilities[1], abs=1e-6)


def test_files_directories_and_patterns_of_several_products_are_one_survey(survey, tmp_path, capsys):
    tic_ids = [tic_id for _, tic_id in tess_io.stars(survey / "tess")]
    paths = {tic_id: tess_io.find(survey / "tess", tic_id, 1) for tic_id in tic_ids}
    place = tmp_path / "more/sector-1"
    place.mkdir(parents=True)
    for tic_id in tic_ids[:4]:
        shutil.copy(paths[tic_id], place)
    (tmp_path / "lc").mkdir()
    for tic_id in tic_ids[4:6]:  # text, without a sector in its name
        light_curve = tess_io.read(paths[tic_id])
        lines = [f"{time!r},{flux!r}\n" for time, flux in zip(light_curve.time.tolist(), light_curve.flux.tolist())]
        (tmp_path / f"lc/tic{tic_id}.csv").write_text("BTJD,flux\n" + "".join(lines))
    (tmp_path / f"lc/{tic_ids[6]}.h5").write_bytes(b"damaged")
    (tmp_path / "lc/star.csv").write_text("time,flux\n1326.1,1\n1326.2,1\n")
    given = [str(tmp_path / "more"), f"{tmp_path}/lc/*.csv", f"{tmp_path}/lc/{tic_ids[6]}.h5", paths[tic_ids[7]]]
    assert triage.main([*given, f"--output_dir={tmp_path}/out", "--plots=0"]) == 0
    rows, skipped = read(tmp_path / "out/candidates.csv"), read(tmp_path / "out/skipped.csv")
    reasons = " ".join(row["reason"] for row in skipped)
    assert "star.csv does not contain its TIC ID" in reasons and f"{tic_ids[6]}.h5" in reasons
    assert {int(row["tic_id"]) for row in rows} <= {*tic_ids[:6], tic_ids[7]} and len(rows) >= 2
    assert "its times are those of sector 1" in capsys.readouterr().err
    assert not any(os.path.islink(row["light_curve"]) for row in rows)


def test_a_single_light_curve_is_answered_on_the_screen(survey, searched, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    best = read(searched / "candidates.csv")[0]
    path = tess_io.find(survey / "tess", int(best["tic_id"]), 1)
    assert triage.main([path]) == 0
    head, row, verdict = capsys.readouterr().out.splitlines()
    assert "period [d]" in head and "probability" in head
    assert row.split()[:2] == ["*", best["tic_id"]] and float(row.split()[3]) == pytest.approx(
        float(best["Period"]), 1e-4
    )
    assert verdict == "1 TCE in 1 light curve: a candidate, with a probability of 0.5 or more (pretrained:triage)"
    assert list(tmp_path.iterdir()) == []
    assert triage.main([path, f"--table={survey}/tces.csv", "--threshold=1"]) == 0
    assert "0 candidates, with a probability of 1 or more" in capsys.readouterr().out
    other = next(row for row in read(survey / "tces.csv") if row["tic_id"] != best["tic_id"])
    with open("table.csv", "w", newline="") as file:
        csv.writer(file).writerows([list(other), other.values()])
    assert triage.main([path, "--table=table.csv"]) == 1
    assert f"table.csv has no TCE of TIC {best['tic_id']}\n0 TCEs in 1 light curve" in capsys.readouterr().out
    flux = 1 + np.random.default_rng(0).normal(0, 1e-4, 1200)
    lines = (f"{1326 + number / 48},{value}\n" for number, value in enumerate(flux))
    (tmp_path / "star.csv").write_text("BTJD,flux\n" + "".join(lines))
    assert triage.main(["star.csv"]) == 1
    assert "star.csv does not contain its TIC ID" in capsys.readouterr().err
    assert triage.main(["star.csv", "--tic=77"]) == 0
    out = capsys.readouterr().out
    assert "left out: search: not a TCE" in out and "0 TCEs in 1 light curve: 0 candidates" in out


def test_what_cannot_be_triaged_is_refused_with_the_remedy(survey, tmp_path, capsys):
    tess, out = f"{survey}/tess", f"--output_dir={tmp_path}/out"
    for name in ("empty", "out/light_curves"):
        (tmp_path / name).mkdir(parents=True)
    for flags, code, told in (
        ([tess], 1, "--output_dir is needed, unless LIGHT_CURVES is a single file"),
        ([f"{tmp_path}/no*.fits", out], 1, "no light curve"),
        (["nope.fits"], 1, "no light curve nope.fits: there is no such file or directory"),
        (["nope/*.fits", f"--table={survey}/tces.csv"], 1, "nope/*.fits: there is no file or directory of this"),
        (["nope.fits", tess], 1, "no light curve nope.fits: there is no such file or directory"),
        ([f"{tmp_path}/empty", out], 1, "no light curve with a known star and sector in"),
        ([str(tmp_path), out], 1, "or lies in it: choose another --output_dir"),
        ([tess, out, "--model_dir=pretrained:flares"], 1, "pretrained:flares does not classify TCEs"),
        ([tess, tess, out, "--tic=5"], 1, "--tic is for a single light curve"),
        ([f"{tmp_path}/out/light_curves", out], 1, "lies in it: choose another --output_dir"),
        ([tess, out, "--table=none.csv"], 1, "none.csv"),
    ):
        assert triage.main(flags) == code, flags
        assert told in capsys.readouterr().err
    for flags, told in (
        ([], "no light curves"),
        (["--download=qlp", out], "--download needs --tics or --table"),
        ([tess, f"--tics={survey}/tces.csv", out], "--tics needs --download"),
    ):
        with pytest.raises(SystemExit):
            triage.main(flags)
        assert told in capsys.readouterr().err


def _text(light_curve):
    lines = [f"{time!r},{flux!r}\n" for time, flux in zip(light_curve.time.tolist(), light_curve.flux.tolist())]
    return "BTJD,flux\n" + "".join(lines)


@pytest.mark.parametrize("is_of_table", (False, True))
def test_messages_about_a_single_light_curve_name_the_file_that_was_given(
    survey, searched, tmp_path, monkeypatch, capsys, is_of_table
):
    monkeypatch.chdir(tmp_path)
    tic_id = int(read(searched / "candidates.csv")[0]["tic_id"])
    path = tess_io.find(survey / "tess", tic_id, 1)
    of_table = [f"--table={survey}/tces.csv"] if is_of_table else []
    text = _text(tess_io.read(path))
    head, *lines = text.splitlines(keepends=True)
    for name, content, told in (
        (f"{tic_id}.h5", Path(path).read_bytes()[:9000], "not a whole QLP HDF5 light curve"),
        (f"tic{tic_id}_s0001.csv", "".join([head, *lines, *lines[:300]]).encode(), "have the same time"),
    ):
        Path(name).write_bytes(content)
        assert triage.main([name, f"--tic={tic_id}", *of_table]) == 1
        captured = capsys.readouterr()
        assert f"error: {name}: " in captured.err and told in captured.err and "light_curves" not in captured.err
    noted = "".join([head, *lines, *lines[:2]])  # which is read, with a note
    Path(f"tic{tic_id}_s0001.csv").write_text(noted)
    (note,) = tess_io.read(f"tic{tic_id}_s0001.csv").notes
    assert triage.main([f"tic{tic_id}_s0001.csv", *of_table]) == 0
    captured = capsys.readouterr()
    assert note in captured.err + captured.out
    for gone in ("astronet-triage-", "warnings.csv"):
        assert gone not in captured.err + captured.out


def test_what_is_no_light_curve_is_told_so_before_any_advice_on_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content, told in (
        ("bad.fits", b"hello world", "does not begin like a FITS file"),
        ("tic5_s0001.fits", b"hello world", "does not begin like a FITS file"),
        ("plot.png", b"\x89PNG\r\n\x1a\n", "no reader for a file of this name"),
    ):
        Path(name).write_bytes(content)
        for flags in ([], ["--output_dir=out"]):
            assert triage.main([name, *flags]) == 1
            err = capsys.readouterr().err
            assert f"{name}: " in err and told in err and "TIC ID" not in err


def test_a_directory_that_is_given_twice_is_one(survey, tmp_path):
    (tmp_path / "more/sector-1").mkdir(parents=True)
    tic_id = tess_io.stars(survey / "tess")[0][1]
    shutil.copy(tess_io.find(survey / "tess", tic_id, 1), tmp_path / "more/sector-1")
    (tmp_path / "more/sector-1/66.h5").write_bytes(b"damaged")
    (tmp_path / "bad.fits").write_bytes(b"damaged")
    given = [f"{tmp_path}/more", f"{tmp_path}/./more/", f"{tmp_path}/bad.fits", f"{tmp_path}/*.fits"]
    assert triage.main([*given, f"--output_dir={tmp_path}/out", "--plots=0"]) == 0
    skipped = [row["reason"] for row in read(tmp_path / "out/skipped.csv")]
    assert sum("66.h5" in reason for reason in skipped) == 1 == sum("bad.fits" in reason for reason in skipped)
    assert f"{tmp_path}/more/sector-1/66.h5: " in " ".join(skipped)  # the file that was given, not its link


def test_the_verdict_of_several_models_says_what_each_of_them_lets_pass(survey, tmp_path, capsys):
    models = "--model_dir=pretrained:triage,pretrained:vetting"
    flags = [f"{survey}/tess", f"--table={survey}/tces.csv", f"--output_dir={tmp_path}", "--plots=0", models]
    assert triage.main(flags) == 0
    out, rows = capsys.readouterr().out, read(tmp_path / "candidates.csv")
    num_passed = sum(float(row["vetting"] or 0) >= 0.5 for row in rows)
    assert "with a probability of 0.5 or more (pretrained:triage)\n" in out
    assert f"\nvetting: {num_passed} of these with 0.5 or more (pretrained:vetting)\nranked by vetting; " in out
    best = next(row for row in rows if row["vetting"])
    names = {"Period": "period", "Epoc": "t0", "Duration": "duration_hours", "Transit_Depth": "depth_ppm", "SN": "sn"}
    numbers = {given: float(best[name]) for name, given in names.items()}
    scored = astronet.load("pretrained:triage,pretrained:vetting").score(
        best["light_curve"], **numbers, catalog=survey / "tces.csv"
    )
    passes = "0.5 or more" if scored.later["vetting"] >= 0.5 else "below 0.5"
    assert f"(candidate of the triage: the probability is 0.5 or more; vetting {passes})" in str(scored)


@pytest.fixture
def mast(monkeypatch):
    """The loopback server of the tests of downloads, which has MAST's interfaces."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = runpy.run_path(str(DOWNLOADS))["Mast"]()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def add_qlp(mast, tic_id, sector, period):
    """Serves a QLP light curve with transits."""
    time = 1326 + np.arange(1200) / 48
    flux = 1 - 0.01 * ((time - 1326) % period < 0.15) + np.random.default_rng(tic_id).normal(0, 5e-4, len(time))
    columns = {"TIME": time, "KSPSAP_FLUX": flux, "QUALITY": np.zeros(len(time), int)}
    formats = {"TIME": "D", "KSPSAP_FLUX": "D", "QUALITY": "J"}
    table = fits.BinTableHDU.from_columns([fits.Column(n, formats[n], array=v) for n, v in columns.items()])
    primary = fits.PrimaryHDU()
    primary.header.update({"TICID": tic_id, "SECTOR": sector, "TESSMAG": 9.5})
    file = io.BytesIO()
    fits.HDUList([primary, table]).writeto(file)
    digits, name = f"{tic_id:016}", f"hlsp_qlp_tess_ffi_s{sector:04}-{tic_id:016}_tess_v01_llc.fits"
    place = "/".join(digits[i : i + 4] for i in range(0, 16, 4))
    mast.files[f"mast:HLSP/qlp/s{sector:04}/{place}/{name}"] = file.getvalue()


def test_light_curves_are_fetched_first_and_once(mast, tmp_path, capsys):
    for tic_id, period in ((11, 3.0), (12, 4.2)):
        add_qlp(mast, tic_id, 1, period)
    (tmp_path / "stars.txt").write_text("TIC 11\n12\n\n13\n")
    flags = [f"--tics={tmp_path}/stars.txt", "--download=qlp", f"--mast_url={mast.url}", "--plots=0"]
    out = f"--output_dir={tmp_path}/out"
    assert triage.main([*flags, out]) == 1
    assert "without sectors: give them by --sectors" in capsys.readouterr().err
    assert triage.main([*flags, out, "--sectors=1"]) == 0
    assert "2 downloaded" in capsys.readouterr().out
    rows = read(tmp_path / "out/candidates.csv")
    assert {row["tic_id"]: round(float(row["Period"]), 1) for row in rows} == {"11": 3.0, "12": 4.2}
    assert all(float(row["Tmag"]) == 9.5 and int(row["is_candidate"]) for row in rows)
    assert ("13", "1") in {
        (row["tic_id"], row["sector"]) for row in read(tmp_path / "out/downloads/not_downloaded.csv")
    }
    num_requests = len([key for _, key, _ in mast.log if "11_tess" in key])
    (tmp_path / "stars.csv").write_text("tic_id,Sectors\n11,1\n12,1\n")
    assert triage.main([f"--tics={tmp_path}/stars.csv", *flags[1:], out]) == 0  # a table of stars tells their sectors
    assert "0 downloaded (0.0 MB), 2 already there" in capsys.readouterr().out
    assert len([key for _, key, _ in mast.log if "11_tess" in key]) == num_requests == 1


def test_the_exofop_table_as_downloaded_gives_ranked_candidates(shared, tmp_path, capsys):
    other = shared / "data/other"
    table = other / "tess_tces/20230112_exofop_tess_tois.csv"
    path = other / "light_curves/spoc_2min/tess2018234235059-s0002-0000000402026209-0121-s_lc.fits.gz"
    assert triage.main([str(path), f"--table={table}", f"--output_dir={tmp_path}", "--plots=0"]) == 0
    (row,) = read(tmp_path / "candidates.csv")
    assert row["tic_id"] == "402026209" and row["Disposition"] == "KP" and float(row["probability"]) > 0.9
    assert "a candidate, with a probability of 0.5 or more" in capsys.readouterr().out


def test_the_report_shows_the_ranked_tces_with_their_light_curves(survey, searched, capsys):
    assert triage.main([f"{survey}/tess", f"--output_dir={searched}", "--plots=2", "--report"]) == 0
    told, warned = capsys.readouterr()
    page = searched / "report" / "index.html"
    assert f"{page}: open it in a browser" in told and "without its light curve" not in warned
    index = (searched / "report" / "data" / "index-0.js").read_text()
    assert all(row["tic_id"] in index for row in read(searched / "candidates.csv"))
