"""benchmarks/spoc.py, on rows made up in Nigraha's schema and on the real ones."""

import csv
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from astronet import evaluate, train
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from light_curve_util import reference

spoc = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "spoc.py"))


def row(tic_id, disposition="PC", global_bins=201, view=None, **columns):
    """A row as Nigraha has them: continuum at 1, deepest bin at -1, duration in hours, depth as the flux left."""
    views = {name: np.ones(length) for name, length in {"global view": global_bins, "local view": 81}.items()}
    for name in views:
        views[name][len(views[name]) // 2 - 1 :][:3] = -1
    if view is not None:
        views["local view"] = view
    values = {"TIC_ID": tic_id, "Disposition": disposition, "Period": 2.0, "T0": 1325.5, "Duration": 3.0, "Depth": 0.99}
    values = {**values, "TMag": 9.5, "snr": 20.0, **columns}
    return tf_example.to_example(values, views).SerializeToString()


def convert(rows, tmp_path, *flags):
    """Writes the rows and converts them; returns the examples by row_id."""
    (tmp_path / "in").mkdir(exist_ok=True)
    tfrecord.write_shard(tmp_path / "in" / "some-00000-of-00001.tfRecords", rows)
    assert spoc["main"]([f"--input_dir={tmp_path}/in", f"--output_dir={tmp_path}/out", *flags]) == 0
    return by_row_id(tmp_path / "out")


def by_row_id(directory):
    shards = [path for path in directory.glob("*-of-*") if path.stat().st_size]
    examples = [tf_example.from_serialized(record) for path in shards for record in tfrecord.read(path)]
    return {tf_example.value(example, "row_id"): example for example in examples}


def test_a_row_becomes_a_record_of_our_schema(tmp_path):
    examples = convert([row(7, "KP"), row(8, "V")], tmp_path)
    known, variable = examples[0], examples[1]
    expected = {"tic_id": 7, "Disposition": "PC", "original_disposition": "KP", "Period": 2.0, "Epoc": 1325.5}
    assert {name: tf_example.value(known, name) for name in expected} == expected
    assert tf_example.value(known, "Duration") == pytest.approx(3 / 24)
    assert tf_example.value(known, "Transit_Depth") == pytest.approx(1e4, rel=1e-4)
    assert not {"SN", "Sectors"} & set(known.features.feature)
    assert tf_example.value(variable, "Disposition") == "V"
    for name, length in {"global_view": 201, "local_view": 81}.items():
        view = tf_example.series(known, name)
        assert (len(view), np.median(view), view.min()) == (length, 0, -1)


def test_rows_that_cannot_be_used_are_listed(tmp_path):
    hole = np.where(np.arange(81) == 5, np.nan, 1.0) - (np.arange(81) == 40)
    rows = [row(1), row(2, global_bins=0), row(3, view=hole), row(4, "X"), row(5, Duration=np.nan), row(6, Depth=1.0)]
    assert list(convert([*rows, row(7, view=np.ones(81))], tmp_path)) == [0]
    with open(tmp_path / "out" / "skipped.csv", newline="") as file:
        messages = {int(skip["row_id"]): (int(skip["tic_id"]), skip["reason"]) for skip in csv.DictReader(file)}
    assert {i: tic_id for i, (tic_id, _) in messages.items()} == {i: i + 1 for i in range(1, 7)}
    reasons = [
        "length: global view",
        "not finite: local",
        "invalid: unknown",
        "not finite: Dur",
        "invalid: depth",
        "flat",
    ]
    assert all(messages[i + 1][1].startswith(reason) for i, reason in enumerate(reasons))
    with open(tmp_path / "out" / "records.json") as file:
        assert json.load(file)["skipped"] == {"length": 1, "not finite": 2, "invalid": 2, "flat": 1}


def test_all_rows_of_a_star_are_on_one_side(tmp_path):
    convert([row(100 + i % 40) for i in range(120)], tmp_path)
    sides = {
        name: {tf_example.value(tf_example.from_serialized(record), "tic_id") for record in tfrecord.read(path)}
        for path in (tmp_path / "out").glob("*-of-*")
        for name in [path.name.partition("-")[0]]
    }
    assert set(sides) == {"train", "val", "test"}
    assert sum(map(len, sides.values())) == len(set.union(*sides.values())) == 40


def test_a_catalogue_keeps_the_signal_that_its_label_is_of(tmp_path, capsys):
    header = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors"
    (tmp_path / "tces.csv").write_text(f"{header}\n0,1,1.01,PC,1325.5,2.001,3,100,1\n1,2,2.01,J,1325.5,5.0,3,100,1\n")
    assert list(convert([row(1), row(2), row(3)], tmp_path, f"--catalog={tmp_path}/tces.csv")) == [0]
    assert "2 rows of its stars, 1 with the disposition" in capsys.readouterr().out
    assert spoc["main"]([f"--input_dir={tmp_path}", f"--output_dir={tmp_path}/none"]) == 1
    assert "no record file matches" in capsys.readouterr().err


def test_resampled_view_is_that_of_our_bins():
    """Of a dense folded light curve, means of touching bins resampled come near our medians of overlapping bins."""
    random = np.random.default_rng(0)
    phase = np.linspace(-2, 2, 81 * 500, endpoint=False)  # durations
    flux = -np.exp(-0.5 * (phase / 0.35) ** 2) + random.normal(0, 0.05, len(phase))
    ours = reference.median_view(phase, flux, 61, 0.16, -2, 2)
    resampled = spoc["resample_local"](flux.reshape(81, 500).mean(axis=1), 61)
    assert np.abs(resampled - ours).max() < 0.02
    np.testing.assert_allclose(spoc["resample_local"](np.full(81, 3.0), 61), 3)
    line = spoc["resample_local"](np.linspace(-2, 2, 81, endpoint=False) + 2 / 81, 61)
    assert np.abs(line - np.linspace(-1.92, 1.92, 61)).max() < 0.01


def test_both_lengths_train(tmp_path):
    rows = [row(100 + i, "PC" if i % 2 else "J") for i in range(40)]
    for bins, config_name in (("81", "local_global"), ("61", "triage")):
        convert(rows, tmp_path, f"--local_bins={bins}")
        files = [f"--train_files={tmp_path}/out/train-*", f"--eval_files={tmp_path}/out/val-*"]
        model = [f"--config_name={config_name}", "--model=AstroModel", f"--model_dir={tmp_path}/model{bins}"]
        assert train.main([*model, *files, "--train_steps=2"]) == 0
        assert configuration.load(tmp_path / f"model{bins}").config.inputs.features["local_view"].length == int(bins)
        assert evaluate.main([model[-1], f"--eval_files={tmp_path}/out/test-*"]) == 0


def test_published_rows(shared, tmp_path, capsys):
    """What docs/spoc.md says of them: how many there are, and that a local view covers two durations either way."""
    source = shared / "data" / "other" / "tess_tces" / "nigraha_spoc"
    assert spoc["main"]([f"--input_dir={source}", f"--output_dir={tmp_path}"]) == 0
    assert "2621 rows = 2603 records + 18 skipped (length 18)" in capsys.readouterr().out
    examples = list(by_row_id(tmp_path).values())
    assert len({tf_example.value(example, "tic_id") for example in examples}) == 1895

    best = []
    for example in examples:
        durations = tf_example.value(example, "Duration") / tf_example.value(example, "Period")
        if durations < 0.07 or tf_example.value(example, "snr_white") < 60:
            continue  # too few or too noisy bins of the global view to see the shape of the event
        views = [tf_example.series(example, name) for name in ("global_view", "local_view")]
        at = [(np.arange(len(view)) + 0.5) / len(view) - 0.5 for view in views]
        widths = np.arange(1, 4.1, 0.25)  # to either side, in durations
        likeness = [np.corrcoef(np.interp(2 * w * durations * at[1], at[0], views[0]), views[1])[0, 1] for w in widths]
        best.append(widths[np.argmax(likeness)])
    assert len(best) > 150 and np.mean(np.array(best) == 2) > 0.98
