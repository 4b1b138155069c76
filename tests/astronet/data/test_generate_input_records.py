"""From a TCE table and light curves to record files, through the script's own main."""

import collections
import csv
import hashlib
import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from astronet.config import configuration
from astronet.data import generate_input_records
from astronet.data.records import preprocess, tf_example, tfrecord
from astronet.data.records.columns import EVENT_DENSITIES
from astronet.data.records.generate import RecordRequest
from astronet.data.records.generate import generate as generate_records
from astronet.review import label_columns
from light_curve_util import reference, tess_io
from light_curve_util.periodic_event import PeriodicEvent

FLOAT32 = 1e-6  # what storing a normalized view as float32 costs
SAME_SIGNAL = 0.97  # other photometry of the same dip, rebinned, correlates at least so well

COLUMNS = (
    *("row_id", "tic_id", "toi_id", "Disposition", "RA", "Dec", "Tmag", "Epoc", "Period", "Duration"),
    *("Transit_Depth", "Sectors", "camera", "ccd", "star_rad", "star_mass", "teff", "logg", "SN", "Qingress"),
)


def tce(row_id, tic_id, **changes):
    """A row of the catalogue: a good candidate, but for the changes."""
    row = dict.fromkeys(COLUMNS, "")
    row.update(row_id=row_id, tic_id=tic_id, toi_id="?.01", Disposition="PC", Epoc=1325.6, Period=1.7, Duration=3.6)
    row.update(Transit_Depth=5000, Sectors=1, camera=2, ccd=3, SN=20, Tmag=10.5, Qingress=0.2)
    return {**row, **changes}


def write_csv(path, rows, columns=COLUMNS, lineterminator="\n"):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator=lineterminator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_light_curve(data_dir, tic_id, sector=1, magnitude=None):
    """Twenty days of half-hour cadences of a star with the dips of tce(), in the QLP layout."""
    bjd = 1325.3 + np.arange(960) / 48
    if magnitude is None:
        phase = np.mod(bjd - 1325.6 + 0.85, 1.7) - 0.85
        noise = np.random.default_rng(tic_id).normal(0, 3e-4, len(bjd))
        magnitude = 10.5 + 5e-3 * (np.abs(phase) < 0.075) + noise
    path = data_dir / f"sector-{sector}" / f"{tic_id}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"] = bjd
        file["LightCurve/QFLAG"] = np.zeros(len(bjd), int)
        file["LightCurve/AperturePhotometry/Aperture_002/KSPMagnitude"] = magnitude
        file["LightCurve/AperturePhotometry"].attrs["bestap"] = 2
    return path


@pytest.fixture
def survey(tmp_path):
    """A function of rows (and flags) that makes records of them in tmp_path/out, with light curves of stars 1 to 40."""
    data_dir = tmp_path / "tess"
    for tic_id in range(1, 41):
        write_light_curve(data_dir, tic_id)

    def make(rows, *flags, out=tmp_path / "out", **csv_format):
        catalogue = write_csv(tmp_path / "tces.csv", rows, **csv_format)
        return generate(catalogue, data_dir, out, *flags)

    return make


def generate(catalogue, data_dir, out, *flags):
    files = [f"--input_tce_csv_file={catalogue}", f"--tess_data_dir={data_dir}", f"--output_dir={out}"]
    return generate_input_records.main([*files, "--num_worker_processes=0", *flags])


def examples(out, pattern="*-of-*"):
    """Examples by (row_id, tic_id), in the order of the files."""
    paths = tfrecord.expand(str(out / pattern))
    found = [tf_example.from_serialized(serialized) for path in paths for serialized in tfrecord.read(path)]
    by_key = {(tf_example.value(e, "row_id"), tf_example.value(e, "tic_id")): e for e in found}
    assert len(by_key) == len(found)
    return by_key


def sides(out):
    """The split of each row_id."""
    return {row_id: name for name in ("train", "val", "test") for row_id, _ in examples(out, f"{name}-*")}


def reasons(out):
    with open(out / "skipped.csv", newline="") as file:
        return {row["row_id"]: row["reason"] for row in csv.DictReader(file)}


def shard_names(out):
    return sorted(path.name for path in out.iterdir() if "-of-" in path.name)


