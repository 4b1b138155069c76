"""JSON files that were cut off, or are of another program, are told of or made again: none ends in a traceback."""

import dataclasses

import pytest

from astronet.base import json_files
from astronet.base.kept import Kept
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.records import record_set
from astronet.estimator import checkpoints
from astronet.stats import calibration

DAMAGED = {
    "empty": b"",
    "cut off": b'{"model": "Astro',
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "text": b"Total 7\n",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "not UTF-8": b'{"a": "\xff"}',
    "nested": b"[" * 100_000,
    "foreign": b'{"name": "other program"}',
}
damage = pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)


def model_dir_with(tmp_path, name, data):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(data)
    return str(tmp_path)


@damage
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", configuration.load),
        ("calibration.json", lambda model_dir: calibration.load(model_dir, "")),
        ("best/model.ckpt-7.json", checkpoints.best_metrics),
    ],
)
def test_a_damaged_file_of_a_model_is_told_with_its_remedy(tmp_path, name, read, data):
    model_dir = model_dir_with(tmp_path, name, data)
    model_dir_with(tmp_path, "best/checkpoint", b'model_checkpoint_path: "model.ckpt-7"\n')
    model_dir_with(tmp_path, "best/model.ckpt-7.index", b"")
    with pytest.raises(ScriptError) as error:
        read(model_dir)
    messages = str(error.value)
    assert (
        name in messages
        and any(word in messages for word in ("train", "calibrate.py", "remove"))
        and "\n" not in messages
    )


@damage
def test_a_damaged_manifest_is_replaced_and_told(tmp_path, data, caplog):
    model_dir_with(tmp_path, "records.json", data)
    for name in ("train-00000-of-00001", "val-00000-of-00001"):
        (tmp_path / name).write_bytes(b"")
    manifest = record_set.write_manifest(tmp_path, {"train-00000-of-00001": {"PC": 2}})
    assert json_files.read(tmp_path / "records.json", "", "")["num_records"] == manifest["num_records"] == 2
    foreign = data == DAMAGED["foreign"]
    assert manifest["earlier"] == ({"name": "other program"} if foreign else {})
    assert ("was damaged" in caplog.text) is not foreign


ENTRY = dataclasses.asdict(record_set.Entry("a", "b", "c", {"PC": 1}, [[1, 2, 3, "late"]]))


@damage
def test_shards_whose_list_is_damaged_are_made_again(tmp_path, data):
    name = "train-00000-of-00001"
    (tmp_path / name).write_bytes(b"")
    json_files.write(tmp_path / "shards.json", {name: ENTRY})
    assert [path for path, _ in record_set.candidates(str(tmp_path), name)] == [str(tmp_path / name)]
    (tmp_path / "shards.json").write_bytes(data)
    assert record_set.candidates(str(tmp_path), name) == []


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": 7},
        {"skipped": None},
        {"skipped": [1]},
        {"skipped": [[1]]},
        {"dispositions": {"PC": "many"}},
        {"dispositions": [1]},
        {"more": 1},
        {"made_from": ...},
    ],
    ids=str,
)
def test_a_shard_of_a_foreign_entry_is_made_again(tmp_path, change):
    name = "train-00000-of-00001"
    (tmp_path / name).write_bytes(b"")
    entry = {key: value for key, value in {**ENTRY, **change}.items() if value is not ...}
    json_files.write(tmp_path / "shards.json", {name: entry, "val-00000-of-00001": 7})
    assert record_set.candidates(str(tmp_path), name) == []


@pytest.mark.parametrize("data", [DAMAGED[name] for name in ("empty", "cut off", "UTF-16", "not UTF-8", "nested")])
def test_a_kept_result_that_was_damaged_is_made_again(tmp_path, data):
    kept = Kept(lambda task: task + 1, str(tmp_path / "results"))
    assert kept(1) == 2
    (path,) = (tmp_path / "results").iterdir()
    path.write_bytes(data)
    assert kept(1) == 2


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"model_checkpoint_path", b'{"a": 1}', b"model_checkpoint_path: 7\n"]
)
def test_a_damaged_list_of_checkpoints_is_told(tmp_path, data):
    with pytest.raises(ScriptError, match="checkpoint, which names no checkpoint: copy or train the model again"):
        checkpoints.latest(model_dir_with(tmp_path, "checkpoint", data))


def test_a_listed_checkpoint_that_is_not_there_is_told(tmp_path):
    model_dir = model_dir_with(tmp_path, "checkpoint", b'model_checkpoint_path: "/elsewhere/model.ckpt-7"\n')
    with pytest.raises(ScriptError, match="names /elsewhere/model.ckpt-7, which is not there"):
        checkpoints.latest(model_dir)
    (tmp_path / "model.ckpt-7.index").write_bytes(b"")  # it was moved with the model
    assert checkpoints.latest(model_dir) == str(tmp_path / "model.ckpt-7")


def test_nan_becomes_null_and_what_is_written_is_read(tmp_path):
    json_files.write(tmp_path / "x.json", {"a": float("nan"), "b": [1.5, {"c": "é"}]})
    assert json_files.read(tmp_path / "x.json", "", "") == {"a": None, "b": [1.5, {"c": "é"}]}