def contents(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


def views_config(**lengths):
    features = {name: {"length": length, "is_time_series": True} for name, length in lengths.items()}
    return ["--model=AstroModel", "--config_json=" + json.dumps({"inputs": {"features": features}})]


@pytest.mark.parametrize("num_local", [61, 81])
def test_views_of_golden_light_curves(shared, tmp_path, num_local):
    golden = shared / "golden" / "views"
    lengths = {"global_view": 201, "local_view": num_local, "twice_global_view": 402, "secondary_view": 61}
    names = {"local_view": f"local_view_{num_local}", "secondary_view": "secondary_view_61"}
    assert generate(golden / "tces.csv", golden / "light_curves", tmp_path, *views_config(**lengths)) == 0

    made = examples(tmp_path)
    status = json.loads((golden / "status.json").read_text())
    # The published script left out TCEs without a depth; they have views all the same.
    unmeasured = {row_id for row_id, word in status.items() if word == "filtered: Transit_Depth"}
    published = {row_id for row_id, word in status.items() if word.startswith("ok")}
    assert {str(row_id) for row_id, _ in made} == published | unmeasured
    with np.load(golden / "expected.npz") as expected:
        for (row_id, _), example in made.items():
            for name in lengths if str(row_id) in published else ():
                view = tf_example.series(example, name)
                np.testing.assert_allclose(view, expected[f"{row_id}/{names.get(name, name)}"], rtol=0, atol=FLOAT32)


def test_golden_rows_are_skipped_for_the_published_reasons(shared, tmp_path):
    golden = shared / "golden" / "views"
    generate(golden / "tces.csv", golden / "light_curves", tmp_path)
    kinds = {"EmptyLightCurveError": "empty:", "OSError": "missing:", "SparseLightCurveError": "sparse:"}
    status = json.loads((golden / "status.json").read_text())
    expected = {row_id: kinds[word.split()[-1]] for row_id, word in status.items() if word.startswith("skipped")}
    skipped = reasons(tmp_path)
    assert skipped.keys() == expected.keys()
    assert all(skipped[row_id].startswith(kind) for row_id, kind in expected.items())


def test_views_of_made_light_curves_are_those_of_the_plain_reference(survey, tmp_path):
    lengths = {"global_view": 201, "local_view": 81, "twice_global_view": 402, "secondary_view": 61}
    assert survey([tce(number, number) for number in (1, 2, 3)], *views_config(**lengths)) == 0
    for (_, tic_id), example in examples(tmp_path / "out").items():
        light_curve = tess_io.read(tess_io.find(tmp_path / "tess", tic_id, 1))
        generator = reference.ViewGenerator(light_curve.time, light_curve.flux, PeriodicEvent(1325.6, 1.7, 3.6 / 24))
        for name, length in lengths.items():
            expected = generator.view(name, length)
            np.testing.assert_allclose(tf_example.series(example, name), expected, rtol=0, atol=FLOAT32)


def test_real_photometry_gives_the_published_local_views(shared, tmp_path):
    real = shared / "data" / "real_qlp"
    assert generate(real / "tces.csv", real, tmp_path, "--config_name=yu2019") == 0
    compared = []
    with np.load(real / "published_views.npz") as published:
        for (row_id, _), example in examples(tmp_path).items():
            if tf_example.value(example, "Disposition") in ("PC", "EB") and f"{row_id}/local_view" in published:
                ours, theirs = tf_example.series(example, "local_view"), published[f"{row_id}/local_view"]
                compared.append(np.corrcoef(ours, theirs)[0, 1])
    assert len(compared) == 3
    assert min(compared) >= SAME_SIGNAL


def test_a_record_holds_every_column_in_one_type(survey, tmp_path):
    rows = [tce(0, 1, toi_id="0.01", Disposition="V", Tmag=""), tce(1, 1, toi_id="?.01", Period=3.4), tce(2, 2)]
    assert survey(rows) == 0
    made = examples(tmp_path / "out")
    kinds = {name: feature.WhichOneof("kind") for name, feature in made[0, 1].features.feature.items()}
    assert kinds == {name: feature.WhichOneof("kind") for name, feature in made[2, 2].features.feature.items()}
    assert set(kinds) == {*COLUMNS, "is_multi", *EVENT_DENSITIES, "global_view", "local_view"}
    assert {name for name, kind in kinds.items() if kind == "bytes_list"} == {"toi_id", "Disposition"}
    integers = {name for name, kind in kinds.items() if kind == "int64_list"}
    assert integers == {"row_id", "tic_id", "Sectors", "camera", "ccd", "is_multi"}

    first = made[0, 1]
    assert tf_example.TceIdentity.from_example(first).toi_id == "0.01"
    assert tf_example.value(first, "Disposition") == "J"
    assert tf_example.value(first, "Duration") == pytest.approx(3.6 / 24)
    assert np.isnan(tf_example.value(first, "Tmag"))
    assert [tf_example.value(made[key], "is_multi") for key in sorted(made)] == [1, 1, 0]
    assert tf_example.series(first, "global_view").shape == (201,)
    assert tf_example.series(first, "local_view").shape == (81,)


def write_labels(path, names):
    """A file as the report exports it, with a label for each row_id that `names` has."""
    cells = {"reviewer": "alice", "method": "single", "blind": 0, "labeled_at": "2026-11-30T12:00:00Z"}
    rows = [{**cells, "row_id": row_id, "tic_id": row_id, "label": name} for row_id, name in names.items()]
    return write_csv(path, rows, columns=label_columns.COLUMNS)


def test_labels_of_reviewers_replace_the_dispositions(survey, tmp_path, capsys):
    labels = write_labels(tmp_path / "labels.csv", {1: "EB", 2: "V", 3: "U", **dict.fromkeys(range(4, 30), "J")})
    assert survey([tce(i, i) for i in range(1, 31)], f"--labels={labels}") == 0
    made = {key[0]: tf_example.value(example, "Disposition") for key, example in examples(tmp_path / "out").items()}
    assert made == {1: "EB", **dict.fromkeys([2, *range(4, 30)], "J")}
    assert set(reasons(tmp_path / "out")) == {"3", "30"}
    assert reasons(tmp_path / "out")["30"].startswith("unlabeled: ")
    assert "labels: J 26, EB 1, V 1" in capsys.readouterr().out
    write_labels(labels, {1: "PC", 2: "J"})  # other labels make other records
    assert survey([tce(i, i) for i in range(1, 31)], f"--labels={labels}") == 0
    assert {row_id for row_id, _ in examples(tmp_path / "out")} == {1, 2}


def test_any_column_order_spelling_and_line_end(survey, tmp_path):
    rows = [{**tce(i, i), "Transit Depth": 5000, "q_ingress": 0.2, "DEC": -60} for i in range(1, 9)]
    spelled = [{"Transit_Depth": "Transit Depth", "Qingress": "q_ingress", "Dec": "DEC"}.get(c, c) for c in COLUMNS]
    assert survey(rows, columns=spelled[::-1], lineterminator="\r") == 0
    plain = tmp_path / "plain"
    assert survey([{**row, "Dec": -60} for row in rows], out=plain) == 0
    assert contents(tmp_path / "out").keys() == contents(plain).keys()
    for name in shard_names(plain):
        assert (tmp_path / "out" / name).read_bytes() == (plain / name).read_bytes()


def test_each_bad_row_is_listed_and_the_others_go_on(survey, tmp_path, capsys):
    data_dir = tmp_path / "tess"
    whole = write_light_curve(data_dir, 101).read_bytes()
    (data_dir / "sector-1" / "101.h5").write_bytes(whole[: len(whole) // 2])
    with h5py.File(write_light_curve(data_dir, 102), "r+") as file:
        del file["LightCurve/AperturePhotometry"].attrs["bestap"]
    write_light_curve(data_dir, 103, magnitude=np.full(960, np.nan))
    write_light_curve(data_dir, 104, magnitude=np.full(960, 10.5))
    bad = [
        (tce(101, 101), "unreadable", "101.h5"),
        (tce(102, 102), "unreadable", "bestap"),
        (tce(103, 103), "empty", "103.h5"),
        (tce(104, 104), "flat", "global_view"),
        (tce(105, 105), "missing", "TIC 105"),
        (tce(106, 1, Period=0), "invalid", "Period is 0, and must be positive"),
        (tce(107, 1, Period=-1.7), "invalid", "Period is -1.7"),
        (tce(108, 1, Period="nan"), "incomplete", "Period"),
        (tce(109, 1, Period="inf"), "invalid", "inf in column Period"),
        (tce(110, 1, Duration=60), "invalid", "Duration 60 h is longer than the Period, 1.7 d"),
        (tce(111, 1, Period="a few"), "invalid", "'a few' in numeric column Period"),
        (tce(112, 1, Sectors=1.5), "invalid", "'1.5' is no sector"),
        (tce(113, 1, Epoc=""), "incomplete", "Epoc"),
        (tce(114, 1, Disposition="XX"), "invalid", "unknown disposition 'XX'"),
        (tce(115, 1, Disposition=""), "invalid", "unknown disposition ''"),
        (tce(116, "1.5"), "invalid", "tic_id '1.5' is no whole number"),
        (tce(117, 1, Period=3000), "sparse", "global_view"),
        (tce(118, 2, Qingress=0.9, SN=21), "duplicate", "earlier row"),
        (tce("x", 1), "invalid", "numeric column row_id"),
    ]
    rows = [tce(0, 1), tce(1, 2, Qingress=0.9, SN=21), *(row for row, _, _ in bad)]
    assert survey(rows) == 0

    assert set(examples(tmp_path / "out")) == {(0, 1), (1, 2)}
    skipped = reasons(tmp_path / "out")
    assert len(skipped) == len(bad)
    for row, kind, words in bad:
        reason = skipped[str(row["row_id"])]
        assert reason.startswith(kind + ": "), reason
        assert words in reason
        assert "\n" not in reason
    counted = collections.Counter(kind for _, kind, _ in bad)
    assert json.loads((tmp_path / "out" / "records.json").read_text())["skipped"] == counted
    printed = capsys.readouterr()
    assert f"21 rows = 2 records + {len(bad)} skipped (invalid 10" in printed.out
    assert "100%" in printed.err and "TCE/s" in printed.err


def test_a_row_of_the_wrong_width_is_listed(survey, tmp_path):
    catalogue = write_csv(tmp_path / "tces.csv", [tce(0, 1)])
    with open(catalogue, "a") as file:
        file.write("5,6,7\n" + ",".join(["8"] * 21) + "\n")
    assert generate(catalogue, tmp_path / "tess", tmp_path / "out") == 0
    assert reasons(tmp_path / "out") == {
        "5": "invalid: 3 fields where the header has 20",
        "8": "invalid: 21 fields where the header has 20",
    }


def test_an_unexpected_error_of_one_tce_is_its_reason(survey, tmp_path):
    columns = {"tic_id": 1, "Sectors": 1, "Epoc": 1325.6, "Period": 1.7, "Duration": 0.15}
    _, reason = preprocess.views_or_reason(columns, tmp_path / "tess", preprocess.Settings({"global_view": -1}))
    assert reason.startswith("error: ValueError: ")


def test_no_record_at_all_is_an_error_that_leaves_the_reasons(survey, tmp_path, capsys):
    assert survey([tce(0, 900), tce(1, 1, Period=0)]) == 1
    assert "no TCE gives a record" in capsys.readouterr().err
    assert os.listdir(tmp_path / "out") == ["skipped.csv"]
    assert {reason.split(":")[0] for reason in reasons(tmp_path / "out").values()} == {"missing", "invalid"}


@pytest.mark.parametrize("column", ["Epoc", "Period", "Duration", "tic_id", "Disposition"])
def test_missing_column(survey, tmp_path, capsys, column):
    assert survey([tce(0, 1)], columns=[name for name in COLUMNS if name != column]) == 1
    error = capsys.readouterr().err
    assert f"tces.csv has no column {column} " in error
    assert "make_catalog.py" in error


def test_clean_needs_the_signal_to_noise(survey, capsys):
    columns = [name for name in COLUMNS if name != "SN"]
    assert survey([tce(0, 1)], columns=columns) == 0
    assert survey([tce(0, 1)], "--clean", columns=columns) == 1
    assert "no column SN" in capsys.readouterr().err


def test_column_given_twice(survey, capsys):
    assert survey([tce(0, 1)], columns=[*COLUMNS, "Transit Depth"]) == 1
    assert "more than one column Transit_Depth" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--output_dir=FILE/out", "cannot write to directory"),
        ("--tess_data_dir=nowhere", "no directory nowhere"),
        ("--input_tce_csv_file=nowhere.csv", "nowhere.csv"),
        ("--input_tce_csv_file=FILE", "no column tic_id"),
        ("--config_name=local_globl", "local_global"),
    ],
)
def test_what_the_user_can_mend_is_told_in_a_line(survey, tmp_path, capsys, flag, words):
    (tmp_path / "file").write_text("")
    assert survey([tce(0, 1)], flag.replace("FILE", str(tmp_path / "file"))) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and words in error and error.count("\n") == 1


def test_a_view_that_cannot_be_made_is_named(survey, capsys):
    assert survey([tce(0, 1)], *views_config(global_view=201, odd_even_view=61)) == 1
    assert "cannot make odd_even_view" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--num_train_shards=0", "--num_train_shard=8", "--split_by=star"])
def test_bad_flag(survey, flag):
    with pytest.raises(SystemExit) as exit_:
        survey([tce(0, 1)], flag)
    assert exit_.value.code == 2


def test_any_number_of_workers_makes_the_same_files(survey, tmp_path):
    rows = [tce(i, i % 41) for i in range(80)]
    assert survey(rows) == 0
    for number in (1, 2):
        assert survey(rows, f"--num_worker_processes={number}", out=tmp_path / str(number)) == 0
        assert contents(tmp_path / "out") == contents(tmp_path / str(number))


def test_workers_do_without_slow_imports():
    modules = "astronet.data.records.pieces, astronet.data.generate_input_records"
    code = f"import sys, {modules}; sys.exit(bool({{'tensorflow', 'pandas', 'scipy'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_star_is_on_one_side_and_stays_there(survey, tmp_path):
    rows = [tce(i, 1 + i // 2, Period=1.7 * (1 + i % 2)) for i in range(60)]
    assert survey(rows) == 0
    before = sides(tmp_path / "out")
    assert len(before) == 60
    assert {before[2 * i] == before[2 * i + 1] for i in range(30)} == {True}
    assert set(before.values()) == {"train", "val", "test"}

    more = [tce(100 + i, 31 + i) for i in range(10)] + rows[::-1]
    assert survey(more) == 0
    after = sides(tmp_path / "out")
    assert {row_id: after[row_id] for row_id in before} == before
    assert survey(rows, "--seed=7") == 0
    assert sides(tmp_path / "out") != before


def test_split_by_row_fills_80_10_10_and_parts_stars(survey, tmp_path):
    rows = [tce(i, 1 + i // 2, Period=1.7 * (1 + i % 2)) for i in range(60)]
    assert survey(rows, "--split_by=row") == 0
    split = sides(tmp_path / "out")
    assert collections.Counter(split.values()) == {"train": 48, "val": 6, "test": 6}
    assert any(split[2 * i] != split[2 * i + 1] for i in range(30))


def test_shards_of_a_training_set(survey, tmp_path):
    assert survey([tce(i, i) for i in range(1, 41)]) == 0
    out = tmp_path / "out"
    trains = [f"train-{i:05d}-of-00008" for i in range(8)]
    assert shard_names(out) == ["test-00000-of-00001", *trains, "val-00000-of-00001"]
    in_order = [row_id for row_id, _ in examples(out, "train-*")]
    assert in_order != sorted(in_order)


def test_shards_of_a_new_test_set_keep_the_order_and_every_sector(survey, tmp_path):
    rows = [tce(50 - i, i, Sectors=1 + i % 3, Disposition="J" if i % 2 else "") for i in range(1, 41)]
    for sector in (2, 3):
        for tic_id in range(1, 41):
            write_light_curve(tmp_path / "tess", tic_id, sector)
    assert survey(rows, "--make_test_set") == 0
    assert shard_names(tmp_path / "out") == [f"test-{i:05d}-of-00008" for i in range(8)]
    assert [row_id for row_id, _ in examples(tmp_path / "out")] == [row["row_id"] for row in rows]


def test_clean_leaves_the_faint_out_of_training_but_not_of_its_test(survey, tmp_path):
    rows = [tce(i, i, SN=20 if i % 2 else 10) for i in range(1, 41)]
    assert survey(rows, "--clean") == 0
    out = tmp_path / "out"
    faint = {row_id: side for row_id, side in sides(out).items() if row_id % 2 == 0}
    assert set(faint.values()) == {"test"}
    assert all(reason == "threshold: SN is 10, below 15" for reason in reasons(out).values())
    assert survey(rows, "--clean", "--threshold=20.5", "--make_test_set", out=tmp_path / "none") == 1
    assert survey(rows, "--clean", "--threshold=20", "--make_test_set") == 0
    assert {row_id % 2 for row_id, _ in examples(out, "test-*")} == {1}


def test_shards_of_an_earlier_set_do_not_mix_with_the_new(survey, tmp_path):
    out, rows = tmp_path / "out", [tce(i, i) for i in range(1, 41)]
    survey(rows)
    (out / "train-notes.txt").write_text("not ours")
    assert survey(rows, "--num_train_shards=2") == 0
    training_set = ["train-00000-of-00002", "train-00001-of-00002", "val-00000-of-00001"]
    assert shard_names(out) == ["test-00000-of-00001", *training_set]
    assert (out / "train-notes.txt").exists()
    assert survey(rows[:8], "--make_test_set", "--num_train_shards=3") == 0
    assert shard_names(out) == [f"test-{i:05d}-of-00003" for i in range(3)] + training_set
    manifest = json.loads((out / "records.json").read_text())
    assert list(manifest["splits"]) == ["test"]
    assert manifest["earlier"]["num_records"] == 40


def test_a_failed_run_leaves_the_earlier_set_alone(survey, tmp_path):
    survey([tce(i, i) for i in range(1, 41)])
    before = {name: data for name, data in contents(tmp_path / "out").items() if name != "skipped.csv"}
    assert survey([tce(0, 900)]) == 1
    assert {name: data for name, data in contents(tmp_path / "out").items() if name != "skipped.csv"} == before


def test_manifest(survey, tmp_path):
    rows = [tce(i, i, Disposition="IS" if i % 4 else "PC") for i in range(1, 41)]
    assert survey(rows, "--config_name=yu2019", "--seed=5") == 0
    manifest = json.loads((tmp_path / "out" / "records.json").read_text())
    assert manifest["num_records"] == 40
    assert manifest["dispositions"] == {"J": 30, "PC": 10}
    assert manifest["configuration"]["views"] == {"global_view": 201, "local_view": 61}
    assert manifest["settings"]["seed"] == 5
    assert manifest["catalogue"]["sha256"] == hashlib.sha256((tmp_path / "tces.csv").read_bytes()).hexdigest()
    for split in manifest["splits"].values():
        assert sum(split["shards"].values()) == sum(split["dispositions"].values()) == split["num_records"]
    by_split = collections.Counter(sides(tmp_path / "out").values())
    assert {name: split["num_records"] for name, split in manifest["splits"].items()} == by_split


def test_raw_magnitudes_can_be_flattened(survey, tmp_path):
    with h5py.File(tmp_path / "tess" / "sector-1" / "1.h5", "r+") as file:
        aperture = file["LightCurve/AperturePhotometry/Aperture_002"]
        aperture["RawMagnitude"] = aperture["KSPMagnitude"][:] + 0.01 * np.sin(2 * np.pi * np.arange(960) / 48 / 9)
    rows = [tce(1, 1)]
    survey(rows, out=tmp_path / "flat")
    assert survey(rows, "--flux_key=RawMagnitude", "--detrend=spline") == 0
    assert survey(rows, "--flux_key=RawMagnitude", out=tmp_path / "raw") == 0
    flat, out, raw = (
        tf_example.series(examples(tmp_path / name)[1, 1], "global_view") for name in ("flat", "out", "raw")
    )
    assert np.corrcoef(flat, out)[0, 1] > 0.95 > np.corrcoef(flat, raw)[0, 1]


def test_a_configuration_in_json_decides_the_views(survey, tmp_path):
    assert survey([tce(1, 1)], *views_config(local_view=31)) == 0
    features = examples(tmp_path / "out")[1, 1].features.feature
    assert {name for name in features if name.endswith("_view")} == {"local_view"}
    assert len(features["local_view"].float_list.value) == 31


def test_records_made_from_python_are_those_of_the_script(survey, tmp_path, capsys):
    rows = [tce(row_id, row_id, SN=10 + row_id) for row_id in range(1, 9)]
    assert survey(rows, "--make_test_set", "--num_train_shards=2", "--clean", "--threshold=13", "--seed=4") == 0
    capsys.readouterr()
    spec = configuration.resolve(config_name="local_global")
    paths = (str(tmp_path / name) for name in ("tces.csv", "tess", "again"))
    more = {"make_test_set": True, "num_train_shards": 2, "clean": True, "threshold": 13.0, "seed": 4}
    records = generate_records(RecordRequest(*paths, spec, **more))
    assert (records.num_rows, records.num_records, records.skipped) == (8, 6, {"threshold": 2})
    assert capsys.readouterr().out == ""
    for name in ("records.json", "skipped.csv", "shards.json", *shard_names(tmp_path / "out")):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name
